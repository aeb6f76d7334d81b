/* SPDX-License-Identifier: Apache-2.0 */
/* What is there before a case begins. */
#include "posix.h"

#include "base/file.h"

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

_Noreturn static void fail(const struct fixture *f)
{
    fprintf(stderr, "cannot prepare %s: %s\n", f->path, strerror(errno));
    exit(2);
}

static int make(const struct fixture *f)
{
    switch (f->type) {
    case FIXTURE_FILE: {
        auto_close int fd = open(f->path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
        return fd < 0 || write_full(fd, f->text, strlen(f->text)) < 0 ? -1 : 0;
    }
    case FIXTURE_DIR: return mkdir(f->path, 0700);
    case FIXTURE_FIFO: return mkfifo(f->path, 0600);
    case FIXTURE_SOCKET: return mknod(f->path, S_IFSOCK | 0600, 0);
    case FIXTURE_LINK: return symlink(f->text, f->path);
    case FIXTURE_HARD: return link(f->text, f->path);
    }
    return -1;
}

void fixture_make(const struct fixture *f)
{
    if (make(f) < 0)
        fail(f);
    if (f->type == FIXTURE_HARD)
        return;
    if ((f->uid || f->gid) && lchown(f->path, f->uid, f->gid) < 0)
        fail(f);
    if (f->type != FIXTURE_LINK && chmod(f->path, f->mode) < 0)
        fail(f);
}

void fixture_make_old(const struct fixture *f)
{
    struct timespec t[2] = {{FIXTURE_TIME, 0}, {FIXTURE_TIME, 0}};
    if (utimensat(AT_FDCWD, f->path, t, AT_SYMLINK_NOFOLLOW) < 0)
        fail(f);
}

static void add(FILE *f, const struct fixture *x, const char *dir)
{
    static const char types[] = {[FIXTURE_FILE] = '0',
                                 [FIXTURE_DIR] = '5',
                                 [FIXTURE_FIFO] = '6',
                                 [FIXTURE_LINK] = '2',
                                 [FIXTURE_HARD] = '1'};
    auto_buf path = {0}, target = {0};
    buf_printf(&path, "%s/%s", dir, x->path);
    if (x->type == FIXTURE_LINK)
        buf_add_str(&target, x->text);
    else if (x->type == FIXTURE_HARD)
        buf_printf(&target, "%s/%s", dir, x->text);
    struct tar_entry e = {.type = types[x->type],
                          .mode = x->mode,
                          .uid = x->uid,
                          .gid = x->gid,
                          .path = path.data,
                          .target = target.len ? target.data : NULL,
                          .text = x->type == FIXTURE_FILE ? x->text : NULL};
    tar_add(f, &e);
}

/* Where a fixture goes when two layers are merged: every other one to the bottom, a hard link to
 * the file's side. */
static bool at_bottom(const struct test_case *c, size_t i)
{
    if (c->fixtures[i].type == FIXTURE_HARD)
        for (size_t k = 0; k < i; k++)
            if (strcmp(c->fixtures[k].path, c->fixtures[i].text) == 0)
                return at_bottom(c, k);
    return i % 2;
}

/* Something of another kind under the name of each fixture, and under names that cases make. */
static void add_decoys(FILE *f, const struct test_case *c, const char *dir)
{
    static const char *const more[] = {"new", "new2", "new3"};
    for (size_t i = 0; i < c->n_fixtures + sizeof(more) / sizeof(*more); i++) {
        bool own = i < c->n_fixtures;
        struct fixture x = {.type = FIXTURE_DIR,
                            .mode = 0755,
                            .path = own ? c->fixtures[i].path : (char *)more[i - c->n_fixtures],
                            .text = (char *)"decoy"};
        /* What is in a directory needs a directory. */
        if (own && c->fixtures[i].type == FIXTURE_DIR)
            for (size_t k = 0; k < c->n_fixtures; k++)
                own &= strncmp(c->fixtures[k].path, x.path, strlen(x.path)) != 0 || k == i;
        if (own && c->fixtures[i].type == FIXTURE_DIR)
            x.type = FIXTURE_FILE;
        add(f, &x, dir);
    }
}

static void add_case(FILE *top, FILE *bottom, const struct test_case *c, enum setting setting)
{
    char dir[32];
    snprintf(dir, sizeof(dir), "%d", c->number);
    struct tar_entry e = {.type = '5', .mode = 0755, .path = dir};
    if (setting == SETTING_UPPER)
        return;
    tar_add(bottom, &e);
    if (setting == SETTING_MERGED)
        tar_add(top, &e);
    if (setting == SETTING_REPLACED) {
        add_decoys(bottom, c, dir);
        return;
    }
    for (size_t i = 0; i < c->n_fixtures; i++) {
        const struct fixture *x = &c->fixtures[i];
        if (x->type == FIXTURE_SOCKET) /* a tar has none: main.c makes it */
            continue;
        bool split = setting == SETTING_MERGED;
        if (!split || x->type == FIXTURE_DIR || at_bottom(c, i))
            add(bottom, x, dir);
        if (split && (x->type == FIXTURE_DIR || !at_bottom(c, i)))
            add(top, x, dir);
    }
}

static FILE *create(const char *dir, const char *name)
{
    auto_buf path = {0};
    buf_printf(&path, "%s/%s", dir, name);
    FILE *f = fopen(path.data, "we");
    if (!f) {
        perror(path.data);
        exit(2);
    }
    return f;
}

void layers_write(const struct cases *c, enum setting setting, const char *dir)
{
    FILE *top = create(dir, "top.tar"), *bottom = create(dir, "bottom.tar");
    for (size_t i = 0; i < c->n; i++)
        add_case(top, bottom, &c->v[i], setting);
    tar_end(top);
    tar_end(bottom);
    if (fclose(top) || fclose(bottom)) {
        perror(dir);
        exit(2);
    }
}
