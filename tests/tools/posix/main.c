/* SPDX-License-Identifier: Apache-2.0 */
/* overlay-posix: runs cases of POSIX behaviour on a directory (posix.h).
 *
 *   overlay-posix layers SETTING DIR CASES...   writes DIR/top.tar and DIR/bottom.tar
 *   overlay-posix run SETTING DIR CASES...      runs in DIR, which has these layers (or none: the
 *                                               setting upper)
 * TAP on stdout; the status is 1 when a case failed. */
#include "posix.h"

#include "base/err.h"
#include "base/file.h"

#include <fcntl.h>
#include <grp.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <unistd.h>

static const struct call *const tables[] = {calls_names, calls_attr, calls_data, calls_times,
                                            calls_acl};

static const struct call *find_call(const char *name)
{
    for (size_t i = 0; i < sizeof(tables) / sizeof(*tables); i++)
        for (const struct call *c = tables[i]; c->name; c++)
            if (strcmp(c->name, name) == 0)
                return c;
    return NULL;
}

_Noreturn void bad_argument(const char *what, const char *arg)
{
    fprintf(stderr, "%s: %s\n", what, arg);
    exit(2);
}

long long number(const char *arg)
{
    char *end;
    long long v = strtoll(arg, &end, 0);
    if (end == arg || *end)
        bad_argument("not a number", arg);
    return v;
}

int slot_fd(const struct run *r, const char *arg)
{
    long long i = number(arg);
    if (i < 0 || i >= MAX_SLOTS)
        bad_argument("not a slot", arg);
    return r->fds[i];
}

static void become(const struct step *s)
{
    if (setgroups((size_t)s->n_groups, s->groups) < 0 || setresgid(-1, s->groups[0], -1) < 0 ||
        setresuid(-1, s->uid, -1) < 0) {
        perror("change ids");
        exit(2);
    }
}

static void come_back(void)
{
    if (setresuid(-1, 0, -1) < 0 || setresgid(-1, 0, -1) < 0 || setgroups(0, NULL) < 0) {
        perror("change ids back");
        exit(2);
    }
}

/* RESULT | RESULT... */
static bool is_wanted(const char *got, const char *want)
{
    for (const char *s = want;; s++) {
        const char *end = strstr(s, " | ");
        size_t len = end ? (size_t)(end - s) : strlen(s);
        if (strlen(got) == len && memcmp(got, s, len) == 0)
            return true;
        if (!end)
            return false;
        s = end + 2;
    }
}

/* False, and a line about it, when a step went wrong. */
static bool run_step(const struct test_case *c, const struct step *s, struct run *r)
{
    auto_buf got = {0};
    const struct call *call = find_call(s->words.v[0]);
    int n = (int)s->words.len - 1;
    if (!call || n < call->min || n > call->max) {
        fprintf(stderr, "%s:%d: %s\n", c->file, s->line, call ? "arguments" : "unknown call");
        exit(2);
    }
    if (s->as)
        become(s);
    int e = call->fn(r, s->words.v + 1, n, &got);
    if (s->as)
        come_back();
    if (e < 0) {
        buf_truncate(&got, 0);
        buf_add_str(&got, strerrorname_np(-e) ? strerrorname_np(-e) : "unknown");
    } else if (!got.len) {
        buf_add_str(&got, "ok");
    }
    if (is_wanted(got.data, s->want))
        return true;
    auto_free char *line = strv_join(&s->words, " ");
    printf("# %s:%d: %.200s: %.200s instead of %.200s\n", c->file, s->line, line, got.data,
           s->want);
    return false;
}

static void release(struct run *r)
{
    for (int i = 0; i < MAX_SLOTS; i++)
        close_fd(&r->fds[i]);
    if (r->map)
        munmap(r->map, r->map_len);
    for (size_t i = 0; i < r->n_marks; i++)
        free(r->marks[i].path);
}

static void prepare(const struct test_case *c, enum setting setting)
{
    struct err err = {0};
    struct strv names = {0};
    char dir[32];
    snprintf(dir, sizeof(dir), "%d", c->number);
    if ((setting == SETTING_UPPER && mkdir(dir, 0755) < 0) || chdir(dir) < 0)
        bad_argument("cannot enter", dir);
    if (setting == SETTING_REPLACED) {
        if (list_dir_at(AT_FDCWD, ".", &names, &err) < 0)
            bad_argument("cannot clear", err.message);
        strv_foreach (&names, name)
            if (remove_tree_at(AT_FDCWD, name, &err) < 0)
                bad_argument("cannot clear", err.message);
        strv_done(&names);
    }
    bool all = setting == SETTING_UPPER || setting == SETTING_REPLACED;
    for (size_t i = 0; i < c->n_fixtures; i++)
        if (all || c->fixtures[i].type == FIXTURE_SOCKET)
            fixture_make(&c->fixtures[i]);
    for (size_t i = 0; i < c->n_fixtures; i++)
        if (all || c->fixtures[i].type == FIXTURE_SOCKET)
            fixture_make_old(&c->fixtures[i]);
}

static bool run_case(const struct test_case *c, enum setting setting)
{
    struct run r;
    bool good = true;
    memset(&r, 0, sizeof(r));
    memset(r.fds, -1, sizeof(r.fds));
    umask(0);
    prepare(c, setting);
    for (size_t i = 0; i < c->n_steps; i++)
        good &= run_step(c, &c->steps[i], &r);
    release(&r);
    return good;
}

/* Whether there are ids beyond the first. */
static bool has_ids(void)
{
    auto_buf map = {0};
    struct err err = {0};
    unsigned inside, outside, count;
    if (file_read_at(AT_FDCWD, "/proc/self/uid_map", 4096, &map, &err) < 0)
        return false;
    for (char *s = map.data; s && sscanf(s, "%u %u %u", &inside, &outside, &count) == 3;
         s = strchr(s, '\n'), s = s ? s + 1 : NULL)
        if (inside <= 60000 && count > 60000 - inside)
            return true;
    return false;
}

static int run(const struct cases *all, enum setting setting, const char *dir)
{
    size_t failed = 0, left_out = 0;
    bool ids = has_ids();
    auto_close int base = open(dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (base < 0)
        bad_argument("cannot open", dir);
    printf("1..%zu\n", all->n);
    for (size_t i = 0; i < all->n; i++) {
        const struct test_case *c = &all->v[i];
        if (c->needs_ids && !ids) {
            left_out++;
            printf("ok %zu %s: %s # skip needs more ids\n", i + 1, c->file, c->title);
            continue;
        }
        if (fchdir(base) < 0)
            bad_argument("cannot enter", dir);
        bool good = run_case(c, setting);
        failed += !good;
        printf("%sok %zu %s: %.100s\n", good ? "" : "not ", i + 1, c->file, c->title);
        fflush(stdout);
    }
    printf("# %zu cases, %zu failed, %zu left out for want of ids\n", all->n, failed, left_out);
    return failed || left_out == all->n;
}

int main(int argc, char **argv)
{
    static const char *const settings[] = {"upper", "lower", "merged", "replaced"};
    struct cases all = {0};
    size_t setting = 0;
    while (argc > 4 && setting < 4 && strcmp(argv[2], settings[setting]) != 0)
        setting++;
    if (argc < 5 || setting == 4 ||
        (strcmp(argv[1], "layers") != 0 && strcmp(argv[1], "run") != 0)) {
        fputs("usage: overlay-posix layers|run upper|lower|merged|replaced DIR CASES...\n", stderr);
        return 2;
    }
    signal(SIGPIPE, SIG_IGN);
    signal(SIGXFSZ, SIG_IGN);
    for (int i = 4; i < argc; i++)
        cases_read(&all, argv[i]);
    int r = 0;
    if (strcmp(argv[1], "layers") == 0)
        layers_write(&all, (enum setting)setting, argv[3]);
    else
        r = run(&all, (enum setting)setting, argv[3]);
    cases_done(&all);
    return r;
}
