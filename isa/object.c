/* object.c: the loader: a linked code object's segments, relocations, globals and kernels.
 *
 * LLVM, "User Guide for AMDGPU Backend": "ELF Code Object", "Relocation Records", "Kernel Descriptor".
 *
 * SPDX-License-Identifier: MIT */
#include <elf.h>
#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "isa/machine.h"

enum { MACHINE_AMDGPU = 224, NOTE_METADATA = 32, DESCRIPTOR_BYTES = 64 };
#define IMAGE_MOST (UINT64_C(1) << 30) /* of segments' memory: many times what a library's object has */

struct loader {
    const uint8_t *bytes;
    size_t size;
    struct isa_object *object;
    struct isa_error *error;
    Elf64_Ehdr header;
    uint64_t effort; /* bytes of names that may still be looked at */
    bool has_metadata;
};

static bool wrong(struct loader *l, uint64_t at, const char *format, ...) __attribute__((format(printf, 3, 4)));
static bool wrong(struct loader *l, uint64_t at, const char *format, ...)
{
    va_list args;
    va_start(args, format);
    l->error->at = at;
    vsnprintf(l->error->text, sizeof l->error->text, format, args);
    va_end(args);
    for (char *c = l->error->text; *c; c++) /* names out of the file may hold any byte; a terminal must not meet it */
        *c = *c >= 0x20 && *c < 0x7f ? *c : '?';
    return false;
}

static bool no_memory(struct loader *l) { return wrong(l, 0, "no memory to load the object"); }

static bool inside(const struct loader *l, uint64_t at, uint64_t bytes)
{
    return at <= l->size && bytes <= l->size - at;
}

/* Record k of a table whose place was checked. */
static void record(const struct loader *l, uint64_t table, uint64_t k, void *to, size_t bytes)
{
    memcpy(to, l->bytes + table + k * bytes, bytes);
}

static bool table_inside(const struct loader *l, uint64_t at, uint64_t n, uint64_t bytes)
{
    return n <= l->size / bytes && inside(l, at, n * bytes);
}

/* ---- Segments -------------------------------------------------------------------------------------------- */

static bool read_header(struct loader *l)
{
    Elf64_Ehdr *h = &l->header;
    if (l->size < sizeof *h || memcmp(l->bytes, ELFMAG, SELFMAG) != 0)
        return wrong(l, 0, "no ELF file");
    memcpy(h, l->bytes, sizeof *h);
    if (h->e_ident[EI_CLASS] != ELFCLASS64 || h->e_ident[EI_DATA] != ELFDATA2LSB || h->e_machine != MACHINE_AMDGPU)
        return wrong(l, 0, "no code object for AMD GPUs");
    if (h->e_type != ET_DYN)
        return wrong(l, 16, "the code object is not linked");
    if (h->e_phnum == 0 || h->e_phentsize != sizeof(Elf64_Phdr) ||
        !table_inside(l, h->e_phoff, h->e_phnum, sizeof(Elf64_Phdr)))
        return wrong(l, h->e_phoff, "the program headers are not inside the object");
    if (h->e_shnum &&
        (h->e_shentsize != sizeof(Elf64_Shdr) || !table_inside(l, h->e_shoff, h->e_shnum, sizeof(Elf64_Shdr))))
        return wrong(l, h->e_shoff, "the section headers are not inside the object");
    return true;
}

static bool plan_segments(struct loader *l)
{
    struct isa_object *o = l->object;
    uint64_t end = 0;
    o->segment = calloc(l->header.e_phnum, sizeof *o->segment);
    if (!o->segment)
        return no_memory(l);
    for (uint32_t k = 0; k < l->header.e_phnum; k++) {
        Elf64_Phdr p;
        record(l, l->header.e_phoff, k, &p, sizeof p);
        if (p.p_type != PT_LOAD)
            continue;
        if (p.p_filesz > p.p_memsz || !inside(l, p.p_offset, p.p_filesz))
            return wrong(l, l->header.e_phoff, "segment %u is not inside the object", k);
        if (p.p_memsz == 0)
            continue;
        if (p.p_vaddr < end || p.p_memsz > IMAGE_MOST || p.p_vaddr > IMAGE_MOST - p.p_memsz)
            return wrong(l, l->header.e_phoff, "segment %u lies over another, or is larger than %" PRIu64 " MiB", k,
                         (uint64_t)(IMAGE_MOST >> 20));
        end = p.p_vaddr + p.p_memsz;
        o->segment[o->n_segments++] =
            (struct isa_segment){ p.p_vaddr, p.p_memsz, (p.p_flags & PF_X) != 0, (p.p_flags & PF_W) != 0 };
    }
    if (end == 0)
        return wrong(l, l->header.e_phoff, "no segment to load");
    o->image_bytes = end;
    o->image = isa_sparse(end);
    return o->image || no_memory(l);
}

static bool fill_segments(struct loader *l)
{
    struct isa_object *o = l->object;
    for (uint32_t k = 0; k < l->header.e_phnum; k++) {
        Elf64_Phdr p;
        record(l, l->header.e_phoff, k, &p, sizeof p);
        if (p.p_type == PT_LOAD && p.p_filesz)
            memcpy(o->image + p.p_vaddr, l->bytes + p.p_offset, p.p_filesz);
    }
    return true;
}

static bool publish_segments(struct loader *l)
{
    struct isa_object *o = l->object;
    for (size_t k = 0; k < o->n_segments; k++) {
        struct isa_region region = { .bytes = o->image + o->segment[k].at,
                                     .size = o->segment[k].size,
                                     .writable = o->segment[k].writable,
                                     .written = true,
                                     .number = -1 };
        if (!isa_area_add(o->machine, &region))
            return no_memory(l);
    }
    return true;
}

/* Is [at, at + bytes) of the image loaded? */
static const struct isa_segment *segment_of(const struct isa_object *o, uint64_t at, uint64_t bytes)
{
    for (size_t k = 0; k < o->n_segments; k++)
        if (at >= o->segment[k].at && at - o->segment[k].at <= o->segment[k].size &&
            bytes <= o->segment[k].size - (at - o->segment[k].at))
            return &o->segment[k];
    return NULL;
}

/* ---- Symbols --------------------------------------------------------------------------------------------- */

struct symbols {
    uint64_t at, n;        /* of the file */
    uint64_t names, bytes; /* the strings, which end with a zero */
};

static bool open_symbols(struct loader *l, const Elf64_Shdr *s, struct symbols *symbols)
{
    Elf64_Shdr names;
    if (!inside(l, s->sh_offset, s->sh_size) || s->sh_link >= l->header.e_shnum)
        return wrong(l, s->sh_offset, "the symbol table is not inside the object");
    record(l, l->header.e_shoff, s->sh_link, &names, sizeof names);
    if (names.sh_type != SHT_STRTAB || names.sh_size == 0 || !inside(l, names.sh_offset, names.sh_size) ||
        l->bytes[names.sh_offset + names.sh_size - 1] != 0)
        return wrong(l, names.sh_offset, "the symbols' names are not inside the object");
    *symbols = (struct symbols){ s->sh_offset, s->sh_size / sizeof(Elf64_Sym), names.sh_offset, names.sh_size };
    return true;
}

/* The name of a symbol; NULL with the error. */
static const char *symbol_name(struct loader *l, const struct symbols *t, const Elf64_Sym *s)
{
    if (s->st_name >= t->bytes) {
        wrong(l, t->at, "the name of a symbol is not inside the object");
        return NULL;
    }
    const char *name = (const char *)l->bytes + t->names + s->st_name;
    size_t n = strlen(name) + 1;
    if (n > l->effort) {
        wrong(l, t->at, "names of the symbols overlap many times over");
        return NULL;
    }
    l->effort -= n;
    return name;
}

/* The kernel descriptor ("Kernel Descriptor", "compute_pgm_rsrc1", "compute_pgm_rsrc3"). */
static bool read_descriptor(struct loader *l, struct isa_kernel *k, uint64_t at)
{
    const struct isa_target *t = l->object->machine->target;
    const uint8_t *d = k->descriptor;
    uint64_t entry;
    memcpy(&k->lds, d, 4);
    memcpy(&k->scratch, d + 4, 4);
    memcpy(&entry, d + 16, 8);
    memcpy(&k->rsrc3, d + 44, 4);
    memcpy(&k->rsrc1, d + 48, 4);
    memcpy(&k->rsrc2, d + 52, 4);
    memcpy(&k->properties, d + 56, 2);
    memcpy(&k->preload, d + 58, 2);
    k->lanes = t->generation >= ISA_GFX10 && (k->properties >> 10 & 1) ? 32 : 64;
    at += entry; /* may be negative: the sum is what counts */
    const struct isa_segment *s = segment_of(l->object, at, 4);
    if (!s || !s->executable)
        return wrong(l, at, "the entry of a kernel is not in its code");
    k->entry = (uint64_t)(uintptr_t)(l->object->image + at);
    uint32_t blocks = (k->rsrc1 & 63) + 1, all;
    if (t->unified) {
        all = blocks * 8;
        k->vgprs = ((k->rsrc3 & 63) + 1) * 4;
        k->vgprs = k->vgprs < all ? k->vgprs : all;
        k->agprs = all - k->vgprs;
    } else {
        all = t->generation == ISA_GFX9 ? blocks * 4 : blocks * (k->lanes == 32 ? 8 : 4);
        k->vgprs = all;
        k->agprs = t->cdna ? all : 0;
    }
    k->vgprs = k->vgprs < 256 ? k->vgprs : 256;
    k->agprs = k->agprs < 256 ? k->agprs : 256;
    k->sgprs = t->generation == ISA_GFX9 ? ((k->rsrc1 >> 6 & 15) / 2 + 1) * 16 : 106;
    k->sgprs = k->sgprs < 106 ? k->sgprs : 106;
    return true;
}

static bool add_kernel(struct loader *l, const char *name, size_t len, const Elf64_Sym *s)
{
    struct isa_object *o = l->object;
    for (size_t k = 0; k < o->n_kernels; k++)
        if (strlen(o->kernel[k].name) == len && memcmp(o->kernel[k].name, name, len) == 0)
            return true;
    if (!segment_of(o, s->st_value, DESCRIPTOR_BYTES))
        return wrong(l, s->st_value, "a kernel's descriptor is in no segment");
    struct isa_kernel *more = realloc(o->kernel, (o->n_kernels + 1) * sizeof *more);
    if (!more)
        return no_memory(l);
    o->kernel = more;
    struct isa_kernel *k = &o->kernel[o->n_kernels];
    *k = (struct isa_kernel){ .object = o, .name = malloc(len + 1) };
    if (!k->name)
        return no_memory(l);
    memcpy(k->name, name, len);
    k->name[len] = 0;
    o->n_kernels++;
    memcpy(k->descriptor, o->image + s->st_value, DESCRIPTOR_BYTES);
    return read_descriptor(l, k, s->st_value);
}

static bool add_global(struct loader *l, const char *name, const Elf64_Sym *s)
{
    struct isa_object *o = l->object;
    if (!segment_of(o, s->st_value, s->st_size))
        return wrong(l, s->st_value, "a variable is in no segment");
    struct isa_global *more = realloc(o->global, (o->n_globals + 1) * sizeof *more);
    if (!more)
        return no_memory(l);
    o->global = more;
    o->global[o->n_globals] = (struct isa_global){ strdup(name), s->st_value, s->st_size };
    return o->global[o->n_globals++].name || no_memory(l);
}

static bool read_symbols(struct loader *l, const Elf64_Shdr *section)
{
    struct symbols t;
    if (!open_symbols(l, section, &t))
        return false;
    for (uint64_t k = 0; k < t.n; k++) {
        Elf64_Sym s;
        record(l, t.at, k, &s, sizeof s);
        if (ELF64_ST_TYPE(s.st_info) != STT_OBJECT || s.st_shndx == SHN_UNDEF || s.st_shndx >= SHN_LORESERVE)
            continue;
        const char *name = symbol_name(l, &t, &s);
        size_t len = name ? strlen(name) : 0;
        if (!name)
            return false;
        bool kernel = len > 3 && strcmp(name + len - 3, ".kd") == 0;
        if (l->object->n_kernels + l->object->n_globals > 1 << 16)
            return wrong(l, t.at, "too many kernels and variables");
        if (kernel ? !add_kernel(l, name, len - 3, &s) : !add_global(l, name, &s))
            return false;
    }
    return true;
}

/* The dynamic symbols are what a runtime sees; a stripped object has these alone. */
static bool read_tables(struct loader *l)
{
    for (int all = 0; all < 2 && l->object->n_kernels == 0; all++)
        for (uint32_t k = 0; k < l->header.e_shnum; k++) {
            Elf64_Shdr s;
            record(l, l->header.e_shoff, k, &s, sizeof s);
            if (s.sh_type == (all ? SHT_SYMTAB : SHT_DYNSYM) && !read_symbols(l, &s))
                return false;
        }
    return true;
}

/* ---- Relocations ----------------------------------------------------------------------------------------- */

enum { R_NONE, R_ABS32_LO, R_ABS32_HI, R_ABS64, R_REL32, R_REL64, R_ABS32, R_RELATIVE64 = 13 };

static bool relocate(struct loader *l, const Elf64_Rela *r, const struct symbols *t)
{
    struct isa_object *o = l->object;
    uint32_t type = (uint32_t)ELF64_R_TYPE(r->r_info);
    uint64_t symbol = ELF64_R_SYM(r->r_info), base = (uint64_t)(uintptr_t)o->image, value = 0;
    size_t bytes = type == R_ABS64 || type == R_REL64 || type == R_RELATIVE64 ? 8 : 4;
    if (type == R_NONE)
        return true;
    if (!segment_of(o, r->r_offset, bytes))
        return wrong(l, r->r_offset, "a relocation is in no segment");
    if (type != R_RELATIVE64) {
        Elf64_Sym s;
        if (symbol >= t->n)
            return wrong(l, r->r_offset, "a relocation's symbol is in no table");
        record(l, t->at, symbol, &s, sizeof s);
        if (s.st_shndx == SHN_UNDEF && ELF64_ST_BIND(s.st_info) != STB_WEAK)
            return wrong(l, r->r_offset, "a symbol that the object needs is defined nowhere");
        value = s.st_shndx == SHN_UNDEF ? 0 : s.st_shndx == SHN_ABS ? s.st_value : base + s.st_value;
    }
    uint64_t at = base + r->r_offset, addend = (uint64_t)r->r_addend;
    switch (type) {
    case R_RELATIVE64: value = base + addend; break;
    case R_ABS64:
    case R_ABS32:
    case R_ABS32_LO: value += addend; break;
    case R_ABS32_HI: value = (value + addend) >> 32; break;
    case R_REL32:
    case R_REL64: value = value + addend - at; break;
    default: return wrong(l, r->r_offset, "a relocation of type %u", type);
    }
    memcpy(o->image + r->r_offset, &value, bytes);
    return true;
}

static bool read_relocations(struct loader *l)
{
    for (uint32_t k = 0; k < l->header.e_shnum; k++) {
        Elf64_Shdr s, link;
        struct symbols t = { 0 };
        record(l, l->header.e_shoff, k, &s, sizeof s);
        if (s.sh_type == SHT_REL && (s.sh_flags & SHF_ALLOC))
            return wrong(l, s.sh_offset, "relocations without addends");
        if (s.sh_type != SHT_RELA || !(s.sh_flags & SHF_ALLOC))
            continue;
        if (!inside(l, s.sh_offset, s.sh_size) || s.sh_link >= l->header.e_shnum)
            return wrong(l, s.sh_offset, "the relocations are not inside the object");
        record(l, l->header.e_shoff, s.sh_link, &link, sizeof link);
        if (link.sh_type == SHT_DYNSYM && !open_symbols(l, &link, &t))
            return false;
        for (uint64_t n = 0; n < s.sh_size / sizeof(Elf64_Rela); n++) {
            Elf64_Rela r;
            record(l, s.sh_offset, n, &r, sizeof r);
            if (!relocate(l, &r, &t))
                return false;
        }
    }
    return true;
}

/* ---- Metadata -------------------------------------------------------------------------------------------- */

static bool described(void *context, const struct isa_kernel_metadata *m, const struct isa_argument *argument)
{
    struct loader *l = context;
    struct isa_object *o = l->object;
    size_t len = m->symbol_len > 3 ? m->symbol_len - 3 : m->name_len;
    const char *name = m->symbol_len > 3 ? m->symbol : m->name;
    for (size_t i = 0; name && i < o->n_kernels; i++) {
        struct isa_kernel *k = &o->kernel[i];
        if (k->described || strncmp(k->name, name, len) != 0 || k->name[len] != 0)
            continue;
        k->described = true;
        k->metadata = *m;
        k->metadata.name = k->metadata.symbol = NULL;
        k->argument = m->n_arguments ? malloc(m->n_arguments * sizeof *argument) : NULL;
        if (m->n_arguments && !k->argument)
            return no_memory(l);
        for (uint32_t a = 0; a < m->n_arguments; a++) {
            k->argument[a] = argument[a];
            uint32_t end = argument[a].offset + argument[a].size;
            if (end > m->kernarg_size)
                return wrong(l, 0, "metadata: an argument of %s lies behind the others' end", k->name);
            if (argument[a].hidden < 0 && end > k->explicit_bytes)
                k->explicit_bytes = end;
        }
        break;
    }
    return true;
}

static bool right_target(struct loader *l, const char *target)
{
    const char *own = l->object->machine->target->name;
    size_t n = strcspn(target, ":");
    if (target[0] && (strlen(own) != n || memcmp(target, own, n) != 0))
        return wrong(l, 0, "the code object is for %.*s, the machine is a %s", (int)(n < 32 ? n : 32), target, own);
    return true;
}

static bool read_notes(struct loader *l, const Elf64_Phdr *p)
{
    uint64_t at = p->p_offset, end = p->p_offset + p->p_filesz;
    while (end - at >= sizeof(Elf64_Nhdr)) {
        Elf64_Nhdr n;
        memcpy(&n, l->bytes + at, sizeof n);
        uint64_t name = at + sizeof n, desc = name + ((uint64_t)n.n_namesz + 3) / 4 * 4;
        if (desc > end || n.n_descsz > end - desc)
            return wrong(l, at, "a note is not inside its segment");
        if (n.n_type == NOTE_METADATA && n.n_namesz == 7 && memcmp(l->bytes + name, "AMDGPU", 7) == 0) {
            char target[ISA_TARGET_MAX] = "";
            if (l->has_metadata)
                return wrong(l, at, "a second metadata note");
            l->has_metadata = true;
            if (!isa_metadata_read(l->bytes + desc, n.n_descsz, target, described, l, l->error)) {
                l->error->at += desc;
                return false;
            }
            if (!right_target(l, target))
                return false;
        }
        uint64_t next = desc + ((uint64_t)n.n_descsz + 3) / 4 * 4;
        if (next >= end)
            break;
        at = next;
    }
    return true;
}

static bool read_metadata(struct loader *l)
{
    for (uint32_t k = 0; k < l->header.e_phnum; k++) {
        Elf64_Phdr p;
        record(l, l->header.e_phoff, k, &p, sizeof p);
        if (p.p_type != PT_NOTE)
            continue;
        if (!inside(l, p.p_offset, p.p_filesz))
            return wrong(l, p.p_offset, "the note segment is not inside the object");
        if (!read_notes(l, &p))
            return false;
    }
    return l->has_metadata || wrong(l, 0, "no AMDGPU metadata note (code object V2 or older, or none)");
}

/* ---- For everybody --------------------------------------------------------------------------------------- */

struct isa_object *isa_object_load(struct isa_machine *machine, const void *bytes, size_t size, struct isa_error *error)
{
    struct loader l = { .bytes = bytes, .size = size, .error = error, .effort = 16 * (uint64_t)size + (1 << 20) };
    *error = (struct isa_error){ 0 };
    l.object = calloc(1, sizeof *l.object);
    if (!l.object) {
        no_memory(&l);
        return NULL;
    }
    l.object->machine = machine;
    if (read_header(&l) && plan_segments(&l) && fill_segments(&l) && read_tables(&l) && read_metadata(&l) &&
        read_relocations(&l) && publish_segments(&l)) {
        l.object->next = machine->objects;
        machine->objects = l.object;
        return l.object;
    }
    isa_object_free(l.object);
    return NULL;
}
