/* trap_throw.cc: the one C++ part of trap.h: an exception, and who catches it.
 *
 * SPDX-License-Identifier: MIT */
#include "subjects/trap.h"

namespace
{
struct trapped {
};
} // namespace

void attn_trap_throw() { throw trapped(); }

bool attn_trap_catch(void (*call)(void *), void *context)
{
    try {
        call(context);
        return false;
    } catch (const trapped &) {
        return true;
    }
}
