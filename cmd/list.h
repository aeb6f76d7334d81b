/* SPDX-License-Identifier: Apache-2.0 */
/* Every list and every inspect prints through here.
 *
 * A list is a JSON array of objects, one a row, with podman's field names. The default table, a
 * `--format` template, `--format json` and `--quiet` are all views of those rows.
 *
 * podman's templates and its JSON do not always see the same (`ps`: .Names is a text, "Names" is a
 * list). A row may therefore have a member LIST_TEMPLATE_FIELDS, an object: its members are what
 * templates see, in front of the row's own, and JSON never shows it. */
#pragma once

#include "base/err.h"

#include <jansson.h>
#include <stdbool.h>
#include <stdio.h>

#define LIST_TEMPLATE_FIELDS "_template"

struct list_column {
    const char *field;  /* as in a template: ".Names" is "Names" */
    const char *header; /* "NAMES" */
};

struct list_view {
    const struct list_column *columns; /* all fields that have a header; ends in {0} */
    const char *standard;              /* default template: "table {{.ID}}\t{{.Image}}..." */
    const char *id_field;              /* what --quiet prints */
    int indent;                        /* of --format json; 0: 4, as most lists have it (ps: 2) */
};

struct list_options {
    const char *format; /* NULL or "": the standard table */
    bool quiet, no_heading;
};

/* Prints `rows` (array of objects). A template that does not parse is ERR_USAGE. Cells are two
 * blanks apart and at least 12 wide with them, as podman's; control characters in them are shown as
 * blanks, because a row's values may come from an image. A template without "table " prints a line
 * a row, and is given all rows at once when it begins with {{range. A format wins over `quiet`.
 * Nothing is printed when there is an error. */
int list_print(FILE *out, const json_t *rows, const struct list_view *view,
               const struct list_options *options, struct err *err);

/* --quiet and --format exclude each other: ERR_USAGE. */
int list_check(bool quiet, const char *format, struct err *err);
/* Sets shown[key] to the strings of the list row[key] as one text. */
void list_put_joined(const json_t *row, json_t *shown, const char *key, const char *separator);

/* Prints an inspect result: the array, indented by 5 as podman's, or the template's text and a new
 * line once for each element. Format "json" is the array as well. */
int inspect_print(FILE *out, const json_t *array, const char *format, struct err *err);

/* Ends an inspection of several: prints to stdout what was found even when something else was not
 * (`result` < 0, and `err` says what), but runs no template over nothing then. Returns `result`, or
 * the error of the printing, which replaces `err`. */
int inspect_print_found(const json_t *found, const char *format, int result, struct err *err);
