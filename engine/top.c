/* SPDX-License-Identifier: Apache-2.0 */
/* `top`: the processes of a container.
 *
 * Theory of operation. Numbers come from /proc of the host. Names of users and groups are those of
 * the container's own passwd and group, which only a process in its namespaces can read: one goes
 * in and brings both texts, and only when a name is asked for. */
#include "engine/top.h"

#include "base/alloc.h"
#include "base/buf.h"
#include "base/file.h"
#include "base/json.h"
#include "base/when.h"
#include "engine/enter.h"
#include "engine/state.h"
#include "runtime/idmap.h"
#include "runtime/processes.h"
#include "runtime/user.h"
#include "spec/capability.h"

#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/sysmacros.h>
#include <time.h>
#include <unistd.h>

const char *const top_standard = "user,pid,ppid,pcpu,etime,tty,time,args";

struct top {
    struct id_maps maps;
    char *passwd, *group; /* "" when nobody asked or could be read */
    double now;           /* seconds since boot */
    long hz;
};

typedef void (*cell_fn)(const struct top *t, const struct process_info *p, struct buf *out);

/* --- names --------------------------------------------------------------------------------- */

/* The name whose third field is the number, or the number. */
static void put_name(const char *text, int64_t id, struct buf *out)
{
    char number[24];
    snprintf(number, sizeof(number), "%lld", (long long)id);
    for (const char *line = text; line && *line;) {
        const char *end = strchrnul(line, '\n');
        const char *one = memchr(line, ':', (size_t)(end - line));
        const char *two = one ? memchr(one + 1, ':', (size_t)(end - one - 1)) : NULL;
        size_t len = strlen(number);
        if (two && (size_t)(end - two - 1) >= len && memcmp(two + 1, number, len) == 0 &&
            (two[1 + len] == ':' || two[1 + len] == '\n' || !two[1 + len])) {
            buf_add_shown(out, line, (size_t)(one - line));
            return;
        }
        line = *end ? end + 1 : end;
    }
    buf_add_str(out, id < 0 ? "?" : number);
}

static void put_uid(const struct top *t, uint32_t uid, struct buf *out)
{
    put_name(t->passwd, id_map_inside(t->maps.uids, t->maps.n_uids, uid), out);
}

static void put_gid(const struct top *t, uint32_t gid, struct buf *out)
{
    put_name(t->group, id_map_inside(t->maps.gids, t->maps.n_gids, gid), out);
}

/* In the container: both texts, with a zero between. */
static int send_names(void *arg, uint32_t uid, uint32_t gid)
{
    auto_close int root = open("/", O_PATH | O_DIRECTORY | O_CLOEXEC);
    auto_free char *passwd = NULL, *group = NULL;
    if (root < 0 || user_file_read(root, "/etc/passwd", &passwd, NULL) < 0 ||
        user_file_read(root, "/etc/group", &group, NULL) < 0)
        return 1;
    return write_full(STDOUT_FILENO, passwd, strlen(passwd) + 1) < 0 ||
           write_full(STDOUT_FILENO, group, strlen(group)) < 0;
}

/* Without them, numbers will do. */
static void read_names(struct engine *e, struct store_container *c, struct top *t)
{
    struct entered en;
    auto_buf text = {0};
    if (enter_begin(e, c, send_names, NULL, &en, NULL) == 0 &&
        file_read_fd(en.child.io.out, 4 << 20, &text, NULL) == 0 &&
        strlen(buf_str(&text)) < text.len) {
        free(t->passwd);
        free(t->group);
        t->passwd = xstrdup(text.data);
        t->group = xstrdup(text.data + strlen(text.data) + 1);
    }
    enter_end(&en);
}

/* --- cells --------------------------------------------------------------------------------- */

static uint64_t nanoseconds(const struct top *t, uint64_t ticks)
{
    return ticks * (UINT64_C(1000000000) / (uint64_t)t->hz);
}

static double elapsed(const struct top *t, const struct process_info *p)
{
    double seconds = t->now - (double)p->start / (double)t->hz;
    return seconds > 0 ? seconds : 0;
}

static void put_caps(uint64_t set, struct buf *out)
{
    if (set == 0 || (set & capability_all()) == capability_all()) {
        buf_add_str(out, set ? "full" : "none");
        return;
    }
    auto_strv names = {0};
    capability_list(set, &names);
    for (size_t i = 0; i < names.len; i++)
        buf_printf(out, "%s%s", i ? "," : "", names.v[i] + strlen("CAP_"));
}

#define CELL(name)                                                                                 \
    static void cell_##name(const struct top *t, const struct process_info *p, struct buf *out)

CELL(args)
{
    auto_buf text = {0};
    process_command(p, &text);
    buf_add_shown(out, buf_str(&text), text.len);
}
CELL(capamb)
{
    put_caps(p->ambient, out);
}
CELL(capbnd)
{
    put_caps(p->bounding, out);
}
CELL(capeff)
{
    put_caps(p->effective, out);
}
CELL(capinh)
{
    put_caps(p->inheritable, out);
}
CELL(capprm)
{
    put_caps(p->permitted, out);
}
CELL(comm)
{
    buf_add_shown(out, p->comm, strlen(p->comm));
}
CELL(etime)
{
    char text[DURATION_MAX];
    buf_add_str(out, duration_format((uint64_t)(elapsed(t, p) * 1e9), text));
}
CELL(group)
{
    put_gid(t, p->egid, out);
}
CELL(groups)
{
    for (size_t i = 0; i < p->n_groups; i++) {
        buf_add_str(out, i ? "," : "");
        put_gid(t, p->groups[i], out);
    }
}
CELL(hgroup)
{
    buf_printf(out, "%u", p->egid);
}
CELL(hgroups)
{
    for (size_t i = 0; i < p->n_groups; i++)
        buf_printf(out, "%s%u", i ? "," : "", p->groups[i]);
}
CELL(hpid)
{
    buf_printf(out, "%d", (int)p->pid);
}
CELL(huser)
{
    buf_printf(out, "%u", p->euid);
}
CELL(label)
{
    char path[48];
    auto_buf text = {0};
    snprintf(path, sizeof(path), "/proc/%d/attr/current", (int)p->pid);
    if (file_read_at(AT_FDCWD, path, 4096, &text, NULL) < 0 || text.len == 0)
        buf_add_str(out, "?");
    else
        buf_add_shown(out, text.data, strcspn(text.data, "\n"));
}
CELL(nice)
{
    buf_printf(out, "%d", p->nice);
}
CELL(pcpu)
{
    double seconds = elapsed(t, p),
           used = (double)(p->user_ticks + p->system_ticks) / (double)t->hz;
    buf_printf(out, "%.3f", seconds > 0 ? used * 100 / seconds : 0);
}
CELL(pgid)
{
    buf_printf(out, "%d", (int)p->group);
}
CELL(pid)
{
    buf_printf(out, "%d", (int)p->inner);
}
CELL(ppid)
{
    buf_printf(out, "%d", (int)p->parent);
}
CELL(rgroup)
{
    put_gid(t, p->rgid, out);
}
CELL(rss)
{
    buf_printf(out, "%llu", (unsigned long long)p->resident / 1024);
}
CELL(ruser)
{
    put_uid(t, p->ruid, out);
}
CELL(seccomp)
{
    buf_add_str(out, p->seccomp == 0 ? "disabled" : p->seccomp == 1 ? "strict" : "filter");
}
CELL(state)
{
    buf_add_char(out, p->state);
}
CELL(stime)
{
    char text[64];
    struct timespec now;
    struct tm tm;
    clock_gettime(CLOCK_REALTIME, &now);
    time_t start = now.tv_sec - (time_t)elapsed(t, p);
    strftime(text, sizeof(text), "%Y-%m-%d %H:%M:%S +0000 UTC", gmtime_r(&start, &tm));
    buf_add_str(out, text);
}
CELL(time)
{
    char text[DURATION_MAX];
    buf_add_str(out, duration_format(nanoseconds(t, p->user_ticks + p->system_ticks), text));
}
CELL(tty)
{
    unsigned major_number = major((dev_t)p->tty), minor_number = minor((dev_t)p->tty);
    if (p->tty == 0)
        buf_add_str(out, "?");
    else if (major_number >= 136 && major_number <= 143) /* Unix98 pseudo-terminals */
        buf_printf(out, "pts/%u", minor_number + (major_number - 136) * 256);
    else
        buf_printf(out, "%u/%u", major_number, minor_number);
}
CELL(user)
{
    put_uid(t, p->euid, out);
}
CELL(vsz)
{
    buf_printf(out, "%llu", (unsigned long long)p->virtual_size / 1024);
}

static const struct column {
    const char *name, *header, *code;
    cell_fn cell;
    bool named; /* shows a name of the container */
} descriptors[] = {
    {"args", "COMMAND", "%a", cell_args, false},
    {"capamb", "AMBIENT CAPS", NULL, cell_capamb, false},
    {"capbnd", "BOUNDING CAPS", NULL, cell_capbnd, false},
    {"capeff", "EFFECTIVE CAPS", NULL, cell_capeff, false},
    {"capinh", "INHERITED CAPS", NULL, cell_capinh, false},
    {"capprm", "PERMITTED CAPS", NULL, cell_capprm, false},
    {"comm", "COMMAND", "%c", cell_comm, false},
    {"etime", "ELAPSED", "%t", cell_etime, false},
    {"group", "GROUP", "%G", cell_group, true},
    {"groups", "GROUPS", NULL, cell_groups, true},
    {"hgroup", "HGROUP", NULL, cell_hgroup, false},
    {"hgroups", "HGROUPS", NULL, cell_hgroups, false},
    {"hpid", "HPID", NULL, cell_hpid, false},
    {"huser", "HUSER", NULL, cell_huser, false},
    {"label", "LABEL", NULL, cell_label, false},
    {"nice", "NI", "%n", cell_nice, false},
    {"pcpu", "%CPU", "%C", cell_pcpu, false},
    {"pgid", "PGID", "%r", cell_pgid, false},
    {"pid", "PID", "%p", cell_pid, false},
    {"ppid", "PPID", "%P", cell_ppid, false},
    {"rgroup", "RGROUP", "%g", cell_rgroup, true},
    {"rss", "RSS", NULL, cell_rss, false},
    {"ruser", "RUSER", "%u", cell_ruser, true},
    {"seccomp", "SECCOMP", NULL, cell_seccomp, false},
    {"state", "STATE", NULL, cell_state, false},
    {"stime", "STIME", NULL, cell_stime, false},
    {"time", "TIME", "%x", cell_time, false},
    {"tty", "TTY", "%y", cell_tty, false},
    {"user", "USER", "%U", cell_user, true},
    {"vsz", "VSZ", "%z", cell_vsz, false},
};

static const struct column *column_find(const char *name)
{
    for (size_t i = 0; i < sizeof(descriptors) / sizeof(*descriptors); i++)
        if (strcasecmp(descriptors[i].name, name) == 0 ||
            (descriptors[i].code && strcmp(descriptors[i].code, name) == 0))
            return &descriptors[i];
    return NULL;
}

/* --- the table ----------------------------------------------------------------------------- */

static int read_clock(struct top *t, struct err *err)
{
    struct timespec now;
    if (clock_gettime(CLOCK_BOOTTIME, &now) < 0)
        return err_errno(err, -errno, "clock");
    t->now = (double)now.tv_sec + (double)now.tv_nsec / 1e9;
    t->hz = sysconf(_SC_CLK_TCK);
    return 0;
}

static void put_rows(const struct top *t, const struct column *const *columns, size_t n_columns,
                     const struct process_info *all, size_t n, struct buf *ret)
{
    for (size_t c = 0; c < n_columns; c++)
        buf_printf(ret, "%s%s", c ? "\t" : "", columns[c]->header);
    buf_add_char(ret, '\n');
    for (size_t i = 0; i < n; i++) {
        for (size_t c = 0; c < n_columns; c++) {
            if (c)
                buf_add_char(ret, '\t');
            columns[c]->cell(t, &all[i], ret);
        }
        buf_add_char(ret, '\n');
    }
}

int container_top(struct engine *e, struct store_container *c, const struct strv *names,
                  struct buf *ret, struct err *err)
{
    auto_free const struct column **columns = xcalloc(names->len + 1, sizeof(*columns));
    auto_free struct process_info *all = NULL;
    bool named = false;
    struct proc_id init;
    size_t n;
    for (size_t i = 0; i < names->len; i++) {
        columns[i] = column_find(names->v[i]);
        if (!columns[i])
            return err_kind(err, ERR_NOT_FOUND, -ENOENT, "unknown descriptor \"%s\"", names->v[i]);
        named = named || columns[i]->named;
    }
    if (!container_has_processes(c))
        return err_set(err, -ESRCH, "top can only be used on running containers");
    state_get_process(c->state, "Init", &init);
    struct top t = {.passwd = xstrdup(""), .group = xstrdup("")};
    int r = processes_read(&init, &all, &n, err);
    if (r == 0)
        r = join_read_maps(init.pid, &t.maps, err);
    if (r == 0 && named)
        read_names(e, c, &t);
    if (r == 0)
        r = read_clock(&t, err);
    if (r == 0)
        put_rows(&t, columns, names->len, all, n, ret);
    free(t.passwd);
    free(t.group);
    return r;
}
