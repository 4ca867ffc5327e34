/* isa_coverage.c: which instructions of code objects the machine (isa/) does not know, and which rows of its table none
 * of them reaches.
 *
 *   isa_coverage [--rows] [--wave64] [--share K/N] OBJECT...
 *
 * Reads every function of each (linked, ELF; --share: the K-th of N parts, from 0), prints what is not understood: how
 * often, why, the first place. --rows: the rows that nothing reaches, too. Exit code: 0, 1 when something was not
 * understood, 2 when a file cannot be read.
 *
 * SPDX-License-Identifier: MIT */
#include <fcntl.h>
#include <gelf.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "isa/internal.h"

enum { REASONS = 4096, BUCKETS = 1 << 14 };

struct reason {
    char *text, *place;
    uint64_t count;
};

struct coverage {
    struct reason reason[REASONS];
    size_t reasons;
    uint64_t instructions, unknown;
    const struct isa_row *row[BUCKETS]; /* hash of those reached */
    size_t reached;
    bool wave64;
    unsigned share, shares, functions;
};

/* e_flags' low byte: LLVM documentation, "User Guide for AMDGPU Backend", table "AMDGPU ELF Header e_flags". */
static const struct {
    uint8_t mach;
    const char *name;
} machines[] = {
    { 0x2f, "gfx906" },  { 0x30, "gfx908" },  { 0x3f, "gfx90a" },  { 0x4c, "gfx942" },  { 0x4f, "gfx950" },
    { 0x36, "gfx1030" }, { 0x41, "gfx1100" }, { 0x4a, "gfx1151" }, { 0x48, "gfx1200" }, { 0x4e, "gfx1201" }
};

static const struct isa_target *target_of(const GElf_Ehdr *header)
{
    for (size_t i = 0; i < sizeof machines / sizeof *machines; i++) {
        if (machines[i].mach == (header->e_flags & 0xff)) {
            return isa_target_find(machines[i].name);
        }
    }
    return NULL;
}

static void count_row(struct coverage *c, const struct isa_row *row)
{
    size_t at = ((uintptr_t)row >> 4) % BUCKETS;
    for (; c->row[at]; at = (at + 1) % BUCKETS) {
        if (c->row[at] == row) {
            return;
        }
    }
    c->row[at] = row;
    c->reached++;
}

static bool was_reached(const struct coverage *c, const struct isa_row *row)
{
    for (size_t at = ((uintptr_t)row >> 4) % BUCKETS; c->row[at]; at = (at + 1) % BUCKETS) {
        if (c->row[at] == row) {
            return true;
        }
    }
    return false;
}

/* One of a kind: what stands in quotes first is the kind, the instruction after it an example. */
static void count_reason(struct coverage *c, const char *why, const char *place)
{
    const char *in = strstr(why, " in \"");
    const size_t length = in ? (size_t)(in - why) : strlen(why);
    c->unknown++;
    for (size_t i = 0; i < c->reasons; i++) {
        if (strlen(c->reason[i].text) == length && !memcmp(c->reason[i].text, why, length)) {
            c->reason[i].count++;
            return;
        }
    }
    if (c->reasons < REASONS) {
        c->reason[c->reasons].text = strndup(why, length);
        c->reason[c->reasons].place = strdup(place);
        c->reason[c->reasons++].count = 1;
    }
}

/* Does the row's type take as many registers as the text has? What is an address or a matrix says so by its own. */
static bool words_fit(const struct isa_operand *o, int type, int lanes)
{
    static const uint8_t bytes[] = {
#define X(name, size, is_float) size,
        ISA_TYPES(X)
#undef X
    };
    if ((o->place != ISA_P_VECTOR && o->place != ISA_P_SCALAR) || type == ISA_T_NONE || o->reg == ISA_NULL) {
        return true;
    }
    const int words = type == ISA_T_MASK ? lanes / 32 : (bytes[type] + 3) / 4;
    return o->words == words;
}

static void check_words(struct coverage *c, const struct isa_instr *i, int lanes, const char *place)
{
    static const uint16_t checked = 1 << ISA_CLASS_SCALAR | 1 << ISA_CLASS_VECTOR | 1 << ISA_CLASS_TRANSCENDENTAL |
                                    1 << ISA_CLASS_COMPARE | 1 << ISA_CLASS_PACKED;
    if (!(checked >> i->row->class & 1)) {
        return;
    }
    bool fit = true;
    for (int k = 0; k < i->n_dst; k++) {
        fit = fit && words_fit(&i->dst[k], i->row->dst[k], lanes);
    }
    for (int k = 0; k < i->n_src && i->row->src[k]; k++) {
        fit = fit && words_fit(&i->src[k], i->row->src[k], lanes);
    }
    if (!fit) {
        char why[128];
        snprintf(why, sizeof why, "the row's types take other registers than the text has: %s", i->row->name);
        count_reason(c, why, place);
    }
}

static void read_function(struct coverage *c, const struct isa_target *target, const uint8_t *bytes, uint64_t size,
                          const char *file, const char *name)
{
    const int lanes = target->generation == ISA_GFX9 || c->wave64 ? 64 : 32;
    struct isa_code *code = isa_code_open(target, lanes, bytes, size);
    if (!code) {
        fprintf(stderr, "isa_coverage: no memory, or no LLVM\n");
        exit(2);
    }
    for (uint64_t at = 0; at + 4 <= size;) {
        const struct isa_instr *i = isa_code_instr(code, (uint32_t)(at / 4));
        c->instructions++;
        char text[128], place[512];
        if (!i->row) {
            isa_code_text(code, i, text, sizeof text);
            snprintf(place, sizeof place, "%s: %.100s + 0x%llx: %s", file, name, (unsigned long long)at, text);
            count_reason(c, isa_code_why(code, i), place);
        } else {
            snprintf(place, sizeof place, "%s: %.100s + 0x%llx", file, name, (unsigned long long)at);
            check_words(c, i, lanes, place);
            count_row(c, i->row);
            if (i->second) {
                count_row(c, i->second->row);
            }
        }
        at += i->bytes;
    }
    isa_code_close(code);
}

static bool read_symbols(struct coverage *c, Elf *elf, const struct isa_target *target, const char *file)
{
    Elf_Scn *table = NULL;
    GElf_Shdr header;
    while ((table = elf_nextscn(elf, table)) && gelf_getshdr(table, &header)) {
        if (header.sh_type == SHT_SYMTAB || (header.sh_type == SHT_DYNSYM && !elf_nextscn(elf, table))) {
            break;
        }
    }
    Elf_Data *symbols = table ? elf_getdata(table, NULL) : NULL;
    if (!symbols) {
        return false;
    }
    GElf_Sym symbol;
    for (int n = 0; gelf_getsym(symbols, n, &symbol); n++) {
        Elf_Scn *section = GELF_ST_TYPE(symbol.st_info) == STT_FUNC ? elf_getscn(elf, symbol.st_shndx) : NULL;
        GElf_Shdr text;
        Elf_Data *data = section && gelf_getshdr(section, &text) ? elf_getdata(section, NULL) : NULL;
        if (!data || symbol.st_value < text.sh_addr || symbol.st_value - text.sh_addr > data->d_size ||
            symbol.st_size > data->d_size - (symbol.st_value - text.sh_addr)) {
            continue;
        }
        if (c->functions++ % c->shares != c->share) {
            continue;
        }
        const char *name = elf_strptr(elf, header.sh_link, symbol.st_name);
        read_function(c, target, (const uint8_t *)data->d_buf + (symbol.st_value - text.sh_addr), symbol.st_size, file,
                      name ? name : "?");
    }
    return true;
}

static bool read_object(struct coverage *c, const char *file)
{
    const int fd = open(file, O_RDONLY);
    Elf *elf = fd >= 0 ? elf_begin(fd, ELF_C_READ_MMAP, NULL) : NULL;
    GElf_Ehdr header;
    const struct isa_target *target = elf && gelf_getehdr(elf, &header) ? target_of(&header) : NULL;
    const bool good = target && read_symbols(c, elf, target, file);
    elf_end(elf);
    if (fd >= 0) {
        close(fd);
    }
    return good;
}

static int by_count(const void *a, const void *b)
{
    const struct reason *x = a, *y = b;
    return x->count < y->count ? 1 : x->count > y->count ? -1 : strcmp(x->text, y->text);
}

static void print(struct coverage *c, bool rows)
{
    qsort(c->reason, c->reasons, sizeof *c->reason, by_count);
    for (size_t i = 0; i < c->reasons; i++) {
        printf("%8llu  %s (%s)\n", (unsigned long long)c->reason[i].count, c->reason[i].text, c->reason[i].place);
        free(c->reason[i].text);
        free(c->reason[i].place);
    }
    for (size_t i = 0; rows && i < isa_row_count(); i++) {
        if (!was_reached(c, isa_row(i))) {
            printf("not reached: %s\n", isa_row(i)->name);
        }
    }
    printf("%llu instructions, %llu not understood; %zu of %zu rows reached\n", (unsigned long long)c->instructions,
           (unsigned long long)c->unknown, c->reached, isa_row_count());
}

int main(int argc, char **argv)
{
    static struct coverage c;
    bool rows = false;
    int bad = 0;
    c.shares = 1;
    elf_version(EV_CURRENT);
    for (int i = 1; i < argc; i++) {
        if (!strcmp(argv[i], "--rows")) {
            rows = true;
        } else if (!strcmp(argv[i], "--wave64")) {
            c.wave64 = true;
        } else if (!strcmp(argv[i], "--share") && i + 1 < argc &&
                   sscanf(argv[i + 1], "%u/%u", &c.share, &c.shares) == 2 && c.share < c.shares) {
            i++;
        } else if (!read_object(&c, argv[i])) {
            fprintf(stderr, "isa_coverage: %s is no code object of a processor that the machine knows\n", argv[i]);
            bad = 2;
        }
    }
    print(&c, rows);
    return bad ? bad : c.unknown != 0;
}
