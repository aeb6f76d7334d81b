/* SPDX-License-Identifier: Apache-2.0 */
/* Names for containers that were given none. */
#pragma once

/* A random "adjective_boat" name; the caller frees. */
char *name_generate(void);
