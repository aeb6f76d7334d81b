/* SPDX-License-Identifier: Apache-2.0 */
/* The end of a process of a container with all it started. */
#include "runtime/processes.h"

#include "base/alloc.h"
#include "base/cleanup.h"

#include <signal.h>
#include <string.h>
#include <time.h>

#define ROUNDS 200 /* of a millisecond: what is killed may take a while to be gone */

static bool is_dead(const struct process_info *p)
{
    return p->state == 'Z' || p->state == 'X';
}

/* Marks what descends from the process at place `root`. The list is in the order of numbers, which
 * wrap around, so parents may come later. */
static void mark_tree(const struct process_info *all, size_t n, size_t root, bool *in)
{
    in[root] = true;
    for (bool more = true; more;) {
        more = false;
        for (size_t i = 0; i < n; i++)
            for (size_t j = 0; j < n && !in[i]; j++)
                if (in[j] && all[i].parent == all[j].inner)
                    in[i] = more = true;
    }
}

/* Kills all below `root`; true when nobody is left there who could start another one. */
static bool kill_below(const struct proc_id *init, const struct proc_id *root)
{
    auto_free struct process_info *all = NULL;
    size_t n = 0, at = 0;
    if (processes_read(init, &all, &n, NULL) < 0)
        return true; /* the container ended */
    while (at < n && (all[at].pid != root->pid || all[at].start != root->start_time))
        at++;
    if (at == n || is_dead(&all[at]))
        return true;
    auto_free bool *in = xcalloc(n, sizeof(*in));
    mark_tree(all, n, at, in);
    bool quiet = all[at].state == 'T' || all[at].state == 't';
    for (size_t i = 0; i < n; i++) {
        struct proc_id id = *root; /* for its boot id */
        if (!in[i] || i == at || is_dead(&all[i]))
            continue;
        quiet = false;
        id.pid = all[i].pid;
        id.start_time = all[i].start;
        proc_signal(&id, SIGKILL);
    }
    return quiet;
}

void processes_kill_tree(const struct proc_id *init, const struct proc_id *root)
{
    /* It stands still, so that it neither starts more nor lets its children go to init. */
    proc_signal(root, SIGSTOP);
    for (int i = 0; i < ROUNDS && !kill_below(init, root); i++)
        nanosleep(&(struct timespec){.tv_nsec = 1000000}, NULL);
    proc_signal(root, SIGKILL);
}
