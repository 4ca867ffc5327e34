/* format.h: problems out of other people's text: one function a format, in a file each; import.c asks each in turn.
 *
 * SPDX-License-Identifier: MIT */
#ifndef ATTNFUZZ_IMPORT_FORMAT_H
#define ATTNFUZZ_IMPORT_FORMAT_H

#include "cli/import/field.h"

/* A case of ggml's test-backend-ops anywhere in the line: FLASH_ATTN_EXT(hsk=...,...), also its older forms. */
enum import_result import_ggml(const char *text, size_t len, struct import_found *found);

/* A route-debug line of the fork in the seed: CUDA_FA_ROUTE_PLAN device=0 Q=[...] Kraw=... */
enum import_result import_route(const char *text, size_t len, struct import_found *found);

#endif
