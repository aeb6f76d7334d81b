/* SPDX-License-Identifier: Apache-2.0 */
/* What `wherry` has `wherry-image` do, which links what takes long to load. */
#pragma once

#include "base/buf.h"
#include "engine/engine.h"

/* Begins a command line of wherry-image on the same store: the command is to follow. */
void image_program_argv(const struct store *s, struct strv *ret);

/* Runs it and takes what it prints. Its stderr is ours, or nobody's when `silent`. A status other
 * than 0 is ERR_EXIT with an empty message. */
int image_program_run(struct strv *argv, bool silent, struct buf *ret_output, struct err *err);

/* engine_options.name_candidates of a program without a parser for registries.conf. */
int image_program_names(const char *registries_conf, const char *name, struct strv *ret,
                        struct err *err);
