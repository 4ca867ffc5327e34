/* decode.c: a code object's instructions, printed by LLVM's disassembler and parsed, each once, when it is reached.
 *
 * An instruction's number is its address in words of four bytes: what follows and where a branch goes are known without
 * decoding it, and s_setpc can go to any address. libLLVM is loaded at run time (llvm-c/Disassembler.h is its stable C
 * interface; the declarations below are ours).
 *
 * SPDX-License-Identifier: MIT */
#include <dlfcn.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "isa/code.h"
#include "isa/parse.h"

enum {
    WORD = ISA_CODE_WORD,
    TEXT_BYTES = 256,
    WHY_BYTES = 256,
    MOST_BYTES = 32,
    ARENA_BYTES = 1 << 16,
    CONSTANTS = 256
};

/* ---- LLVM ------------------------------------------------------------------------------------------------ */

typedef void *llvm_disassembler;
typedef void initialise(void);
typedef llvm_disassembler create(const char *triple, const char *cpu, const char *features, void *info, int tag_type,
                                 void *operand_info, void *symbol_lookup);
typedef size_t print(llvm_disassembler, uint8_t *bytes, uint64_t size, uint64_t pc, char *text, size_t cap);
typedef void dispose(llvm_disassembler);

struct llvm {
    void *library;
    initialise *initialise[3];
    create *create;
    print *print;
    dispose *dispose;
};

/* Newest first: a newer printer knows all that an older one does. */
static void *open_library(void)
{
    enum { NEWEST = 30, OLDEST = 19 };
    for (int version = NEWEST; version >= OLDEST; version--) {
        static const char *const forms[] = { "libLLVM.so.%d.1", "libLLVM-%d.so", "libLLVM.so.%d.0", "libLLVM.so.%d" };
        for (size_t f = 0; f < sizeof forms / sizeof *forms; f++) {
            char name[64];
#pragma clang diagnostic push
#pragma clang diagnostic ignored "-Wformat-nonliteral"
            snprintf(name, sizeof name, forms[f], version);
#pragma clang diagnostic pop
            /* It registers what it never takes back: it stays until the process ends. */
            void *library = dlopen(name, RTLD_NOW | RTLD_LOCAL | RTLD_NODELETE);
            if (library) {
                return library;
            }
        }
    }
    return NULL;
}

static bool find(void *library, const char *name, void *function)
{
    void *symbol = dlsym(library, name);
    memcpy(function, &symbol, sizeof symbol); /* ISO C has no cast from void * to a function */
    return symbol != NULL;
}

static bool llvm_open(struct llvm *llvm)
{
    llvm->library = open_library();
    if (!llvm->library) {
        return false;
    }
    if (find(llvm->library, "LLVMInitializeAMDGPUTargetInfo", &llvm->initialise[0]) &&
        find(llvm->library, "LLVMInitializeAMDGPUTargetMC", &llvm->initialise[1]) &&
        find(llvm->library, "LLVMInitializeAMDGPUDisassembler", &llvm->initialise[2]) &&
        find(llvm->library, "LLVMCreateDisasmCPUFeatures", &llvm->create) &&
        find(llvm->library, "LLVMDisasmInstruction", &llvm->print) &&
        find(llvm->library, "LLVMDisasmDispose", &llvm->dispose)) {
        for (int i = 0; i < 3; i++) {
            llvm->initialise[i]();
        }
        return true;
    }
    dlclose(llvm->library);
    return false;
}

static llvm_disassembler open_disassembler(const struct llvm *llvm, const struct isa_target *target, int lanes)
{
    /* gfx9 has wave64 only, and takes no feature for it. */
    const char *features = target->generation == ISA_GFX9 ? ""
                           : lanes == 32                  ? "+wavefrontsize32,-wavefrontsize64"
                                                          : "-wavefrontsize32,+wavefrontsize64";
    return llvm->create("amdgcn-amd-amdhsa", target->name, features, NULL, 0, NULL, NULL);
}

bool isa_code_ready(const struct isa_target *target, struct isa_error *error)
{
    struct llvm llvm;
    memset(error, 0, sizeof *error);
    if (!llvm_open(&llvm)) {
        snprintf(error->text, sizeof error->text, "no LLVM library (libLLVM-22.so or near it) with AMD's disassembler");
        return false;
    }
    llvm_disassembler disassembler = open_disassembler(&llvm, target, 64);
    if (disassembler) {
        llvm.dispose(disassembler);
    } else {
        snprintf(error->text, sizeof error->text, "the LLVM library does not know %s", target->name);
    }
    dlclose(llvm.library);
    return disassembler != NULL;
}

/* ---- Memory that stays with the code --------------------------------------------------------------------- */

struct chunk {
    struct chunk *next;
    size_t used;
    max_align_t bytes[ARENA_BYTES / sizeof(max_align_t)];
};

struct constant {
    struct constant *next;
    uint64_t value;
    uint32_t row[2][ISA_LANES];
};

/* One that cannot be executed, with the reason. */
struct undecoded {
    struct isa_instr i;
    char why[WHY_BYTES];
};

struct decoder {
    struct isa_code of; /* first: what the others know of it */
    int lanes;
    const struct isa_target *target;
    struct llvm llvm;
    llvm_disassembler disassembler;
    struct isa_row_index index;
    struct chunk *chunks;
    struct constant *constants[CONSTANTS];
    struct undecoded exhausted; /* for when there is no memory for another */
};

static void *keep(struct decoder *code, size_t bytes)
{
    const size_t aligned = (bytes + sizeof(max_align_t) - 1) / sizeof(max_align_t) * sizeof(max_align_t);
    if (!code->chunks || code->chunks->used + aligned > sizeof code->chunks->bytes) {
        struct chunk *chunk = malloc(sizeof *chunk);
        if (!chunk) {
            return NULL;
        }
        chunk->next = code->chunks;
        chunk->used = 0;
        code->chunks = chunk;
    }
    void *at = (char *)code->chunks->bytes + code->chunks->used;
    code->chunks->used += aligned;
    return memset(at, 0, bytes);
}

static const uint32_t *constant_row(struct decoder *code, uint64_t value)
{
    struct constant **list = &code->constants[(value ^ value >> 20 ^ value >> 52) % CONSTANTS];
    for (struct constant *c = *list; c; c = c->next) {
        if (c->value == value) {
            return c->row[0];
        }
    }
    struct constant *c = keep(code, sizeof *c);
    if (!c) {
        return NULL;
    }
    c->value = value;
    c->next = *list;
    *list = c;
    for (int lane = 0; lane < ISA_LANES; lane++) {
        c->row[0][lane] = (uint32_t)value;
        c->row[1][lane] = (uint32_t)(value >> 32);
    }
    return c->row[0];
}

static const struct isa_instr *reach(struct isa_code *of, uint32_t number);
static size_t print_text(struct isa_code *of, uint64_t at, char *text, size_t cap);
static const char *why(const struct isa_instr *i);

/* ---- Opening --------------------------------------------------------------------------------------------- */

struct isa_code *isa_code_open(const struct isa_target *target, int lanes, const uint8_t *bytes, uint64_t size)
{
    if (size / WORD >= ISA_NO_CODE) {
        return NULL;
    }
    struct decoder *code = calloc(1, sizeof *code);
    if (!code) {
        return NULL;
    }
    code->of.reach = reach;
    code->of.print = print_text;
    code->of.why = why;
    code->target = target;
    code->lanes = lanes;
    code->of.bytes = bytes;
    code->of.size = size;
    code->of.count = (uint32_t)(size / WORD);
    code->of.instr = calloc(code->of.count ? code->of.count : 1, sizeof *code->of.instr);
    code->exhausted.i.bytes = WORD;
    code->exhausted.i.next = code->exhausted.i.target = ISA_NO_CODE;
    snprintf(code->exhausted.why, sizeof code->exhausted.why, "no memory for another instruction");
    if (code->of.instr && isa_row_index_make(&code->index) && llvm_open(&code->llvm)) {
        code->disassembler = open_disassembler(&code->llvm, target, lanes);
        if (code->disassembler) {
            return &code->of;
        }
    }
    isa_code_close(&code->of);
    return NULL;
}

void isa_code_close(struct isa_code *of)
{
    struct decoder *code = (struct decoder *)(void *)of;
    if (!code) {
        return;
    }
    if (code->disassembler) {
        code->llvm.dispose(code->disassembler);
    }
    if (code->llvm.library) {
        dlclose(code->llvm.library);
    }
    while (code->chunks) {
        struct chunk *next = code->chunks->next;
        free(code->chunks);
        code->chunks = next;
    }
    free(code->of.instr);
    free(code);
}

/* ---- Decoding -------------------------------------------------------------------------------------------- */

/* Encodings that are none, and that LLVM 22 does not refuse: its printer's behaviour is undefined for them, and some
 * end the process (met with random bytes). SDWA with a selection that there is not; a literal where the encoding has no
 * room for one: VOP3 before gfx10, a buffer's offset; gfx950's f8f6f4 products (which have no row), their registers
 * near v255; a literal for SOP1's messages and barriers. */
static bool is_printable(const struct isa_target *target, const uint32_t word[2])
{
    enum { SDWA = 0xf9, VOPC = 0x3e, VOP3 = 0x34, MUBUF = 0x38, MTBUF = 0x3a, SOP1 = 0x17d, LITERAL = 0xff };
    if (!(word[0] >> 31) && (word[0] & 0x1ff) == SDWA) {
        const bool selects = (word[1] >> 16 & 7) != 7 && (word[1] >> 24 & 7) != 7;
        return selects && (word[0] >> 25 == VOPC || ((word[1] >> 8 & 7) != 7 && (word[1] >> 11 & 3) != 3));
    }
    if (word[0] >> 23 == SOP1 && target->generation >= ISA_GFX11 && (word[0] & 0xff) == LITERAL) {
        const uint32_t sendmsg_rtn = 0x4c, sleep_var = 0x58, of = word[0] >> 8 & 0xff;
        return of < sendmsg_rtn || of >= sleep_var;
    }
    const uint32_t op = word[0] >> 16;
    if (target->generation == ISA_GFX9 && (op == 0xd3ac || op == 0xd3ad || op == 0xd3ae)) { /* scales, f8f6f4 */
        return false;
    }
    if (word[0] >> 26 == VOP3 && target->generation == ISA_GFX9) {
        return (word[1] & 0x1ff) != LITERAL && (word[1] >> 9 & 0x1ff) != LITERAL && (word[1] >> 18 & 0x1ff) != LITERAL;
    }
    return (word[0] >> 26 != MUBUF && word[0] >> 26 != MTBUF) || word[1] >> 24 != LITERAL;
}

/* Prints the instruction at `at`, without the blanks around it; its size, 0 when there is none. */
static size_t print_at(struct decoder *code, uint64_t at, char text[TEXT_BYTES])
{
    uint8_t bytes[MOST_BYTES];
    const uint64_t left = code->of.size - at;
    const size_t size = left < sizeof bytes ? (size_t)left : sizeof bytes;
    memcpy(bytes, code->of.bytes + at, size);
    uint32_t word[2] = { 0, 0 };
    memcpy(word, bytes, size < sizeof word ? size : sizeof word);
    *text = 0;
    if (!is_printable(code->target, word)) {
        return 0;
    }
    char printed[TEXT_BYTES] = "";
    const size_t n = code->llvm.print(code->disassembler, bytes, size, at, printed, sizeof printed);
    char *from = printed + strspn(printed, " \t"), *to = text;
    for (; *from; from++) {
        *to++ = *from == '\t' ? ' ' : *from;
    }
    while (to > text && to[-1] == ' ') {
        to--;
    }
    *to = 0;
    return n <= size ? n : 0;
}

/* SOPP's branches, and s_call: words from what follows. */
static void find_target(const struct decoder *code, struct isa_instr *i)
{
    const char *name = i->row->name;
    i->target = ISA_NO_CODE;
    if (!strncmp(name, "s_branch", 8) || !strncmp(name, "s_cbranch_", 10) || !strcmp(name, "s_call_b64")) {
        const int64_t words = (int16_t)(uint16_t)i->immediate;
        i->target = isa_code_number(&code->of, i->at + i->bytes + (uint64_t)(words * WORD));
    }
}

static bool keep_constants(struct decoder *code, struct isa_instr *i)
{
    for (int k = 0; k < i->n_src; k++) {
        if (i->src[k].place == ISA_P_CONSTANT) {
            i->src[k].row = constant_row(code, i->src[k].value);
            if (!i->src[k].row) {
                return false;
            }
        }
    }
    return true;
}

static struct isa_instr *give_up(struct decoder *code, const struct isa_instr *like, const char *why)
{
    struct undecoded *u = keep(code, sizeof *u);
    if (!u) {
        return &code->exhausted.i;
    }
    u->i.at = like->at;
    u->i.bytes = like->bytes ? like->bytes : WORD;
    memcpy(u->i.encoding, like->encoding, sizeof u->i.encoding);
    u->i.next = u->i.target = ISA_NO_CODE;
    snprintf(u->why, sizeof u->why, "%s", why);
    return &u->i;
}

static struct isa_instr *decode(struct decoder *code, uint64_t at)
{
    struct isa_instr i = { .at = at }, second = { .at = at };
    char text[TEXT_BYTES], why[WHY_BYTES];
    const size_t size = print_at(code, at, text);
    memcpy(i.encoding, code->of.bytes + at,
           code->of.size - at < sizeof i.encoding ? code->of.size - at : sizeof i.encoding);
    if (!size || size % WORD) {
        return give_up(code, &i, "bytes that are no instruction");
    }
    i.bytes = (uint8_t)size;
    i.second = &second;
    if (!isa_parse_indexed(&code->index, code->target, code->lanes, text, &i, why, sizeof why)) {
        return give_up(code, &i, why);
    }
    i.next = isa_code_number(&code->of, at + size);
    find_target(code, &i);
    struct isa_instr *kept = keep(code, sizeof *kept);
    if (!kept || !keep_constants(code, &i)) {
        return &code->exhausted.i;
    }
    *kept = i;
    if (i.second) {
        memcpy(second.encoding, i.encoding, sizeof second.encoding);
        second.bytes = i.bytes;
        second.at = at;
        second.next = i.next;
        second.target = ISA_NO_CODE;
        kept->second = keep(code, sizeof second);
        if (!kept->second || !keep_constants(code, &second)) {
            return &code->exhausted.i;
        }
        *kept->second = second;
    }
    return kept;
}

/* What isa_code_instr asks for, once for each. */
static const struct isa_instr *reach(struct isa_code *of, uint32_t number)
{
    struct decoder *code = (struct decoder *)(void *)of;
    struct isa_instr *decoded = decode(code, (uint64_t)number * WORD);
    if (decoded != &code->exhausted.i) {
        code->of.instr[number] = decoded;
    }
    return decoded;
}

static size_t print_text(struct isa_code *of, uint64_t at, char *text, size_t cap)
{
    char printed[TEXT_BYTES];
    const size_t n = print_at((struct decoder *)(void *)of, at, printed);
    snprintf(text, cap, "%s", printed);
    return n;
}

static const char *why(const struct isa_instr *i)
{
    return i->row ? "" : ((const struct undecoded *)(const void *)i)->why;
}
