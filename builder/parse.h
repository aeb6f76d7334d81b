/* SPDX-License-Identifier: Apache-2.0 */
/* From the bytes of a Dockerfile to its instructions. */
#pragma once

#include "base/err.h"
#include "builder/ast.h"

/* Reads and checks everything that can be judged without variables. Errors begin with
 * "FILE:LINE: " and show the line. */
int parse_dockerfile(const char *file_name, const char *text, size_t len, struct ast_file *ret,
                     struct err *err);

/* A JSON array of strings and nothing else: appends its elements and returns true. Whatever else it
 * is, it is a shell form. */
bool parse_json_form(const char *s, struct strv *ret);
