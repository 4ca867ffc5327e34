/* internal.h: what the parts of the machine share: the state of a wave, a decoded instruction, a row of the table.
 *
 * The way of an instruction: decode.c has LLVM print it and parses the text to a struct isa_instr, once; its row of the
 * table (rows.c, from rows/) names its class and its lane function; the class's `run` (scalar.c, vector.c, packed.c,
 * memory_*.c, matrix.c, control.c) fetches operands, applies modifiers, calls the lane function and puts the result
 * away under EXEC; wave.c is the loop, with the checks of registers and waits around it.
 *
 * SPDX-License-Identifier: MIT */
#ifndef ATTN_ISA_INTERNAL_H
#define ATTN_ISA_INTERNAL_H

#include "isa/count.h"
#include "isa/isa.h"

/* ---- Target ---------------------------------------------------------------------------------------------- */

/* What instructions, waits and the dispatch depend on. */
enum isa_generation { ISA_GFX9, ISA_GFX10, ISA_GFX11, ISA_GFX12 };
struct isa_target {
    const char *name; /* "gfx90a" */
    enum isa_generation generation;
    bool cdna;                /* gfx908 and its kind: has accumulator registers and MFMA */
    bool unified;             /* gfx90a on: accumulators lie behind the vector registers of one file */
    bool architected_scratch; /* flat scratch is set by the hardware: gfx942 on, gfx11 on */
    bool workgroup_in_ttmp;   /* gfx12: ttmp9, ttmp7 */
    bool mfma_flushes;        /* gfx90a: f16 and bf16 subnormals of A and B count as zero */
    bool fp8_fnuz;            /* gfx942: 8-bit floats without negative zero; bias one more. Later: as OCP has them */
    uint8_t lds_granule_log2;
};
/* NULL when there is no such row (target.c). */
const struct isa_target *isa_target_find(const char *name);

/* ---- Wave ------------------------------------------------------------------------------------------------ */

enum {
    ISA_LANES = 64,
    ISA_VECTORS = 512, /* 0..255 v, 256..511 a */
    ISA_ACC = 256,     /* first accumulator register */
    /* Scalar registers as this machine numbers them, whatever the generation's encoding. All are 32 bits of s[]. */
    ISA_VCC = 106,
    ISA_TTMP = 108, /* 16 of them */
    ISA_M0 = 124,
    ISA_NULL = 125, /* reads 0; whoever writes a scalar leaves it 0 */
    ISA_EXEC = 126,
    ISA_FLAT_SCRATCH = 128, /* pair */
    ISA_XNACK_MASK = 130,   /* pair */
    ISA_SCC = 132,
    ISA_VCCZ = 133, /* made by the operand fetch, not kept */
    ISA_EXECZ = 134,
    ISA_SHARED_BASE = 136, /* pairs: the apertures of flat addresses */
    ISA_SHARED_LIMIT = 138,
    ISA_PRIVATE_BASE = 140,
    ISA_PRIVATE_LIMIT = 142,
    ISA_LDS_DIRECT = 144,
    ISA_SCALARS = 146
};

enum { ISA_INDEX_MODE = 1 << 27 }; /* MODE of gfx9: registers of vector instructions are moved by M0 */

/* Counters that a wave waits on. Before gfx12 vmcnt is LOAD (and STORE before gfx10), lgkmcnt is DS and KM together,
 * vscnt STORE. */
enum isa_counter { ISA_C_LOAD, ISA_C_STORE, ISA_C_DS, ISA_C_KM, ISA_C_EXP, ISA_COUNTERS };

struct isa_pending {
    uint8_t counter; /* enum isa_counter + 1; 0: nothing is on its way */
    uint8_t halves;  /* of the register: 1 low, 2 high */
    uint32_t number; /* of the operation, counted per counter from 1 */
    uint32_t ds;     /* flat: its number in the DS counter besides; 0: none */
};

struct isa_group; /* a workgroup that runs: group.h */

struct isa_wave {
    /* What lane loops touch comes first. */
    uint32_t v[ISA_VECTORS][ISA_LANES];
    uint32_t s[ISA_SCALARS];
    uint32_t mask[ISA_LANES]; /* ~0 where EXEC is set: isa_exec_changed keeps it; 0 past the wave's size */
    uint64_t exec;            /* the same as s[ISA_EXEC..] */
    int lanes;                /* 32 or 64 */
    uint32_t next;            /* number of the next instruction in the kernel's code */
    uint32_t mode; /* MODE: round f32 0..1, round f64/f16 2..3, denormals f32 4..5, f64/f16 6..7, dx10_clamp 8,
                      ieee 9 (as HW_REG_MODE has them) */
    uint32_t status;
    const struct isa_target *target;
    struct isa_machine *machine;
    struct isa_group *group;
    struct isa_code *code;
    uint32_t number; /* in the workgroup */
    int state;       /* enum isa_next: why it is not running */
    bool checked;
    /* Checks (wave.c, check.c). */
    uint64_t v_written[ISA_VECTORS]; /* lanes */
    uint32_t s_defined[ISA_SCALARS]; /* bits that somebody wrote */
    struct isa_pending v_pending[ISA_VECTORS], s_pending[ISA_SCALARS];
    uint32_t issued[ISA_COUNTERS], done[ISA_COUNTERS];
    bool any_pending;
    uint8_t *scratch; /* private memory: lane l's byte b at scratch[l * scratch_bytes + b] */
    uint32_t scratch_bytes;
    uint8_t *scratch_written; /* one for each byte, when checked */
    uint64_t random;          /* of its own, drawn from the schedule: perturbation */
};

/* EXEC was written: masks follow. Every class that writes scalars calls it when the destination covers ISA_EXEC. */
void isa_exec_changed(struct isa_wave *w);
static inline uint64_t isa_s64(const struct isa_wave *w, int reg)
{
    return (uint64_t)w->s[reg] | (uint64_t)w->s[reg + 1] << 32;
}
/* Writes 1 or 2 words; null stays 0, EXEC's masks follow. */
void isa_set_scalar(struct isa_wave *w, int reg, int words, uint64_t value);
/* A wave's mask (VCC, a compare's result): one word in wave32, two in wave64. */
uint64_t isa_lane_mask(const struct isa_wave *w, int reg);
void isa_set_lane_mask(struct isa_wave *w, int reg, uint64_t value);

/* ---- Instruction ----------------------------------------------------------------------------------------- */

enum isa_place { ISA_P_NONE, ISA_P_VECTOR, ISA_P_SCALAR, ISA_P_CONSTANT, ISA_P_OFF };

/* Types of what an operand holds: they say how a constant is made ("1.0" of F16 is 0x3c00), what neg and abs do, and
 * how many registers it takes. X(NAME, bytes, float?) */
/* clang-format off */
#define ISA_TYPES(X)                                                                                                   \
    X(NONE, 0, 0)                                                                                                      \
    X(B16, 2, 0)                                                                                                       \
    X(U16, 2, 0)                                                                                                       \
    X(I16, 2, 0) X(F16, 2, 1) X(BF16, 2, 1) X(B32, 4, 0) X(U32, 4, 0) X(I32, 4, 0) X(F32, 4, 1) X(B64, 8, 0)           \
        X(U64, 8, 0) X(I64, 8, 0) X(F64, 8, 1) X(PK_B16, 4, 0) X(PK_U16, 4, 0) X(PK_I16, 4, 0) X(PK_F16, 4, 1)         \
            X(PK_BF16, 4, 1) X(PK_F32, 8, 1) X(PK_B32, 8, 0) X(MASK, 8, 0) X(B96, 12, 0) X(B128, 16, 0) X(B256, 32, 0) \
                X(B512, 64, 0) X(B1024, 128, 0)
/* clang-format on */
/* MASK: a bit a lane, one word in wave32. Operands larger than 8 bytes: only registers. */
enum isa_type {
#define X(NAME, bytes, is_float) ISA_T_##NAME,
    ISA_TYPES(X)
#undef X
        ISA_TYPE_COUNT
};

enum isa_half { ISA_WHOLE, ISA_LOW, ISA_HIGH };                                                     /* v5, v5.l, v5.h */
enum isa_sel { ISA_DWORD, ISA_BYTE_0, ISA_BYTE_1, ISA_BYTE_2, ISA_BYTE_3, ISA_WORD_0, ISA_WORD_1 }; /* SDWA */
enum isa_unused { ISA_PAD, ISA_SEXT, ISA_PRESERVE }; /* SDWA dst_unused */

struct isa_operand {
    uint8_t place; /* enum isa_place */
    uint8_t words; /* registers that it takes: from its text, v[2:3] is 2 */
    uint16_t reg;  /* of v[] or of s[] */
    uint8_t half, sel;
    bool neg, abs, sext;
    uint64_t value;      /* a constant, made for the row's type of this operand */
    const uint32_t *row; /* a constant's low word ISA_LANES times, kept with the code; [1]: its high word behind it */
};

enum isa_dpp {
    ISA_DPP_NONE,
    ISA_DPP_QUAD_PERM,
    ISA_DPP_ROW_SHL,
    ISA_DPP_ROW_SHR,
    ISA_DPP_ROW_ROR,
    ISA_DPP_WAVE_SHL,
    ISA_DPP_WAVE_ROL,
    ISA_DPP_WAVE_SHR,
    ISA_DPP_WAVE_ROR,
    ISA_DPP_ROW_MIRROR,
    ISA_DPP_ROW_HALF_MIRROR,
    ISA_DPP_ROW_BCAST15,
    ISA_DPP_ROW_BCAST31,
    ISA_DPP_ROW_NEWBCAST,
    ISA_DPP_ROW_SHARE,
    ISA_DPP_ROW_XMASK,
    ISA_DPP8
};

enum { ISA_SOURCES = 5, ISA_DESTINATIONS = 2 };

struct isa_row;

struct isa_instr {
    const struct isa_row *row;
    /* dst[1]: the carry, VCC or the like. Implicit operands (VCC of v_cndmask_e32, of v_add_co) are filled in by the
     * decoder where the text leaves them out, so that a class sees them always. An instruction that adds to its
     * destination (v_fmac) has it as its last source too. */
    struct isa_operand dst[ISA_DESTINATIONS], src[ISA_SOURCES];
    uint8_t n_dst, n_src;
    /* Modifiers. op_sel and the like: bit i is source i; op_sel bit 3 is the destination's (VOP3) as the text has it.
     */
    uint8_t op_sel, op_sel_hi, neg_lo, neg_hi;
    uint8_t clamp, omod;              /* omod: 0, 1 (times 2), 2 (times 4), 3 (half) */
    uint8_t dpp, row_mask, bank_mask; /* enum isa_dpp; masks 0xf unless said */
    bool bound_ctrl, fi;
    uint32_t dpp_value; /* the count, the four 2-bit or eight 3-bit lanes */
    bool sdwa;
    uint8_t dst_sel, dst_unused;
    uint8_t byte_sel;         /* gfx12: which byte a conversion of 8-bit floats reads or writes */
    uint8_t cbsz, abid, blgp; /* MFMA */
    bool glc, slc, dlc, nt, sc0, sc1, lds, gds, offen, idxen, addr64, tfe;
    uint8_t scope, th;        /* gfx12 cache policy: numbers of scope:SCOPE_*, th:TH_* (0: not said) */
    int64_t offset[2];        /* memory: offset:, offset0: and offset1: (as printed, not scaled) */
    uint64_t immediate;       /* SOPP and SOPK: simm16; s_waitcnt: as encoded (16 bits); s_getreg: the packed hwreg */
    uint32_t encoding[4];     /* its words: for what the text leaves out */
    struct isa_instr *second; /* dual issue: the Y half, a whole instruction by itself; NULL */
    uint32_t next, target;    /* numbers in the code: what follows, where a branch goes (ISA_NO_CODE: outside) */
    uint64_t at;              /* bytes from the code's start */
    uint8_t bytes;
};
#define ISA_NO_CODE UINT32_MAX

/* ---- Table ----------------------------------------------------------------------------------------------- */

/* What running an instruction leads to. */
enum isa_next {
    ISA_GO,      /* the next one */
    ISA_JUMP,    /* w->next was set */
    ISA_YIELD,   /* another wave may run now (s_sleep, a wave operation under a turn-taking schedule) */
    ISA_BARRIER, /* waits for the others */
    ISA_END,     /* s_endpgm */
    ISA_FAIL     /* isa_fail was called */
};
typedef enum isa_next isa_run(struct isa_wave *w, const struct isa_instr *i);

/* A row: one mnemonic without its encoding suffix (_e32, _e64, _sdwa, _dpp, _e64_dpp, ...). */
struct isa_row {
    const char *name;
    uint8_t class;                 /* enum isa_class */
    uint8_t dst[ISA_DESTINATIONS]; /* enum isa_type: NONE when it has none */
    uint8_t src[ISA_SOURCES];
    uint16_t flags;
    isa_run *run;
    union isa_op { /* what the class's run calls: each class says which it is, and its signature */
        void (*any)(void);
        uint64_t number;
    } op;
};
/* Operands that the text does not have, or has elsewhere; what the instruction touches besides. */
enum isa_flag {
    ISA_READS_DST = 1,  /* v_fmac, d16 loads: the destination is a source too (the last) */
    ISA_READS_VCC = 2,  /* where the text names no mask: src after the others */
    ISA_WRITES_VCC = 4, /* where the text names none: dst[1] */
    ISA_READS_SCC = 8,
    ISA_WRITES_SCC = 16,
    ISA_IGNORES_EXEC = 32, /* MFMA, WMMA, v_readlane, v_readfirstlane, v_writelane */
    ISA_READS_M0 = 64,
    ISA_WRITES_EXEC = 128, /* s_and_saveexec, v_cmpx */
    ISA_READS_EXEC = 256,
    ISA_NO_DST = 512,   /* stores: every operand is a source */
    ISA_PARTIAL = 1024, /* writes a part of dst's register only: the rest is kept */
    ISA_ATOMIC = 2048   /* global, flat, buffer: has a dst only where it returns: glc, sc0 (gfx942 on), TH_ATOMIC_RETURN
                           (gfx12); without, every operand is a source */
};
/* The table's parts: each class's file has its own (isa/rows/NAME.h: the X-macro; NAME.c: the functions and the set).
 */
struct isa_row_set {
    const struct isa_row *row;
    size_t count;
};
extern const struct isa_row_set isa_rows_scalar, isa_rows_control, isa_rows_vector, isa_rows_compare, isa_rows_packed,
    isa_rows_lane, isa_rows_matrix, isa_rows_ds, isa_rows_scalar_memory, isa_rows_global, isa_rows_scratch,
    isa_rows_buffer;
/* By its folded name; NULL when there is none. Rows have numbers 0 .. isa_row_count() - 1: coverage. */
const struct isa_row *isa_row_find(const char *name);
const struct isa_row *isa_row(size_t number);
size_t isa_row_count(void);

/* ---- Code (decode.c) ------------------------------------------------------------------------------------- */

/* Code is decoded from an entry on, as it is reached, and kept with its object. */
struct isa_code;
/* Is the disassembler there, and does it know the target? */
bool isa_code_ready(const struct isa_target *target, struct isa_error *error);
/* An executable segment: where it lies is its device address too (s_getpc). For waves of that many lanes. NULL when
 * memory runs out. */
struct isa_code *isa_code_open(const struct isa_target *target, int lanes, const uint8_t *bytes, uint64_t size);
void isa_code_close(struct isa_code *code);
uint64_t isa_code_base(const struct isa_code *code);
/* The number of the instruction at that address (bytes from the code's start); ISA_NO_CODE, with code and text of
 * *stop set (code_bounds, unsupported, memory), when there is none. One that has no row, or has a form that is not
 * understood, is an instruction with row NULL: it fails when it is reached (isa_code_text and isa_code_why say what it
 * is). `next` and `target` are numbers right away, ISA_NO_CODE only where the code ends: the run loop asks here why. */
uint32_t isa_code_at(struct isa_code *code, uint64_t at, struct isa_stop *stop);
const char *isa_code_why(struct isa_code *code, const struct isa_instr *i);
/* By number: decoded now when it was not reached before. Never NULL for what isa_code_at, next and target give. */
const struct isa_instr *isa_code_instr(struct isa_code *code, uint32_t number);
/* The text of an instruction, for messages: made again. */
void isa_code_text(struct isa_code *code, const struct isa_instr *i, char *text, size_t cap);
/* Parses one printed instruction ("v_add_f32_e32 v0, 1.0, v1"). *i is zero on entry, but for encoding and bytes where
 * they are known (some forms have a number only there), and second: the place for the Y half of a dual instruction.
 * False with what was not understood in error[cap]. */
bool isa_parse(const struct isa_target *target, int lanes, const char *text, struct isa_instr *i, char *error,
               size_t cap);

/* ---- Operands (operand.c) -------------------------------------------------------------------------------- */

/* Source k as 32-bit lanes, with SDWA, DPP, halves, neg, abs, sext applied: the register itself where nothing has to be
 * done, else tmp. 16-bit types come in the low half. Subnormals are flushed where MODE says so. */
const uint32_t *isa_source(struct isa_wave *w, const struct isa_instr *i, int k, uint32_t tmp[ISA_LANES]);
/* The same of 8-byte types: low and high words. */
void isa_source_pair(struct isa_wave *w, const struct isa_instr *i, int k, uint32_t tmp[2][ISA_LANES],
                     const uint32_t *out[2]);
/* A scalar source: 1 or 2 words, of SGPRs, constants, VCC, EXEC, M0, SCC, apertures. */
uint64_t isa_scalar_source(const struct isa_wave *w, const struct isa_instr *i, int k);
/* Puts a result away under EXEC, with omod and clamp (by the row's type), DPP's masks, SDWA's selection, op_sel's half,
 * d16's other half kept. */
void isa_put(struct isa_wave *w, const struct isa_instr *i, uint32_t value[ISA_LANES]);
void isa_put_pair(struct isa_wave *w, const struct isa_instr *i, uint32_t low[ISA_LANES], uint32_t high[ISA_LANES]);

/* ---- DPP and SDWA (operand_dpp.c): what operand.c calls for an instruction that has them -------------------- */

/* A whole source register as DPP brings it to each lane; `from` and `to` must not overlap. A lane that has no source
 * (outside of its row, or, without fi, not in EXEC) gets 0. Only source 0 has DPP. */
void isa_dpp_source(const struct isa_wave *w, const struct isa_instr *i, const uint32_t *from, uint32_t *to);
/* The lanes whose destination DPP lets be written: row_mask, bank_mask, and with bound_ctrl off those that have a
 * source. EXEC is not in it. */
uint64_t isa_dpp_written(const struct isa_wave *w, const struct isa_instr *i);
/* A source register's selected byte or word, extended with zeros, or with its sign where the operand says sext. */
void isa_sdwa_source(const struct isa_operand *o, const uint32_t *from, uint32_t *to);
/* Moves a result into the selected part of its register, in place; the rest becomes zeros, copies of the sign, or what
 * `old` has there. */
void isa_sdwa_result(const struct isa_instr *i, const uint32_t *old, uint32_t *value);

/* ---- Failing --------------------------------------------------------------------------------------------- */

/* Ends the launch: fills in the machine's stop, with the wave, the instruction, its text. Returns ISA_FAIL. lane -1: no
 * lane of its own. */
enum isa_next isa_fail(struct isa_wave *w, const struct isa_instr *i, int code, int lane, const char *format, ...)
    __attribute__((format(printf, 5, 6)));

/* ---- Memory (memory.c, group.c) -------------------------------------------------------------------------- */

/* `bytes` (1..16) at lane's address, checked: bounds, roles, what is unwritten, races. False: isa_fail was called. */
bool isa_global_load(struct isa_wave *w, const struct isa_instr *i, int lane, uint64_t address, int bytes, void *to);
bool isa_global_store(struct isa_wave *w, const struct isa_instr *i, int lane, uint64_t address, int bytes,
                      const void *from);
bool isa_lds_load(struct isa_wave *w, const struct isa_instr *i, int lane, uint32_t address, int bytes, void *to);
bool isa_lds_store(struct isa_wave *w, const struct isa_instr *i, int lane, uint32_t address, int bytes,
                   const void *from);
bool isa_scratch_load(struct isa_wave *w, const struct isa_instr *i, int lane, uint32_t address, int bytes, void *to);
bool isa_scratch_store(struct isa_wave *w, const struct isa_instr *i, int lane, uint32_t address, int bytes,
                       const void *from);
/* An operation was issued whose results come under that counter: destination registers are pending until the wait.
 * Loads fill the registers at once; the mark is what tells a use that came too early. */
void isa_issue(struct isa_wave *w, const struct isa_instr *i, enum isa_counter counter);
/* A wait: at most so many operations of that counter are still on their way. Before gfx12 lgkmcnt(n) is a wait for DS
 * and one for KM, both n; vmcnt(n) of gfx9 is one for LOAD: stores are counted there. */
void isa_wait(struct isa_wave *w, enum isa_counter counter, uint32_t at_most);
/* Barriers (group.c). s_barrier is isa_barrier. gfx12: s_barrier_signal, s_barrier_wait (barrier -1); _signal goes on.
 * The wave's `next` is behind the barrier already. */
enum isa_next isa_barrier(struct isa_wave *w, const struct isa_instr *i);
enum isa_next isa_barrier_signal(struct isa_wave *w, const struct isa_instr *i);
enum isa_next isa_barrier_wait(struct isa_wave *w, const struct isa_instr *i);

/* ---- Classes: each is a run of rows ---------------------------------------------------------------------- */

isa_run isa_run_scalar1, isa_run_scalar2, isa_run_scalar_compare, isa_run_scalar_k, isa_run_saveexec;   /* scalar.c */
isa_run isa_run_branch, isa_run_wait, isa_run_barrier, isa_run_end, isa_run_nothing, isa_run_control;   /* control.c */
isa_run isa_run_vector, isa_run_compare, isa_run_packed, isa_run_lane, isa_run_carry, isa_run_dual;     /* vector*.c */
isa_run isa_run_matrix;                                                                                 /* matrix.c */
isa_run isa_run_scalar_load, isa_run_ds, isa_run_global, isa_run_flat, isa_run_scratch, isa_run_buffer; /* memory_*.c */

#endif
