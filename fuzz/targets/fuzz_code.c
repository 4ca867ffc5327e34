/* fuzz_code.c: the machine takes any code object, and any code: loading one ends in an object or in an error that says
 * what and where, a launch in its end or in a stop with a name; nothing else happens to the process.
 *
 * The first bytes of an input say the processor, what the rest is, and how it is launched: instructions of a kernel in
 * an object that is valid; changes to a valid object, four bytes each (where, where, how, value); or a whole file.
 * Where the disassembler (libLLVM) is missing nothing is tried.
 *
 * SPDX-License-Identifier: MIT */
#include <elf.h>
#include <string.h>

#include "fuzz/targets/target.h"
#include "isa/isa.h"

static void demand(bool holds, const char *what)
{
    if (holds)
        return;
    fprintf(stderr, "fuzz_code: %s\n", what);
    abort();
}

/* ---- A valid object -------------------------------------------------------------------------------------- */

/* Where its parts lie, in the file and in memory. */
enum {
    NOTE = 0x140,
    DESCRIPTOR = 0x400,
    SYMBOLS = 0x480,
    NAMES = 0x500,
    RELOCATIONS = 0x540,
    SECTIONS = 0x600,
    TEXT = 0x1000,
    TEXT_BYTES = 0x1000,
    DATA = 0x2000,
    DATA_BYTES = 64,
    FILE_BYTES = DATA + DATA_BYTES,
    EDITED = 0x800, /* bytes that changes go to: behind them lies code */
    GPU = 224
};

static const char *const targets[] = { "gfx906",  "gfx908",  "gfx90a",  "gfx942",  "gfx950",
                                       "gfx1030", "gfx1100", "gfx1151", "gfx1200", "gfx1201" };
enum { TARGETS = sizeof targets / sizeof targets[0] };

static uint8_t *text_at(uint8_t *p, const char *text)
{
    size_t n = strlen(text);
    *p++ = (uint8_t)(0xa0 | n); /* fixstr */
    memcpy(p, text, n);
    return p + n;
}

static uint8_t *number_at(uint8_t *p, const char *key, uint8_t number)
{
    p = text_at(p, key);
    *p++ = number;
    return p;
}

/* The note's msgpack: a kernel with a pointer and a hidden argument. Returns its length. */
static size_t metadata(uint8_t *to, const char *target)
{
    char full[32];
    uint8_t *p = to;
    snprintf(full, sizeof full, "amdgcn-amd-amdhsa--%s", target);
    *p++ = 0x82;
    p = text_at(p, "amdhsa.target");
    p = text_at(p, full);
    p = text_at(p, "amdhsa.kernels");
    *p++ = 0x91;
    *p++ = 0x84;
    p = text_at(p, ".name");
    p = text_at(p, "k");
    p = text_at(p, ".symbol");
    p = text_at(p, "k.kd");
    p = number_at(p, ".kernarg_segment_size", 24);
    p = text_at(p, ".args");
    *p++ = 0x92;
    *p++ = 0x82;
    p = number_at(p, ".offset", 0);
    p = number_at(p, ".size", 8);
    *p++ = 0x83;
    p = number_at(p, ".offset", 8);
    p = number_at(p, ".size", 4);
    p = text_at(p, ".value_kind");
    p = text_at(p, "hidden_block_count_x");
    return (size_t)(p - to);
}

static void put_headers(uint8_t *file, size_t note_bytes)
{
    Elf64_Ehdr header = { .e_ident = { 0x7f, 'E', 'L', 'F', ELFCLASS64, ELFDATA2LSB, EV_CURRENT },
                          .e_type = ET_DYN,
                          .e_machine = GPU,
                          .e_phoff = sizeof header,
                          .e_phentsize = sizeof(Elf64_Phdr),
                          .e_phnum = 4,
                          .e_shoff = SECTIONS,
                          .e_shentsize = sizeof(Elf64_Shdr),
                          .e_shnum = 4 };
    const Elf64_Phdr segments[4] = { { PT_LOAD, PF_R, 0, 0, 0, TEXT, TEXT, 4096 },
                                     { PT_LOAD, PF_R | PF_X, TEXT, TEXT, TEXT, TEXT_BYTES, TEXT_BYTES, 4096 },
                                     { PT_LOAD, PF_R | PF_W, DATA, DATA, DATA, DATA_BYTES, 4096, 4096 },
                                     { PT_NOTE, PF_R, NOTE, NOTE, NOTE, note_bytes, note_bytes, 4 } };
    const Elf64_Shdr sections[4] = {
        { 0 },
        { .sh_type = SHT_DYNSYM, .sh_offset = SYMBOLS, .sh_size = 3 * sizeof(Elf64_Sym), .sh_link = 2 },
        { .sh_type = SHT_STRTAB, .sh_offset = NAMES, .sh_size = 16 },
        { .sh_type = SHT_RELA,
          .sh_flags = SHF_ALLOC,
          .sh_offset = RELOCATIONS,
          .sh_size = 2 * sizeof(Elf64_Rela),
          .sh_link = 1 }
    };
    memcpy(file, &header, sizeof header);
    memcpy(file + sizeof header, segments, sizeof segments);
    memcpy(file + SECTIONS, sections, sizeof sections);
}

static void put_tables(uint8_t *file, bool wave32)
{
    static const char names[16] = "\0k.kd\0global\0";
    const Elf64_Sym symbols[3] = {
        { 0 },
        { .st_name = 1,
          .st_info = ELF64_ST_INFO(STB_GLOBAL, STT_OBJECT),
          .st_shndx = 1,
          .st_value = DESCRIPTOR,
          .st_size = 64 },
        { .st_name = 6,
          .st_info = ELF64_ST_INFO(STB_GLOBAL, STT_OBJECT),
          .st_shndx = 1,
          .st_value = DATA,
          .st_size = 32 },
    };
    const Elf64_Rela relocations[2] = { { DATA, ELF64_R_INFO(0, 13), DATA + 8 }, { DATA + 8, ELF64_R_INFO(2, 3), 16 } };
    const uint32_t lds = 256, scratch = 32, rsrc1 = 0x00af02c7, rsrc2 = 0x138d, rsrc3 = 7;
    const uint64_t entry = TEXT - DESCRIPTOR;
    const uint16_t properties = 0x8 | (wave32 ? 0x400 : 0);
    memcpy(file + SYMBOLS, symbols, sizeof symbols);
    memcpy(file + NAMES, names, sizeof names);
    memcpy(file + RELOCATIONS, relocations, sizeof relocations);
    memcpy(file + DESCRIPTOR, &lds, 4);
    memcpy(file + DESCRIPTOR + 4, &scratch, 4);
    memcpy(file + DESCRIPTOR + 16, &entry, 8);
    memcpy(file + DESCRIPTOR + 44, &rsrc3, 4);
    memcpy(file + DESCRIPTOR + 48, &rsrc1, 4);
    memcpy(file + DESCRIPTOR + 52, &rsrc2, 4);
    memcpy(file + DESCRIPTOR + 56, &properties, 2);
}

/* FILE_BYTES of it. */
static void put_object(uint8_t *file, int target, bool wave32)
{
    memset(file, 0, FILE_BYTES);
    size_t n = metadata(file + NOTE + 20, targets[target]);
    const uint32_t note[3] = { 7, (uint32_t)n, 32 };
    memcpy(file + NOTE, note, sizeof note);
    memcpy(file + NOTE + 12, "AMDGPU\0", 8);
    put_headers(file, 20 + (n + 3) / 4 * 4);
    put_tables(file, wave32);
    const uint32_t end = target < 6 ? 0xbf810000 : 0xbfb00000; /* s_endpgm, up to gfx10 and later */
    for (size_t k = 0; k < TEXT_BYTES; k += 4)
        memcpy(file + TEXT + k, &end, 4);
}

static void change(uint8_t *file, const uint8_t *edits, size_t size)
{
    for (; size >= 4; edits += 4, size -= 4) {
        size_t at = (size_t)(edits[0] | edits[1] << 8) % EDITED;
        switch (edits[2] % 4) {
        case 0: file[at] = edits[3]; break;
        case 1: file[at] ^= (uint8_t)(1 << (edits[3] & 7)); break;
        case 2: memset(file + at, 0xff, (edits[3] & 7) + 1u); break;
        default: memmove(file + at, file + edits[3] * 8, 8); break;
        }
    }
}

/* ---- What must hold -------------------------------------------------------------------------------------- */

static void check_text(const char *text, size_t cap)
{
    demand(text[0] != 0 && memchr(text, 0, cap), "an error without text");
    for (; *text; text++)
        demand((unsigned char)*text >= 0x20 && (unsigned char)*text < 0x7f, "an error's text is not printable");
}

static void run(struct isa_machine *m, struct isa_object *o, uint8_t how)
{
    static uint8_t memory[4096];
    struct isa_region region = { .bytes = memory, .size = sizeof memory, .writable = true, .written = true };
    uint8_t *arguments[32] = { memory, memory + 64 };
    struct isa_options options = { .schedule = how >> 4, .checked = (how & 1) != 0, .budget = 300 };
    const struct isa_dispatch d = { { 2, 1, 1 }, { 96, 1, 1 }, 64, arguments, sizeof arguments };
    demand(isa_memory_add(m, &region), "a region is not taken");
    for (size_t k = 0; k < isa_object_kernels(o) && k < 4; k++) {
        struct isa_stop stop;
        struct isa_kernel *kernel = isa_object_kernel(o, isa_object_kernel_name(o, k));
        demand(kernel != NULL, "a kernel of the object is not found");
        bool good = isa_launch(m, kernel, &d, &options, NULL, &stop);
        demand(good == (stop.code == ISA_STOP_NONE), "a launch ends in two ways");
        if (!good)
            check_text(stop.text, sizeof stop.text);
    }
    isa_memory_remove(m, memory);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static struct isa_machine *machines[TARGETS];
    struct isa_error error;
    attn_crash_begin(data, size);
    attn_stats_tick(&stats);
    if (size < 4)
        return 0;
    int target = data[0] % TARGETS, kind = data[1] % 4;
    if (!machines[target] && !(machines[target] = isa_machine_open(targets[target], &error))) {
        check_text(error.text, sizeof error.text);
        return 0;
    }
    const uint8_t *rest = data + 3;
    size_t n = size - 3, bytes = kind == 3 ? n : FILE_BYTES;
    /* Exactly as large as the file, so that a sanitizer sees a read past its end. */
    uint8_t *file = malloc(bytes ? bytes : 1);
    if (!file)
        abort();
    if (kind == 3) {
        memcpy(file, rest, n);
    } else {
        put_object(file, target, (data[2] & 2) != 0 && target > 4);
        if (kind == 2)
            change(file, rest, n);
        else
            memcpy(file + TEXT, rest, n < TEXT_BYTES ? n : TEXT_BYTES);
    }
    struct isa_object *o = isa_object_load(machines[target], file, bytes, &error);
    free(file);
    demand(o || kind > 1, "a valid object is refused");
    if (o) {
        stats.read++;
        run(machines[target], o, data[2]);
        isa_object_unload(machines[target], o);
    } else {
        stats.unread++;
        check_text(error.text, sizeof error.text);
    }
    return 0;
}

ATTN_TARGET("fuzz_code")
