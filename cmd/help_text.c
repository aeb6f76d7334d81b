/* SPDX-License-Identifier: Apache-2.0 */
/* The texts of --help, made from the tables. */
#include "base/alloc.h"
#include "cmd/commands.h"

#include <stdlib.h>
#include <string.h>

/* A line of a list of commands; `name` of `len` bytes is borrowed from the table. */
struct entry {
    const char *name;
    size_t len;
    const char *summary;
};

struct entries {
    struct entry *v;
    size_t n, cap;
};

static void add_entry(struct entries *es, const char *name, size_t len, const char *summary)
{
    grow_array(es->v, es->n, es->cap);
    es->v[es->n++] = (struct entry){name, len, summary};
}

static int by_name(const void *a, const void *b)
{
    const struct entry *x = a, *y = b;
    int c = memcmp(x->name, y->name, x->len < y->len ? x->len : y->len);
    return c ? c : (x->len > y->len) - (x->len < y->len);
}

static void print_entries(struct entries *es, struct buf *out)
{
    size_t width = 0;
    for (size_t i = 0; i < es->n; i++)
        width = es->v[i].len > width ? es->v[i].len : width;
    if (es->n)
        qsort(es->v, es->n, sizeof(*es->v), by_name);
    buf_add_str(out, "\nAvailable Commands:\n");
    for (size_t i = 0; i < es->n; i++)
        buf_printf(out, "  %-*.*s  %s\n", (int)width, (int)es->v[i].len, es->v[i].name,
                   es->v[i].summary);
    free(es->v);
}

static void print_options(const struct opt *opts, struct buf *out)
{
    auto_buf text = {0};
    opt_help(opts, &text);
    if (text.len)
        buf_printf(out, "\nOptions:\n%s", buf_str(&text));
}

void command_help_top(const struct command_table *table, struct buf *out)
{
    struct entries es = {0};
    for (const struct command_row *row = table->rows; row->name; row++)
        if (!strchr(row->name, ' '))
            add_entry(&es, row->name, strlen(row->name), row->summary);
    for (const struct command_group *g = table->groups; g->name; g++)
        add_entry(&es, g->name, strlen(g->name), g->summary);
    buf_add_str(out, "Run, commit and build containers and images without privilege\n\n"
                     "Usage:\n  wherry [options] [command]\n");
    print_entries(&es, out);
    print_options(table->globals, out);
}

/* Adds the name that the row has inside the group, if any. */
static void add_member(struct entries *es, const struct command_row *row, const char *group)
{
    size_t len = strlen(group);
    if (strncmp(row->name, group, len) == 0 && row->name[len] == ' ') {
        add_entry(es, row->name + len + 1, strlen(row->name) - len - 1, row->summary);
        return;
    }
    auto_strv groups = {0};
    strv_split(&groups, row->groups ? row->groups : "", ' ');
    if (strv_contains(&groups, group)) {
        add_entry(es, row->name, strlen(row->name), row->summary);
        return;
    }
    for (const char *p = row->aliases; p && *p;) {
        const char *end = strchrnul(p, '|');
        if (strncmp(p, group, len) == 0 && p[len] == ' ') {
            add_entry(es, p + len + 1, (size_t)(end - p) - len - 1, row->summary);
            return;
        }
        p = *end ? end + 1 : end;
    }
}

void command_help_group(const struct command_table *table, const struct command_group *group,
                        struct buf *out)
{
    struct entries es = {0};
    for (const struct command_row *row = table->rows; row->name; row++)
        add_member(&es, row, group->name);
    buf_printf(out, "%s\n\nUsage:\n  wherry %s [command]\n", group->summary, group->name);
    print_entries(&es, out);
}

/* "wherry container ls, wherry container list" */
static void print_aliases(const struct command_row *row, struct buf *out)
{
    auto_strv ways = {0}, groups = {0};
    strv_split(&groups, row->groups ? row->groups : "", ' ');
    strv_foreach (&groups, g)
        strv_addf(&ways, "wherry %s %s", g, row->name);
    size_t n = ways.len;
    strv_split(&ways, row->aliases ? row->aliases : "", '|');
    if (!ways.len)
        return;
    buf_add_str(out, "\nAliases:\n  ");
    for (size_t i = 0; i < ways.len; i++)
        buf_printf(out, "%s%s%s", i ? ", " : "", i < n ? "" : "wherry ", ways.v[i]);
    buf_add_char(out, '\n');
}

void command_help_row(const struct command_row *row, struct buf *out)
{
    const struct command *cmd = row->cmd;
    buf_printf(out, "%s\n\nUsage:\n  wherry %s%s%s\n", cmd->summary ? cmd->summary : row->summary,
               row->name, cmd->usage && *cmd->usage ? " " : "", cmd->usage ? cmd->usage : "");
    print_aliases(row, out);
    if (cmd->details)
        buf_printf(out, "\n%s%s", cmd->details,
                   cmd->details[strlen(cmd->details) - 1] == '\n' ? "" : "\n");
    print_options(cmd->opts, out);
}
