/* SPDX-License-Identifier: Apache-2.0 */
/* --root-emulation: from its word to the sandbox, by way of config.json. */
#pragma once

#include "base/json.h"
#include "runtime/sandbox.h"

#define EMULATION_WORDS "record|consistent|fixed|none"

/* Checks the word and puts it into HostConfig of config.json. */
int emulation_put(const char *word, json_t *document, struct err *err);

/* The word as it was given; NULL or "": what the id mode needs. One that asks for emulation where a
 * container has all ids that its user could have is an error. */
int emulation_choose(const char *word, const struct id_maps *ids, enum root_emulation *ret,
                     struct err *err);
