/* kernels.c: what a loaded code object has: its kernels, its globals, its code.
 *
 * SPDX-License-Identifier: MIT */
#include <stdlib.h>
#include <string.h>

#include "isa/code.h"
#include "isa/machine.h"

void isa_object_free(struct isa_object *o)
{
    for (size_t k = 0; k < o->n_segments && o->image; k++)
        isa_area_remove(o->machine, o->image + o->segment[k].at);
    for (size_t k = 0; k < o->n_kernels; k++) {
        free(o->kernel[k].name);
        free(o->kernel[k].argument);
    }
    for (size_t k = 0; k < o->n_globals; k++)
        free(o->global[k].name);
    for (size_t k = 0; k < o->n_codes; k++)
        isa_code_close(o->code[k].code);
    free(o->kernel);
    free(o->global);
    free(o->code);
    free(o->segment);
    isa_sparse_free(o->image, o->image_bytes);
    free(o);
}

void isa_object_unload(struct isa_machine *machine, struct isa_object *object)
{
    struct isa_object **at = &machine->objects;
    while (*at && *at != object)
        at = &(*at)->next;
    if (!*at)
        return;
    *at = object->next;
    isa_object_free(object);
}

struct isa_code *isa_object_code(struct isa_object *o, uint64_t address, int lanes)
{
    for (size_t k = 0; k < o->n_codes; k++)
        if (o->code[k].lanes == lanes && address - o->code[k].begin < o->code[k].size)
            return o->code[k].code;
    for (size_t k = 0; k < o->n_segments; k++) {
        const struct isa_segment *s = &o->segment[k];
        uint64_t begin = (uint64_t)(uintptr_t)(o->image + s->at);
        if (!s->executable || address - begin >= s->size)
            continue;
        struct isa_code_of *more = realloc(o->code, (o->n_codes + 1) * sizeof *more);
        if (!more)
            return NULL;
        o->code = more;
        struct isa_code *code = isa_code_open(o->machine->target, lanes, o->image + s->at, s->size);
        if (code)
            o->code[o->n_codes++] = (struct isa_code_of){ code, begin, s->size, lanes };
        return code;
    }
    return NULL;
}

uint64_t isa_object_reached(const struct isa_object *object, uint64_t from)
{
    uint64_t first = UINT64_MAX;
    for (size_t k = 0; k < object->n_codes; k++) {
        const struct isa_code *code = object->code[k].code;
        const uint64_t begin = object->code[k].begin - (uint64_t)(uintptr_t)object->image;
        for (uint32_t n = from > begin ? (uint32_t)((from - begin + ISA_CODE_WORD - 1) / ISA_CODE_WORD) : 0;
             n < code->count; n++)
            if (code->instr[n]) {
                const uint64_t at = begin + (uint64_t)n * ISA_CODE_WORD;
                first = at < first ? at : first;
                break;
            }
    }
    return first;
}

size_t isa_object_kernels(const struct isa_object *object) { return object->n_kernels; }

const char *isa_object_kernel_name(const struct isa_object *object, size_t index)
{
    return index < object->n_kernels ? object->kernel[index].name : NULL;
}

struct isa_kernel *isa_object_kernel(struct isa_object *object, const char *name)
{
    for (size_t k = 0; k < object->n_kernels; k++)
        if (strcmp(object->kernel[k].name, name) == 0)
            return &object->kernel[k];
    return NULL;
}

void *isa_object_global(struct isa_object *object, const char *name, uint64_t *size)
{
    for (size_t k = 0; k < object->n_globals; k++) {
        if (strcmp(object->global[k].name, name) != 0)
            continue;
        *size = object->global[k].size;
        return object->image + object->global[k].at;
    }
    return NULL;
}

uint32_t isa_kernel_lds(const struct isa_kernel *kernel) { return kernel->lds; }
uint32_t isa_kernel_arguments(const struct isa_kernel *kernel) { return kernel->explicit_bytes; }
int isa_kernel_wave_size(const struct isa_kernel *kernel) { return kernel->lanes; }
uint64_t isa_kernel_entry(const struct isa_kernel *kernel)
{
    return kernel->entry - (uint64_t)(uintptr_t)kernel->object->image;
}

bool isa_kernel_argument(const struct isa_kernel *kernel, uint32_t index, uint32_t *offset, uint32_t *size)
{
    for (uint32_t k = 0; k < kernel->metadata.n_arguments; k++)
        if (kernel->argument[k].hidden < 0 && index-- == 0) {
            *offset = kernel->argument[k].offset;
            *size = kernel->argument[k].size;
            return true;
        }
    return false;
}
