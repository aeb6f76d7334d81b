/* SPDX-License-Identifier: Apache-2.0 */
/* From words to a command: finding it, suggesting another, counting its arguments. */
#include "base/alloc.h"
#include "base/proc.h"
#include "cmd/commands.h"

#include <ctype.h>
#include <string.h>
#include <unistd.h>

#define SUGGEST_DISTANCE 2 /* as cobra's */
#define WORD_MAX         40

/* True when list ("a b" or "a|b", by `sep`) holds exactly `word`. */
static bool list_holds(const char *list, char sep, const char *word)
{
    size_t len = strlen(word);
    for (const char *p = list; p && *p;) {
        const char *end = strchrnul(p, sep);
        if ((size_t)(end - p) == len && memcmp(p, word, len) == 0)
            return true;
        p = *end ? end + 1 : end;
    }
    return false;
}

/* True when `path` ("run", "container ls") leads to the row. */
static bool leads_to(const struct command_row *row, const char *path)
{
    if (strcmp(row->name, path) == 0 || list_holds(row->aliases, '|', path))
        return true;
    const char *space = strchr(path, ' ');
    if (!space || strcmp(space + 1, row->name) != 0)
        return false;
    auto_free char *group = xstrndup(path, (size_t)(space - path));
    return list_holds(row->groups, ' ', group);
}

static const struct command_row *find_row(const struct command_table *table, const char *path)
{
    for (const struct command_row *row = table->rows; row->name; row++)
        if (leads_to(row, path))
            return row;
    return NULL;
}

static const struct command_group *find_group(const struct command_table *table, const char *name)
{
    for (const struct command_group *g = table->groups; g->name; g++)
        if (strcmp(g->name, name) == 0)
            return g;
    return NULL;
}

/* Letters to insert, remove or replace to get from one word to the other, whatever their case. */
static size_t edit_distance(const char *a, const char *b)
{
    size_t row[WORD_MAX + 1], n = strlen(a), m = strlen(b);
    if (n > WORD_MAX || m > WORD_MAX)
        return WORD_MAX;
    for (size_t j = 0; j <= m; j++)
        row[j] = j;
    for (size_t i = 1; i <= n; i++) {
        size_t diagonal = row[0];
        row[0] = i;
        for (size_t j = 1; j <= m; j++) {
            size_t cost =
                diagonal + (tolower((unsigned char)a[i - 1]) != tolower((unsigned char)b[j - 1]));
            size_t step = (row[j] < row[j - 1] ? row[j] : row[j - 1]) + 1;
            diagonal = row[j];
            row[j] = cost < step ? cost : step;
        }
    }
    return row[m];
}

static void suggest(struct buf *out, const char *typed, const char *name)
{
    if (edit_distance(typed, name) <= SUGGEST_DISTANCE ||
        (*typed && strncasecmp(name, typed, strlen(typed)) == 0))
        buf_printf(out, "\t%s\n", name);
}

/* Names in the group that are close to what was typed; without a group, of everything that stands
 * alone. */
static void suggest_all(const struct command_table *table, const char *group, const char *typed,
                        struct buf *out)
{
    size_t skip = group ? strlen(group) + 1 : 0;
    for (const struct command_group *g = table->groups; !group && g->name; g++)
        suggest(out, typed, g->name);
    for (const struct command_row *row = table->rows; row->name; row++) {
        bool below =
            group && strncmp(row->name, group, skip - 1) == 0 && row->name[skip - 1] == ' ';
        if (below)
            suggest(out, typed, row->name + skip);
        else if (group ? list_holds(row->groups, ' ', group) : !strchr(row->name, ' '))
            suggest(out, typed, row->name);
    }
}

static int unrecognized(const struct command_table *table, const char *group, const char *typed,
                        struct err *err)
{
    auto_buf close = {0};
    suggest_all(table, group, typed, &close);
    return err_set(err, -ENOENT,
                   "unrecognized command `wherry %s%s%.200s`\n%s%s%s"
                   "Try 'wherry %s%s--help' for more information",
                   group ? group : "", group ? " " : "", typed,
                   close.len ? "\nDid you mean this?\n" : "", buf_str(&close),
                   close.len ? "\n" : "", group ? group : "", group ? " " : "");
}

int command_find(const struct command_table *table, size_t n, char *const *words,
                 struct command_match *ret, struct err *err)
{
    struct command_match m = {0};
    if (n == 0) {
        *ret = m;
        return 0;
    }
    const struct command_group *group = find_group(table, words[0]);
    if (group && (n == 1 || words[1][0] == '-')) {
        m.group = group;
        m.words = 1;
    } else if (group) {
        auto_free char *path = xasprintf("%s %s", words[0], words[1]);
        m.row = find_row(table, path);
        m.words = 2;
        if (!m.row)
            return unrecognized(table, words[0], words[1], err);
    } else {
        /* A word with a blank in it is no path, though it may look like one. */
        m.row = strchr(words[0], ' ') ? NULL : find_row(table, words[0]);
        m.words = 1;
        if (!m.row)
            return unrecognized(table, NULL, words[0], err);
    }
    *ret = m;
    return 0;
}

int command_check_args(const struct command *cmd, const char *path, size_t n, struct err *err)
{
    size_t min = (size_t)cmd->min_args, max = cmd->max_args < 0 ? SIZE_MAX : (size_t)cmd->max_args;
    if (n >= min && n <= max)
        return 0;
    if (max == 0)
        return err_kind(err, ERR_USAGE, -EINVAL, "`wherry %s` takes no arguments", path);
    if (min == max)
        return err_kind(err, ERR_USAGE, -EINVAL, "accepts %zu arg(s), received %zu", min, n);
    if (n < min)
        return err_kind(err, ERR_USAGE, -EINVAL, "requires at least %zu arg(s), only received %zu",
                        min, n);
    return err_kind(err, ERR_USAGE, -EINVAL, "accepts at most %zu arg(s), received %zu", max, n);
}

int command_exit_status(const struct err *err)
{
    switch (err->kind) {
    case ERR_NOT_EXEC: return 126;
    case ERR_NO_COMMAND: return 127;
    case ERR_EXIT: return err->status;
    default: return err->status ? err->status : 125;
    }
}

int command_hand_over(const struct command_table *table, char *const *argv, struct err *err)
{
    /* Two programs that each take the other's command for theirs would call each other for ever. */
    if (table->image_program)
        return err_set(err, -ENOENT, "wherry-image does not have this command: use wherry");
    auto_free char *path = NULL;
    int r = program_find("wherry-image", &path, err);
    if (r < 0)
        return r;
    execv(path, argv);
    return err_errno(err, -errno, "%s", path);
}
