/* SPDX-License-Identifier: Apache-2.0 */
/* Health checks: when one is made, and what follows from it.
 *
 * Theory of operation. A check is a process of its own that joins the container, waits and judges;
 * the monitor starts it, reads what it found from a pipe in its ordinary loop and hands that to
 * ops.checked, which records it and says what is to be done. The next one is due some time after
 * the end of the last, so checks never overlap. One that was under way while the container was
 * paused says nothing and is made again. One that does not end in its time and SPARE is killed.
 *
 * Should: cost nothing where there is no check. Mustn't: wait for the process of a check. */
#include "runtime/monitor_internal.h"

#include <fcntl.h>
#include <limits.h>
#include <signal.h>
#include <unistd.h>

#define SPARE     5000       /* ms beyond a check's time: it ends itself, with all it started */
#define FOUND_MAX (64 << 10) /* bytes that a check has to say */

void monitor_check_reset(struct monitor *m)
{
    struct check *c = &m->check;
    int status;
    if (c->pid > 0) {
        kill(c->pid, SIGKILL);
        proc_wait(c->pid, &status);
    }
    close_fd(&c->fd);
    buf_done(&c->found);
    *c = (struct check){.fd = -1, .paused = c->paused};
}

void monitor_check_begin(struct monitor *m)
{
    monitor_check_reset(m);
    m->check.paused = false;
    if (m->o->ops.check && m->o->check_first >= 0)
        m->check.next = clock_ms() + m->o->check_first;
}

/* Tells those who asked for a check how it went. */
static void answer(struct monitor *m, int health)
{
    for (size_t i = 0; i < m->clients.n; i++)
        if (m->clients.v[i].wants_check) {
            m->clients.v[i].wants_check = false;
            client_send(&m->clients.v[i], MON_CHECKED, &health, sizeof(health));
        }
}

static void act(struct monitor *m, const struct check_verdict *v)
{
    m->check.next = v->next >= 0 ? clock_ms() + v->next : 0;
    if (!v->signal)
        return;
    m->end_wanted |= v->final;
    m->check.next = 0;
    m->check.kill_at = clock_ms() + v->patience;
    monitor_signal(m, v->signal);
}

static void judge(struct monitor *m)
{
    struct check_verdict v = {.next = -1};
    m->o->ops.checked(m->o->ops.ctx, buf_str(&m->check.found), m->check.found.len, &v);
    buf_truncate(&m->check.found, 0);
    act(m, &v);
    answer(m, v.health);
}

static void start_check(struct monitor *m)
{
    struct check *c = &m->check;
    int64_t limit = 0;
    struct err err = {0};
    c->next = 0;
    c->pid = m->o->ops.check(m->o->ops.ctx, &c->fd, &limit, &err);
    if (c->pid < 0) { /* a failure like others, with nothing to say */
        c->pid = 0;
        judge(m);
        return;
    }
    c->deadline = clock_ms() + limit + SPARE;
    c->disturbed = false;
    fcntl(c->fd, F_SETFL, O_NONBLOCK);
}

static void end_check(struct monitor *m)
{
    struct check *c = &m->check;
    int status;
    kill(c->pid, SIGKILL);
    proc_wait(c->pid, &status);
    c->pid = 0;
    close_fd(&c->fd);
    if (!c->disturbed) {
        judge(m);
        return;
    }
    buf_truncate(&c->found, 0);
    c->next = clock_ms();
}

void monitor_check_read(struct monitor *m)
{
    struct check *c = &m->check;
    char part[4096];
    ssize_t n = read(c->fd, part, sizeof(part));
    if (n > 0 && c->found.len < FOUND_MAX)
        buf_add(&c->found, part, (size_t)n);
    else if (n == 0 || (n < 0 && errno != EAGAIN && errno != EINTR))
        end_check(m);
}

static int sooner(int wait, int64_t at)
{
    int64_t left = at - clock_ms();
    left = left < 0 ? 0 : left > INT_MAX ? INT_MAX : left;
    return wait < 0 || left < wait ? (int)left : wait;
}

int monitor_check_wait(struct monitor *m, int wait)
{
    struct check *c = &m->check;
    int64_t now = c->next || c->kill_at || c->pid > 0 ? clock_ms() : 0;
    if (c->kill_at && c->kill_at <= now) {
        c->kill_at = 0;
        monitor_signal(m, SIGKILL);
    }
    if (c->pid > 0 && c->deadline <= now)
        end_check(m);
    if (c->next && c->next <= now && c->pid <= 0 && !c->paused)
        start_check(m);
    if (c->kill_at)
        wait = sooner(wait, c->kill_at);
    if (c->pid > 0)
        wait = sooner(wait, c->deadline);
    else if (c->next && !c->paused)
        wait = sooner(wait, c->next);
    return wait;
}

void monitor_check_paused(struct monitor *m, bool paused)
{
    m->check.paused = paused;
    m->check.disturbed = true;
}

void monitor_check_asked(struct monitor *m, struct client *c)
{
    struct err no = {0};
    if (!m->o->ops.check)
        err_set(&no, -ENOENT, "the container has no health check");
    else if (m->check.paused)
        err_set(&no, -EINVAL, "the container is paused");
    if (no.code < 0) {
        client_send(c, MON_DONE, &no, sizeof(no));
        return;
    }
    c->wants_check = true;
    if (m->check.pid <= 0)
        m->check.next = clock_ms();
}
