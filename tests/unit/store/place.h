/* SPDX-License-Identifier: Apache-2.0 */
/* A store in a temporary directory, for tests. */
#pragma once

#include "store/store.h"

struct place {
    char dir[64];
    char *root, *runroot;
    struct store store;
};

/* cmocka set-up and tear-down; *state is a struct place. */
int place_setup(void **state);
int place_teardown(void **state);

/* Writes a blob of a made-up digest: the store never hashes. */
void place_blob(struct place *p, const char *digest, const char *text);
bool place_has_blob(struct place *p, const char *digest);
/* The digest "sha256:cccc...": the character 64 times. */
const char *place_digest(char c);
/* Puts an image of these layers (characters) with manifest `m` and configuration `c` into the
 * store, under `name` or none. */
void place_image(struct place *p, char m, char c, const char *layers, const char *created,
                 const char *name);
/* Forks: the child runs fn and exits with its result; waits when `wait`. */
int place_fork(int (*fn)(struct place *p, void *arg), struct place *p, void *arg);
