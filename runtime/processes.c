/* SPDX-License-Identifier: Apache-2.0 */
/* The processes of a container that runs, as /proc of the host tells.
 *
 * Should: take what the kernel says of each, and leave out what ends meanwhile. Mustn't: read
 * anything of a process that is not the container's; what is not asked for may make us wait. */
#include "runtime/processes.h"

#include "base/alloc.h"
#include "base/buf.h"
#include "base/cleanup.h"
#include "base/file.h"
#include "runtime/join.h"

#include <ctype.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define FILE_MAX (256 * 1024)

static int read_proc(pid_t pid, const char *name, struct buf *ret)
{
    char path[64];
    snprintf(path, sizeof(path), "/proc/%d/%s", (int)pid, name);
    buf_truncate(ret, 0);
    return file_read_at(AT_FDCWD, path, FILE_MAX, ret, NULL);
}

/* The value of a line "Name:\tVALUE" of /proc/PID/status, or "". */
static const char *status_value(const char *text, const char *name)
{
    size_t len = strlen(name);
    for (const char *line = text; line; line = strchr(line, '\n') ? strchr(line, '\n') + 1 : NULL)
        if (strncmp(line, name, len) == 0 && line[len] == ':')
            return line + len + 1 + strspn(line + len + 1, " \t");
    return "";
}

static uint64_t status_number(const char *text, const char *name, int base)
{
    return strtoull(status_value(text, name), NULL, base);
}

/* The number at place `level` of a line such as "NSpid: 4711 12"; 0 when it has not so many. */
static pid_t level_number(const char *value, int level)
{
    char *end = (char *)value;
    long n = 0;
    for (int i = 0; i <= level; i++) {
        const char *start = end;
        if (*start == '\n')
            return 0;
        n = strtol(start, &end, 10);
        if (end == start)
            return 0;
    }
    return (pid_t)n;
}

/* How many pid namespaces lie above that of the process, seen from ours. */
static int namespace_level(const char *status)
{
    const char *value = status_value(status, "NSpid");
    int n = 0;
    while (level_number(value, n))
        n++;
    return n - 1;
}

static void read_status(const char *text, int level, struct process_info *p)
{
    p->inner = level_number(status_value(text, "NSpid"), level);
    p->group = level_number(status_value(text, "NSpgid"), level);
    p->ruid = (uint32_t)level_number(status_value(text, "Uid"), 0);
    p->euid = (uint32_t)level_number(status_value(text, "Uid"), 1);
    p->rgid = (uint32_t)level_number(status_value(text, "Gid"), 0);
    p->egid = (uint32_t)level_number(status_value(text, "Gid"), 1);
    const char *at = status_value(text, "Groups");
    while (p->n_groups < PROCESS_GROUPS_MAX && isdigit((unsigned char)*at)) {
        char *end;
        p->groups[p->n_groups++] = (uint32_t)strtoul(at, &end, 10);
        at = end + strspn(end, " \t");
    }
    p->resident = status_number(text, "VmRSS", 10) * 1024;
    p->seccomp = (int)status_number(text, "Seccomp", 10);
    p->inheritable = status_number(text, "CapInh", 16);
    p->permitted = status_number(text, "CapPrm", 16);
    p->effective = status_number(text, "CapEff", 16);
    p->bounding = status_number(text, "CapBnd", 16);
    p->ambient = status_number(text, "CapAmb", 16);
}

/* /proc/PID/stat: the name may hold anything, so fields are counted from its closing bracket. */
static bool read_stat(const char *text, struct process_info *p)
{
    const char *open = strchr(text, '('), *close = strrchr(text, ')');
    unsigned long long v[23] = {0}; /* fields 4 to 26 */
    if (!open || !close || close[1] != ' ')
        return false;
    snprintf(p->comm, sizeof(p->comm), "%.*s", (int)(close - open - 1), open + 1);
    p->state = close[2];
    char *at = (char *)close + 3;
    for (size_t i = 0; i < sizeof(v) / sizeof(*v); i++)
        v[i] = (unsigned long long)strtoll(at, &at, 10);
    p->parent = (pid_t)v[0]; /* on the host, until all are known */
    p->tty = (int)v[3];
    p->user_ticks = v[10];
    p->system_ticks = v[11];
    p->child_ticks = v[12] + v[13];
    p->nice = (int)(long long)v[15];
    p->start = v[18];
    p->virtual_size = v[19];
    return true;
}

/* Which namespace the processes have in common, and nobody else has: that in which init is the
 * first; where it is not, it shares its pid namespace with others, but never its mounts. */
static bool choose_namespace(pid_t init, bool first, const char **ret_name, struct stat *ret)
{
    char path[48];
    *ret_name = first ? "pid" : "mnt";
    snprintf(path, sizeof(path), "/proc/%d/ns/%s", (int)init, *ret_name);
    return stat(path, ret) == 0;
}

static int by_inner(const void *a, const void *b)
{
    const struct process_info *x = a, *y = b;
    return x->inner < y->inner ? -1 : x->inner > y->inner;
}

/* The container's numbers for parents. One that joined it has its parent outside. */
static void settle_parents(struct process_info *all, size_t n)
{
    auto_free pid_t *inner = xcalloc(n + 1, sizeof(*inner));
    for (size_t i = 0; i < n; i++)
        for (size_t j = 0; j < n; j++)
            if (all[j].pid == all[i].parent)
                inner[i] = all[j].inner;
    for (size_t i = 0; i < n; i++)
        all[i].parent = inner[i];
    if (n)
        qsort(all, n, sizeof(*all), by_inner);
}

int processes_read(const struct proc_id *init, struct process_info **ret, size_t *ret_n,
                   struct err *err)
{
    const char *ns_name;
    struct stat ns;
    pid_t shown;
    auto_buf text = {0};
    auto_close int pidfd = join_target(init, &shown);
    auto_closedir DIR *dir = opendir("/proc");
    if (!dir)
        return err_errno(err, -errno, "/proc");
    if (pidfd < 0 || read_proc(init->pid, "status", &text) < 0)
        return err_set(err, -ESRCH, "the container does not run");
    const int level = namespace_level(buf_str(&text));
    bool first = level > 0 && level_number(status_value(buf_str(&text), "NSpid"), level) == 1;
    if (!choose_namespace(shown, first, &ns_name, &ns))
        return err_set(err, -ESRCH, "the container does not run");
    struct process_info *all = NULL;
    size_t n = 0, cap = 0;
    for (struct dirent *e; (e = readdir(dir));) {
        char path[48];
        struct stat st;
        int pid = atoi(e->d_name);
        snprintf(path, sizeof(path), "/proc/%d/ns/%s", pid, ns_name);
        bool in =
            pid > 0 && stat(path, &st) == 0 && st.st_ino == ns.st_ino && st.st_dev == ns.st_dev;
        if (!in && pid != init->pid)
            continue;
        grow_array(all, n, cap);
        struct process_info *p = &all[n];
        *p = (struct process_info){.pid = pid};
        if (read_proc(pid, "status", &text) < 0)
            continue;
        read_status(buf_str(&text), level, p);
        if (read_proc(pid, "stat", &text) == 0 && read_stat(buf_str(&text), p))
            n++;
    }
    settle_parents(all, n);
    *ret = all;
    *ret_n = n;
    return 0;
}

void process_command(const struct process_info *p, struct buf *ret)
{
    auto_buf text = {0};
    if (read_proc(p->pid, "cmdline", &text) < 0 || text.len == 0) {
        buf_printf(ret, "[%s]", p->comm);
        return;
    }
    while (text.len && text.data[text.len - 1] == 0)
        buf_truncate(&text, text.len - 1);
    for (size_t i = 0; i < text.len; i++)
        buf_add_char(ret, text.data[i] ? text.data[i] : ' ');
}

uint64_t process_memory(const struct process_info *p)
{
    auto_buf text = {0};
    if (read_proc(p->pid, "smaps_rollup", &text) < 0)
        return p->resident;
    return status_number(buf_str(&text), "Pss", 10) * 1024;
}

void process_disk_io(const struct process_info *p, uint64_t *ret_read, uint64_t *ret_written)
{
    auto_buf text = {0};
    int r = read_proc(p->pid, "io", &text);
    *ret_read = r < 0 ? 0 : status_number(buf_str(&text), "read_bytes", 10);
    *ret_written = r < 0 ? 0 : status_number(buf_str(&text), "write_bytes", 10);
}

bool process_network_io(pid_t pid, uint64_t *ret_in, uint64_t *ret_out)
{
    auto_buf text = {0};
    struct stat own, theirs;
    char path[48];
    snprintf(path, sizeof(path), "/proc/%d/ns/net", (int)pid);
    *ret_in = *ret_out = 0;
    if (stat("/proc/self/ns/net", &own) == 0 && stat(path, &theirs) == 0 &&
        own.st_ino == theirs.st_ino)
        return false;
    if (read_proc(pid, "net/dev", &text) < 0)
        return false;
    for (const char *line = buf_str(&text); line && *line;) {
        const char *colon = strchr(line, ':'), *end = strchrnul(line, '\n');
        unsigned long long in, out;
        line += strspn(line, " ");
        if (colon && colon < end && strncmp(line, "lo:", 3) != 0 &&
            sscanf(colon + 1, "%llu %*u %*u %*u %*u %*u %*u %*u %llu", &in, &out) == 2) {
            *ret_in += in;
            *ret_out += out;
        }
        line = *end ? end + 1 : end;
    }
    return true;
}
