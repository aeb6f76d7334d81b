/* SPDX-License-Identifier: Apache-2.0 */
/* `stats`: what a container uses. */
#include "engine/stats.h"

#include "base/cleanup.h"
#include "base/file.h"
#include "base/json.h"
#include "engine/sandbox_resources.h"
#include "engine/state.h"
#include "runtime/processes.h"

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/sysinfo.h>
#include <time.h>
#include <unistd.h>

#define SECOND UINT64_C(1000000000)

static uint64_t clock_now(clockid_t clock)
{
    struct timespec t;
    clock_gettime(clock, &t);
    return (uint64_t)t.tv_sec * SECOND + (uint64_t)t.tv_nsec;
}

static uint64_t memory_of_machine(void)
{
    struct sysinfo machine;
    return sysinfo(&machine) == 0 ? (uint64_t)machine.totalram * machine.mem_unit : 0;
}

/* What the container reads from and writes to its root the server of that does, a child of the
 * monitor beside init: on its account are the disks. Of processes only reads are added, from
 * volumes: their writes have those to the root in them, and more than once. */
static void add_server(const struct store_container *c, pid_t init, struct stats_sample *s)
{
    char path[64];
    auto_buf text = {0};
    struct proc_id monitor;
    state_get_process(c->state, "Monitor", &monitor);
    snprintf(path, sizeof(path), "/proc/%d/task/%d/children", (int)monitor.pid, (int)monitor.pid);
    if (!proc_alive(&monitor) || file_read_at(AT_FDCWD, path, 4096, &text, NULL) < 0)
        return;
    for (char *at = (char *)buf_str(&text), *end; *at; at = end) {
        struct process_info p = {.pid = (pid_t)strtol(at, &end, 10)};
        uint64_t in, out;
        if (end == at)
            break;
        if (p.pid <= 0 || p.pid == init)
            continue;
        process_disk_io(&p, &in, &out);
        s->disk_read += in;
        s->disk_written += out;
    }
}

static void add_process(const struct process_info *p, uint64_t tick, struct stats_sample *s)
{
    uint64_t in, out;
    s->cpu += (p->user_ticks + p->system_ticks + p->child_ticks) * tick;
    s->memory += process_memory(p);
    process_disk_io(p, &in, &out);
    s->disk_read += in;
    s->processes++;
}

/* What its cgroup knows better: what has ended is counted in, and nobody counts twice. Memory
 * without what the kernel would give up at once, as podman and docker. */
static void add_cgroup(const char *dir, struct stats_sample *s)
{
    auto_done(cgroup) struct cgroup cg = {0};
    uint64_t usec, cache = 0, limit, in, out;
    if (!dir || cgroup_open(dir, &cg, NULL) < 0)
        return;
    if (cgroup_keyed(cg.fd, "cpu.stat", "usage_usec", &usec))
        s->cpu = usec * 1000;
    if (cgroup_number(cg.fd, "memory.current", &s->memory)) {
        cgroup_keyed(cg.fd, "memory.stat", "inactive_file", &cache);
        s->memory -= cache < s->memory ? cache : 0;
    }
    if (cgroup_number(cg.fd, "memory.max", &limit) && limit < s->memory_limit)
        s->memory_limit = limit;
    if (cgroup_number(cg.fd, "pids.current", &limit))
        s->processes = limit;
    if (cgroup_io(cg.fd, &in, &out)) {
        s->disk_read = in; /* add_process() has counted reads */
        s->disk_written = out;
    }
}

int container_stats(const struct store_container *c, struct stats_sample *ret, struct err *err)
{
    struct stats_sample s = {.at = clock_now(CLOCK_MONOTONIC)};
    auto_free struct process_info *all = NULL;
    struct proc_id init;
    size_t n = 0;
    state_get_process(c->state, "Init", &init);
    int r = container_has_processes(c) ? processes_read(&init, &all, &n, err) : -ESRCH;
    if (r == -ESRCH) {
        *ret = s;
        return 0;
    }
    if (r < 0)
        return r;
    uint64_t tick = SECOND / (uint64_t)sysconf(_SC_CLK_TCK);
    uint64_t boot = clock_now(CLOCK_BOOTTIME), start = init.start_time * tick;
    s.running = true;
    s.uptime = boot > start ? boot - start : 0;
    s.memory_limit = memory_of_machine();
    s.own_network = process_network_io(init.pid, &s.net_in, &s.net_out);
    for (size_t i = 0; i < n; i++)
        add_process(&all[i], tick, &s);
    add_cgroup(resources_cgroup(c), &s);
    add_server(c, init.pid, &s);
    *ret = s;
    return 0;
}
