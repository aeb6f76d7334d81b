/* SPDX-License-Identifier: Apache-2.0 */
/* The flags of instructions; used by the parser only. */
#pragma once

#include "base/err.h"
#include "builder/ast.h"

/* Stores the flags ("--name=value") in the instruction. A flag that exists and that we cannot obey
 * sets in->unsupported; one that does not exist is an error. */
int parse_flags(struct ast_instr *in, const struct strv *flags, struct err *err);
