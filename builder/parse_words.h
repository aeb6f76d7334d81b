/* SPDX-License-Identifier: Apache-2.0 */
/* Splitting the arguments of an instruction; used by the parser only. */
#pragma once

#include "base/err.h"
#include "builder/ast.h"

/* Splits at white space, whatever quotes there are. */
void parse_split_space(const char *s, struct strv *ret);
/* Splits at white space outside quotes; quotes and escapes stay. */
void parse_split_quoted(const char *s, char escape, struct strv *ret);
/* Takes the leading "--name[=value]" words of *s, without quotes; *s then is behind them. A lone
 * "--" ends them. */
void parse_take_flags(const char **s, char escape, struct strv *ret);
/* NAME=value pairs of ENV and LABEL; the old "NAME value" sets *ret_legacy. */
int parse_pairs(struct ast_instr *in, const char *s, char escape, bool *ret_legacy,
                struct err *err);
/* ARG: NAME or NAME=default, several. */
int parse_arg_pairs(struct ast_instr *in, const char *s, char escape, struct err *err);
/* The instruction's name nearest to `word`, or NULL when none is near. */
const char *parse_suggest(const char *word, const char *const *names, size_t n);
