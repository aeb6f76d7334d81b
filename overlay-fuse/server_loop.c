/* SPDX-License-Identifier: Apache-2.0 */
/* Who serves: the main thread, wherever there is a CPU, or one beside the asker.
 *
 * Theory of operation. A request is a switch from the asker to the server and one back. On one CPU
 * a switch takes a microsecond or two, and nothing is lost by it since the asker waits anyway. From
 * one CPU to another it wakes a CPU that sleeps: 2 to 5 microseconds on bare metal and some 30 on a
 * virtual machine. But the scheduler sends who is woken to an idle CPU, so asker and server drift
 * apart. It leaves the asker where it is if nothing but a SCHED_IDLE thread runs there. So the
 * *near* thread has that policy, looks up now and then where the asker runs (/proc/PID/stat) and
 * binds itself to that CPU.
 *
 * The price: it gets next to nothing of a CPU that others want, and can never get its old policy
 * back. So it serves only bursts, when many requests in a few milliseconds tell of somebody who
 * does little else. Meanwhile the *main* thread looks every few milliseconds how that goes, and
 * serves itself again when the burst is over, or when the near thread stood ready and had no CPU;
 * then for a while, longer each time this comes back soon, and as long as it has to wait for a CPU
 * itself. It looks from the near thread's own CPU: one that wakes up elsewhere and sleeps again
 * makes the scheduler move the asker there.
 *
 * One of them works at a time: `work` is held from reading a request to its answer, and who queues
 * at `gate` gets it next; the main thread keeps both while it serves. If the near thread loses its
 * CPU in the midst of a request, that one takes until the scheduler thinks of it again: some
 * milliseconds, at worst some tenths of a second, once whenever a machine becomes busy.
 *
 * Without a procfs that knows the askers, or with one CPU, there is the main thread alone. */
#include "overlay-fuse/server.h"

#include <fcntl.h>
#include <linux/ioprio.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

enum {
    LOOK_EVERY = 4, /* milliseconds */
    BURST = 40,     /* requests in that time whose asker may be looked up: it is to serve */
    CALM = 16,      /* so few, and CALM_LOOKS in a row: it is over */
    CALM_LOOKS = 3,
    STRAIN_MAX = 3, /* milliseconds of the last looks that the near thread had no CPU */
    REST_MIN = 50,  /* milliseconds that it does not serve after that */
    REST_MAX = 3200,
    FOLLOW_EVERY = 16, /* requests between two looks at where the asker runs */
    SWITCH = 5000,     /* nanoseconds */
    STACK = 1 << 20,
};

#define MILLISECOND INT64_C(1000000)

static int64_t clock_now(void)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return t.tv_sec * INT64_C(1000) + t.tv_nsec / MILLISECOND;
}

/* Reads a request; 0: none. Negative or 0 with the session at its end: no more will come. */
static int receive(struct server *s, struct fuse_buf *buf)
{
    int r = fuse_session_receive_buf(s->session, buf);
    return r == -EAGAIN || r == -EINTR ? 0 : r;
}

static const struct fuse_in_header *request_of(const struct server *s)
{
    return (const void *)s->request;
}

static void answer(struct server *s, struct fuse_buf *buf)
{
    atomic_store_explicit(&s->loop.in_hand, true, memory_order_relaxed);
    fuse_session_process_buf(s->session, buf);
    atomic_store_explicit(&s->loop.in_hand, false, memory_order_relaxed);
}

/* --- the near thread ------------------------------------------------------------------------ */

/* The field of /proc/PID/stat, counted as in proc(5); from the third on. */
static const char *stat_field(const char *stat, int number)
{
    const char *at = strrchr(stat, ')');
    for (int i = 2; at && i < number; i++) {
        at = strchr(at, ' ');
        at = at ? at + 1 : NULL;
    }
    return at;
}

static int cpu_of(int procfs, pid_t pid)
{
    char path[32], text[512];
    snprintf(path, sizeof(path), "%d/stat", (int)pid);
    auto_close int fd = openat(procfs, path, O_RDONLY | O_CLOEXEC);
    ssize_t n = fd < 0 ? -1 : read(fd, text, sizeof(text) - 1);
    if (n <= 0)
        return -1;
    text[n] = 0;
    const char *cpu = stat_field(text, 39);
    return cpu ? atoi(cpu) : -1;
}

/* Whether the asker may be looked up while it waits for the answer.
 *
 * The kernel takes exec_update_lock for a stat. An asker in the midst of execve() holds it, and may
 * wait for us in there: for a page of the program, or for the writes of what it closes. These
 * requests cannot come from inside execve() once it has that lock, and their asker stays where it
 * is until it has the answer, so the look is safe before the answer and only then. */
static bool may_look_up(const struct fuse_in_header *h)
{
    switch (h->opcode) {
    case FUSE_LOOKUP:
    case FUSE_GETATTR:
    case FUSE_CREATE:
    case FUSE_MKNOD:
    case FUSE_MKDIR:
    case FUSE_SYMLINK:
    case FUSE_LINK:
    case FUSE_UNLINK:
    case FUSE_RMDIR:
    case FUSE_RENAME:
    case FUSE_RENAME2:
    case FUSE_READDIR:
    case FUSE_READDIRPLUS: return true;
    default: return false;
    }
}

/* Often at first, as somebody who just came is not yet known. The main thread comes along. */
static void follow(struct server *s)
{
    struct loop *l = &s->loop;
    const struct fuse_in_header *h = request_of(s);
    if (!may_look_up(h) || l->until_look-- > 0)
        return;
    int cpu = cpu_of(s->o.procfs, (pid_t)h->pid);
    if (l->step < FOLLOW_EVERY)
        l->step *= 2;
    l->until_look = l->step;
    if (cpu < 0 || cpu >= CPU_SETSIZE || cpu == l->cpu || !CPU_ISSET(cpu, &l->all))
        return;
    cpu_set_t there;
    CPU_ZERO(&there);
    CPU_SET(cpu, &there);
    if (sched_setaffinity(0, sizeof(there), &there) < 0)
        return;
    l->cpu = cpu;
    sched_setaffinity(l->main_tid, sizeof(there), &there);
}

static void serve_near(struct server *s)
{
    struct loop *l = &s->loop;
    struct fuse_buf buf = {0};
    int r = 0;
    while (r >= 0 && !fuse_session_exited(s->session)) {
        struct pollfd p[2] = {{.fd = l->fd, .events = POLLIN}, {.fd = l->stop, .events = POLLIN}};
        poll(p, 2, -1);
        if (p[1].revents)
            break;
        pthread_mutex_lock(&l->gate);
        pthread_mutex_lock(&l->work);
        pthread_mutex_unlock(&l->gate);
        s->wait.never = true;
        r = fuse_session_exited(s->session) ? 0 : receive(s, &buf);
        if (r > 0) {
            follow(s);
            answer(s, &buf);
            atomic_fetch_add_explicit(&l->served, 1, memory_order_relaxed);
        }
        s->wait.never = false;
        pthread_mutex_unlock(&l->work);
    }
    free(buf.mem);
}

/* As far as there is a CPU that nobody else wants. The disk is used as before: without a class of
 * its own the policy would make that the idle one, too. */
static bool become_near(struct loop *l)
{
    const struct sched_param none = {0};
    l->near_tid = (pid_t)syscall(SYS_gettid);
    l->near_stat = open("/proc/thread-self/stat", O_RDONLY | O_CLOEXEC);
    l->near_schedstat = open("/proc/thread-self/schedstat", O_RDONLY | O_CLOEXEC);
    return l->near_stat >= 0 && l->near_schedstat >= 0 &&
           sched_setscheduler(0, SCHED_IDLE, &none) == 0 &&
           syscall(SYS_ioprio_set, IOPRIO_WHO_PROCESS, 0,
                   IOPRIO_PRIO_VALUE(IOPRIO_CLASS_BE, IOPRIO_NORM)) == 0;
}

static void *near_main(void *arg)
{
    struct server *s = arg;
    struct loop *l = &s->loop;
    struct err err = {0};
    l->can_be_near = become_near(l);
    l->near_code = s->o.confine ? s->o.confine(&err) : 0;
    bool go = l->can_be_near && l->near_code == 0;
    sem_post(&l->ready);
    if (go)
        serve_near(s);
    return NULL;
}

/* Signals are for the main thread. */
static bool start_near(struct server *s)
{
    struct loop *l = &s->loop;
    pthread_attr_t attr;
    sigset_t all, before;
    sigfillset(&all);
    pthread_sigmask(SIG_SETMASK, &all, &before);
    pthread_attr_init(&attr);
    pthread_attr_setstacksize(&attr, STACK);
    bool started = pthread_create(&l->near, &attr, near_main, s) == 0;
    pthread_attr_destroy(&attr);
    pthread_sigmask(SIG_SETMASK, &before, NULL);
    if (!started)
        return false;
    while (sem_wait(&l->ready) < 0)
        continue;
    return true;
}

static void end_near(struct loop *l)
{
    eventfd_write(l->stop, 1);
    pthread_join(l->near, NULL);
}

/* --- the main thread ------------------------------------------------------------------------ */

/* Somebody waits for the near thread, which could run. */
static bool near_is_kept_off(const struct loop *l)
{
    char text[128];
    struct pollfd p = {.fd = l->fd, .events = POLLIN};
    if (!atomic_load_explicit(&l->in_hand, memory_order_relaxed) && poll(&p, 1, 0) <= 0)
        return false;
    ssize_t n = pread(l->near_stat, text, sizeof(text) - 1, 0);
    if (n <= 0)
        return false;
    text[n] = 0;
    const char *state = stat_field(text, 3);
    return state && *state == 'R';
}

/* Nanoseconds that a thread stood ready and had no CPU, up to when it last got one, beyond the few
 * microseconds each time that a switch takes. */
static int64_t waited(int schedstat)
{
    char text[128];
    long long had, stood_ready, times;
    ssize_t n = pread(schedstat, text, sizeof(text) - 1, 0);
    if (n <= 0)
        return 0;
    text[n] = 0;
    if (sscanf(text, "%lld %lld %lld", &had, &stood_ready, &times) != 3)
        return 0;
    return stood_ready - times * SWITCH;
}

/* When the near thread may serve again. */
struct rest {
    int ms;                /* how long it is, 0: there has been none */
    int64_t until;         /* its end */
    int64_t given;         /* when the near thread began to serve */
    int64_t since, before; /* when the main thread's own waiting was looked at, and what it was */
};

static void begin_rest(struct loop *l, struct rest *rest)
{
    int64_t now = clock_now();
    if (rest->ms == 0 || now - rest->given > rest->ms * 4)
        rest->ms = REST_MIN;
    else if (rest->ms < REST_MAX)
        rest->ms *= 2;
    rest->since = now;
    rest->until = now + rest->ms;
    rest->before = waited(l->main_schedstat);
}

/* Never so while others want the CPUs. */
static bool is_rested(struct loop *l, struct rest *rest, int64_t now)
{
    if (rest->ms == 0 || now < rest->until)
        return rest->ms == 0;
    int64_t before = rest->before, since = rest->since;
    rest->since = now;
    rest->before = waited(l->main_schedstat);
    if (rest->before - before <= (now - since) * MILLISECOND / 16)
        return true;
    rest->until = now + rest->ms;
    return false;
}

/* Serves until the near thread should. Negative, or 0 with the session at its end: no more will
 * come. */
static int serve_main(struct server *s, struct fuse_buf *buf, struct rest *rest, bool near)
{
    int64_t start = 0;
    int r = 0, n = 0;
    while (r >= 0 && !fuse_session_exited(s->session)) {
        r = receive(s, buf);
        if (r <= 0)
            continue;
        bool counts = near && may_look_up(request_of(s));
        answer(s, buf);
        if (!counts)
            continue;
        int64_t now = clock_now();
        if (now - start >= LOOK_EVERY) {
            start = now;
            n = 0;
        }
        if (++n >= BURST && is_rested(&s->loop, rest, now))
            return 1;
    }
    return r;
}

/* What is known from the last look. */
struct look {
    unsigned served;        /* requests by the near thread */
    int64_t waited, strain; /* nanoseconds that it had no CPU; of the last looks */
    bool kept_off;          /* it was ready, had no CPU, and somebody waited for it */
    int calm;               /* looks in a row with few requests */
};

static void look(struct loop *l, struct look *k)
{
    unsigned served = atomic_load_explicit(&l->served, memory_order_relaxed);
    int64_t now = waited(l->near_schedstat), more = now - k->waited;
    bool kept_off = served == k->served && near_is_kept_off(l);
    if (kept_off && k->kept_off) /* of which its schedstat does not tell yet */
        more += LOOK_EVERY * MILLISECOND;
    k->kept_off = kept_off;
    k->strain = k->strain / 4 * 3 + (more > 0 ? more : 0);
    k->calm = served - k->served < CALM ? k->calm + 1 : 0;
    k->served = served;
    k->waited = now;
}

/* Looks on while the near thread serves. */
static void watch(struct server *s, struct rest *rest)
{
    struct loop *l = &s->loop;
    struct look k = {.served = atomic_load_explicit(&l->served, memory_order_relaxed),
                     .waited = waited(l->near_schedstat)};
    while (!fuse_session_exited(s->session)) {
        poll(NULL, 0, LOOK_EVERY);
        look(l, &k);
        if (k.strain > STRAIN_MAX * MILLISECOND) {
            begin_rest(l, rest);
            return;
        }
        if (k.calm >= CALM_LOOKS && !k.kept_off)
            return;
    }
}

static void give(struct loop *l)
{
    l->cpu = -1;
    l->step = 1;
    l->until_look = 0;
    pthread_mutex_unlock(&l->work);
    pthread_mutex_unlock(&l->gate);
}

static void take(struct loop *l)
{
    sched_setaffinity(l->near_tid, sizeof(l->all), &l->all); /* to get on with what it holds */
    pthread_mutex_lock(&l->gate);
    pthread_mutex_lock(&l->work);
    sched_setaffinity(0, sizeof(l->all), &l->all); /* not before: it may have followed once more */
}

static int serve(struct server *s, bool near)
{
    struct loop *l = &s->loop;
    struct fuse_buf buf = {0};
    struct rest rest = {0};
    int r;
    while ((r = serve_main(s, &buf, &rest, near)) > 0) {
        rest.given = clock_now();
        give(l);
        watch(s, &rest);
        take(l);
    }
    free(buf.mem);
    return r;
}

static bool may_be_near(struct server *s)
{
    struct loop *l = &s->loop;
    if (!s->wait.may_look || s->o.procfs < 0 || s->o.debug ||
        sched_getaffinity(0, sizeof(l->all), &l->all) < 0 || CPU_COUNT(&l->all) < 2)
        return false;
    l->main_tid = (pid_t)syscall(SYS_gettid);
    l->main_schedstat = open("/proc/thread-self/schedstat", O_RDONLY | O_CLOEXEC);
    l->stop = eventfd(0, EFD_CLOEXEC);
    return l->main_schedstat >= 0 && l->stop >= 0;
}

int server_loop(struct server *s, int fd, struct err *err)
{
    struct loop *l = &s->loop;
    l->fd = fd;
    server_wait_init(s, fd);
    pthread_mutex_lock(&l->gate);
    pthread_mutex_lock(&l->work);
    bool two = may_be_near(s) && start_near(s);
    int r = s->o.confine ? s->o.confine(err) : 0;
    if (r == 0 && two && l->near_code < 0)
        r = err_set(err, l->near_code, "cannot confine a thread");
    if (r == 0) {
        r = serve(s, two && l->can_be_near);
        if (r < 0)
            err_errno(err, r, "serve");
    }
    pthread_mutex_unlock(&l->work);
    pthread_mutex_unlock(&l->gate);
    if (two)
        end_near(l);
    return r < 0 ? r : 0;
}

void server_loop_init(struct loop *l)
{
    *l = (struct loop){
        .fd = -1, .near_stat = -1, .near_schedstat = -1, .main_schedstat = -1, .stop = -1};
    pthread_mutex_init(&l->gate, NULL);
    pthread_mutex_init(&l->work, NULL);
    sem_init(&l->ready, 0, 0);
}

void server_loop_done(struct loop *l)
{
    close_fd(&l->near_stat);
    close_fd(&l->near_schedstat);
    close_fd(&l->main_schedstat);
    close_fd(&l->stop);
    sem_destroy(&l->ready);
    pthread_mutex_destroy(&l->work);
    pthread_mutex_destroy(&l->gate);
}
