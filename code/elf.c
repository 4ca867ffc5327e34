/* elf.c: one AMD GPU code object: its metadata note, and the code of its kernels.
 *
 * LLVM, "User Guide for AMDGPU Backend", "ELF Code Object": e_machine EM_AMDGPU, notes named "AMDGPU" of type
 * NT_AMDGPU_METADATA, a function symbol with the kernel's name for its code and <name>.kd for its descriptor.
 *
 * SPDX-License-Identifier: MIT */
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include <gelf.h>
#include <libelf.h>

#include "code/internal.h"

enum { MACHINE_AMDGPU = 224, NOTE_METADATA = 32 }; /* EM_AMDGPU, NT_AMDGPU_METADATA */

struct symbol {
    const char *name;
    uint64_t at, size; /* of its code in the object; at is UINT64_MAX when it is not in the file */
};

struct object {
    struct attn_code *code;
    const struct code_span *span;
    Elf *elf;
    struct symbol *symbol; /* functions, by name */
    size_t n_symbols;
    uint64_t effort; /* bytes of names and code that may still be looked at: overlapping ones cost no more time */
    const char *target;
    bool has_metadata;
};

bool code_is_object(const struct code_span *span)
{
    return span->size >= EI_NIDENT + 4 && memcmp(span->bytes, ELFMAG, SELFMAG) == 0 &&
           span->bytes[EI_CLASS] == ELFCLASS64 && span->bytes[EI_DATA] == ELFDATA2LSB &&
           code_u16(span->bytes + EI_NIDENT + 2) == MACHINE_AMDGPU;
}

static bool spend(struct object *o, uint64_t bytes)
{
    if (bytes > o->effort)
        return code_wrong(o->code, o->span, 0, "names or code of its symbols overlap many times over");
    o->effort -= bytes;
    return true;
}

static bool elf_wrong(struct object *o, const char *what)
{
    const char *why = elf_errmsg(elf_errno());
    return code_wrong(o->code, o->span, 0, "%s: %s", what, why ? why : "not said");
}

/* ---- Symbols --------------------------------------------------------------------------------------------- */

static int by_name(const void *a, const void *b)
{
    return strcmp(((const struct symbol *)a)->name, ((const struct symbol *)b)->name);
}

/* Where a symbol's code lies in the file. */
static uint64_t place_of(struct object *o, const GElf_Sym *sym, bool relocatable)
{
    GElf_Shdr header;
    Elf_Scn *section = sym->st_shndx < SHN_LORESERVE ? elf_getscn(o->elf, sym->st_shndx) : NULL;
    if (!section || !gelf_getshdr(section, &header) || header.sh_type == SHT_NOBITS)
        return UINT64_MAX;
    uint64_t from = relocatable ? 0 : header.sh_addr;
    if (sym->st_value < from || sym->st_value - from > header.sh_size ||
        sym->st_size > header.sh_size - (sym->st_value - from) || header.sh_offset > o->span->size ||
        header.sh_size > o->span->size - header.sh_offset)
        return UINT64_MAX;
    return header.sh_offset + (sym->st_value - from);
}

static bool read_table(struct object *o, const GElf_Shdr *header, Elf_Scn *section, bool relocatable)
{
    Elf_Data *data = elf_getdata(section, NULL);
    if (!data)
        return elf_wrong(o, "the symbol table cannot be read");
    size_t n = data->d_size / sizeof(Elf64_Sym);
    if (n > INT32_MAX)
        return code_wrong(o->code, o->span, header->sh_offset, "%zu symbols", n);
    struct symbol *more = n ? realloc(o->symbol, (o->n_symbols + n) * sizeof *more) : o->symbol;
    if (n && !more)
        return code_out_of_memory(o->code, o->span);
    o->symbol = more;
    for (size_t i = 0; i < n; i++) {
        GElf_Sym sym;
        if (!gelf_getsym(data, (int)i, &sym))
            return elf_wrong(o, "a symbol cannot be read");
        if (GELF_ST_TYPE(sym.st_info) != STT_FUNC || sym.st_shndx == SHN_UNDEF)
            continue;
        const char *name = elf_strptr(o->elf, header->sh_link, sym.st_name);
        if (!name)
            return elf_wrong(o, "the name of a symbol cannot be read");
        if (!spend(o, strlen(name) + 1))
            return false;
        o->symbol[o->n_symbols++] = (struct symbol){ name, place_of(o, &sym, relocatable), sym.st_size };
    }
    return true;
}

static bool read_symbols(struct object *o)
{
    GElf_Ehdr elf_header;
    Elf_Scn *section = NULL;
    if (!gelf_getehdr(o->elf, &elf_header))
        return elf_wrong(o, "the ELF header cannot be read");
    while ((section = elf_nextscn(o->elf, section))) {
        GElf_Shdr header;
        if (!gelf_getshdr(section, &header))
            return elf_wrong(o, "a section header cannot be read");
        if ((header.sh_type == SHT_SYMTAB || header.sh_type == SHT_DYNSYM) &&
            !read_table(o, &header, section, elf_header.e_type == ET_REL))
            return false;
    }
    if (o->n_symbols)
        qsort(o->symbol, o->n_symbols, sizeof *o->symbol, by_name);
    return true;
}

/* ---- Bodies ---------------------------------------------------------------------------------------------- */

/* s_endpgm is SOPP opcode 1 up to gfx10 and 48 from gfx11 (AMD, "RDNA 2" and "RDNA 3 Instruction Set Architecture",
 * "SOPP Instructions"; the other ISA documents agree). 0: a processor whose encoding is not known here. */
static uint32_t endpgm_of(const char *target)
{
    if (strncmp(target, "gfx11", 5) == 0 || strncmp(target, "gfx12", 5) == 0)
        return UINT32_C(0xbfb00000);
    bool known =
        strncmp(target, "gfx10", 5) == 0 || (strncmp(target, "gfx", 3) == 0 && target[3] >= '6' && target[3] <= '9');
    return known ? UINT32_C(0xbf810000) : 0;
}

/* Waits and hints: every SOPP instruction in front of s_endpgm that does not jump, trap or end. Same documents: s_nop
 * is opcode 0 everywhere; s_waitcnt 12 up to gfx10, 9 from gfx11; s_clause 5, s_delay_alu 7 from gfx11, s_clause 33 on
 * gfx10; s_wait_loadcnt to s_wait_storecnt_dscnt 64 to 73 on gfx12. */
static bool idles(uint32_t word, bool new_encoding)
{
    uint32_t opcode = word >> 16 & 0x7f;
    if (word >> 23 != 0x17f)
        return false;
    if (new_encoding)
        return opcode == 0 || opcode == 5 || opcode == 7 || opcode == 9 || (opcode >= 64 && opcode <= 73);
    return opcode == 0 || opcode == 12 || opcode == 33;
}

static bool classify(struct object *o, const struct symbol *s, int32_t *body)
{
    uint32_t end = endpgm_of(o->target);
    size_t words = s->at == UINT64_MAX ? 0 : (size_t)(s->size / 4), first = 0;
    *body = ATTN_CODE_BODY_UNKNOWN;
    if (!end || words == 0)
        return true;
    const uint8_t *code = o->span->bytes + s->at;
    while (first < words && idles(code_u32(code + 4 * first), end == UINT32_C(0xbfb00000)))
        first++;
    if (!spend(o, 4 * first))
        return false;
    if (first < words && code_u32(code + 4 * first) == end) {
        *body = ATTN_CODE_BODY_EMPTY;
        return true;
    }
    size_t i = words; /* mostly it is the last one */
    while (i > first && code_u32(code + 4 * (i - 1)) != end)
        i--;
    *body = i > first ? ATTN_CODE_BODY_REAL : ATTN_CODE_BODY_TRAP;
    return spend(o, 4 * (words - i));
}

/* ---- Kernels --------------------------------------------------------------------------------------------- */

static const struct symbol *find_symbol(const struct object *o, const char *name, size_t len)
{
    size_t low = 0, high = o->n_symbols;
    while (low < high) {
        size_t middle = low + (high - low) / 2;
        int order = strncmp(o->symbol[middle].name, name, len);
        if (order == 0 && o->symbol[middle].name[len] == 0)
            return &o->symbol[middle];
        if (order < 0)
            low = middle + 1;
        else
            high = middle;
    }
    return NULL;
}

static bool add_kernel(struct object *o, const struct code_metadata_kernel *k)
{
    struct attn_code_kernel kernel = k->values;
    /* The code's symbol is the descriptor's without ".kd"; .name is the same but for tools that set it otherwise. */
    size_t len = k->symbol_len > 3 && memcmp(k->symbol + k->symbol_len - 3, ".kd", 3) == 0 ? k->symbol_len - 3 : 0;
    if (!spend(o, 32 * (uint64_t)(k->name_len + k->symbol_len)))
        return false;
    const struct symbol *symbol = len ? find_symbol(o, k->symbol, len) : find_symbol(o, k->name, k->name_len);
    kernel.target = o->target;
    kernel.bundle = o->span->bundle;
    kernel.code_bytes = -1;
    kernel.body = ATTN_CODE_BODY_UNKNOWN;
    if (symbol) {
        kernel.code_bytes = symbol->size > INT64_MAX ? -1 : (int64_t)symbol->size;
        if (!classify(o, symbol, &kernel.body))
            return false;
    }
    return code_add_kernel(o->code, o->span, &kernel, k->name, k->name_len);
}

static bool same_processor(const char *a, const char *b)
{
    size_t n = strcspn(a, ":"), m = strcspn(b, ":");
    return n == m && memcmp(a, b, n) == 0;
}

/* Every kernel is read before one is added: what is wrong with the metadata is said before what its symbols lack. */
static bool read_kernels(struct object *o, const struct code_span *note, const struct code_metadata *metadata, bool add)
{
    for (uint32_t i = 0; i < metadata->n_kernels; i++) {
        struct code_metadata_kernel kernel;
        if (!code_metadata_kernel(o->code, note, metadata, i, &kernel) || (add && !add_kernel(o, &kernel)))
            return false;
    }
    return true;
}

static bool read_metadata(struct object *o, const struct code_span *note, const struct code_metadata *metadata)
{
    const char *target = metadata->target;
    if (!read_kernels(o, note, metadata, false))
        return false;
    if (o->span->entry && target[0] && !same_processor(o->span->entry, target))
        return code_wrong(o->code, note, 0, "the bundle says the entry is for %s, its metadata says %s", o->span->entry,
                          target);
    if (!o->span->entry && !target[0])
        return code_wrong(o->code, note, 0, "neither a bundle nor the metadata says for which processor the object is");
    o->target = o->span->entry ? o->span->entry : code_target(o->code, note, target, strlen(target));
    return o->target && read_symbols(o) && read_kernels(o, note, metadata, true);
}

static bool read_note(struct object *o, const uint8_t *bytes, size_t size, uint64_t at)
{
    struct code_span note = { bytes, size, o->span->base + at, o->span->bundle, o->span->entry };
    struct code_metadata metadata;
    if (o->has_metadata)
        return code_wrong(o->code, &note, 0, "a second metadata note");
    o->has_metadata = true;
    if (!code_metadata_open(o->code, &note, &metadata))
        return false;
    bool good = read_metadata(o, &note, &metadata);
    code_metadata_close(&metadata);
    return good;
}

/* Notes of one section or segment, which begins at `from` in the object. */
static bool read_notes(struct object *o, Elf_Data *data, uint64_t from)
{
    GElf_Nhdr header;
    size_t at = 0, name, desc;
    while ((at = gelf_getnote(data, at, &header, &name, &desc)) > 0) {
        const uint8_t *bytes = data->d_buf;
        if (header.n_type != NOTE_METADATA || header.n_namesz != 7 || memcmp(bytes + name, "AMDGPU", 7) != 0)
            continue;
        if (!read_note(o, bytes + desc, header.n_descsz, from + desc))
            return false;
    }
    return true;
}

static bool read_elf(struct object *o)
{
    size_t segments = 0;
    Elf_Scn *section = NULL;
    /* A linked object has its notes in a segment, an unlinked one in a section. */
    if (elf_getphdrnum(o->elf, &segments) != 0)
        return elf_wrong(o, "the program headers cannot be read");
    for (size_t i = 0; i < segments; i++) {
        GElf_Phdr header;
        Elf_Data *data;
        if (!gelf_getphdr(o->elf, (int)i, &header))
            return elf_wrong(o, "a program header cannot be read");
        if (header.p_type != PT_NOTE)
            continue;
        if (header.p_offset > o->span->size || header.p_filesz > o->span->size - header.p_offset)
            return code_wrong(o->code, o->span, header.p_offset, "the note segment is not inside the object");
        data = elf_getdata_rawchunk(o->elf, (int64_t)header.p_offset, (size_t)header.p_filesz, ELF_T_NHDR);
        if (!data)
            return elf_wrong(o, "the note segment cannot be read");
        if (!read_notes(o, data, header.p_offset))
            return false;
    }
    while (!o->has_metadata && (section = elf_nextscn(o->elf, section))) {
        GElf_Shdr header;
        if (!gelf_getshdr(section, &header))
            return elf_wrong(o, "a section header cannot be read");
        if (header.sh_type != SHT_NOTE)
            continue;
        Elf_Data *data = elf_getdata(section, NULL);
        if (!data)
            return elf_wrong(o, "the note section cannot be read");
        if (!read_notes(o, data, header.sh_offset))
            return false;
    }
    if (!o->has_metadata)
        return code_wrong(o->code, o->span, 0, "no AMDGPU metadata note (code object V2 or older, or none)");
    return true;
}

bool code_read_object(struct attn_code *code, const struct code_span *span)
{
    struct code_span own = *span;
    uint8_t *copy = NULL;
    if ((uintptr_t)span->bytes % 16 != 0) { /* libelf would convert what is not aligned, field by field */
        copy = aligned_alloc(16, (span->size + 15) / 16 * 16);
        if (!copy)
            return code_out_of_memory(code, span);
        memcpy(copy, span->bytes, span->size);
        own.bytes = copy;
    }
    struct object o = { .code = code, .span = &own, .effort = 16 * (uint64_t)span->size + (1 << 20) };
    elf_version(EV_CURRENT);
    o.elf = elf_memory((char *)(uintptr_t)own.bytes, own.size);
    bool good = o.elf && elf_kind(o.elf) == ELF_K_ELF ? read_elf(&o) : elf_wrong(&o, "no ELF file");
    const char *target = o.target ? o.target : span->entry;
    if (good && code->visit && target)
        code->visit(code->visit_context, target, own.bytes, own.size);
    elf_end(o.elf);
    free(o.symbol);
    free(copy);
    return good;
}
