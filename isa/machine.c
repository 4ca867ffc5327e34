/* machine.c: a machine, from its opening to its end.
 *
 * SPDX-License-Identifier: MIT */
#include <stdlib.h>
#include <string.h>

#include "isa/machine.h"

struct isa_machine *isa_machine_open(const char *target, struct isa_error *error)
{
    char name[ISA_TARGET_MAX];
    size_t n = strcspn(target, ":");
    *error = (struct isa_error){ 0 };
    if (n == 0 || strlen(target) >= sizeof name) {
        memcpy(error->text, "no processor's name", 20);
        return NULL;
    }
    memcpy(name, target, n);
    name[n] = 0;
    const struct isa_target *known = isa_target_find(name);
    if (!known) {
        static const char text[] = "this machine does not know the processor";
        memcpy(error->text, text, sizeof text);
        return NULL;
    }
    if (!isa_code_ready(known, error))
        return NULL;
    struct isa_machine *m = calloc(1, sizeof *m);
    if (!m || !(m->group = isa_group_new(m))) {
        memcpy(error->text, "no memory for the machine", 26);
        free(m);
        return NULL;
    }
    m->target = known;
    memcpy(m->id, target, strlen(target) + 1);
    m->stamp = m->launch_first = m->group_first = 1u << ISA_STAMP_SHIFT;
    for (size_t i = 0; i < ISA_HOT_AREAS; i++)
        m->hot[i] = SIZE_MAX;
    return m;
}

void isa_machine_close(struct isa_machine *machine)
{
    if (!machine)
        return;
    while (machine->objects)
        isa_object_unload(machine, machine->objects);
    isa_areas_free(machine);
    isa_group_free(machine->group);
    free(machine);
}
