/* devices.c: which devices are valid, which covers which, what weakenings take, how they are named; and known head
 * sizes, and failures. See restated.h.
 *
 * SPDX-License-Identifier: MIT */
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "fuzz/restated/say.h"
#include "planner/random.h"

enum { LEAST_LDS = 20480 };

/* ---- Devices -------------------------------------------------------------------------------------------------- */

static bool is_valid(const struct attn_device *d)
{
    static const char letters[] = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_";
    size_t length = 0;
    while (length < sizeof d->name && d->name[length] && strchr(letters, d->name[length]))
        length++;
    const bool named = length > 0 && length < sizeof d->name && d->name[length] == 0;
    const bool wave = d->wave_size == 32 || d->wave_size == 64;
    const bool lds = d->lds_static_bytes >= LEAST_LDS && d->lds_static_bytes <= d->lds_bytes;
    const bool grid = d->max_grid[0] >= 1024 && d->max_grid[1] > 0 && d->max_grid[2] > 0;
    return named && wave && lds && grid && d->n_cu >= 1 && d->max_threads >= 256 && d->matrix >= 0 &&
           d->matrix < ATTN_MATRIX_COUNT && d->dot_f16 < 2 && d->matrix_flush < 2 && d->async_copy < 2;
}

/* All limits and capabilities that are more or less. */
enum { MEASURES = 9 };

static void measure(const struct attn_device *d, int64_t m[MEASURES])
{
    const int64_t all[MEASURES] = { d->n_cu,        d->lds_bytes,   d->lds_static_bytes, d->max_threads, d->max_grid[0],
                                    d->max_grid[1], d->max_grid[2], d->dot_f16,          d->async_copy };
    memcpy(m, all, sizeof all);
}

static bool covers(const struct attn_device *a, const struct attn_device *b)
{
    int64_t more[MEASURES], less[MEASURES];
    measure(a, more);
    measure(b, less);
    for (int i = 0; i < MEASURES; i++)
        if (more[i] < less[i])
            return false;
    const bool matrix =
        b->matrix == ATTN_MATRIX_NONE || b->matrix == a->matrix || b->matrix == attn_matrix_base(a->matrix);
    return matrix && a->wave_size == b->wave_size;
}

static bool same_device(const struct attn_device *a, const struct attn_device *b)
{
    return covers(a, b) && covers(b, a) && a->matrix == b->matrix && a->matrix_flush == b->matrix_flush &&
           strncmp(a->name, b->name, sizeof a->name) == 0;
}

/* What weakening number i leaves of a device; NULL: there is none. */
static const char *weakened(const struct attn_device *d, int i, struct attn_device *out)
{
    static const char *const names[] = { "matrix",       "wgmma",     "dot_f16",  "async_copy", "n_cu/2",  "lds/2",
                                         "lds_static/2", "threads/2", "grid_x/2", "grid_y/2",   "grid_z/2" };
    *out = *d;
    switch (i) {
    case 0:
        out->matrix = ATTN_MATRIX_NONE;
        out->matrix_flush = 0;
        break;
    case 1: out->matrix = attn_matrix_base(d->matrix); break;
    case 2: out->dot_f16 = 0; break;
    case 3: out->async_copy = 0; break;
    case 4: out->n_cu = d->n_cu / 2; break;
    case 5:
        out->lds_bytes = d->lds_bytes / 2;
        if (out->lds_bytes < d->lds_static_bytes)
            out->lds_static_bytes = out->lds_bytes;
        break;
    case 6: out->lds_static_bytes = d->lds_static_bytes / 2; break;
    case 7: out->max_threads = d->max_threads / 2; break;
    case 8:
    case 9:
    case 10: out->max_grid[i - 8] = d->max_grid[i - 8] / 2; break;
    default: return NULL;
    }
    const bool flush_alone = out->matrix == d->matrix && covers(out, d); /* nothing that counts is taken */
    return !flush_alone && is_valid(out) ? names[i] : NULL;
}

static void change_device(struct attn_device *d, uint64_t *state)
{
    static const int32_t small[] = { 0, 1, -1, 2 };
    const int32_t step = (int32_t)attn_random_below(state, 3) - 1;
    int32_t *const number[] = { &d->n_cu, &d->lds_bytes, &d->lds_static_bytes, &d->max_threads };
    static const int32_t least[] = { 1, LEAST_LDS, LEAST_LDS, 256 };
    uint8_t *const flag[] = { &d->dot_f16, &d->matrix_flush, &d->async_copy };
    const uint64_t i = attn_random_below(state, 4);
    switch (attn_random_below(state, 9)) {
    case 0: *number[i] = least[i] + step; break;
    case 1: *number[i] += step; break;
    case 2: d->lds_bytes = d->lds_static_bytes + step; break;
    case 3: d->wave_size = 32 * (int32_t)attn_random_below(state, 4); break;
    case 4: d->max_grid[i % 3] = (i % 3 ? 1u : 1024u) + (uint32_t)step; break;
    case 5: d->max_grid[i % 3] += (uint32_t)step; break;
    case 6: d->matrix = i ? (int32_t)attn_random_below(state, ATTN_MATRIX_COUNT + 1) : small[2]; break;
    case 7: *flag[i % 3] = (uint8_t)small[attn_random_below(state, 4)]; break;
    default:
        if (i == 0)
            memset(d->name, 'a', sizeof d->name);
        else
            d->name[attn_random_below(state, 6)] = "\0~@[`{/:^_aZ9"[attn_random_below(state, 13)];
    }
}

static bool check_device(const struct attn_restated *said, uint64_t *state, struct attn_restated_fault *fault)
{
    const struct attn_device *row = attn_device((int)attn_random_below(state, (uint64_t)attn_device_count()));
    struct attn_device a = *row, b, want, got;
    const char *what = NULL;
    const int weakening = (int)attn_random_below(state, (uint64_t)attn_weakening_count() + 2) - 1;
    if (attn_random_below(state, 4) == 0)
        change_device(&a, state);
    const char *name = weakened(&a, weakening, &want);
    if (is_valid(&a) && (said->device_weaken(&a, weakening, &got, &what) != (name != NULL) ||
                         (name && (!same_device(&want, &got) || strcmp(name, what) != 0))))
        return attn_differs(fault, "weakening %d of %.16s is another (%s), or is not there", weakening, a.name,
                            name ? name : "none");
    b = a;
    change_device(&b, state);
    if ((said->device_check(&b) == NULL) != is_valid(&b))
        return attn_differs(fault, "%.16s with a change is said to be %svalid", b.name, is_valid(&b) ? "in" : "");
    if (attn_random_below(state, 4) == 0)
        b = *attn_device((int)attn_random_below(state, (uint64_t)attn_device_count()));
    if (is_valid(&a) && is_valid(&b) &&
        (said->device_covers(&a, &b) != covers(&a, &b) || said->device_covers(&b, &a) != covers(&b, &a)))
        return attn_differs(fault, "which of %s and %s covers the other is said wrong", a.name, b.name);
    return true;
}

/* ---- Names ---------------------------------------------------------------------------------------------------- */

/* The row and the weakening that a terminated text names. */
static bool named(const char *text, int *row, int *weakening)
{
    struct attn_device out;
    char own[64];
    const size_t length = strcspn(text, "~");
    *row = *weakening = -1;
    snprintf(own, sizeof own, "%.*s", (int)length, text);
    for (int i = attn_device_count() - 1; i >= 0; i--)
        if (strcmp(own, attn_device(i)->name) == 0)
            *row = i;
    if (*row < 0 || !text[length])
        return *row >= 0;
    for (int i = attn_weakening_count() - 1; i >= 0; i--) {
        const char *what = weakened(attn_device(*row), i, &out);
        if (what && strcmp(text + length + 1, what) == 0)
            *weakening = i;
    }
    return *weakening >= 0;
}

static bool check_name(const struct attn_restated *said, uint64_t *state, struct attn_restated_fault *fault)
{
    const int row = (int)attn_random_below(state, (uint64_t)attn_device_count());
    struct attn_device out;
    char text[64];
    const char *what = weakened(attn_device(row), (int)attn_random_below(state, 11), &out);
    snprintf(text, sizeof text, "%s%s%s", attn_device(row)->name, what ? "~" : "", what ? what : "");
    const size_t length = strlen(text);
    switch (attn_random_below(state, 4)) {
    case 0: text[attn_random_below(state, length)] = "a~01"[attn_random_below(state, 4)]; break;
    case 1: text[attn_random_below(state, length)] = 0; break;
    case 2:
        text[length] = '2';
        text[length + 1] = 0;
        break;
    default: break;
    }
    int want[2], got[2] = { -2, -2 };
    const size_t n = strlen(text);
    const bool good = named(text, &want[0], &want[1]);
    text[n] = 'x'; /* what is behind it is not read */
    const bool found = said->device_named(text, n, &got[0], &got[1]);
    text[n] = 0;
    if (found != good || got[0] != want[0] || got[1] != want[1])
        return attn_differs(fault, "'%s' names row %d, weakening %d, not %d, %d", text, got[0], got[1], want[0],
                            want[1]);
    if (said->device_find(text) != (good && want[1] < 0 ? attn_device(want[0]) : NULL))
        return attn_differs(fault, "a device '%s' is found, or not found", text);
    return true;
}

/* ---- Head sizes ----------------------------------------------------------------------------------------------- */

/* Of the table, those of the mask: the first that is no smaller. */
static int first_as_large(int64_t d_k, int64_t d_v, int64_t mask)
{
    for (int i = 0; i < ATTN_HEAD_SIZE_COUNT; i++)
        if (attn_head_size(i)->d_k >= d_k && attn_head_size(i)->d_v >= d_v && mask >> i & 1)
            return i;
    return -1;
}

static bool check_head_size(const struct attn_restated *said, uint64_t *state, struct attn_restated_fault *fault)
{
    const struct attn_head_size row = *attn_head_size((int)attn_random_below(state, ATTN_HEAD_SIZE_COUNT));
    int64_t d_k = row.d_k, d_v = row.d_v;
    switch (attn_random_below(state, 5)) {
    case 0: d_k = d_v = (int64_t)attn_random_below(state, 640); break;
    case 1: d_k = d_v = 8 * (int64_t)attn_random_below(state, 80); break;
    case 2: d_v = 8 * (int64_t)attn_random_below(state, 80); break;
    case 3: d_k = INT32_MAX + (int64_t)attn_random_below(state, 5) - 2; break;
    default: break;
    }
    int own = -1;
    for (int i = 0; i < ATTN_HEAD_SIZE_COUNT; i++)
        own = attn_head_size(i)->d_k == d_k && attn_head_size(i)->d_v == d_v ? i : own;
    const bool known = own >= 0 || (d_k == d_v && d_k > 0 && d_k <= 576 && d_k % 8 == 0);
    const int64_t mask = (int64_t)(attn_random(state) & attn_random(state) & ((1u << ATTN_HEAD_SIZE_COUNT) - 1));
    const int instance = own >= 0 && mask >> own & 1 ? own : known ? first_as_large(d_k, d_v, mask) : -1;
    if (said->head_size_known(d_k, d_v) != known || said->head_size_instance(d_k, d_v, mask) != instance)
        return attn_differs(fault, "head sizes %" PRId64 ", %" PRId64 " are known, or run on an instance, wrongly", d_k,
                            d_v);
    const int64_t operand = said->head_size_operand(d_k, d_v);
    const struct attn_head_size pair = said->head_size_pair(operand);
    if ((own >= 0 ? operand != own : operand >= 0) || pair.d_k != (d_k > INT32_MAX ? INT32_MAX : d_k) ||
        pair.d_v != d_v)
        return attn_differs(fault, "head sizes %" PRId64 ", %" PRId64 " as an operand are %" PRId64 ", which is %d, %d",
                            d_k, d_v, operand, pair.d_k, pair.d_v);
    const struct attn_head_size none = said->head_size_pair(ATTN_HEAD_SIZE_COUNT);
    return (none.d_k == 0 && none.d_v == 0) || attn_differs(fault, "no pair's operand is a pair");
}

/* What has a name is in the table, and nothing else. */
static bool check_failure(const struct attn_restated *said, uint64_t *state, struct attn_restated_fault *fault)
{
    static const char *const names[] = {
#define X(NAME, name, text) #name,
        ATTN_FAILURES(X)
#undef X
    };
    const int code = (int)attn_random_below(state, ATTN_FAILURE_COUNT + 2) - 1;
    const char *name = code < 0 || code == ATTN_FAILURE_COUNT ? "unknown" : names[code];
    return strcmp(said->failure_name(code), name) == 0 ||
           attn_differs(fault, "failure %d is '%s', not '%s'", code, said->failure_name(code), name);
}

bool attn_restate_device(const struct attn_restated *said, uint64_t seed, struct attn_restated_fault *fault)
{
    return check_device(said, &seed, fault) && check_name(said, &seed, fault) && check_head_size(said, &seed, fault) &&
           check_failure(said, &seed, fault);
}
