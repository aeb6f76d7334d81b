/* SPDX-License-Identifier: Apache-2.0 */
/* overlay-prop [--ops N] [--seed S] [--world W] [--world-ops N] [--dir D] [--real | --journal]
 *              [-v] [-c]
 *
 * The property test of the merge core (prop.h). Prints the seed; a failure names the world, which
 * --world runs alone; --real keeps owners as those on disk (as root); --journal keeps attributes as
 * where the file system has none, and kills the owner now and then; -v prints the operations, -c
 * compares after each. */
#include "base/alloc.h"
#include "base/file.h"
#include "overlay-fuse/journal.h"
#include "tests/tools/prop.h"

#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/xattr.h>
#include <time.h>

struct arguments {
    uint64_t ops, seed, world_ops;
    int64_t world;
    const char *dir;
    bool verbose, check, real, journal;
};

_Noreturn void prop_fail(const struct world *w, const char *fmt, ...)
{
    va_list ap;
    va_start(ap, fmt);
    fflush(stdout);
    fprintf(stderr, "not ok: --seed %llu --world %llu, operation %llu (%s): %s\n  ",
            (unsigned long long)w->seed, (unsigned long long)w->number,
            (unsigned long long)w->n_ops, w->prefix ? ".wh." : "char 0:0", w->op);
    vfprintf(stderr, fmt, ap);
    fprintf(stderr, "\n");
    va_end(ap);
    abort();
}

static uint64_t next_random(uint64_t *state)
{
    uint64_t z = *state += UINT64_C(0x9e3779b97f4a7c15);
    z = (z ^ (z >> 30)) * UINT64_C(0xbf58476d1ce4e5b9);
    z = (z ^ (z >> 27)) * UINT64_C(0x94d049bb133111eb);
    return z ^ (z >> 31);
}

uint32_t prop_below(struct world *w, uint32_t n)
{
    return n ? (uint32_t)((next_random(&w->random) >> 32) * n >> 32) : 0;
}

/* --- a world ------------------------------------------------------------------------------ */

static void open_overlay(struct world *w)
{
    struct err err = {0};
    if (overlay_open(&w->options, &w->ov, &err) < 0)
        prop_fail(w, "open: %s", err.message);
    if (prop_chance(w, 50))
        w->ov->max_fds = 2 + prop_below(w, 4);
}

static void make_dirs(struct world *w)
{
    struct err err = {0};
    if (remove_tree_at(w->fd, "upper", &err) < 0 || remove_tree_at(w->fd, "work", &err) < 0 ||
        mkdirat(w->fd, "upper", 0755) < 0 || mkdirat(w->fd, "work", 0700) < 0)
        prop_fail(w, "make directories: %s", strerror(errno));
    if (w->prefix)
        close(openat(w->fd, "work/prefix-whiteouts", O_CREAT | O_WRONLY | O_CLOEXEC, 0600));
    if (w->journal)
        close(openat(w->fd, "work/" JOURNAL_FILE, O_CREAT | O_WRONLY | O_CLOEXEC, 0600));
    w->crashed = false;
    w->root->mtime_known = w->options.n_layers > 0 && !w->real;
    if (!w->real)
        return;
    w->root->mode = S_IFDIR | 0755; /* those of the directory, too */
    w->root->uid = w->root->gid = 0;
    memset(w->root->xattrs, 0, sizeof(w->root->xattrs));
}

/* What the file system lacks is not asked for. */
static void probe(struct world *w)
{
    auto_close int fd = openat(w->fd, "probe", O_CREAT | O_RDWR | O_CLOEXEC, 0600);
    w->bare = w->real && fsetxattr(fd, "user.bare", "", 0, 0) < 0 && errno == EOPNOTSUPP;
    w->no_allocate = fallocate(fd, 0, 0, 1) < 0 && errno == EOPNOTSUPP;
    unlinkat(w->fd, "probe", 0);
}

static void world_init(struct world *w, const struct arguments *a, uint64_t number)
{
    uint64_t random = a->seed;
    *w = (struct world){.seed = a->seed,
                        .number = number,
                        .verbose = a->verbose,
                        .real = a->real,
                        .journal = a->journal};
    w->random = next_random(&random) ^ (number * UINT64_C(0xd6e8feb86659fd93));
    w->prefix = prop_chance(w, 50);
    w->no_links = w->real && prop_chance(w, 70);
    w->path = xasprintf("%s/wherry-prop-XXXXXX", a->dir);
    if (!mkdtemp(w->path) || (w->fd = open(w->path, O_RDONLY | O_DIRECTORY | O_CLOEXEC)) < 0)
        prop_fail(w, "make a directory in %s: %s", a->dir, strerror(errno));
    probe(w);
    w->options = (struct overlay_options){.layers = w->layers,
                                          .upper = xasprintf("%s/upper", w->path),
                                          .work = xasprintf("%s/work", w->path),
                                          .real_owners = a->real,
                                          .no_sync = true};
    strcpy(w->op, "make layers");
    w->root = obj_new(S_IFDIR | 0755);
    w->root->names = 1;
    for (uint32_t n = prop_below(w, 5); n > 0; n--)
        layers_add_random(w);
    make_dirs(w);
    open_overlay(w);
}

static void drop_layer(struct overlay_layer_files *l)
{
    free((char *)l->tar);
    free((char *)l->index);
    free((char *)l->dir);
    *l = (struct overlay_layer_files){0};
}

static void world_done(struct world *w)
{
    overlay_close(w->ov);
    for (size_t i = 0; i < MAX_LAYERS + 1; i++)
        drop_layer(&w->layers[i]);
    while (w->orphans) {
        struct obj *o = w->orphans;
        w->orphans = o->next_orphan;
        obj_free(o);
    }
    obj_free_tree(w->root);
    free((char *)w->options.upper);
    free((char *)w->options.work);
    close(w->fd);
    remove_tree_at(AT_FDCWD, w->path, NULL);
    free(w->path);
    free(w->all);
    free(w->dirs);
}

/* Other layers, other inode numbers. */
static void forget_numbers(struct world *w)
{
    prop_collect(w);
    for (size_t i = 0; i < w->n_all; i++)
        w->all[i].dir->child[w->all[i].name]->ino = 0;
    w->root->ino = 0;
}

static void reopen(struct world *w)
{
    auto_buf kept = {0};
    bool killed = w->journal && prop_chance(w, 50);
    if (killed)
        journal_keep(w, &kept);
    ops_forget_all(w);
    strcpy(w->op, "open anew");
    if (w->ov->by_id.n_keys != 1 || w->ov->n_fds)
        prop_fail(w, "%zu nodes and %zu descriptors are left after all was forgotten",
                  w->ov->by_id.n_keys, w->ov->n_fds);
    if (w->journal && !w->crashed)
        journal_check(w);
    overlay_close(w->ov);
    if (killed)
        journal_put_back(w, &kept);
    open_overlay(w);
    check_tree(w, w->ov, false);
}

/* Sockets are in no tar. */
static void remove_sockets(struct world *w)
{
    prop_collect(w);
    for (size_t i = 0; i < w->n_all; i++)
        if (S_ISSOCK(w->all[i].dir->child[w->all[i].name]->mode))
            obj_detach(w, w->all[i].dir, w->all[i].name);
}

/* The upper directory becomes a layer. */
static void move_upper(struct world *w)
{
    auto_free char *name = xasprintf("%u.dir", w->n_made++);
    free((char *)w->layers[0].dir);
    w->layers[0].dir = xasprintf("%s/%s", w->path, name);
    if (renameat(w->fd, "upper", w->fd, name) < 0)
        prop_fail(w, "rename the upper directory: %s", strerror(errno));
}

/* Of a file in a directory layer nobody knows all names: when it is copied up they part. */
static bool may_be_layer(struct world *w)
{
    if (w->options.n_layers + 1 >= MAX_LAYERS)
        return false;
    prop_collect(w);
    for (size_t i = 0; i < w->n_all && w->real; i++)
        if (w->all[i].dir->child[w->all[i].name]->names > 1)
            return false;
    return true;
}

/* Goes on with what was committed as a layer and an empty upper directory. */
static void rebase(struct world *w)
{
    ops_forget_all(w);
    strcpy(w->op, "go on with the committed layer");
    overlay_close(w->ov);
    w->options.n_layers++;
    if (w->real)
        move_upper(w);
    else
        remove_sockets(w);
    make_dirs(w);
    w->root->mtime_known = false; /* it is in the layer only if the root's attributes changed */
    open_overlay(w);
    forget_numbers(w);
    check_tree(w, w->ov, false);
}

static void commit(struct world *w)
{
    struct err err = {0};
    auto_overlay ov = NULL;
    check_tree(w, w->ov, false); /* learns the times */
    strcpy(w->op, "commit");
    layers_commit(w);
    struct overlay_options o = {.layers = w->layers, .n_layers = w->options.n_layers + 1};
    if (overlay_open(&o, &ov, &err) < 0)
        prop_fail(w, "open the committed layers: %s", err.message);
    check_tree(w, ov, true);
    if (may_be_layer(w) && prop_chance(w, w->real ? 100 : 50)) {
        rebase(w);
        return;
    }
    drop_layer(&w->layers[0]);
    memmove(w->layers, w->layers + 1, MAX_LAYERS * sizeof(*w->layers));
    w->layers[MAX_LAYERS] = (struct overlay_layer_files){0};
}

static void world_run(const struct arguments *a, uint64_t number, uint64_t ops)
{
    struct world w;
    world_init(&w, a, number);
    check_tree(&w, w.ov, false);
    for (w.n_ops = 1; w.n_ops <= ops; w.n_ops++) {
        ops_random(&w);
        if (a->check)
            check_tree(&w, w.ov, false);
        if (prop_below(&w, 150) == 0)
            check_tree(&w, w.ov, false);
        else if (prop_below(&w, 500) == 0)
            reopen(&w);
        else if (prop_below(&w, 800) == 0)
            commit(&w);
    }
    commit(&w);
    reopen(&w);
    world_done(&w);
}

/* --- arguments ---------------------------------------------------------------------------- */

static int usage(void)
{
    fputs("usage: overlay-prop [--ops N] [--seed S] [--world W] [--world-ops N] [--dir D] "
          "[--real | --journal] [-v] [-c]\n",
          stderr);
    return 2;
}

static bool parse(int argc, char **argv, struct arguments *a)
{
    for (int i = 1; i < argc; i++) {
        if (strcmp(argv[i], "-v") == 0) {
            a->verbose = true;
            continue;
        }
        if (strcmp(argv[i], "-c") == 0) {
            a->check = true;
            continue;
        }
        if (strcmp(argv[i], "--real") == 0) {
            a->real = true;
            continue;
        }
        if (strcmp(argv[i], "--journal") == 0) {
            a->journal = true;
            continue;
        }
        if (i + 1 == argc)
            return false;
        const char *name = argv[i], *value = argv[++i];
        if (strcmp(name, "--dir") == 0)
            a->dir = value;
        else if (strcmp(name, "--ops") == 0)
            a->ops = strtoull(value, NULL, 0);
        else if (strcmp(name, "--seed") == 0)
            a->seed = strtoull(value, NULL, 0);
        else if (strcmp(name, "--world-ops") == 0)
            a->world_ops = strtoull(value, NULL, 0);
        else if (strcmp(name, "--world") == 0)
            a->world = (int64_t)strtoull(value, NULL, 0);
        else
            return false;
    }
    return a->world_ops > 0 && !(a->real && a->journal);
}

int main(int argc, char **argv)
{
    const char *tmp = getenv("TMPDIR");
    struct arguments a = {.ops = 200000,
                          .seed = (uint64_t)time(NULL),
                          .world_ops = 2000,
                          .world = -1,
                          .dir = tmp ? tmp : "/tmp"};
    if (!parse(argc, argv, &a))
        return usage();
    if (a.real && geteuid() != 0) {
        puts("ok 1 - overlay-prop --real # SKIP only root gives files away");
        return 77;
    }
    umask(0);
    printf("overlay-prop: --seed %llu\n", (unsigned long long)a.seed);
    fflush(stdout);
    if (a.world >= 0) {
        world_run(&a, (uint64_t)a.world, a.world_ops);
        return 0;
    }
    for (uint64_t done = 0, n = 0; done < a.ops; done += a.world_ops, n++)
        world_run(&a, n, a.world_ops);
    printf("ok: %llu operations\n", (unsigned long long)a.ops);
    return 0;
}
