/* SPDX-License-Identifier: Apache-2.0 */
/* Files of cases. */
#include "posix.h"

#include "base/alloc.h"
#include "base/err.h"
#include "base/file.h"

#include <ctype.h>
#include <fcntl.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>

struct line {
    int number;
    char *text;
};

struct variable {
    char name;
    struct strv values;
};

/* The lines of one case, before its variables are replaced. */
struct block {
    struct line *lines;
    size_t n, cap;
    struct variable vars[4];
    size_t n_vars;
};

struct parser {
    struct cases *cases;
    const char *path, *file;
    int line;
};

_Noreturn static void fail(const struct parser *p, const char *what)
{
    fprintf(stderr, "%s:%d: %s\n", p->path, p->line, what);
    exit(2);
}

/* ${n255}: a name; ${to4095}: what makes a path of that length together with one more byte. */
static void add_builtin(const struct parser *p, const char *name, struct buf *out)
{
    size_t len;
    if (name[0] == 'n' && (len = strtoul(name + 1, NULL, 10)) > 0) {
        for (size_t i = 0; i < len; i++)
            buf_add_char(out, (char)('a' + i % 26));
    } else if (strncmp(name, "to", 2) == 0 && (len = strtoul(name + 2, NULL, 10)) > 1) {
        for (size_t i = 0; i < len - 1; i++)
            buf_add_char(out, i % 2 == 0 && i + 2 < len ? '.' : '/');
    } else {
        fail(p, "unknown variable");
    }
}

static char *expand(const struct parser *p, const char *text, const struct block *b,
                    const size_t *chosen)
{
    struct buf out = {0};
    for (const char *s = text; *s; s++) {
        if (s[0] == '$' && s[1] == '{') {
            const char *end = strchr(s, '}');
            if (!end)
                fail(p, "no } behind ${");
            auto_free char *name = xstrndup(s + 2, (size_t)(end - s - 2));
            add_builtin(p, name, &out);
            s = end;
            continue;
        }
        const struct variable *v = NULL;
        for (size_t i = 0; *s == '$' && i < b->n_vars; i++)
            if (b->vars[i].name == s[1])
                v = &b->vars[i];
        if (!v) {
            buf_add_char(&out, *s);
            continue;
        }
        buf_add_str(&out, v->values.v[chosen[v - b->vars]]);
        s++;
    }
    return buf_take(&out);
}

static void split(const struct parser *p, const char *s, struct strv *ret)
{
    for (;;) {
        s += strspn(s, " \t");
        if (!*s)
            return;
        bool quoted = *s == '"';
        size_t len = quoted ? strcspn(s + 1, "\"") : strcspn(s, " \t");
        if (quoted && s[1 + len] != '"')
            fail(p, "no closing quote");
        strv_add_owned(ret, xstrndup(s + quoted, len));
        s += len + (quoted ? 2 : 0);
    }
}

static void parse_ids(const struct parser *p, const char *s, uid_t *uid, gid_t *gids, int *n,
                      int max)
{
    char *end;
    *uid = (uid_t)strtoul(s, &end, 10);
    if (*end != ':')
        fail(p, "ids are UID:GID");
    *n = 0;
    do {
        if (*n == max)
            fail(p, "too many groups");
        gids[(*n)++] = (gid_t)strtoul(end + 1, &end, 10);
    } while (*end == ',');
    if (*end)
        fail(p, "ids are UID:GID");
}

static void parse_given(const struct parser *p, struct test_case *c, char **w, size_t n)
{
    static const char *const types[] = {"file", "dir", "fifo", "socket", "link", "hard"};
    struct fixture f = {.mode = 0644};
    size_t type = 0;
    int one;
    while (type < sizeof(types) / sizeof(*types) && (n < 3 || strcmp(w[1], types[type]) != 0))
        type++;
    if (type == sizeof(types) / sizeof(*types))
        fail(p, "given TYPE PATH ...");
    f.type = (enum fixture_type)type;
    f.path = xstrdup(w[2]);
    size_t at = 3;
    if (f.type == FIXTURE_LINK || f.type == FIXTURE_HARD) {
        if (n < 4)
            fail(p, "given link PATH TARGET");
        f.text = xstrdup(w[at++]);
    } else {
        if (f.type == FIXTURE_DIR)
            f.mode = 0755;
        if (n > at)
            f.mode = (mode_t)strtoul(w[at++], NULL, 8);
    }
    if (n > at)
        parse_ids(p, w[at++], &f.uid, &f.gid, &one, 1);
    if (!f.text)
        f.text = xstrdup(n > at ? w[at] : "");
    c->needs_ids |= f.uid || f.gid;
    grow_array(c->fixtures, c->n_fixtures, c->cap_fixtures);
    c->fixtures[c->n_fixtures++] = f;
}

/* An owner, or one of a list, that only a real user namespace has. */
static bool wants_ids(const struct step *s)
{
    const char *call = s->words.v[0];
    size_t n = strlen(call);
    for (size_t i = 3; strcmp(call, "setacl") == 0 && i < s->words.len; i++)
        if (strchr("ug", *s->words.v[i]) && s->words.v[i][2] != ':')
            return true;
    if (n < 5 || strcmp(call + n - 5, "chown") != 0)
        return false;
    for (size_t i = 2; i < s->words.len; i++)
        if (strcmp(s->words.v[i], "0") != 0 && strcmp(s->words.v[i], "-1") != 0)
            return true;
    return false;
}

static void parse_step(const struct parser *p, struct test_case *c, char *text)
{
    struct step s = {.line = p->line};
    char *arrow = strstr(text, " => ");
    if (arrow)
        *arrow = 0;
    s.want = xstrdup(arrow ? arrow + 4 + strspn(arrow + 4, " ") : "ok");
    split(p, text, &s.words);
    if (s.words.len > 2 && strcmp(s.words.v[0], "as") == 0) {
        s.as = c->needs_ids = true;
        parse_ids(p, s.words.v[1], &s.uid, s.groups, &s.n_groups, MAX_GROUPS);
        strv_remove(&s.words, 0);
        strv_remove(&s.words, 0);
    }
    if (s.words.len == 0)
        fail(p, "no call");
    c->needs_ids |= wants_ids(&s);
    grow_array(c->steps, c->n_steps, c->cap_steps);
    c->steps[c->n_steps++] = s;
}

static void add_case(struct parser *p, const struct block *b, const size_t *chosen)
{
    struct test_case c = {.file = p->file, .line = b->lines[0].number, .number = (int)p->cases->n};
    for (size_t i = 0; i < b->n; i++) {
        p->line = b->lines[i].number;
        auto_free char *text = expand(p, b->lines[i].text, b, chosen);
        if (i == 0) {
            c.title = xstrdup(text + strlen("case "));
            continue;
        }
        if (strncmp(text, "given ", 6) == 0) {
            auto_strv words = {0};
            split(p, text, &words);
            parse_given(p, &c, words.v, words.len);
        } else {
            parse_step(p, &c, text);
        }
    }
    grow_array(p->cases->v, p->cases->n, p->cases->cap);
    p->cases->v[p->cases->n++] = c;
}

/* The case once for each combination of its variables' values. */
static void end_block(struct parser *p, struct block *b)
{
    size_t chosen[4] = {0}, i = 0;
    if (b->n)
        do {
            add_case(p, b, chosen);
            for (i = 0; i < b->n_vars; i++) {
                if (++chosen[i] < b->vars[i].values.len)
                    break;
                chosen[i] = 0;
            }
        } while (i < b->n_vars);
    for (i = 0; i < b->n; i++)
        free(b->lines[i].text);
    free(b->lines);
    for (i = 0; i < b->n_vars; i++)
        strv_done(&b->vars[i].values);
    *b = (struct block){0};
}

static void add_line(struct parser *p, struct block *b, const char *text)
{
    if (strncmp(text, "case ", 5) == 0)
        end_block(p, b);
    else if (b->n == 0)
        fail(p, "a line before the first case");
    if (strncmp(text, "each ", 5) == 0) {
        auto_strv words = {0};
        if (b->n_vars == 4)
            fail(p, "too many variables");
        split(p, text, &words);
        if (words.len < 3 || strlen(words.v[1]) != 1)
            fail(p, "each X WORD...");
        struct variable *v = &b->vars[b->n_vars++];
        v->name = *words.v[1];
        for (size_t i = 2; i < words.len; i++)
            strv_add(&v->values, words.v[i]);
        return;
    }
    grow_array(b->lines, b->n, b->cap);
    b->lines[b->n++] = (struct line){p->line, xstrdup(text)};
}

void cases_read(struct cases *c, const char *path)
{
    auto_buf text = {0};
    struct err err = {0};
    const char *slash = strrchr(path, '/'), *name = slash ? slash + 1 : path;
    struct parser p = {c, path, xstrndup(name, strcspn(name, ".")), 0};
    struct block b = {0};
    if (file_read_at(AT_FDCWD, path, 1 << 20, &text, &err) < 0)
        fail(&p, err.message);
    auto_buf line = {0};
    for (char *s = text.data, *end; s && *s; s = end) {
        size_t len = strcspn(s, "\n");
        end = s + len + (s[len] == '\n');
        p.line++;
        while (len && isspace((unsigned char)*s)) {
            s++;
            len--;
        }
        bool more = len && s[len - 1] == '\\';
        if (*s != '#')
            buf_add(&line, s, len - more);
        if (more)
            continue;
        if (line.len)
            add_line(&p, &b, line.data);
        buf_truncate(&line, 0);
    }
    end_block(&p, &b);
}

void cases_done(struct cases *c)
{
    for (size_t i = 0; i < c->n; i++) {
        struct test_case *t = &c->v[i];
        for (size_t k = 0; k < t->n_fixtures; k++) {
            free(t->fixtures[k].path);
            free(t->fixtures[k].text);
        }
        for (size_t k = 0; k < t->n_steps; k++) {
            strv_done(&t->steps[k].words);
            free(t->steps[k].want);
        }
        free(t->fixtures);
        free(t->steps);
        free(t->title);
    }
    free(c->v);
}
