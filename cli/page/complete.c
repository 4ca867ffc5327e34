/* complete.c: completion for bash: verbs, their options, files.
 *
 * SPDX-License-Identifier: MIT */
#include <stdio.h>
#include <string.h>

#include "cli/page/page.h"
#include "planner/attn_planner.h"

static void put_names(const char *variable, const char *(*name)(int))
{
    printf("    local %s=\"", variable);
    for (int i = 0; name(i); i++)
        printf("%s%s", i ? " " : "", name(i));
    puts("\"");
}

static const char *device_name(int i)
{
    const struct attn_device *d = attn_device(i);
    return d ? d->name : NULL;
}

static const char *kernel_name(int i)
{
    const struct attn_kernel *k = attn_kernel(i);
    return k ? k->name : NULL;
}

/* The options of which `value` says what they take. */
static void put_takers(const struct page_command *command, const char *value, const char *words)
{
    printf("    ");
    const char *bar = "";
    for (size_t v = 0; v < command->n_verbs; v++)
        for (const struct cli_option *o = command->verb[v]->options; o->name; o++)
            if (o->text && o->value && strcmp(o->value, value) == 0) {
                printf("%s%s:--%s", bar, command->verb[v]->name, o->name);
                bar = "|";
            }
    if (*bar)
        printf(") %s; return ;;\n", words);
}

void page_bash(const struct page_command *command)
{
    printf("# bash completion for %s; made by %s help --bash\n# SPDX-License-Identifier: MIT\n\n_%s()\n{\n",
           command->name, command->name, command->name);
    puts("    local cur=${COMP_WORDS[COMP_CWORD]} verb=${COMP_WORDS[1]} before=${COMP_WORDS[COMP_CWORD-1]}");
    put_names("devices", device_name);
    put_names("kernels", kernel_name);
    printf("    local verbs=\"help");
    for (size_t i = 0; i < command->n_verbs; i++)
        printf(" %s", command->verb[i]->name);
    puts("\"\n    COMPREPLY=()\n    if ((COMP_CWORD == 1)); then\n"
         "        COMPREPLY=($(compgen -W \"$verbs --help --version\" -- \"$cur\"))\n        return\n    fi");
    puts("    case $verb:$before in\n    help:*) COMPREPLY=($(compgen -W \"$verbs\" -- \"$cur\")); return ;;");
    put_takers(command, "DEVICE", "COMPREPLY=($(compgen -W \"all $devices\" -- \"$cur\"))");
    put_takers(command, "KERNEL", "COMPREPLY=($(compgen -W \"$kernels\" -- \"$cur\"))");
    put_takers(command, "DIR", "COMPREPLY=($(compgen -d -- \"$cur\"))");
    puts("    esac\n    if [[ $cur != -* ]]; then\n        COMPREPLY=($(compgen -f -- \"$cur\"))\n        return\n"
         "    fi\n"
         "    case $verb in");
    for (size_t v = 0; v < command->n_verbs; v++) {
        printf("    %s) COMPREPLY=($(compgen -W \"--help", command->verb[v]->name);
        for (const struct cli_option *o = command->verb[v]->options; o->name; o++)
            if (o->text)
                printf(" --%s", o->name);
        puts("\" -- \"$cur\")) ;;");
    }
    printf("    esac\n}\ncomplete -o filenames -F _%s %s\n", command->name, command->name);
}
