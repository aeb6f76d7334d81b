/* SPDX-License-Identifier: Apache-2.0 */
/* Data files of the builder's tests.
 *
 * A file of cases has sections "=== name", the input, a line "---", the expected text. In a table
 * file each line is a row of fields between tabs; \n, \t, \r, \e (nothing) and \\ stand for
 * themselves; lines that begin with '#' and empty lines are skipped. */
#pragma once

#include "base/strv.h"

#include <stddef.h>

struct test_case {
    char *name, *input, *expected;
};

/* Reads tests/data/dockerfile/<file>; fails the test when it cannot. */
size_t cases_read(const char *file, struct test_case **ret);
void cases_free(struct test_case *v, size_t n);
/* Rows of a table; each has exactly `fields` fields. */
size_t rows_read(const char *file, size_t fields, struct strv **ret);
void rows_free(struct strv *rows, size_t n);
/* Prints and counts when the two differ; returns 1 then, else 0. */
int differs(const char *name, const char *got, const char *expected);
