/* SPDX-License-Identifier: Apache-2.0 */
/* Instructions that may make a layer: RUN, COPY, ADD, WORKDIR. */
#include "base/alloc.h"
#include "base/buf.h"
#include "base/safepath.h"
#include "builder/lexer.h"
#include "builder/state.h"

#include <ctype.h>
#include <string.h>
#include <strings.h>

#define SUMMARY_LEN 30 /* characters of a heredoc that a step's title shows */

static const char *work_dir(const struct stage *s)
{
    const char *wd = s->image.config.run.working_dir;
    return wd && *wd ? wd : "/";
}

static bool is_file_name(const char *s)
{
    return *s && !strchr(s, '/') && strcmp(s, ".") != 0 && strcmp(s, "..") != 0;
}

/* --- steps -------------------------------------------------------------------------------- */

/* "[2/3] " or "[name 2/3] ". */
static void step_prefix(const struct build *b, const struct stage *s, struct buf *out)
{
    int width = 1;
    for (unsigned n = s->total; n >= 10; n /= 10)
        width++;
    buf_add_char(out, '[');
    if (b->n_stages > 1 && s->from->stage_name)
        buf_printf(out, "%s ", s->from->stage_name);
    else if (b->n_stages > 1)
        buf_printf(out, "stage-%zu ", s->index);
    buf_printf(out, "%*u/%u] ", width, s->done, s->total);
}

int inst_step_begin(struct build *b, struct stage *s, const char *title)
{
    auto_buf text = {0};
    s->done++;
    b->step++;
    step_prefix(b, s, &text);
    buf_add_str(&text, title);
    build_event(b, BUILD_STEP_BEGIN, b->step, buf_str(&text));
    return b->step;
}

void inst_step_end(struct build *b, int step, int r)
{
    build_event(b, r < 0 ? BUILD_STEP_FAILED : BUILD_STEP_END, step, "");
}

/* An operation adds one layer when it says so and none otherwise: history and layers must agree. */
static int check_layers(const struct stage *s, size_t before, bool changed, struct err *err)
{
    size_t added = s->image.config.diff_ids.len - before;
    if (added != (changed ? 1 : 0))
        return err_set(err, -EIO, "the step added %zu layers where %d was expected", added,
                       changed ? 1 : 0);
    return 0;
}

/* --- RUN ---------------------------------------------------------------------------------- */

/* The first characters of a heredoc, for the title. */
static void add_summary(const char *data, struct buf *out)
{
    size_t n = strcspn(data, "\n");
    bool more = data[n] && data[n + 1];
    if (n > SUMMARY_LEN) {
        n = SUMMARY_LEN;
        while (n > 0 && ((unsigned char)data[n] & 0xc0) == 0x80)
            n--;
        more = true;
    }
    buf_printf(out, " (%.*s%s)", (int)n, data, more ? "..." : "");
}

/* Heredocs of a shell form: a sole one is the script itself, or, when it says "#!", a program; in
 * every other case the shell gets command and heredocs as they were written. */
static void run_text(const struct ast_instr *in, struct build_inline *script, struct buf *command,
                     struct buf *title)
{
    const struct ast_heredoc *h = in->heredocs;
    struct ast_heredoc word = {0};
    bool sole = in->n_heredocs == 1 && lexer_heredoc_word(in->words.v[0], &word);
    free(word.name);
    if (sole) {
        add_summary(h->data, title);
        if (strncmp(h->data, "#!", 2) == 0) {
            *script = (struct build_inline){h->name, h->data, strlen(h->data)};
            buf_printf(command, "%s/%s", BUILD_SCRIPT_DIR, h->name);
        } else {
            buf_add_str(command, h->data);
        }
        return;
    }
    buf_add_str(command, in->words.v[0]);
    for (size_t i = 0; i < in->n_heredocs; i++)
        buf_printf(command, "\n%s%s", h[i].data, h[i].name);
}

static char *run_history(const struct stage *s, const struct strv *args)
{
    auto_buf text = {0};
    auto_free char *command = strv_join(args, " ");
    buf_add_str(&text, "RUN ");
    args_history(s, &text);
    buf_printf(&text, "%s # buildkit", command);
    return buf_take(&text);
}

static int call_run(struct build *b, struct stage *s, const struct build_run *run,
                    const char *title, struct err *err)
{
    if (b->dry)
        return 0;
    int step = inst_step_begin(b, s, title);
    size_t before = s->image.config.diff_ids.len;
    bool changed = false;
    int r = b->ops->run(b->ops->ctx, &s->image, run, &changed, err);
    if (r == 0)
        r = check_layers(s, before, changed, err);
    inst_step_end(b, step, r);
    if (r == 0)
        history_add(b, &s->image, run_history(s, &run->args), !changed);
    return r;
}

static int inst_run(struct build *b, struct stage *s, const struct ast_instr *in, struct err *err)
{
    struct build_run run = {.user = s->image.config.run.user, .work_dir = work_dir(s)};
    auto_strv args = {0}, env = {0};
    auto_buf title = {0};
    struct build_inline script = {0};
    buf_add_str(&title, in->text);
    if (in->json) {
        strv_extend(&args, &in->words);
    } else {
        auto_buf command = {0};
        run_text(in, &script, &command, &title);
        build_shell(&s->image.config.run, &args);
        strv_add(&args, buf_str(&command));
    }
    if (script.name && !is_file_name(script.name))
        return err_set(err, -EINVAL, "a heredoc's name is a file name: \"%.80s\"", script.name);
    args_run_env(b, s, &env);
    run.args = args;
    run.env = env;
    run.script = script.name ? &script : NULL;
    return call_run(b, s, &run, buf_str(&title), err);
}

/* --- COPY and ADD ------------------------------------------------------------------------- */

struct copy_parts {
    struct strv sources;
    char *dest, *chown, *chmod;
    struct build_inline *inlines;
    size_t n_inlines;
    struct strv data; /* owns the inlines' content */
};

static void copy_parts_done(struct copy_parts *c)
{
    strv_done(&c->sources);
    free(c->dest);
    free(c->chown);
    free(c->chmod);
    free(c->inlines);
    strv_done(&c->data);
}
DEFINE_AUTO(copy_parts, copy_parts_done)

/* Octal to 07777, or symbolic as chmod(1): [ugoa...][+-=][rwxXst...], with commas. */
static bool chmod_valid(const char *s)
{
    if (isdigit((unsigned char)*s)) {
        char *end;
        unsigned long v = strtoul(s, &end, 8);
        return !*end && v <= 07777 && strlen(s) <= 8;
    }
    while (*s) {
        s += strspn(s, "ugoa");
        if (!*s || !strchr("+-=", *s))
            return false;
        while (*s && strchr("+-=", *s)) {
            s++;
            s += strspn(s, "rwxXst");
        }
        if (*s == ',' && s[1])
            s++;
        else if (*s)
            return false;
    }
    return true;
}

static bool is_remote(const char *s)
{
    static const char *const schemes[] = {"http://", "https://", "git://", "ssh://", "git@"};
    for (size_t i = 0; i < sizeof(schemes) / sizeof(schemes[0]); i++) {
        if (strncasecmp(s, schemes[i], strlen(schemes[i])) == 0)
            return true;
    }
    return false;
}

static bool ends_in_dir(const char *s)
{
    size_t n = strlen(s);
    return n == 0 || s[n - 1] == '/' || strcmp(s, ".") == 0 || strcmp(s, "..") == 0 ||
           (n >= 2 && strcmp(s + n - 2, "/.") == 0) || (n >= 3 && strcmp(s + n - 3, "/..") == 0);
}

/* Absolute in the container; '/' at the end when it is to be a directory. */
static char *full_dest(const struct stage *s, const char *dest)
{
    auto_free char *path = path_join(work_dir(s), dest);
    bool slash = ends_in_dir(dest) && strcmp(path, "/") != 0;
    return xasprintf("%s%s", path, slash ? "/" : "");
}

/* Heredoc bodies: variables work unless the delimiter was quoted; quotes are plain characters. */
static int expand_inlines(struct build *b, const struct strv *scope, const struct ast_instr *in,
                          struct copy_parts *c, struct err *err)
{
    c->inlines = xcalloc(in->n_heredocs + 1, sizeof(*c->inlines));
    for (size_t i = 0; i < in->n_heredocs; i++) {
        const struct ast_heredoc *h = &in->heredocs[i];
        char *data = NULL;
        if (!is_file_name(h->name))
            return err_set(err, -EINVAL, "a heredoc's name is a file name: \"%.80s\"", h->name);
        int r = h->expand ? build_expand_heredoc(b, scope, h->data, &data, err) : 0;
        if (r < 0)
            return r;
        strv_add_owned(&c->data, data ? data : xstrdup(h->data));
        data = c->data.v[c->data.len - 1];
        c->inlines[c->n_inlines++] = (struct build_inline){h->name, data, strlen(data)};
    }
    return 0;
}

/* A flag's value; an empty one is as good as none. */
static int expand_flag(struct build *b, const struct strv *scope, const char *s, char **ret,
                       struct err *err)
{
    auto_free char *value = NULL;
    int r = s ? build_expand(b, scope, s, &value, err) : 0;
    if (r == 0 && value && *value)
        *ret = take_ptr(value);
    return r;
}

static int expand_copy(struct build *b, const struct strv *scope, const struct ast_instr *in,
                       struct copy_parts *c, struct err *err)
{
    size_t last = in->words.len - 1;
    int r = 0;
    for (size_t i = 0; i < last && r == 0; i++) {
        char *source = NULL;
        r = build_expand(b, scope, in->words.v[i], &source, err);
        if (r == 0)
            strv_add_owned(&c->sources, source);
    }
    if (r == 0)
        r = build_expand(b, scope, in->words.v[last], &c->dest, err);
    if (r == 0)
        r = expand_flag(b, scope, in->chown, &c->chown, err);
    if (r == 0)
        r = expand_flag(b, scope, in->chmod, &c->chmod, err);
    return r < 0 ? r : expand_inlines(b, scope, in, c, err);
}

static int check_copy(const struct ast_instr *in, const struct copy_parts *c, struct err *err)
{
    const char *kind = instr_name(in->kind);
    for (size_t i = 0; i < c->sources.len; i++) {
        const char *source = c->sources.v[i];
        if (in->kind == INSTR_ADD && is_remote(source))
            return err_set(err, -ENOTSUP,
                           "ADD of a URL or git repository (%.100s) is not supported yet", source);
        if (in->kind == INSTR_COPY && is_remote(source) && !in->from)
            return err_set(err, -EINVAL, "source can't be a URL for COPY: %.100s", source);
        if (!*source)
            return err_set(err, -EINVAL, "%s: a source is empty", kind);
    }
    if (c->sources.len + c->n_inlines > 1 && !ends_in_dir(c->dest))
        return err_set(err, -EINVAL,
                       "when using %s with more than one source file, the destination must be a "
                       "directory and end with a /",
                       kind);
    if (c->chmod && !chmod_valid(c->chmod))
        return err_set(err, -EINVAL,
                       "invalid chmod parameter: '%.60s'. it should be an octal number between 0 "
                       "and 07777, or symbolic",
                       c->chmod);
    return 0;
}

static char *copy_history(const struct ast_instr *in, const struct copy_parts *c)
{
    auto_buf text = {0};
    buf_add_str(&text, instr_name(in->kind));
    if (c->chown)
        buf_printf(&text, " --chown=%s", c->chown);
    if (c->chmod)
        buf_printf(&text, " --chmod=%s", c->chmod);
    for (size_t i = 0; i < c->sources.len; i++)
        buf_printf(&text, " %s", c->sources.v[i]);
    for (size_t i = 0; i < c->n_inlines; i++)
        buf_printf(&text, " <<%s", c->inlines[i].name);
    buf_printf(&text, " %s # buildkit", c->dest);
    return buf_take(&text);
}

static int call_copy(struct build *b, struct stage *s, const struct ast_instr *in,
                     const struct build_copy *copy, bool *ret_changed, struct err *err)
{
    int step = inst_step_begin(b, s, in->text);
    size_t before = s->image.config.diff_ids.len;
    bool changed = false;
    int r = b->ops->copy(b->ops->ctx, &s->image, copy, &changed, err);
    if (r == 0)
        r = check_layers(s, before, changed, err);
    inst_step_end(b, step, r);
    *ret_changed = changed;
    return r;
}

static int inst_copy(struct build *b, struct stage *s, const struct ast_instr *in, struct err *err)
{
    auto_done(copy_parts) struct copy_parts c = {0};
    auto_strv scope = {0};
    args_scope(s, &scope);
    int r = expand_copy(b, &scope, in, &c, err);
    if (r == 0)
        r = check_copy(in, &c, err);
    ssize_t from = -1;
    if (r == 0 && in->from)
        r = stage_find(b, in->from, s->index, &from, err);
    if (r < 0 || b->dry)
        return r;
    auto_free char *dest = full_dest(s, c.dest);
    struct build_copy copy = {
        .sources = &c.sources,
        .inlines = c.inlines,
        .n_inlines = c.n_inlines,
        .dest = dest,
        .from = in->from,
        .from_image = from >= 0 ? &b->stages[from].image : NULL,
        .chown = c.chown,
        .chmod = c.chmod,
        .unpack = in->kind == INSTR_ADD && !in->no_unpack,
    };
    bool changed = false;
    r = call_copy(b, s, in, &copy, &changed, err);
    if (r == 0)
        history_add(b, &s->image, copy_history(in, &c), !changed);
    return r;
}

/* --- WORKDIR ------------------------------------------------------------------------------ */

static int call_make_dir(struct build *b, struct stage *s, const struct ast_instr *in,
                         const char *path, struct err *err)
{
    if (b->dry)
        return 0;
    int step = inst_step_begin(b, s, in->text);
    size_t before = s->image.config.diff_ids.len;
    bool changed = false;
    int r = 0;
    if (strcmp(path, "/") != 0)
        r = b->ops->make_dir(b->ops->ctx, &s->image, path, s->image.config.run.user, &changed, err);
    if (r == 0)
        r = check_layers(s, before, changed, err);
    inst_step_end(b, step, r);
    if (r == 0)
        history_add(b, &s->image, xasprintf("WORKDIR %s", path), !changed);
    return r;
}

static int inst_workdir(struct build *b, struct stage *s, const struct ast_instr *in,
                        struct err *err)
{
    auto_strv scope = {0};
    auto_free char *written = NULL;
    char **field = &s->image.config.run.working_dir;
    args_scope(s, &scope);
    int r = build_expand(b, &scope, in->words.v[0], &written, err);
    if (r < 0)
        return r;
    if (*written && *written != '/' && !*field && !b->dry) {
        auto_free char *text = xasprintf("Relative workdir %s can have unexpected results if the "
                                         "base image changes",
                                         written);
        build_warn(b, in->line, "WorkdirRelativePath", text);
    }
    auto_free char *path = path_join(work_dir(s), *written ? written : ".");
    r = call_make_dir(b, s, in, path, err);
    if (r < 0)
        return r;
    free(*field);
    *field = take_ptr(path);
    return 0;
}

int inst_fs(struct build *b, struct stage *s, const struct ast_instr *in, struct err *err)
{
    if (in->kind == INSTR_RUN)
        return inst_run(b, s, in, err);
    if (in->kind == INSTR_WORKDIR)
        return inst_workdir(b, s, in, err);
    return inst_copy(b, s, in, err);
}
