/* sample.c: small files with GPU code in them. See sample.h.
 *
 * SPDX-License-Identifier: MIT */
#include "code/sample.h"

#include <elf.h>
#include <stdlib.h>
#include <string.h>

#include <msgpack.h>
#include <zlib.h>
#include <zstd.h>

void code_sample_add(struct code_sample *s, const void *bytes, size_t size)
{
    if (s->cap - s->size < size) {
        size_t cap = 2 * s->cap + size + 256;
        uint8_t *more = realloc(s->bytes, cap);
        if (!more)
            abort();
        s->bytes = more;
        s->cap = cap;
    }
    if (size)
        memcpy(s->bytes + s->size, bytes, size);
    s->size += size;
}

void code_sample_pad(struct code_sample *s, size_t alignment)
{
    static const uint8_t zeros[4096];
    size_t left = (alignment - s->size % alignment) % alignment;
    for (; left > sizeof zeros; left -= sizeof zeros)
        code_sample_add(s, zeros, sizeof zeros);
    code_sample_add(s, zeros, left);
}

static void add_u16(struct code_sample *s, uint16_t v) { code_sample_add(s, &v, sizeof v); }
static void add_u32(struct code_sample *s, uint32_t v) { code_sample_add(s, &v, sizeof v); }
static void add_u64(struct code_sample *s, uint64_t v) { code_sample_add(s, &v, sizeof v); }

/* ---- Metadata -------------------------------------------------------------------------------------------- */

static void pack_text(msgpack_packer *p, const char *text)
{
    msgpack_pack_str(p, strlen(text));
    msgpack_pack_str_body(p, text, strlen(text));
}

static void pack_number(msgpack_packer *p, const char *key, uint64_t value)
{
    pack_text(p, key);
    msgpack_pack_uint64(p, value);
}

static void pack_kernel(msgpack_packer *p, const struct code_sample_kernel *k)
{
    char symbol[512];
    snprintf(symbol, sizeof symbol, "%s.kd", k->name);
    msgpack_pack_map(p, 12);
    pack_text(p, ".args");
    msgpack_pack_array(p, 1);
    msgpack_pack_map(p, 1);
    pack_number(p, ".offset", 0);
    pack_text(p, ".name");
    pack_text(p, k->name);
    pack_text(p, ".symbol");
    pack_text(p, symbol);
    pack_number(p, ".group_segment_fixed_size", k->lds_bytes);
    pack_number(p, ".private_segment_fixed_size", k->scratch_bytes);
    pack_number(p, ".kernarg_segment_size", 272);
    pack_number(p, ".max_flat_workgroup_size", k->max_threads);
    pack_number(p, ".wavefront_size", k->wave_size);
    pack_number(p, ".vgpr_count", k->vgprs);
    pack_number(p, ".sgpr_count", 24);
    pack_number(p, ".vgpr_spill_count", 0);
    pack_number(p, ".sgpr_spill_count", 0);
}

static void add_note(struct code_sample *s, const char *target, const struct code_sample_kernel *kernels, size_t n)
{
    msgpack_sbuffer text;
    msgpack_packer p;
    char full[128];
    msgpack_sbuffer_init(&text);
    msgpack_packer_init(&p, &text, msgpack_sbuffer_write);
    msgpack_pack_map(&p, 3);
    pack_text(&p, "amdhsa.kernels");
    msgpack_pack_array(&p, n);
    for (size_t i = 0; i < n; i++)
        pack_kernel(&p, &kernels[i]);
    snprintf(full, sizeof full, "amdgcn-amd-amdhsa--%s", target);
    pack_text(&p, "amdhsa.target");
    pack_text(&p, full);
    pack_text(&p, "amdhsa.version");
    msgpack_pack_array(&p, 2);
    msgpack_pack_int(&p, 1);
    msgpack_pack_int(&p, 2);
    add_u32(s, 7);
    add_u32(s, (uint32_t)text.size);
    add_u32(s, 32); /* NT_AMDGPU_METADATA */
    code_sample_add(s, "AMDGPU\0", 8);
    code_sample_add(s, text.data, text.size);
    code_sample_pad(s, 4);
    msgpack_sbuffer_destroy(&text);
}

/* ---- ELF ------------------------------------------------------------------------------------------------- */

struct section {
    const char *name;
    Elf64_Shdr header;
};

/* Section headers and their names at the end, the file header at the start. */
static void finish(struct code_sample *s, size_t start, struct section *sections, size_t n, uint16_t machine,
                   uint16_t segments)
{
    Elf64_Ehdr header = { .e_ident = { 0x7f, 'E', 'L', 'F', ELFCLASS64, ELFDATA2LSB, EV_CURRENT },
                          .e_type = ET_DYN,
                          .e_machine = machine,
                          .e_version = EV_CURRENT,
                          .e_ehsize = sizeof header,
                          .e_phentsize = sizeof(Elf64_Phdr),
                          .e_phnum = segments,
                          .e_shentsize = sizeof(Elf64_Shdr),
                          .e_shnum = (uint16_t)n,
                          .e_shstrndx = (uint16_t)(n - 1) };
    header.e_phoff = segments ? sizeof header : 0;
    struct section *names = &sections[n - 1];
    names->header.sh_type = SHT_STRTAB;
    names->header.sh_offset = s->size - start;
    for (size_t i = 0; i < n; i++) {
        sections[i].header.sh_name = (uint32_t)(s->size - start - names->header.sh_offset);
        code_sample_add(s, sections[i].name, strlen(sections[i].name) + 1);
    }
    names->header.sh_size = s->size - start - names->header.sh_offset;
    code_sample_pad(s, 8);
    header.e_shoff = s->size - start;
    for (size_t i = 0; i < n; i++)
        code_sample_add(s, &sections[i].header, sizeof sections[i].header);
    memcpy(s->bytes + start, &header, sizeof header);
}

void code_sample_object(struct code_sample *s, const char *target, const struct code_sample_kernel *kernels, size_t n)
{
    enum { NONE, NOTE, TEXT, SYMBOLS, STRINGS, NAMES, SECTIONS };
    struct section section[SECTIONS] = {
        [NONE] = { "", { 0 } },
        [NOTE] = { ".note", { .sh_type = SHT_NOTE } },
        [TEXT] = { ".text", { .sh_type = SHT_PROGBITS } },
        [SYMBOLS] = { ".symtab", { .sh_type = SHT_SYMTAB, .sh_link = STRINGS, .sh_entsize = sizeof(Elf64_Sym) } },
        [STRINGS] = { ".strtab", { .sh_type = SHT_STRTAB } },
        [NAMES] = { ".shstrtab", { 0 } }
    };
    Elf64_Phdr segment = { .p_type = PT_NOTE, .p_align = 4 };
    struct code_sample strings = { 0 }, symbols = { 0 };
    size_t start = s->size;
    code_sample_add(s, &(Elf64_Ehdr){ 0 }, sizeof(Elf64_Ehdr));
    size_t segment_at = s->size;
    code_sample_add(s, &segment, sizeof segment);
    section[NOTE].header.sh_offset = segment.p_offset = s->size - start;
    add_note(s, target, kernels, n);
    section[NOTE].header.sh_size = segment.p_filesz = s->size - start - segment.p_offset;
    memcpy(s->bytes + segment_at, &segment, sizeof segment);
    code_sample_pad(s, 256);
    section[TEXT].header.sh_offset = s->size - start;
    section[TEXT].header.sh_addr = s->size - start + 4096;
    code_sample_add(&strings, "", 1);
    code_sample_add(&symbols, &(Elf64_Sym){ 0 }, sizeof(Elf64_Sym));
    for (size_t i = 0; i < n; i++) {
        if (!kernels[i].code)
            continue;
        Elf64_Sym symbol = { .st_name = (uint32_t)strings.size,
                             .st_info = ELF64_ST_INFO(STB_GLOBAL, STT_FUNC),
                             .st_shndx = TEXT,
                             .st_value = s->size - start + 4096,
                             .st_size = 4 * kernels[i].words };
        code_sample_add(&symbols, &symbol, sizeof symbol);
        code_sample_add(&strings, kernels[i].name, strlen(kernels[i].name) + 1);
        code_sample_add(s, kernels[i].code, 4 * kernels[i].words);
    }
    section[TEXT].header.sh_size = s->size - start - section[TEXT].header.sh_offset;
    code_sample_pad(s, 8);
    section[SYMBOLS].header.sh_offset = s->size - start;
    section[SYMBOLS].header.sh_size = symbols.size;
    code_sample_add(s, symbols.bytes, symbols.size);
    section[STRINGS].header.sh_offset = s->size - start;
    section[STRINGS].header.sh_size = strings.size;
    code_sample_add(s, strings.bytes, strings.size);
    finish(s, start, section, SECTIONS, 224, 1); /* EM_AMDGPU */
    free(strings.bytes);
    free(symbols.bytes);
}

void code_sample_host(struct code_sample *s, const struct code_sample *fatbin)
{
    struct section section[] = { { "", { 0 } },
                                 { ".hip_fatbin", { .sh_type = SHT_PROGBITS } },
                                 { ".shstrtab", { 0 } } };
    size_t start = s->size;
    code_sample_add(s, &(Elf64_Ehdr){ 0 }, sizeof(Elf64_Ehdr));
    code_sample_pad(s, 4096);
    section[1].header.sh_offset = s->size - start;
    section[1].header.sh_size = fatbin->size;
    code_sample_add(s, fatbin->bytes, fatbin->size);
    finish(s, start, section, sizeof section / sizeof section[0], EM_X86_64, 0);
}

/* ---- Bundles --------------------------------------------------------------------------------------------- */

void code_sample_bundle(struct code_sample *s, const struct code_sample_entry *entries, size_t n)
{
    struct code_sample own = { 0 };
    uint64_t header = 32, at;
    for (size_t i = 0; i < n; i++)
        header += 24 + strlen(entries[i].id);
    at = (header + 4095) / 4096 * 4096;
    code_sample_add(&own, "__CLANG_OFFLOAD_BUNDLE__", 24);
    add_u64(&own, n);
    for (size_t i = 0; i < n; i++) {
        uint64_t size = entries[i].content ? entries[i].content->size : 0;
        add_u64(&own, at);
        add_u64(&own, size);
        add_u64(&own, strlen(entries[i].id));
        code_sample_add(&own, entries[i].id, strlen(entries[i].id));
        at = (at + size + 4095) / 4096 * 4096;
    }
    for (size_t i = 0; i < n; i++)
        if (entries[i].content) {
            code_sample_pad(&own, 4096);
            code_sample_add(&own, entries[i].content->bytes, entries[i].content->size);
        }
    code_sample_add(s, own.bytes, own.size);
    free(own.bytes);
}

void code_sample_pack(struct code_sample *s, const struct code_sample *bundle, int version,
                      enum code_sample_method method)
{
    static const uint64_t header[4] = { 0, 20, 24, 32 };
    uLongf zlib_size = compressBound((uLong)bundle->size);
    size_t size = ZSTD_compressBound(bundle->size);
    uint8_t *packed = malloc(size > zlib_size ? size : zlib_size);
    if (!packed)
        abort();
    if (method == CODE_SAMPLE_ZLIB) {
        if (compress2(packed, &zlib_size, bundle->bytes, (uLong)bundle->size, 6) != Z_OK)
            abort();
        size = zlib_size;
    } else {
        size = ZSTD_compress(packed, size, bundle->bytes, bundle->size, 3);
        if (ZSTD_isError(size))
            abort();
    }
    code_sample_add(s, "CCOB", 4);
    add_u16(s, (uint16_t)version);
    add_u16(s, (uint16_t)method);
    if (version == 3) {
        add_u64(s, header[3] + size);
        add_u64(s, bundle->size);
    } else {
        if (version == 2)
            add_u32(s, (uint32_t)(header[2] + size));
        add_u32(s, (uint32_t)bundle->size);
    }
    add_u64(s, 0); /* the hash, which readers that unpack need not look at */
    code_sample_add(s, packed, size);
    free(packed);
}
