/* check_scalar.c: which bits of scalar registers hold something that somebody wrote, bit by bit.
 *
 * Compilers merge masks of lanes: (old & ~exec) | (new & exec), where old may be what nobody wrote. A bit of an AND is
 * known where both are, or where one is a known 0; and so on. What other instructions make of an unknown bit is
 * unknown.
 *
 * SPDX-License-Identifier: MIT */
#include <string.h>

#include "isa/machine.h"

struct known {
    uint64_t value, bits;
};

static struct known source(const struct isa_wave *w, const struct isa_instr *i, int k)
{
    struct known s = { isa_scalar_source(w, i, k), UINT64_MAX };
    if (i->src[k].place != ISA_P_SCALAR)
        return s;
    s.bits = w->s_defined[i->src[k].reg];
    s.bits |= i->src[k].words > 1 ? (uint64_t)w->s_defined[i->src[k].reg + 1] << 32 : UINT64_C(0xffffffff) << 32;
    return s;
}

static struct known not_of(struct known a) { return (struct known){ ~a.value, a.bits }; }

static uint64_t and_of(struct known a, struct known b)
{
    return (a.bits & b.bits) | (a.bits & ~a.value) | (b.bits & ~b.value);
}

static uint64_t or_of(struct known a, struct known b) { return and_of(not_of(a), not_of(b)); }

/* The operation's name, without s_ and what follows. */
static bool is(const char *name, const char *operation)
{
    size_t n = strlen(operation);
    return strncmp(name + 2, operation, n) == 0 && (name[2 + n] == '_' || name[2 + n] == 0);
}

static uint64_t result(const char *n, struct known a, struct known b)
{
    /* The longer names first: they begin with the shorter ones. */
    if (is(n, "andn2") || is(n, "and_not1"))
        return and_of(a, not_of(b));
    if (is(n, "orn2") || is(n, "or_not1"))
        return or_of(a, not_of(b));
    if (is(n, "andn1") || is(n, "and_not0"))
        return and_of(not_of(a), b);
    if (is(n, "orn1") || is(n, "or_not0"))
        return or_of(not_of(a), b);
    if (is(n, "and"))
        return and_of(a, b);
    if (is(n, "or"))
        return or_of(a, b);
    if (is(n, "nand"))
        return and_of(a, b);
    if (is(n, "nor"))
        return or_of(a, b);
    if (is(n, "xor") || is(n, "xnor") || is(n, "mov") || is(n, "not"))
        return a.bits & b.bits;
    return (a.bits & b.bits) == UINT64_MAX ? UINT64_MAX : 0;
}

uint64_t isa_scalar_known(const struct isa_wave *w, const struct isa_instr *i)
{
    const struct known whole = { 0, UINT64_MAX };
    struct known a = i->n_src > 0 ? source(w, i, 0) : whole, b = i->n_src > 1 ? source(w, i, 1) : whole;
    for (int k = 2; k < i->n_src; k++)
        if (source(w, i, k).bits != UINT64_MAX)
            return 0;
    if (strstr(i->row->name, "saveexec") || strstr(i->row->name, "wrexec"))
        b = (struct known){ w->exec, UINT64_MAX };
    if (is(i->row->name, "cselect"))
        return w->s[ISA_SCC] ? a.bits : b.bits;
    return result(i->row->name, a, b);
}
