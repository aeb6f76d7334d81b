/* SPDX-License-Identifier: Apache-2.0 */
/* A stack of layers and a writable directory for one test. */
#include "tests/unit/overlay-fuse/world.h"

#include "base/alloc.h"
#include "base/file.h"

#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>
#include <sys/sysmacros.h>

#include <cmocka.h>

void world_init(struct world *w, bool prefix_whiteouts)
{
    *w = (struct world){0};
    snprintf(w->path, sizeof(w->path), "/tmp/wherry-unit-XXXXXX");
    assert_non_null(mkdtemp(w->path));
    w->fd = open(w->path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    assert_true(w->fd >= 0);
    w->upper = xasprintf("%s/upper", w->path);
    w->work = xasprintf("%s/work", w->path);
    assert_int_equal(mkdir(w->upper, 0755) | mkdir(w->work, 0700), 0);
    if (prefix_whiteouts)
        assert_int_equal(tar_save(w->fd, "work/prefix-whiteouts", "", 0), 0);
    w->options = (struct overlay_options){
        .layers = w->layers, .upper = w->upper, .work = w->work, .no_sync = true};
}

void world_keep_journal(struct world *w)
{
    assert_int_equal(tar_save(w->fd, "work/journal", "", 0), 0);
}

void world_done(struct world *w)
{
    if (w->ov)
        overlay_close(w->ov);
    for (size_t i = 0; i < w->options.n_layers; i++) {
        free((char *)w->layers[i].tar);
        free((char *)w->layers[i].index);
    }
    free(w->upper);
    free(w->work);
    close(w->fd);
    remove_tree_at(AT_FDCWD, w->path, NULL);
}

void world_layer(struct world *w, const struct tar_entry *entries, size_t n)
{
    struct err err = {0};
    auto_buf tar = {0};
    char tar_name[16], index[16];
    size_t number = w->options.n_layers++;
    snprintf(tar_name, sizeof(tar_name), "%zu.tar", number);
    snprintf(index, sizeof(index), "%zu.index", number);
    if (tar_make(entries, n, &tar, &err) < 0 || tar_save(w->fd, tar_name, tar.data, tar.len) < 0 ||
        tar_index(w->fd, tar_name, index, &err) < 0)
        fail_msg("%s", err.message);
    memmove(w->layers + 1, w->layers, number * sizeof(*w->layers));
    w->layers[0] = (struct overlay_layer_files){.tar = xasprintf("%s/%s", w->path, tar_name),
                                                .index = xasprintf("%s/%s", w->path, index)};
}

void world_open(struct world *w)
{
    struct err err = {0};
    if (overlay_open(&w->options, &w->ov, &err) < 0)
        fail_msg("%s", err.message);
}

void world_close(struct world *w)
{
    overlay_close(w->ov);
    w->ov = NULL;
}

static void add_stat(struct buf *b, const struct stat *st)
{
    static const char types[] = "?pc?d?b?-?l?s";
    buf_printf(b, " %c%o", types[(st->st_mode & S_IFMT) >> 12], st->st_mode & 07777);
    if (st->st_uid || st->st_gid)
        buf_printf(b, " %u:%u", st->st_uid, st->st_gid);
    if (S_ISCHR(st->st_mode) || S_ISBLK(st->st_mode))
        buf_printf(b, " %u,%u", major(st->st_rdev), minor(st->st_rdev));
    if (!S_ISDIR(st->st_mode) && st->st_nlink != 1)
        buf_printf(b, " x%u", (unsigned)st->st_nlink);
}

static void add_time(struct buf *b, const struct stat *st)
{
    if (!S_ISDIR(st->st_mode)) /* a directory's changes with what is made in it */
        buf_printf(b, " @%lld", (long long)st->st_mtim.tv_sec);
}

static void add_data(struct buf *b, const struct stat *st, const char *data, ssize_t n)
{
    if (n != st->st_size)
        fail_msg("%zd of %lld bytes can be read of %s", n, (long long)st->st_size, b->data);
    buf_add_str(b, " \"");
    for (ssize_t i = 0; i < n; i++)
        buf_add_char(b, data[i] ? data[i] : '~');
    buf_add_char(b, '"');
}

struct view {
    struct world *w;
    struct buf path, out;
};

static int view_one(void *arg, const char *name, const struct stat *st);

static void view_dir(struct view *v)
{
    int r = overlay_list(v->w->ov, buf_str(&v->path), view_one, v);
    if (r < 0)
        fail_msg("list %s: %s", buf_str(&v->path), strerror(-r));
}

static int view_one(void *arg, const char *name, const struct stat *st)
{
    struct view *v = arg;
    size_t len = v->path.len;
    struct stat again;
    buf_printf(&v->path, "/%s", name);
    assert_int_equal(overlay_stat(v->w->ov, v->path.data, OVERLAY_NOFOLLOW, &again), 0);
    assert_int_equal(again.st_ino, st->st_ino);
    assert_int_equal(again.st_mode, st->st_mode);
    buf_add_str(&v->out, v->path.data);
    add_stat(&v->out, st);
    add_time(&v->out, st);
    if (S_ISREG(st->st_mode)) {
        char data[4096];
        add_data(&v->out, st, data, overlay_read(v->w->ov, v->path.data, data, sizeof(data), 0));
    } else if (S_ISLNK(st->st_mode)) {
        auto_free char *target = NULL;
        assert_int_equal(overlay_readlink(v->w->ov, v->path.data, &target), 0);
        buf_printf(&v->out, " -> %s", target);
    }
    buf_add_char(&v->out, '\n');
    if (S_ISDIR(st->st_mode))
        view_dir(v);
    buf_truncate(&v->path, len);
    return 0;
}

char *world_view(struct world *w)
{
    struct view v = {.w = w};
    buf_add_str(&v.path, "");
    view_dir(&v);
    buf_done(&v.path);
    return v.out.data ? v.out.data : xstrdup("");
}

static int change_one(void *arg, const struct overlay_change *c, struct err *err)
{
    struct buf *b = arg;
    buf_add_str(b, *c->path ? c->path : ".");
    if (c->kind == OVERLAY_WHITEOUT) {
        buf_add_str(b, " whiteout\n");
        return 0;
    }
    buf_add_str(b, c->in_lower ? " changed" : " new");
    if (c->opaque)
        buf_add_str(b, " opaque");
    add_stat(b, &c->st);
    add_time(b, &c->st);
    if (c->hard_link) {
        buf_printf(b, " = %s\n", c->hard_link);
        return 0;
    }
    if (S_ISREG(c->st.st_mode)) {
        char data[4096];
        add_data(b, &c->st, data, overlay_change_read(c, data, sizeof(data), 0));
    }
    if (c->layer)
        buf_add_str(b, " of the layer");
    if (c->link)
        buf_printf(b, " -> %s", c->link);
    for (size_t i = 0; i < c->n_xattrs; i++)
        buf_printf(b, " %s=%.*s", c->xattrs[i].name, (int)c->xattrs[i].len,
                   (const char *)c->xattrs[i].value);
    buf_add_char(b, '\n');
    return 0;
}

char *world_changes(struct world *w)
{
    struct err err = {0};
    struct buf b = {0};
    if (overlay_changes(&w->options, change_one, &b, &err) < 0)
        fail_msg("%s", err.message);
    return b.data ? b.data : xstrdup("");
}
