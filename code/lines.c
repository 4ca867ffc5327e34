/* lines.c: the line table of an ELF: section .debug_line, versions 2 to 5.
 *
 * Sources: DWARF Debugging Information Format, version 5, section 6.2 "Line Number Information" and 7.5.6 "Form
 * Encodings"; version 4 for the headers before it.
 *
 * SPDX-License-Identifier: MIT */
#include "code/lines.h"

#include <elf.h>
#include <stdio.h>
#include <string.h>

#include "code/internal.h"

/* ---- Bytes ----------------------------------------------------------------------------------------------- */

/* What is left to be read. Past its end everything is zero, and `bad` stays set. */
struct reader {
    const uint8_t *at, *end;
    bool bad;
};

static size_t left(const struct reader *r) { return (size_t)(r->end - r->at); }

static bool has(struct reader *r, uint64_t bytes)
{
    if (!r->bad && bytes <= left(r))
        return true;
    r->bad = true;
    return false;
}

static void skip(struct reader *r, uint64_t bytes)
{
    if (has(r, bytes))
        r->at += bytes;
}

static uint64_t number(struct reader *r, unsigned bytes)
{
    uint64_t value = 0;
    if (!has(r, bytes))
        return 0;
    for (unsigned i = 0; i < bytes; i++)
        value |= (uint64_t)r->at[i] << 8 * i;
    r->at += bytes;
    return value;
}

/* LEB128 (7.6); bits past 64 are lost. */
static uint64_t leb(struct reader *r, bool is_signed)
{
    uint64_t value = 0, byte = 0x80;
    unsigned shift = 0;
    while (byte & 0x80) {
        byte = number(r, 1);
        if (r->bad)
            return 0;
        value |= shift < 64 ? (byte & 0x7f) << shift : 0;
        shift += 7;
    }
    if (is_signed && shift < 64 && byte & 0x40)
        value |= ~UINT64_C(0) << shift;
    return value;
}

/* A terminated string; "" where it has no end. */
static const char *string(struct reader *r)
{
    const void *zero = r->bad ? NULL : memchr(r->at, 0, left(r));
    if (!zero) {
        r->bad = true;
        return "";
    }
    const char *text = (const char *)r->at;
    r->at = (const uint8_t *)zero + 1;
    return text;
}

/* ---- Sections -------------------------------------------------------------------------------------------- */

struct file {
    const uint8_t *bytes;
    size_t size;
    Elf64_Ehdr header;
};

static bool open_file(struct file *f, const void *bytes, size_t size)
{
    f->bytes = bytes;
    f->size = size;
    if (size < sizeof f->header || memcmp(bytes, ELFMAG, SELFMAG) != 0)
        return false;
    memcpy(&f->header, bytes, sizeof f->header);
    const Elf64_Ehdr *h = &f->header;
    return h->e_ident[EI_CLASS] == ELFCLASS64 && h->e_ident[EI_DATA] == ELFDATA2LSB &&
           h->e_shentsize == sizeof(Elf64_Shdr) && h->e_shoff <= size &&
           h->e_shnum <= (size - h->e_shoff) / sizeof(Elf64_Shdr);
}

static bool section_at(const struct file *f, unsigned index, Elf64_Shdr *section)
{
    if (index >= f->header.e_shnum)
        return false;
    memcpy(section, f->bytes + f->header.e_shoff + index * sizeof *section, sizeof *section);
    return section->sh_type != SHT_NOBITS && section->sh_offset <= f->size &&
           section->sh_size <= f->size - section->sh_offset;
}

/* A section's bytes by its name; empty when there is none, or it is compressed. */
static struct reader section_named(const struct file *f, const char *name)
{
    static const uint8_t nothing;
    struct reader none = { &nothing, &nothing, false };
    Elf64_Shdr names, section;
    if (!section_at(f, f->header.e_shstrndx, &names))
        return none;
    for (unsigned i = 0; i < f->header.e_shnum; i++) {
        if (!section_at(f, i, &section) || section.sh_name >= names.sh_size || section.sh_flags & SHF_COMPRESSED)
            continue;
        const char *own = (const char *)f->bytes + names.sh_offset + section.sh_name;
        const size_t most = names.sh_size - section.sh_name;
        if (strnlen(own, most) == strlen(name) && most > strlen(name) && !memcmp(own, name, strlen(name)))
            return (struct reader){ f->bytes + section.sh_offset, f->bytes + section.sh_offset + section.sh_size,
                                    false };
    }
    return none;
}

bool attn_code_has_lines(const void *object, size_t size)
{
    struct file f;
    if (!open_file(&f, object, size))
        return false;
    const struct reader r = section_named(&f, ".debug_line");
    return left(&r) > 0;
}

/* ---- Headers --------------------------------------------------------------------------------------------- */

enum {
    CONTENT_PATH = 1,
    CONTENT_DIRECTORY = 2, /* DW_LNCT_* (6.2.4.1) */
    FORM_BLOCK2 = 3,
    FORM_BLOCK4 = 4,
    FORM_DATA2 = 5,
    FORM_DATA4 = 6,
    FORM_DATA8 = 7,
    FORM_STRING = 8,
    FORM_BLOCK = 9,
    FORM_BLOCK1 = 10,
    FORM_DATA1 = 11,
    FORM_STRP = 14,
    FORM_UDATA = 15,
    FORM_DATA16 = 30,
    FORM_LINE_STRP = 31
};

/* One unit's header. */
struct unit {
    unsigned version, offset_bytes; /* of offsets into other sections */
    unsigned least, line_range, opcode_base;
    int line_base;
    const uint8_t *lengths; /* operands of the standard opcodes from 1 on */
    struct reader tables, program, strings, line_strings;
};

/* Reads the unit that r begins with, and moves r behind it. False when it is broken or of another version. */
static bool read_unit(struct reader *r, struct reader strings, struct reader line_strings, struct unit *u)
{
    *u = (struct unit){ .offset_bytes = 4, .strings = strings, .line_strings = line_strings };
    uint64_t length = number(r, 4);
    if (length == 0xffffffff) {
        u->offset_bytes = 8;
        length = number(r, 8);
    }
    if (!has(r, length))
        return false;
    struct reader own = { r->at, r->at + length, false };
    r->at += length;
    u->version = (unsigned)number(&own, 2);
    if (u->version < 2 || u->version > 5)
        return false;
    if (u->version == 5)
        skip(&own, 2); /* sizes of addresses and segment selectors */
    const uint64_t header = number(&own, u->offset_bytes);
    if (!has(&own, header))
        return false;
    u->program = (struct reader){ own.at + header, own.end, false };
    own.end = own.at + header;
    u->least = (unsigned)number(&own, 1);
    if (u->version >= 4)
        skip(&own, 1); /* operations of an instruction: one */
    skip(&own, 1);     /* is_stmt */
    u->line_base = (int8_t)number(&own, 1);
    u->line_range = (unsigned)number(&own, 1);
    u->opcode_base = (unsigned)number(&own, 1);
    u->lengths = own.at;
    skip(&own, u->opcode_base ? u->opcode_base - 1 : 0);
    u->tables = own;
    return !own.bad && u->line_range > 0 && u->opcode_base > 0;
}

/* Of the file's strings, only those that are wanted are looked at: they may be long, and many entries have one. */
static const char *string_of(struct reader strings, uint64_t offset, bool wanted)
{
    skip(&strings, offset);
    return wanted ? string(&strings) : "";
}

/* One value of an entry, of that form: a text, or a number; others are passed over. */
static const char *value(const struct unit *u, struct reader *r, uint64_t form, bool wanted, uint64_t *number_of)
{
    switch (form) {
    case FORM_STRING: return string(r);
    case FORM_STRP: return string_of(u->strings, number(r, u->offset_bytes), wanted);
    case FORM_LINE_STRP: return string_of(u->line_strings, number(r, u->offset_bytes), wanted);
    case FORM_UDATA: *number_of = leb(r, false); break;
    case FORM_DATA1: *number_of = number(r, 1); break;
    case FORM_DATA2: *number_of = number(r, 2); break;
    case FORM_DATA4: *number_of = number(r, 4); break;
    case FORM_DATA8: *number_of = number(r, 8); break;
    case FORM_DATA16: skip(r, 16); break;
    case FORM_BLOCK: skip(r, leb(r, false)); break;
    case FORM_BLOCK1: skip(r, number(r, 1)); break;
    case FORM_BLOCK2: skip(r, number(r, 2)); break;
    case FORM_BLOCK4: skip(r, number(r, 4)); break;
    default: r->bad = true; /* of unknown size */
    }
    return NULL;
}

/* A name and the number of its folder. */
struct entry {
    const char *path;
    uint64_t folder;
};

/* Version 5: a table of entries; that of a number goes to *entry, and r behind the table. */
static bool entry_of_5(const struct unit *u, struct reader *r, uint64_t index, struct entry *entry)
{
    uint64_t format[2][16];
    const uint64_t n_format = number(r, 1);
    if (n_format > 16)
        return false;
    for (uint64_t i = 0; i < n_format; i++) {
        format[0][i] = leb(r, false);
        format[1][i] = leb(r, false);
    }
    const uint64_t n = leb(r, false);
    if (n_format == 0 && n > 0)
        return false;
    bool found = false;
    for (uint64_t k = 0; k < n && !r->bad; k++) {
        struct entry one = { "", 0 };
        for (uint64_t i = 0; i < n_format; i++) {
            uint64_t value_number = 0;
            const char *text = value(u, r, format[1][i], k == index, &value_number);
            if (format[0][i] == CONTENT_PATH && text)
                one.path = text;
            if (format[0][i] == CONTENT_DIRECTORY)
                one.folder = value_number;
        }
        if (k == index && !r->bad) {
            *entry = one;
            found = true;
        }
    }
    return found;
}

/* Versions before: strings, the last one empty; files have three numbers behind their names. */
static bool entry_of_4(struct reader *r, bool files, uint64_t index, struct entry *entry)
{
    bool found = false;
    for (uint64_t k = 1; !r->bad; k++) {
        struct entry one = { string(r), 0 };
        if (!one.path[0])
            break;
        if (files) {
            one.folder = leb(r, false);
            leb(r, false);
            leb(r, false);
        }
        if (k == index) {
            *entry = one;
            found = true;
        }
    }
    return found && !r->bad;
}

static bool file_name(const struct unit *u, uint64_t index, char *out, size_t cap)
{
    struct entry file = { "", 0 }, folder = { "", 0 };
    struct reader folders = u->tables, files = u->tables;
    if (u->version == 5) {
        entry_of_5(u, &files, 0, &folder); /* the files' table is behind that of the folders */
        if (!entry_of_5(u, &files, index, &file) || !entry_of_5(u, &folders, file.folder, &folder))
            return false;
    } else {
        entry_of_4(&files, false, 0, &folder);
        if (!entry_of_4(&files, true, index, &file))
            return false;
        if (file.folder > 0 && !entry_of_4(&folders, false, file.folder, &folder))
            return false;
    }
    const bool whole = file.path[0] == '/' || !folder.path[0];
    const size_t own = strlen(file.path), all = own + (whole ? 0 : strlen(folder.path) + 1);
    if (own == 0)
        return false;
    if (all < cap)
        snprintf(out, cap, "%s%s%s", whole ? "" : folder.path, whole ? "" : "/", file.path);
    else
        snprintf(out, cap, "%s", file.path + (own < cap ? 0 : own - cap + 1));
    for (char *c = out; *c; c++)
        *c = *c >= 0x20 && *c < 0x7f ? *c : '?';
    return true;
}

/* ---- The program (6.2.5) --------------------------------------------------------------------------------- */

struct row {
    uint64_t address, file, line;
};

struct search {
    const struct unit *unit;
    uint64_t address;
    struct row row, before; /* the state; what was appended last */
    bool any, ended;        /* is there something before in the sequence; it ends with this row */
    struct row named;       /* the last one before with a line */
    bool found;
};

/* Appends the state as a row: what is from the one before up to it has that one's line. Of code without a line the one
 * before it is taken. */
static void append(struct search *s)
{
    if (s->any && s->before.address <= s->address && s->address < s->row.address)
        s->found = true;
    if (s->found)
        return;
    s->before = s->row;
    s->any = !s->ended;
    if (s->row.line)
        s->named = s->row;
    if (s->ended) {
        s->row = (struct row){ 0, 1, 1 };
        s->named = (struct row){ 0, 0, 0 };
        s->ended = false;
    }
}

static void extended(struct search *s, struct reader *r)
{
    enum { END_SEQUENCE = 1, SET_ADDRESS = 2 };
    const uint64_t length = leb(r, false);
    if (length == 0 || !has(r, length)) {
        r->bad = true;
        return;
    }
    struct reader own = { r->at, r->at + length, false };
    r->at += length;
    const uint64_t opcode = number(&own, 1);
    if (opcode == END_SEQUENCE) {
        s->ended = true;
        append(s);
    } else if (opcode == SET_ADDRESS && left(&own) <= 8) {
        s->row.address = number(&own, (unsigned)left(&own));
    }
}

static void standard(struct search *s, struct reader *r, unsigned opcode)
{
    enum { COPY = 1, ADVANCE_PC, ADVANCE_LINE, SET_FILE, CONST_ADD_PC = 8, FIXED_ADVANCE_PC = 9 };
    const struct unit *u = s->unit;
    switch (opcode) {
    case COPY: append(s); break;
    case ADVANCE_PC: s->row.address += u->least * leb(r, false); break;
    case ADVANCE_LINE: s->row.line += leb(r, true); break;
    case SET_FILE: s->row.file = leb(r, false); break;
    case CONST_ADD_PC: s->row.address += u->least * ((255 - u->opcode_base) / u->line_range); break;
    case FIXED_ADVANCE_PC: s->row.address += number(r, 2); break;
    default: /* what says nothing of lines */
        for (unsigned i = 0; i < u->lengths[opcode - 1]; i++)
            leb(r, false);
    }
}

static bool search_unit(const struct unit *u, uint64_t address, struct attn_code_line *line)
{
    struct search s = { .unit = u, .address = address, .row = { 0, 1, 1 } };
    struct reader r = u->program;
    while (left(&r) > 0 && !r.bad && !s.found) {
        const unsigned opcode = (unsigned)number(&r, 1);
        if (opcode == 0) {
            extended(&s, &r);
        } else if (opcode < u->opcode_base) {
            standard(&s, &r, opcode);
        } else {
            const unsigned step = opcode - u->opcode_base;
            s.row.address += u->least * (step / u->line_range);
            s.row.line += (uint64_t)((int64_t)u->line_base + (int64_t)(step % u->line_range));
            append(&s);
        }
    }
    const struct row *at = s.before.line ? &s.before : &s.named;
    if (!s.found || at->line == 0 || at->line > UINT32_MAX)
        return false;
    line->line = (uint32_t)at->line;
    return file_name(u, at->file, line->file, sizeof line->file);
}

bool attn_code_line_of(const void *object, size_t size, uint64_t address, struct attn_code_line *line)
{
    struct file f;
    struct unit u;
    if (!open_file(&f, object, size))
        return false;
    struct reader r = section_named(&f, ".debug_line");
    const struct reader strings = section_named(&f, ".debug_str"), lines = section_named(&f, ".debug_line_str");
    while (left(&r) > 0 && !r.bad)
        if (read_unit(&r, strings, lines, &u) && search_unit(&u, address, line))
            return true;
    return false;
}
