/* SPDX-License-Identifier: Apache-2.0 */
/* Cases of what POSIX and Linux promise about a file system, read from text files and run.
 *
 * Theory of operation. A file of cases (tests/data/posix/NAME.cases) says for each case what is
 * there before (`given` lines) and then what happens: calls, and what they must return. The same
 * cases run in several settings: what is given is made just before (upper), comes from a layer
 * (lower), from two layers that have the directory in common (merged), or is made where whiteouts
 * stand (replaced). For the latter three `layers` writes the tars; so the calls that are checked
 * meet objects that were never copied up. On a plain directory everything is made just before: that
 * is how the cases themselves are checked.
 *
 *   case TITLE                    begins a case; cases are apart by a directory of their own
 *   each X WORD...                the case once for each word, which replaces $X
 *   given TYPE PATH [MODE [UID:GID [TEXT]]]
 *       file dir fifo socket; TEXT is a file's content
 *   given link PATH TARGET [UID:GID], given hard PATH OTHER
 *   [as UID:GID[,GROUP...]] CALL ARGUMENT... [=> RESULT[ | RESULT]...]
 *       without a result the call must succeed
 *
 * "\" at the end of a line continues it, '"' keeps blanks together. ${n255} is a name of 255 bytes,
 * ${to4095} what makes a path of 4095 bytes in front of a name of one byte. Ids beyond 0 need a
 * user namespace that has them: such cases are left out where there is none. */
#pragma once

#include "base/buf.h"
#include "base/strv.h"

#include <stdbool.h>
#include <sys/stat.h>
#include <sys/types.h>

enum fixture_type {
    FIXTURE_FILE,
    FIXTURE_DIR,
    FIXTURE_FIFO,
    FIXTURE_SOCKET,
    FIXTURE_LINK,
    FIXTURE_HARD
};

struct fixture {
    enum fixture_type type;
    mode_t mode;
    uid_t uid;
    gid_t gid;
    char *path;
    char *text; /* content, target or other name; never NULL */
};

#define MAX_GROUPS 8

struct step {
    int line;
    bool as;
    uid_t uid;
    gid_t groups[MAX_GROUPS]; /* the first is the group, the rest are supplementary */
    int n_groups;
    struct strv words;
    char *want;
};

struct test_case {
    const char *file; /* without directory and suffix; lives as long as the process */
    int line, number; /* number: its directory */
    char *title;
    bool needs_ids;
    struct fixture *fixtures;
    size_t n_fixtures, cap_fixtures;
    struct step *steps;
    size_t n_steps, cap_steps;
};

struct cases {
    struct test_case *v;
    size_t n, cap;
};

enum setting { SETTING_UPPER, SETTING_LOWER, SETTING_MERGED, SETTING_REPLACED };

/* parse.c. Appends a file's cases; exits with a message when it makes no sense. */
void cases_read(struct cases *c, const char *path);
void cases_done(struct cases *c);

/* fixture.c */
/* Makes it below the working directory. */
void fixture_make(const struct fixture *f);
/* Gives it the time that what comes from a layer has. */
void fixture_make_old(const struct fixture *f);
/* Writes top.tar and bottom.tar for the setting into the directory. */
void layers_write(const struct cases *c, enum setting setting, const char *dir);
#define FIXTURE_TIME 1000000000 /* of all that comes from a layer */

/* tar.c */
struct tar_entry {
    char type; /* as in the header */
    mode_t mode;
    uid_t uid;
    gid_t gid;
    const char *path, *target; /* target: of links of both kinds, or NULL */
    const char *text;          /* of files, or NULL */
};
void tar_add(FILE *f, const struct tar_entry *e);
void tar_end(FILE *f);

/* What calls share: descriptors, a mapping and remembered attributes. */
#define MAX_SLOTS 10
struct marked {
    char *path;
    struct stat st;
};
struct run {
    int fds[MAX_SLOTS];
    char *map;
    size_t map_len;
    struct marked marks[8];
    size_t n_marks;
};

/* A call: 0 or a negative errno; what it has to say goes to *ret ("ok" when it says nothing). */
typedef int call_fn(struct run *r, char **arg, int n, struct buf *ret);
struct call {
    const char *name;
    int min, max; /* arguments */
    call_fn *fn;
};
extern const struct call calls_names[], calls_attr[], calls_data[], calls_times[], calls_acl[];

/* Shared by the calls. They exit with a message when an argument makes no sense. */
_Noreturn void bad_argument(const char *what, const char *arg);
int open_flags(const char *words);
int slot_fd(const struct run *r, const char *arg);
long long number(const char *arg);
static inline int result(long long r)
{
    return r < 0 ? -errno : 0;
}
