/* bound.c: how far a correct kernel's result may be from the reference.
 *
 * A rigorous worst case (no probabilistic sqrt(n)), per component, for a kernel that computes in binary32 with the
 * roundings that struct attn_arithmetic names. Standard model: each operation is exact times 1 + e, |e| <= u = 2^-24;
 * a chain of n of them is within gamma(n) = n u / (1 - n u) (Higham, Accuracy and Stability of Numerical
 * Algorithms, 2nd ed., lemma 3.1). The idea to keep the sum of absolute values beside the reference goes back to
 * DMMCH of the BLAS test suite (1989).
 *
 * 1. Wrong weights. The kernel's weight of key k is w_k e^t_k with |t_k| <= eta_k, where w_k is the true one and
 *
 *        eta_k = a G_k + h_k + 6 u x_k + c            (G, h, x: internal.h)
 *        a     = gamma(8) + gamma(m) b + u_q + u_k + u_q u_k   dot product of m roundings one after the other,
 *                                                    with scale, decoding of K, narrowing
 *        c     = 4 u (T + 1 + M) + |scale| (f_q sum|k| + f_k sum|q| + f_q f_k D_K)
 *
 *    b: what is rounded is partial sums. In whatever order, one is a sum of some of the q_d k_d, so no more than those
 * of one sign come to, (G + |score|) / 2, and so is what a matrix core aligns products to (4.). That is of G the part
 *    row->partial. Narrowed to r <= 2^-8, the first part of an element is up to 1 + r times as large as it and the
 *    second r times, of Q, and then of K: below 1 + 2^-5 together; and a partial sum has the errors of those before, of
 *    gamma(m) G <= 2 gamma(m) of the largest.
 *    6 u x: rounding score - max, its product with log2(e) and that constant's rounding (3 u x), and the fast
 *    exponentials whose error grows with the argument: __expf is within 2 + floor(|1.173 x|) ulp, expf, exp2f and
 *    ex2.approx within 2 ulp = 4 u (CUDA C++ Programming Guide, appendix Mathematical Functions; PTX ISA,
 *    ex2.approx.f32; HIP math API states no more for its own). A weight is the product of one exponential and
 *    of one for each of the T rescales (tree.c) and M merges it goes through, of waves and of splits, each of which
 *    takes all partial results to their maximum at once; their arguments add
 *    up to x, as the running maximum only grows, so the x part counts once and the rest T + 1 + M times. Where
 *    x > 110 the weight is below 2^-158, no float: the floor of 3. covers it.
 *    Values and weights use the same t_k, so the new mean is the old one under other weights, and
 *
 *        o' - o = sum_k p_k (e^t_k - 1) (V_k - o) / sum_k p_k e^t_k            (sum p (V - o) = 0)
 *
 *    With |e^t - 1| <= g eta, g = expm1(eta_max) / eta_max (convexity), Cauchy-Schwarz, and Jensen for the denominator:
 *
 *        |o' - o| <= g N e^N sigma,   N = sqrt(sum p eta^2),   sigma^2 = sum p V^2 - o^2
 *
 *    N splits by Minkowski into a sqrt(sum p G^2) + sqrt(sum p h^2) + ..., so that no gauge depends on the route.
 *    It is the variance that counts: constant V, or one key with all the weight, leaves nothing to get wrong.
 *    And both means lie within max|V|, so max|V| + |o| is a limit too; and, the new mean's deviation from o being a
 * mean under weights of at most p e^(2 eta_max), e^eta_max sigma. The sink is a key with V = 0. Where few keys have V
 * of one component its sigma is large beside sum p |V - o| <= A_d + |o|, of which it can only be moved by g e^N max
 * eta. The maximum is taken over keys near the row's maximum; of those that are further below than ATTN_FAR the sum p
 * eta counts, times max|V| + |o|. Of the |o|, sum p eta |o|, the mean of eta, the sink's too, is enough, at most N:
 * beside a sink that has most of the weight it is small.
 *    Where the weight of keys whose V is not that of the heaviest key, t, is next to nothing, no error of scores is too
 *    large, as p'_k <= p_k e^(2 eta_max):
 *
 *        |o' - o| <= sum |p'_k - p_k| |V_k - V_t| <= (1 + e^(2 eta_max)) sum p_k |V_k - V_t|
 *
 *    f_q is an absolute error of Q, of each element alike, and moves a score by |scale| f_q sum|k|. A softcap has that,
 * as all errors of the dot product, times its slope, at most 1 and far below where it saturates: 1 - tanh(s / c)^2 at
 * the point nearest to zero that the score may come from (score.c), for a Q off by no more than 2^-10 of its largest
 * element; else 1. f_k passes with 1.
 *    Quantised K, narrowed to f16, is off by a known amount, N = |scale sum q (f16(k) - k)|, in place of u_k G.
 *
 * 2. Rounded sums. How often a term's way to the result is rounded goes by the route's tree (tree.c): n times in a
 *    wave's lane and where lanes and waves are added up, rescales with them, s times where the combine adds up splits,
 *    and 2 M + 4 times by itself: decoding, product, a product and a store in each merge. Of sum w: relative to it, as
 *    all terms are positive, gamma(n + s + M + 4).
 *    Of sum w V: an addition is off by u of its result, so what is rounded is partial sums, and all of it is at most
 *    gamma(n) times the largest of them (of a lane's terms, in units of the final weights: a rescale does not change a
 *    partial sum's part of the result). No partial sum of any lanes is more than A_d = sum p |V_d| together. Where one
 *    accumulator takes a split's keys in order it is the difference of two sums of the first keys, or one such sum
 *    where nothing is split. These the reference has: P_d, the largest after a whole tile of its own, and B, the most
 *    that a part of a tile adds; with terms in order by blocks only, b = 1 + ceil((block - 1) / tile) tiles are
 *    touched, so it is at most 2 P_d + (b + 1) B, or P_d + b B; and the combine's, at most P_d + B. Where V has both
 *    signs that is far below A_d, and where it has one it is near |o|. The wrong weights of 1 add to it
 *    sum p |e^t - 1| |V| <= shift sqrt(sum p V^2), and narrowing what it adds to A_d.
 *    Rounded to nearest, a sum is off by no more than what was added. So keys whose weight is lost in the sum need not
 *    count as roundings of it, if their p is added, and for V their p max|V|: which keys these are is free, and the
 *    reference takes those with p < 2 u S (struct attn_row).
 *    Weights narrowed for the product with V add u_p A_d (or less: a weight is e^-x before, by the largest score so
 * far, and what is nearest to it is no further away than 1 is, so that 1 - e^-(x + 2 eta_max) is enough), narrowed V
 * adds u_v A_d. Division, or reciprocal and product, and the store: 8 u |o|.
 *
 * 3. Floors. Weights below the smallest their type rounds to are lost: f_p n max|V|, after the row's own maximum,
 *    so against the sum of weights, which is 1 / max p, or e^(-2 eta_max) times that, and at least 1. Float underflow,
 *    where subnormals may be flushed: f = 2^-126 in each weight, product and rescale. A weight loses no more than
 * itself, so of keys far below the maximum the sum of p is enough. V: f_v, of f16 where an element is below 2^-14, so
 * times the sum of p of keys with such a one.
 *
 * 4. Matrix cores. They form products exactly, align the products of one instruction and the accumulator to the
 *    largest of them, and truncate at the accumulator's precision or a few bits below (Fasi, Higham, Mikaitis, Pranesh,
 *    Numerical behavior of NVIDIA tensor cores, PeerJ Computer Science 7, 2021; of AMD's less is known, and nothing
 *    worse): each of an instruction's k products and its accumulator loses at most 2 u of the largest, so does
 *    normalising the sum, and all of it is below the sum of absolute values. Products that are zero lose nothing, so
 *    an instruction with j others is off by (j + 2) 2 u of the largest partial sum. It may add up its k products in
 *    four parts one after the other, each of which is then such a sum (the same paper: V100 four products at a time,
 *    A100 eight): n products in p parts count for 2 p n + 4 ceil(4 p n / k) roundings. This error has a sign, towards
 *    zero, so nothing of it averages out.
 *    Where all products of Q's second part are added up first (q_rest_first), no partial sum of theirs is more than
 * r G + f sum|k|, and G no more than twice row->partial: their roundings count 2 r times. What they come to is in every
 *    partial sum of the first part's: 1 + 3 r, with K's still below 1 + 2^-5, and f sum|k| counts once more. Beside G
 *    itself, which has no such factor, all of it is below 1 + 4 r; so that is what they count.
 *    A number in p parts of t bits has p t bits. Q multiplied by a power of two first, so that its largest element is
 *    at least 2^s, loses what is below its type's smallest only relative to that: f 2^-s max|q|; where the power of two
 *    is limited to keep its inverse normal, less than 2^-126. Weights multiplied by 2^s: f 2^-s. Their exponential is
 *    taken of a sum x + s: s u more in c.
 *
 * 5. Q in 16 bits (q_type q8_0 in two parts): blocks of 32 as step * n, |n| <= 32639 = 127 * 257, step = max|q| / 32639
 * in f32. n is rounded from a quotient that is off by at most 3 u * 32639 = 0.006 and by half an ulp of a number below
 * 2^15, 2^-10, when 0.5 is added: |q - step n| <= 0.51 step <= 2^-15.96 max|q|, and the step's own rounding is
 * relative. Blocks below 2^-110 may count as zeros. Products with a block of K are integers below 2^31 and exact; what
 * follows, conversion, two scales and the sum over blocks, is a chain far shorter than D_K.
 *
 * The double reference's own rounding is below 2^-28 of each term: the last factor, 1 + 2^-20, has it and the
 * products of small terms that are left out.
 *
 * SPDX-License-Identifier: MIT */
#include "reference/internal.h"

#include <math.h>

static const double U = ATTN_U32;
static const double FLOOR_F32 = 0x1p-126;
static const double BESIDE_SUM = 8.0; /* of attn_dot_roundings: not of the sum, but relative to its terms or to it */
static const double HOPELESS = 1e100; /* a relative error beyond all: unjudged, yet times zero it is zero */

static double gamma_of(double n) { return n * U < 0.5 ? n * U / (1.0 - n * U) : INFINITY; }

/* Rounding of a value of type `from` where a route uses it as type `to`: at most relative * |x| + absolute. */
struct narrowing {
    double relative, absolute;
};

/* The same in so many parts. What the last part cannot hold is lost either way. */
static struct narrowing in_parts(struct narrowing n, int parts)
{
    n.relative = pow(n.relative, fmax(parts, 1.0));
    return n;
}

static struct narrowing narrowing_of(int from, int to, bool flush)
{
    struct narrowing n = { 0.0, 0.0 };
    switch (to) {
    case ATTN_F32: break;
    case ATTN_F16: /* 11 bits; half of the smallest subnormal 2^-24, or all subnormals */
        n.relative = from == ATTN_F16 ? 0.0 : 0x1p-11;
        n.absolute = flush ? 0x1p-14 : from == ATTN_F16 ? 0.0 : 0x1p-25;
        break;
    case ATTN_BF16: /* 8 bits; float's range */
        n.relative = from == ATTN_BF16 ? 0.0 : 0x1p-8;
        n.absolute = FLOOR_F32;
        break;
    default:
        if (from != to) {
            n.absolute = INFINITY; /* nothing is known of such a route: all its components are unjudged */
        }
    }
    return n;
}

/* In two parts: see 5. Else Q in blocks of 8-bit numbers and a scale d = max|q| / 127 rounded to f16: half a step, and
 * d's own error. */
static struct narrowing narrowing_of_q(const struct attn_arithmetic *a, bool flush, double q_max)
{
    if (a->q_type == ATTN_Q8_0 && a->q_parts == 2) {
        return (struct narrowing){ 8.0 * U, q_max * (0.51 / 32639.0) + 0x1p-110 };
    }
    if (a->q_type == ATTN_Q8_0) {
        return (struct narrowing){ 0x1p-11 + 8.0 * U, q_max / 254.0 * (1.0 + 0x1p-10) + 0x1p-25 * 127.0 };
    }
    struct narrowing n = in_parts(narrowing_of(ATTN_F32, a->q_type, flush), a->q_parts);
    if (a->q_shift > 0) {
        n.absolute = ldexp(n.absolute, -a->q_shift) * q_max + FLOOR_F32;
    }
    return n;
}

/* Of a dot product and its way to a score, relative to G; `partial`: its largest partial sums. See 1. */
static double dot_error(double roundings, double partial)
{
    const double sums = gamma_of(fmax(roundings - BESIDE_SUM, 0.0));
    return fmin(gamma_of(roundings), gamma_of(BESIDE_SUM) + sums * partial * (1.0 + 0x1p-5) * (1.0 + 2.0 * sums));
}

/* What the route makes of operands, and weights. */
struct narrowings {
    struct narrowing q, k, v, w;
};

static struct narrowings narrowings_of(const struct attn_problem *p, const struct attn_arithmetic *arithmetic,
                                       const struct attn_row *row)
{
    const bool flush = arithmetic->flush != 0;
    struct narrowings n = { narrowing_of_q(arithmetic, flush, row->q_max),
                            narrowing_of(p->t[ATTN_K].type, arithmetic->k_type, flush),
                            narrowing_of(p->t[ATTN_V].type, arithmetic->v_type, flush),
                            in_parts(narrowing_of(ATTN_F32, arithmetic->p_type, flush), arithmetic->p_parts) };
    n.w.absolute = ldexp(n.w.absolute, -arithmetic->p_shift);
    return n;
}

/* Of a quantised K the reference knows what rounding it to f16 does to the scores of Q as it is. */
static bool is_known(const struct attn_problem *p, const struct attn_arithmetic *arithmetic)
{
    return arithmetic->k_type == ATTN_F16 && attn_tensor_info(&p->t[ATTN_K])->block_elems > 1;
}

/* See 1; and the row's paths, which go by it. */
static struct attn_score_errors score_errors_of(const struct attn_reference *r,
                                                const struct attn_arithmetic *arithmetic, const struct attn_row *row,
                                                const struct narrowings *narrow, struct attn_paths *paths)
{
    const struct attn_problem *p = &r->problem;
    const struct narrowing q = narrow->q, k = narrow->k;
    const bool known = is_known(p, arithmetic);
    const double d_k = (double)attn_d_k(p);
    struct attn_score_errors e = { .q = q.relative, .k = (known ? 0.0 : k.relative) + q.relative * k.relative };
    e.known_max = known ? row->n_max : 0.0;
    e.known = known ? sqrt(row->n2) : 0.0;
    e.roundings = attn_dot_roundings(arithmetic, d_k, narrowing_of(ATTN_F32, arithmetic->q_type, false).relative);
    e.dot = dot_error(e.roundings, row->partial);
    e.relative = e.dot + e.q + e.k;
    e.sound = e.relative + k.relative <= 1.0 / 64.0; /* what G allows for (score.c) */
    /* What is normal in f16 loses nothing but digits, and no number loses more than itself. */
    const double k_lost = k.absolute * (1.0 + q.relative) * row->q_sum;
    const double k_small = arithmetic->k_type == ATTN_F16 ? (1.0 + q.relative) * row->q_max * row->k_small : INFINITY;
    const double scale = fabs((double)p->scale) * (1.0 + 2.0 * gamma_of(e.roundings)); /* twice: see 4., q_rest_first */
    const double q_lost = q.absolute * (1.0 + k.relative);
    const bool sloped = e.sound && q_lost * (1.0 + gamma_of(e.roundings)) <= ATTN_Q_OFF * row->q_max;
    const double k_sum = sloped ? row->k_sloped : row->k_sum, k_near = sloped ? row->k_near : row->k_sum;
    const double lost = scale * (q_lost * k_sum + fmin(k_lost, k_small) + q.absolute * k.absolute * d_k);
    const double rounded = e.relative * row->g_max + e.known_max + row->h_max;
    *paths = attn_paths_of(arithmetic, r, row, rounded + lost);
    e.same = 4.0 * U * paths->factors + U * arithmetic->p_shift + lost;
    e.same_near = e.same - fabs((double)p->scale) * q_lost * (k_sum - k_near);
    e.exponential = 6.0 * U * fmin(row->x_max, 110.0);
    e.most = rounded + e.exponential + e.same;
    e.eta = e.relative * sqrt(row->g2) + e.known + sqrt(row->h2) + 6.0 * U * sqrt(row->x2) + e.same;
    return e;
}

/* What wrong weights do; see 1. */
static void shift_of(const struct attn_reference *r, const struct attn_row *row, const struct attn_score_errors *e,
                     bool known, struct attn_rounding *proven)
{
    const double a = e->relative, x = e->exponential;
    proven->shift = proven->near = proven->mean = proven->rest = INFINITY;
    if (!(e->most < 100.0 && e->sound)) { /* also for NaN */
        return;
    }
    const double grown = expm1(e->most) / e->most * exp(e->eta);
    const double near = a * row->g_near + (known ? row->n_near : 0.0) + x + e->same_near;
    proven->shift = fmin(expm1(e->most) / e->most * e->eta * exp(e->eta), exp(e->most));
    proven->near = grown * (near + row->h_near);
    proven->mean = grown * fmin(e->eta, near + (r->problem.t[ATTN_SINKS].present ? row->h_max : row->h_near));
    proven->rest = grown * (a * row->rest_g + (known ? row->rest_n : 0.0) + row->rest_h + (x + e->same) * row->rest);
}

/* See 2. */
static void rounded_sums(const struct attn_row *row, const struct attn_score_errors *e, const struct attn_paths *paths,
                         const struct narrowings *narrow, struct attn_rounding *proven)
{
    /* What wrong weights make of a key's. */
    const double lost_weight = e->most < 1.0 ? row->lost * exp(2.0 * e->most) : INFINITY;
    const double weights = fmin(gamma_of(paths->weights), gamma_of(paths->weights - paths->weights_lost) + lost_weight);
    proven->weights = weights < 0.5 ? weights / (1.0 - weights) : HOPELESS;
    proven->values = fmin(gamma_of(paths->values) * (1.0 + proven->weights), HOPELESS);
    proven->values_kept = fmin(gamma_of(paths->values - paths->values_lost) * (1.0 + proven->weights), HOPELESS);
    proven->values_lost = paths->values_lost > 0.0 ? lost_weight * row->v_max * (1.0 + proven->weights) : INFINITY;
    proven->combined = fmin(gamma_of(paths->combined) * (1.0 + proven->weights), HOPELESS);
    proven->each = gamma_of(paths->each) * (1.0 + proven->weights);
    proven->p_round = narrow->w.relative;
    proven->v_round = narrow->v.relative;
    proven->p_spread = proven->v_spread = INFINITY;
}

/* See 3. */
static double floors_of(const struct attn_row *row, const struct attn_arithmetic *arithmetic,
                        const struct attn_score_errors *e, const struct attn_paths *paths,
                        const struct narrowings *narrow)
{
    const double n = (double)row->live;
    /* The sum of weights, in units of the largest, is 1 / top, or what wrong weights leave of it; 1 at least. */
    const double total = e->most < 100.0 ? fmax(exp(-2.0 * e->most) / row->top, 1.0) : 1.0;
    /* What is normal in f16 loses nothing but digits. */
    const double small = arithmetic->v_type == ATTN_F16 && e->most < 1.0 ? row->v_small * exp(2.0 * e->most) : 1.0;
    /* No weight loses more than itself. */
    const double near = 2.0 * (double)row->beside * narrow->w.absolute / total;
    const double rest = 2.0 * (n - (double)row->beside) * narrow->w.absolute / total;
    const double lost_far = e->most < 1.0 ? 2.0 * row->rest * exp(2.0 * e->most) : INFINITY;
    if (isinf(narrow->q.absolute) || isinf(narrow->k.absolute) || isinf(narrow->v.absolute) ||
        isinf(narrow->w.absolute)) {
        return INFINITY;
    }
    return narrow->v.absolute * fmin(small, 1.0) +
           (near + fmin(rest, lost_far) + 2.0 * n * FLOOR_F32 / total) * row->v_max +
           (2.0 * n + paths->rescales + paths->each + 8.0) * FLOOR_F32;
}

void attn_row_limit_of(const struct attn_reference *r, const struct attn_arithmetic *arithmetic,
                       const struct attn_row *row, struct attn_row_limit *limit)
{
    const struct narrowings narrow = narrowings_of(&r->problem, arithmetic, row);
    const double n = (double)row->live;
    struct attn_paths paths;
    const struct attn_score_errors e = score_errors_of(r, arithmetic, row, &narrow, &paths);

    *limit = (struct attn_row_limit){ .row = row };
    struct attn_rounding *proven = &limit->proven;
    shift_of(r, row, &e, is_known(&r->problem, arithmetic), proven);
    rounded_sums(row, &e, &paths, &narrow, proven);
    attn_chance(r, arithmetic, row, &e, &paths, proven, &limit->likely);
    if (e.most < 1.0 && row->x_keys < 1.0) { /* else the type has digits enough */
        proven->p_round = limit->likely.p_round = fmin(narrow.w.relative, expm1(row->x_keys + 2.0 * e.most));
    }

    limit->apart = INFINITY;
    if (e.most < 300.0 && e.sound) {
        limit->apart = (1.0 + exp(2.0 * e.most)) * row->apart * (1.0 + n * 0x1p-50);
    }
    limit->in_order = !r->shuffled;
    if (isfinite(paths.block)) {
        limit->prefixes = arithmetic->splits > 1 ? 2.0 : 1.0;
        limit->tiles = limit->prefixes - 1.0 + paths.block;
    }
    limit->fixed = floors_of(row, arithmetic, &e, &paths, &narrow);
    limit->magnitude = 1.0 + gamma_of(2.0 * n + 16.0);
    limit->square = (4.0 * n + 64.0) * 0x1p-53;
}

/* A component in double: o, and of its terms p V the sum of absolute values, the root of the sum p V^2, and what they
 * come to where weights are wrong. */
struct terms {
    double value, sum, root, magnitude;
};

/* Terms narrowed: at most by so much of each; or, of independent ones, of sqrt(sum p^2 V^2) <= sqrt(max p sum p V^2),
 * or <= sqrt(max (p V) sum p V). fmin picks the number where the other is none. */
static double narrowed(const struct attn_row *row, const struct terms *t, double each, double mean, double spread)
{
    const double apart = fmin(sqrt(row->top) * t->root, sqrt(row->pv_top * t->sum));
    return fmin(each * t->magnitude, mean * t->magnitude + spread * apart);
}

/* What the sum of w V may be off by where partial sums are rounded; narrow: and its terms are. See 2. */
static double partial_sums(const struct attn_reference *r, const struct attn_row_limit *limit,
                           const struct attn_rounding *by, int64_t component, const struct terms *t, double narrow)
{
    const double shift = fmin(by->shift, 1.0), given = by->shift * t->root + narrow + limit->fixed;
    const double prefix = (double)r->prefix[component] * limit->magnitude * (1.0 + shift) + given;
    const double tile = limit->row->tile_v * (1.0 + shift) + given;
    /* fmin also picks the magnitude where the other is no number */
    const double split = limit->in_order ? fmin(prefix + tile, t->magnitude) : t->magnitude;
    const double wave =
        limit->prefixes > 0.0 ? fmin(limit->prefixes * prefix + limit->tiles * tile, t->magnitude) : t->magnitude;
    /* Few keys with nearly all of V: nothing averages out. */
    const bool few = t->magnitude * t->magnitude * 16.0 < t->root * t->root;
    const double kept = by->values_kept * wave + by->values_lost + (few ? by->values_fine : 0.0);
    const double values =
        fmin(fmin(by->values * wave, kept), limit->proven.values_kept * wave + limit->proven.values_lost);
    return values + by->combined * (split + values);
}

static double limit_of(const struct attn_reference *r, const struct attn_row_limit *limit,
                       const struct attn_rounding *by, int64_t component)
{
    const struct attn_row *row = limit->row;
    if (row->live == 0) {
        return 0.0;
    }
    const double value = r->value[component], square = r->square[component], size = fabs(value);
    const double variance = fmax(square - value * value, 0.0) + limit->square * square;
    const double reach = row->v_max + size; /* both means are at most max|V| */
    /* sum p |V| is at most max|V|, which also holds where its float overflowed */
    struct terms t = { value, fmin((double)r->magnitude[component] * limit->magnitude, row->v_max), sqrt(square), 0.0 };
    /* fmin also picks `reach` when an infinite shift meets a variance of zero */
    const double moved = fmin(
        fmin(fmin(by->shift * sqrt(variance), by->near * t.sum + by->mean * size + by->rest * reach), limit->apart),
        reach);
    t.magnitude = t.sum + fmin(by->shift * t.root, row->v_max);
    const double output = size + moved;
    const double narrow =
        narrowed(row, &t, by->p_round, by->p_mean, by->p_spread) + narrowed(row, &t, by->v_round, 0.0, by->v_spread);
    const double rounded = partial_sums(r, limit, by, component, &t, narrow) + by->weights * output +
                           by->each * t.magnitude + narrow + limit->fixed + 8.0 * U * output;
    return (moved + rounded * (1.0 + limit->proven.v_round) * (1.0 + limit->proven.p_round)) * (1.0 + 0x1p-20);
}

double attn_component_limit(const struct attn_reference *r, const struct attn_row_limit *limit, int64_t component)
{
    return limit_of(r, limit, &limit->proven, component);
}

double attn_component_accept(const struct attn_reference *r, const struct attn_row_limit *limit, int64_t component,
                             double proven)
{
    return fmin(limit_of(r, limit, &limit->likely, component), proven);
}

double attn_reference_limit(const struct attn_reference *r, const struct attn_arithmetic *arithmetic, int64_t d,
                            int64_t h, int64_t iq, int64_t s)
{
    struct attn_row_limit limit;
    const int64_t index = attn_row_index(r, h, iq, s);
    if (index < 0) {
        return INFINITY;
    }
    attn_row_limit_of(r, arithmetic, &r->rows[index], &limit);
    return attn_component_limit(r, &limit, index * r->d_v + d);
}

bool attn_reference_row_limits(const struct attn_reference *r, const struct attn_arithmetic *arithmetic, int64_t h,
                               int64_t iq, int64_t s, double *limit)
{
    struct attn_row_limit of_row;
    const int64_t index = attn_row_index(r, h, iq, s);
    if (index < 0) {
        return false;
    }
    attn_row_limit_of(r, arithmetic, &r->rows[index], &of_row);
    for (int64_t d = 0; d < r->d_v; d++) {
        limit[d] = attn_component_limit(r, &of_row, index * r->d_v + d);
    }
    return true;
}
