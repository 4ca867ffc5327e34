/* type.c: the rows of tables.h as data: element types, head sizes, and the names of everything. Part of planner.c.
 *
 * SPDX-License-Identifier: MIT */

static const struct attn_type_info type_table[ATTN_TYPE_COUNT] = {
#define X(NAME, name, elems, bytes, align, ggml) { #name, "GGML_TYPE_" #NAME, ggml, elems, bytes, align },
    ATTN_TYPES(X)
#undef X
};

const struct attn_type_info *attn_type_info(int type)
{
    return type >= 0 && type < ATTN_TYPE_COUNT ? &type_table[type] : NULL;
}

/* The type that an operand has where none is given; of all but K and V the only one that it may have. */
static const uint8_t operand_types[ATTN_OPERAND_COUNT] = {
#define X(NAME, name, type) ATTN_##type,
    ATTN_OPERANDS(X)
#undef X
};

static const struct attn_head_size head_size_table[ATTN_HEAD_SIZE_COUNT] = {
#define X(dk, dv) { dk, dv },
    ATTN_HEAD_SIZES(X)
#undef X
};

const struct attn_head_size *attn_head_size(int index)
{
    return index >= 0 && index < ATTN_HEAD_SIZE_COUNT ? &head_size_table[index] : NULL;
}

int attn_head_size_find(int64_t d_k, int64_t d_v)
{
    for (int i = 0; i < ATTN_HEAD_SIZE_COUNT; i++)
        if (head_size_table[i].d_k == d_k && head_size_table[i].d_v == d_v)
            return i;
    return -1;
}

bool attn_head_size_known(int64_t d_k, int64_t d_v)
{
    const struct attn_head_size largest = head_size_table[ATTN_HEAD_SIZE_COUNT - 1];
    return attn_head_size_find(d_k, d_v) >= 0 || (d_k == d_v && d_k >= 8 && d_k % 8 == 0 && d_k <= largest.d_v);
}

int attn_head_size_instance(int64_t d_k, int64_t d_v, int64_t instances)
{
    const int own = attn_head_size_find(d_k, d_v);
    if (own >= 0 && instances >> own & 1)
        return own;
    if (own < 0 && !attn_head_size_known(d_k, d_v))
        return -1;
    for (int i = 0; i < ATTN_HEAD_SIZE_COUNT; i++)
        if ((instances >> i & 1) && head_size_table[i].d_k >= d_k && head_size_table[i].d_v >= d_v)
            return i;
    return -1;
}

int64_t attn_head_size_operand(int64_t d_k, int64_t d_v)
{
    int index = attn_head_size_find(d_k, d_v);
    if (index >= 0)
        return index;
    return -1 - (attn_min(d_k, INT32_MAX) << 31 | attn_min(d_v, INT32_MAX));
}

struct attn_head_size attn_head_size_pair(int64_t operand)
{
    const struct attn_head_size *known =
        operand >= 0 && operand < ATTN_HEAD_SIZE_COUNT ? &head_size_table[operand] : NULL;
    if (known)
        return *known;
    int64_t packed = operand < 0 ? -1 - operand : 0;
    struct attn_head_size pair = { (int32_t)(packed >> 31 & INT32_MAX), (int32_t)(packed & INT32_MAX) };
    return pair;
}

/* ---- Names ------------------------------------------------------------------------------------------- */

/* attn_operand_name and so on: the second word of each row of a table, "unknown" outside it. */
#define NAMES(kind, TABLE, COUNT, ROW)                                 \
    const char *attn_##kind##_name(int index)                          \
    {                                                                  \
        static const char *const names[COUNT] = { TABLE(ROW) };        \
        return index >= 0 && index < COUNT ? names[index] : "unknown"; \
    }
#define OF_TWO(NAME, name) #name,
#define OF_MORE(NAME, name, ...) #name,
#define OPERANDS(ROW) ATTN_OPERANDS(ROW) "src5",
NAMES(operand, OPERANDS, ATTN_OPERAND_COUNT + 1, OF_MORE)
#undef OPERANDS
NAMES(error, ATTN_ERRORS, ATTN_ERROR_COUNT, OF_MORE)
NAMES(matrix, ATTN_MATRICES, ATTN_MATRIX_COUNT, OF_MORE)
NAMES(step, ATTN_STEPS, ATTN_STEP_COUNT, OF_TWO)
NAMES(region, ATTN_REGIONS, ATTN_REGION_COUNT, OF_TWO)
#undef NAMES
#undef OF_TWO
#undef OF_MORE
