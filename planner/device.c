/* device.c: what GPUs can do: the device table (rows, and where their facts are from: tables.h), and weakenings of its
 * rows. Part of planner.c.
 *
 * SPDX-License-Identifier: MIT */

enum { KIB = 1024 };

static const struct attn_device device_table[] = {
#define X(name, wave, cus, lds, lds_static, threads, family, dot, flush, copy) \
    { #name,                                                                   \
      wave,                                                                    \
      cus,                                                                     \
      (lds) * KIB,                                                             \
      (lds_static) * KIB,                                                      \
      threads,                                                                 \
      { ATTN_GRID_X, ATTN_GRID_YZ, ATTN_GRID_YZ },                             \
      ATTN_MATRIX_##family,                                                    \
      dot,                                                                     \
      flush,                                                                   \
      copy },
    ATTN_DEVICES(X)
#undef X
};

int attn_device_count(void) { return (int)(sizeof device_table / sizeof device_table[0]); }

const struct attn_device *attn_device(int index)
{
    return index >= 0 && index < attn_device_count() ? &device_table[index] : NULL;
}

const struct attn_device *attn_device_find(const char *name)
{
    for (int i = 0; i < attn_device_count(); i++)
        if (strcmp(device_table[i].name, name) == 0)
            return &device_table[i];
    return NULL;
}

const char *attn_device_check(const struct attn_device *d)
{
    if (!memchr(d->name, 0, sizeof d->name) || d->name[0] == 0)
        return "name is empty or not terminated";
    for (const char *c = d->name; *c; c++)
        if (!((*c >= 'a' && *c <= 'z') || (*c >= 'A' && *c <= 'Z') || (*c >= '0' && *c <= '9') || *c == '_'))
            return "name has a character other than letters, digits and _";
    if (d->wave_size != 32 && d->wave_size != 64)
        return "wave_size is neither 32 nor 64";
    if (d->n_cu < 1)
        return "n_cu is below 1";
    if (d->max_threads < 256)
        return "max_threads is below 256";
    /* What tile takes for the largest heads, rounded up. */
    if (d->lds_bytes < 20 * KIB || d->lds_static_bytes < 20 * KIB)
        return "lds_bytes or lds_static_bytes is below 20 KiB";
    if (d->lds_static_bytes > d->lds_bytes)
        return "lds_static_bytes exceeds lds_bytes";
    if (d->max_grid[0] < 1024 || d->max_grid[1] < 1 || d->max_grid[2] < 1)
        return "max_grid is below 1024 x 1 x 1";
    if (d->matrix < 0 || d->matrix >= ATTN_MATRIX_COUNT)
        return "matrix is no known family";
    if (d->dot_f16 > 1 || d->matrix_flush > 1 || d->async_copy > 1)
        return "dot_f16, matrix_flush or async_copy is neither 0 nor 1";
    return NULL;
}

enum weakening {
    WEAK_MATRIX,
    WEAK_WGMMA,
    WEAK_DOT,
    WEAK_COPY,
    WEAK_CU,
    WEAK_LDS,
    WEAK_LDS_STATIC,
    WEAK_THREADS,
    WEAK_GRID_X,
    WEAK_GRID_Y,
    WEAK_GRID_Z,
    WEAK_COUNT
};

static const char *const weakening_name[WEAK_COUNT] = {
    "matrix",       "wgmma",     "dot_f16",  "async_copy", "n_cu/2",   "lds/2",
    "lds_static/2", "threads/2", "grid_x/2", "grid_y/2",   "grid_z/2",
};

int attn_weakening_count(void) { return WEAK_COUNT; }

bool attn_device_weaken(const struct attn_device *device, int index, struct attn_device *out, const char **what)
{
    if (index < 0 || index >= WEAK_COUNT)
        return false;
    *out = *device;
    switch ((enum weakening)index) {
    case WEAK_MATRIX:
        out->matrix = ATTN_MATRIX_NONE;
        out->matrix_flush = 0;
        break;
    case WEAK_WGMMA: out->matrix = attn_matrix_base(out->matrix); break;
    case WEAK_DOT: out->dot_f16 = 0; break;
    case WEAK_COPY: out->async_copy = 0; break;
    case WEAK_CU: out->n_cu /= 2; break;
    case WEAK_LDS:
        out->lds_bytes /= 2;
        out->lds_static_bytes = (int32_t)attn_min(out->lds_static_bytes, out->lds_bytes);
        break;
    case WEAK_LDS_STATIC: out->lds_static_bytes /= 2; break;
    case WEAK_THREADS: out->max_threads /= 2; break;
    case WEAK_GRID_X: out->max_grid[0] /= 2; break;
    case WEAK_GRID_Y: out->max_grid[1] /= 2; break;
    case WEAK_GRID_Z: out->max_grid[2] /= 2; break;
    case WEAK_COUNT: break;
    }
    if (what)
        *what = weakening_name[index];
    /* A capability that was not there cannot be taken, and a limit at its least cannot be halved. */
    bool changed = out->matrix != device->matrix || out->dot_f16 != device->dot_f16 ||
                   out->async_copy != device->async_copy || out->n_cu != device->n_cu ||
                   out->lds_bytes != device->lds_bytes || out->lds_static_bytes != device->lds_static_bytes ||
                   out->max_threads != device->max_threads ||
                   memcmp(out->max_grid, device->max_grid, sizeof out->max_grid) != 0;
    return changed && attn_device_check(out) == NULL;
}

static bool is_text(const char *text, size_t len, const char *name)
{
    return strlen(name) == len && !memcmp(text, name, len);
}

bool attn_device_named(const char *text, size_t len, int *row, int *weakening)
{
    const char *tilde = memchr(text, '~', len);
    const size_t own = tilde ? (size_t)(tilde - text) : len;
    *row = *weakening = -1;
    for (int i = 0; i < attn_device_count() && *row < 0; i++)
        if (is_text(text, own, attn_device(i)->name))
            *row = i;
    for (int i = 0; tilde && *row >= 0 && *weakening < 0 && i < attn_weakening_count(); i++) {
        struct attn_device weaker;
        const char *what;
        if (attn_device_weaken(attn_device(*row), i, &weaker, &what) && is_text(tilde + 1, len - own - 1, what))
            *weakening = i;
    }
    return *row >= 0 && (!tilde || *weakening >= 0);
}

bool attn_device_covers(const struct attn_device *a, const struct attn_device *b)
{
    return a->wave_size == b->wave_size && a->n_cu >= b->n_cu && a->lds_bytes >= b->lds_bytes &&
           a->lds_static_bytes >= b->lds_static_bytes && a->max_threads >= b->max_threads &&
           a->max_grid[0] >= b->max_grid[0] && a->max_grid[1] >= b->max_grid[1] && a->max_grid[2] >= b->max_grid[2] &&
           (b->matrix == ATTN_MATRIX_NONE || attn_matrix_runs(a->matrix, b->matrix)) && a->dot_f16 >= b->dot_f16 &&
           a->async_copy >= b->async_copy;
}
