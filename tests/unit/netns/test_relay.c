/* SPDX-License-Identifier: Apache-2.0 */
/* The relay, in a process of its own between this one as client and as server, on loopback. */
#include "netns/relay.h"

#include <fcntl.h>
#include <netinet/in.h>
#include <poll.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

struct setup {
    int server; /* where the relay connects to; -1: nothing is there */
    struct sockaddr_in front, back;
    int stop;
    pid_t pid;
};

static struct sockaddr_in loopback(in_port_t port)
{
    return (struct sockaddr_in){
        .sin_family = AF_INET, .sin_port = port, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
}

static int bound(int kind, struct sockaddr_in *ret)
{
    socklen_t len = sizeof(*ret);
    int fd = socket(AF_INET, kind | SOCK_CLOEXEC, 0);
    *ret = loopback(0);
    assert_int_equal(bind(fd, (struct sockaddr *)ret, len), 0);
    assert_int_equal(getsockname(fd, (struct sockaddr *)ret, &len), 0);
    if (kind == SOCK_STREAM)
        assert_int_equal(listen(fd, 1024), 0);
    return fd;
}

static int dial_back(void *ctx, int tag, int client, const struct sockaddr_storage *peer,
                     unsigned attempt)
{
    const struct setup *s = ctx;
    if (attempt > 0)
        return -ECONNREFUSED;
    int fd = socket(AF_INET, (client < 0 ? SOCK_DGRAM : SOCK_STREAM) | SOCK_NONBLOCK, 0);
    if (connect(fd, (const struct sockaddr *)&s->back, sizeof(s->back)) < 0 &&
        errno != EINPROGRESS) {
        close(fd);
        return -ECONNREFUSED;
    }
    return fd;
}

static _Noreturn void relay_main(const struct setup *s, int listener, bool udp, int stop)
{
    struct relay *r = relay_new(&(struct relay_ops){.ctx = (void *)s, .dial = dial_back}, NULL);
    if (!r ||
        (udp ? relay_add_udp(r, listener, 0, NULL) : relay_add_listener(r, listener, 0, NULL)))
        _exit(1);
    int code = relay_run(r, stop, NULL);
    relay_free(r);
    _exit(code < 0);
}

/* `fds`: the relay's limit of descriptors; 0: ours. */
static void start(struct setup *s, int kind, rlim_t fds)
{
    int ends[2], front = bound(kind, &s->front);
    s->server = bound(kind, &s->back);
    fcntl(front, F_SETFL, O_NONBLOCK);
    assert_int_equal(pipe(ends), 0);
    s->pid = fork();
    if (s->pid == 0) {
        close(s->server);
        close(ends[1]);
        if (fds)
            setrlimit(RLIMIT_NOFILE, &(struct rlimit){fds, fds});
        alarm(50);
        relay_main(s, front, kind == SOCK_DGRAM, ends[0]);
    }
    close(ends[0]);
    close(front);
    s->stop = ends[1];
}

/* The relay ends in order, so it has not crashed meanwhile. */
static void stop(struct setup *s)
{
    int status = -1;
    close(s->stop);
    close(s->server);
    assert_int_equal(waitpid(s->pid, &status, 0), s->pid);
    assert_int_equal(status, 0);
}

static void limit_time(int fd)
{
    struct timeval t = {.tv_sec = 20};
    setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &t, sizeof(t));
    setsockopt(fd, SOL_SOCKET, SO_SNDTIMEO, &t, sizeof(t));
}

static int client(const struct setup *s)
{
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    limit_time(fd);
    assert_int_equal(connect(fd, (const struct sockaddr *)&s->front, sizeof(s->front)), 0);
    return fd;
}

static int serve(const struct setup *s)
{
    struct pollfd p = {s->server, POLLIN, 0};
    assert_int_equal(poll(&p, 1, 20000), 1);
    int fd = accept4(s->server, NULL, NULL, SOCK_CLOEXEC);
    assert_true(fd >= 0);
    limit_time(fd);
    return fd;
}

static void reset_close(int fd)
{
    setsockopt(fd, SOL_SOCKET, SO_LINGER, &(struct linger){1, 0}, sizeof(struct linger));
    close(fd);
}

static void expect(int fd, const char *text)
{
    char got[64] = "";
    size_t n = strlen(text);
    assert_int_equal(recv(fd, got, n, MSG_WAITALL), n);
    assert_memory_equal(got, text, n);
}

static void expect_end(int fd)
{
    char c;
    assert_int_equal(recv(fd, &c, 1, 0), 0);
}

static void expect_reset(int fd)
{
    char c;
    assert_int_equal(recv(fd, &c, 1, 0), -1);
    assert_int_equal(errno, ECONNRESET);
}

static void say(int fd, const char *text)
{
    assert_int_equal(send(fd, text, strlen(text), MSG_NOSIGNAL), strlen(text));
}

static void test_both_ways(void **state)
{
    (void)state;
    struct setup s;
    start(&s, SOCK_STREAM, 0);
    int c = client(&s), f = serve(&s);
    for (int i = 0; i < 100; i++) {
        say(c, "question");
        expect(f, "question");
        say(f, "an answer");
        expect(c, "an answer");
    }
    close(c);
    expect_end(f);
    close(f);
    stop(&s);
}

/* The server speaks first, and the client has gone half by the time it is answered. */
static void test_half_close(void **state)
{
    (void)state;
    struct setup s;
    start(&s, SOCK_STREAM, 0);
    for (int side = 0; side < 2; side++) {
        int c = client(&s), f = serve(&s);
        int one = side ? f : c, other = side ? c : f;
        say(one, "last words");
        shutdown(one, SHUT_WR);
        expect(other, "last words");
        expect_end(other);
        for (int i = 0; i < 10; i++) {
            say(other, "still here");
            expect(one, "still here");
        }
        close(other);
        expect_end(one);
        close(one);
    }
    stop(&s);
}

static void test_reset(void **state)
{
    (void)state;
    struct setup s;
    start(&s, SOCK_STREAM, 0);
    for (int i = 0; i < 6; i++) {
        int c = client(&s), f = serve(&s);
        int one = i % 2 ? c : f, other = i % 2 ? f : c;
        say(one, "hello");
        expect(other, "hello");
        if (i / 2 == 1) /* what it will never read */
            say(other, "unread");
        if (i / 2 == 2) { /* after its own end */
            shutdown(one, SHUT_WR);
            expect_end(other);
        }
        reset_close(one);
        if (i / 2 == 2) { /* nothing to read any more: told when it is written to, or polled */
            struct pollfd p = {other, 0, 0};
            assert_int_equal(poll(&p, 1, 20000), 1);
            assert_true(p.revents & POLLERR);
        } else {
            expect_reset(other);
        }
        close(other);
    }
    stop(&s);
}

static void test_refused(void **state)
{
    (void)state;
    struct setup s;
    start(&s, SOCK_STREAM, 0);
    close(s.server);
    for (int i = 0; i < 20; i++) {
        int c = client(&s);
        expect_reset(c);
        close(c);
    }
    s.server = -1;
    stop(&s);
}

static uint8_t pattern(uint64_t i)
{
    return (uint8_t)(i * 2654435761u >> 13);
}

static _Noreturn void write_pattern(int fd, uint64_t total)
{
    static uint8_t block[65536];
    for (uint64_t at = 0; at < total;) {
        size_t n = total - at < sizeof(block) ? total - at : sizeof(block);
        for (size_t i = 0; i < n; i++)
            block[i] = pattern(at + i);
        for (size_t done = 0; done < n;) {
            ssize_t w = send(fd, block + done, n - done, MSG_NOSIGNAL);
            if (w <= 0)
                _exit(1);
            done += (size_t)w;
        }
        at += n;
    }
    shutdown(fd, SHUT_WR);
    _exit(0);
}

static void read_pattern(int fd, uint64_t total)
{
    static uint8_t block[100003];
    uint64_t at = 0;
    for (ssize_t n; (n = recv(fd, block, sizeof(block), 0)) > 0; at += (uint64_t)n)
        for (ssize_t i = 0; i < n; i++)
            if (block[i] != pattern(at + (uint64_t)i))
                fail_msg("byte %llu is wrong", (unsigned long long)(at + (uint64_t)i));
    assert_int_equal(at, total);
}

/* Much more than pipes and buffers hold, both ways at once. */
static void test_much(void **state)
{
    (void)state;
    enum { TOTAL = 96 << 20 };
    struct setup s;
    start(&s, SOCK_STREAM, 0);
    int c = client(&s), f = serve(&s), status;
    pid_t children[3];
    for (int i = 0; i < 2; i++)
        if ((children[i] = fork()) == 0)
            write_pattern(i ? f : c, TOTAL);
    if ((children[2] = fork()) == 0) {
        read_pattern(f, TOTAL);
        _exit(0);
    }
    read_pattern(c, TOTAL);
    for (int i = 0; i < 3; i++) {
        assert_int_equal(waitpid(children[i], &status, 0), children[i]);
        assert_int_equal(status, 0);
    }
    close(c);
    close(f);
    stop(&s);
}

/* Who does not read holds its own sender back, and nobody else; then it gets all of it. */
static void test_slow_reader(void **state)
{
    (void)state;
    struct setup s;
    start(&s, SOCK_STREAM, 0);
    int c = client(&s), f = serve(&s);
    static uint8_t block[65536];
    uint64_t sent = 0;
    for (struct pollfd p = {c, POLLOUT, 0}; poll(&p, 1, 500) == 1;) {
        for (size_t i = 0; i < sizeof(block); i++)
            block[i] = pattern(sent + i);
        ssize_t n = send(c, block, sizeof(block), MSG_DONTWAIT | MSG_NOSIGNAL);
        assert_true(n > 0 || errno == EAGAIN);
        sent += n > 0 ? (uint64_t)n : 0;
        assert_true(sent < 256u << 20);
    }
    int c2 = client(&s), f2 = serve(&s);
    say(c2, "another one");
    expect(f2, "another one");
    shutdown(c, SHUT_WR);
    read_pattern(f, sent);
    close(c);
    close(f);
    close(c2);
    close(f2);
    stop(&s);
}

static void test_short_ones(void **state)
{
    (void)state;
    struct setup s;
    start(&s, SOCK_STREAM, 0);
    for (int i = 0; i < 2000; i++) {
        int c = client(&s), f = serve(&s);
        say(c, "?");
        expect(f, "?");
        say(f, "!");
        close(f);
        expect(c, "!");
        expect_end(c);
        close(c);
    }
    stop(&s);
}

/* Without descriptors for all, some wait until others have gone. */
static void test_few_descriptors(void **state)
{
    (void)state;
    enum { N = 60 };
    struct setup s;
    start(&s, SOCK_STREAM, 104);
    int c[N], accepted = 0;
    for (int i = 0; i < N; i++)
        c[i] = client(&s);
    for (struct pollfd p = {s.server, POLLIN, 0}; poll(&p, 1, accepted < 10 ? 20000 : 300) == 1;
         accepted++)
        close(accept(s.server, NULL, NULL));
    /* Those that the server closed hold their descriptors until the client closes, too. */
    assert_in_range(accepted, 10, N - 10);
    for (int i = 0; i < N; i++) {
        close(c[i]);
        for (struct pollfd p = {s.server, POLLIN, 0};
             accepted < N && poll(&p, 1, i < N - 1 ? 1 : 5000) == 1; accepted++)
            close(accept(s.server, NULL, NULL));
    }
    assert_int_equal(accepted, N);
    stop(&s);
}

static void test_datagrams(void **state)
{
    (void)state;
    struct setup s;
    start(&s, SOCK_DGRAM, 0);
    limit_time(s.server);
    int c[3];
    for (size_t i = 0; i < 3; i++) {
        c[i] = socket(AF_INET, SOCK_DGRAM, 0);
        limit_time(c[i]);
        assert_int_equal(connect(c[i], (struct sockaddr *)&s.front, sizeof(s.front)), 0);
    }
    struct sockaddr_in from[3];
    for (int round = 0; round < 3; round++)
        for (size_t i = 0; i < 3; i++) {
            char text[32], got[32] = "";
            struct sockaddr_in peer;
            socklen_t len = sizeof(peer);
            snprintf(text, sizeof(text), "from %zu", i);
            say(c[i], text);
            assert_true(recvfrom(s.server, got, sizeof(got), 0, (struct sockaddr *)&peer, &len) >
                        0);
            assert_string_equal(got, text);
            if (round == 0)
                from[i] = peer;
            else
                assert_int_equal(peer.sin_port, from[i].sin_port);
            sendto(s.server, "back", 4, 0, (struct sockaddr *)&peer, len);
            expect(c[i], "back");
        }
    for (size_t i = 0; i < 3; i++)
        close(c[i]);
    stop(&s);
}

/* More peers than flows: those that came last are served. */
static void test_many_peers(void **state)
{
    (void)state;
    struct setup s;
    start(&s, SOCK_DGRAM, 0);
    limit_time(s.server);
    for (int i = 0; i < 2500; i++) {
        char got[8] = "";
        struct sockaddr_in peer;
        socklen_t len = sizeof(peer);
        int c = socket(AF_INET, SOCK_DGRAM, 0);
        limit_time(c);
        connect(c, (struct sockaddr *)&s.front, sizeof(s.front));
        say(c, "ping");
        assert_int_equal(recvfrom(s.server, got, sizeof(got), 0, (struct sockaddr *)&peer, &len),
                         4);
        sendto(s.server, "pong", 4, 0, (struct sockaddr *)&peer, len);
        expect(c, "pong");
        close(c);
    }
    stop(&s);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_both_ways),  cmocka_unit_test(test_half_close),
        cmocka_unit_test(test_reset),      cmocka_unit_test(test_refused),
        cmocka_unit_test(test_much),       cmocka_unit_test(test_slow_reader),
        cmocka_unit_test(test_short_ones), cmocka_unit_test(test_few_descriptors),
        cmocka_unit_test(test_datagrams),  cmocka_unit_test(test_many_peers),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
