/* SPDX-License-Identifier: Apache-2.0 */
/* The key sequence that leaves a container running ("ctrl-p,ctrl-q"). */
#pragma once

#include "base/buf.h"
#include "base/err.h"

#include <stdbool.h>
#include <stddef.h>

#define DETACH_KEYS_MAX 16

struct detach_keys {
    char keys[DETACH_KEYS_MAX];
    size_t n;
    size_t matched; /* how many were typed so far */
};

/* Parses keys separated by commas: one character, or ctrl- with a letter or one of @ [ \ ] ^ _.
 * "" means none. */
int detach_keys_parse(const char *spec, struct detach_keys *ret, struct err *err);

/* Passes typed bytes on to `out`. Keys that may be the sequence's start are held back until the
 * next one decides. True when the sequence is complete; what was typed before is in `out`. */
bool detach_keys_feed(struct detach_keys *k, const char *data, size_t len, struct buf *out);
