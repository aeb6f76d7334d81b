/* SPDX-License-Identifier: Apache-2.0 */
/* Option tables: a command declares its options once, as data.
 *
 * Theory of operation. A table is an array of struct opt that ends in {0}. Each row says where in
 * the command's argument struct the value goes (offsetof), so the table is constant and can be read
 * without running the command: parsing, --help, the unknown-flag error, completion and man pages
 * all come from it. The rules are podman's: flags may stand between arguments unless the command
 * stops at its first argument (run, exec: what follows the image belongs to the container); short
 * flags bundle (-it, -itd, -p80:80, -p 80:80); --flag=value or --flag value; a bool takes
 * --flag=false; "--" ends the flags; repeated list flags append, other repeated flags: the last one
 * counts. Another spelling of a flag is a hidden row with the same offset. */
#pragma once

#include "base/buf.h"
#include "base/err.h"
#include "base/strv.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum opt_type {
    OPT_END = 0,
    OPT_BOOL,   /* bool */
    OPT_STRING, /* char *: owned, freed by opt_values_done() */
    OPT_LIST,   /* struct strv: one element a flag (podman's stringArray) */
    OPT_INT,    /* int64_t, within min..max unless both are 0 */
    OPT_CHOICE, /* char *: one of `choices` ("a|b|c") */
    OPT_CSV,    /* struct strv: a flag's value is split at commas (podman's strings) */
};

/* Rows a table may have without the one that ends it. */
#define OPT_ROWS_MAX 256

struct opt {
    enum opt_type type;
    char letter;         /* 0: none */
    const char *name;    /* long name without dashes */
    size_t offset;       /* of the value in the argument struct */
    const char *value;   /* what --help calls the value: "NAME" */
    const char *help;    /* one line, capital first letter, no full stop */
    const char *choices; /* OPT_CHOICE */
    bool hidden;         /* works and is not in --help */
    int64_t min, max;    /* OPT_INT */
    const char *implied; /* value of a flag without "=": such a flag never takes the next word */
};

#define OPT_BOOL_ROW(c, long_name, type, field, text)                                              \
    {                                                                                              \
        OPT_BOOL, c, long_name, offsetof(struct type, field), NULL, text                           \
    }
#define OPT_STRING_ROW(c, long_name, type, field, val, text)                                       \
    {                                                                                              \
        OPT_STRING, c, long_name, offsetof(struct type, field), val, text                          \
    }
#define OPT_LIST_ROW(c, long_name, type, field, val, text)                                         \
    {                                                                                              \
        OPT_LIST, c, long_name, offsetof(struct type, field), val, text                            \
    }
#define OPT_INT_ROW(c, long_name, type, field, val, text)                                          \
    {                                                                                              \
        OPT_INT, c, long_name, offsetof(struct type, field), val, text                             \
    }

#define OPT_CSV_ROW(c, long_name, type, field, val, text)                                          \
    {                                                                                              \
        OPT_CSV, c, long_name, offsetof(struct type, field), val, text                             \
    }
#define OPT_CHOICE_ROW(c, long_name, type, field, val, text, list)                                 \
    {                                                                                              \
        OPT_CHOICE, c, long_name, offsetof(struct type, field), val, text, list                    \
    }

/* --NAME or --NAME=true|false; a string, so that "not given" is told apart (NULL): opt_switch(). */
#define OPT_SWITCH_ROW(c, long_name, holder, field, text)                                          \
    {                                                                                              \
        .type = OPT_CHOICE, .letter = c, .name = long_name,                                        \
        .offset = offsetof(struct holder, field), .value = "true|false", .help = text,             \
        .choices = "true|false", .implied = "true"                                                 \
    }

static inline bool opt_switch(const char *given, bool otherwise)
{
    return given ? *given == 't' : otherwise;
}

struct opt_result {
    struct strv args;                  /* what is no flag */
    bool help;                         /* --help or -h (unless the table has an 'h') was there */
    uint64_t given[OPT_ROWS_MAX / 64]; /* bit i: row i was on the command line; see opt_given() */
};

/* Parses argv[0..argc) (without the program and command names) into `values`, which the caller
 * zeroed or filled with defaults (OPT_STRING defaults must be allocated). Errors are ERR_USAGE:
 * "unknown flag: --foo", "unknown shorthand flag: 'x' in -x", "flag needs an argument: --name",
 * `invalid argument "x" for "--num" flag: ...`. *ret is zeroed first; on an error what was parsed
 * so far is in `values` and *ret, and both are released as usual. */
int opt_parse(const struct opt *table, bool stop_at_argument, int argc, char *const *argv,
              void *values, struct opt_result *ret, struct err *err);

/* True when the row with this long name, or another row for the same value, was on the command
 * line. */
bool opt_given(const struct opt *table, const struct opt_result *res, const char *name);

/* Frees the strings and lists that the table says are in `values`. */
void opt_values_done(const struct opt *table, void *values);
void opt_result_done(struct opt_result *res);

/* The options part of --help: "  -e, --env NAME=VALUE   Set ...", sorted by long name. Nothing for
 * an empty table. */
void opt_help(const struct opt *table, struct buf *out);
