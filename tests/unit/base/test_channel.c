/* SPDX-License-Identifier: Apache-2.0 */
/* base/channel.h: whole messages, descriptors, ends. */
#include "base/channel.h"

#include "base/cleanup.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/socket.h>

#include <cmocka.h>

#include "tests/unit/base/scratch.h"

static int count_fds(void)
{
    auto_closedir DIR *d = opendir("/proc/self/fd");
    int n = 0;
    while (readdir(d))
        n++;
    return n;
}

static void test_messages(void **state)
{
    static const size_t lengths[] = {0, 1, 1000, CHANNEL_MAX};
    int fds[2];
    static struct channel_msg msg;
    static char data[CHANNEL_MAX + 1];
    memset(data, 'd', sizeof(data));
    assert_int_equal(channel_pair(fds, NULL), 0);
    for (size_t i = 0; i < sizeof(lengths) / sizeof(*lengths); i++) {
        assert_int_equal(channel_send(fds[0], 7 + (uint32_t)i, data, lengths[i], NULL, 0), 0);
        assert_int_equal(channel_recv(fds[1], &msg), 1);
        assert_int_equal(msg.type, 7 + i);
        assert_int_equal(msg.len, lengths[i]);
        assert_int_equal(msg.n_fds, 0);
        assert_memory_equal(msg.data, data, lengths[i]);
        assert_int_equal(msg.data[msg.len], 0);
    }
    assert_int_equal(channel_send(fds[0], 1, data, CHANNEL_MAX + 1, NULL, 0), -EMSGSIZE);
    close(fds[0]);
    assert_int_equal(channel_recv(fds[1], &msg), 0);
    assert_int_equal(channel_send(fds[1], 1, "x", 1, NULL, 0), -EPIPE);
    close(fds[1]);
}

/* Who closes without having read everything has still said what it said. */
static void test_last_words(void **state)
{
    int fds[2];
    static struct channel_msg msg;
    assert_int_equal(channel_pair(fds, NULL), 0);
    assert_int_equal(channel_send(fds[1], 1, "unread", 6, NULL, 0), 0);
    assert_int_equal(channel_send(fds[0], 2, "last", 4, NULL, 0), 0);
    close(fds[0]);
    assert_int_equal(channel_recv(fds[1], &msg), 1);
    assert_int_equal(msg.type, 2);
    assert_int_equal(channel_recv(fds[1], &msg), 0);
    close(fds[1]);
}

static void test_descriptors(void **state)
{
    int fds[2], before = count_fds();
    static struct channel_msg msg;
    assert_int_equal(channel_pair(fds, NULL), 0);
    for (size_t n = 1; n <= CHANNEL_FDS_MAX; n++) {
        int sent[CHANNEL_FDS_MAX], p[2];
        assert_int_equal(pipe(p), 0);
        for (size_t i = 0; i < n; i++)
            sent[i] = p[1];
        assert_int_equal(channel_send(fds[0], 1, "fd", 2, sent, n), 0);
        close(p[1]);
        assert_int_equal(channel_recv(fds[1], &msg), 1);
        assert_int_equal(msg.n_fds, n);
        for (size_t i = 0; i < n; i++)
            assert_true(fcntl(msg.fds[i], F_GETFD) & FD_CLOEXEC);
        /* It is the pipe, and it is closed when the message is done, but for what was taken. */
        char c = 0;
        int taken = take_fd(&msg.fds[0]);
        channel_msg_done(&msg);
        assert_int_equal(write(taken, "!", 1), 1);
        close(taken);
        assert_int_equal(read(p[0], &c, 1), 1);
        assert_int_equal(read(p[0], &c, 1), 0);
        close(p[0]);
    }
    int many[CHANNEL_FDS_MAX + 1] = {0};
    assert_int_equal(channel_send(fds[0], 1, "", 0, many, CHANNEL_FDS_MAX + 1), -EMSGSIZE);
    close(fds[0]);
    close(fds[1]);
    assert_int_equal(count_fds(), before);
}

/* What the other end sends need not come from channel_send(). */
static void test_hostile(void **state)
{
    int fds[2], before = count_fds();
    static struct channel_msg msg;
    static char huge[CHANNEL_MAX + 100];
    assert_int_equal(channel_pair(fds, NULL), 0);
    assert_int_equal(send(fds[0], "ab", 2, 0), 2); /* shorter than a type */
    assert_int_equal(channel_recv(fds[1], &msg), -EBADMSG);
    assert_int_equal(send(fds[0], huge, sizeof(huge), 0), (ssize_t)sizeof(huge));
    assert_int_equal(channel_recv(fds[1], &msg), -EBADMSG);
    assert_int_equal(msg.n_fds, 0);
    /* The channel works on. */
    assert_int_equal(channel_send(fds[0], 5, "x", 1, NULL, 0), 0);
    assert_int_equal(channel_recv(fds[1], &msg), 1);
    assert_int_equal(msg.type, 5);
    close(fds[0]);
    close(fds[1]);
    assert_int_equal(count_fds(), before);
}

static void test_nonblocking(void **state)
{
    int fds[2];
    static struct channel_msg msg;
    static char data[CHANNEL_MAX];
    assert_int_equal(channel_pair(fds, NULL), 0);
    for (int i = 0; i < 2; i++)
        fcntl(fds[i], F_SETFL, O_NONBLOCK);
    assert_int_equal(channel_recv(fds[1], &msg), -EAGAIN);
    int sent = 0, r;
    while ((r = channel_send(fds[0], 1, data, sizeof(data), NULL, 0)) == 0)
        sent++;
    assert_int_equal(r, -EAGAIN);
    while ((r = channel_recv(fds[1], &msg)) == 1)
        sent--;
    assert_int_equal(r, -EAGAIN);
    assert_int_equal(sent, 0);
    close(fds[0]);
    close(fds[1]);
}

static void test_named(void **state)
{
    struct scratch *s = *state;
    struct err err = {0};
    static struct channel_msg msg;
    /* A directory whose path is longer than a socket's name may be. */
    char name[200];
    memset(name, 'l', sizeof(name) - 1);
    name[sizeof(name) - 1] = 0;
    auto_close int dir = open_made_dir_at(s->fd, name, 0700, &err);
    assert_true(dir >= 0);
    assert_true(channel_connect_at(dir, "sock", &err) < 0);
    auto_close int listener = channel_listen_at(dir, "sock", &err);
    assert_true(listener >= 0);
    auto_close int client = channel_connect_at(dir, "sock", &err);
    assert_true(client >= 0);
    auto_close int server = accept4(listener, NULL, NULL, SOCK_CLOEXEC);
    assert_true(server >= 0);
    assert_int_equal(channel_send(client, 3, "hi", 2, NULL, 0), 0);
    assert_int_equal(channel_recv(server, &msg), 1);
    assert_string_equal(msg.data, "hi");
    close_fd(&server);
    assert_int_equal(channel_recv(client, &msg), 0);
    /* A name that is too long is an error, not a cut name. */
    assert_int_equal(channel_listen_at(dir, name, &err), -ENAMETOOLONG);
    /* A dead listener's socket is replaced. */
    close_fd(&listener);
    listener = channel_listen_at(dir, "sock", &err);
    assert_true(listener >= 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_messages),    cmocka_unit_test(test_last_words),
        cmocka_unit_test(test_descriptors), cmocka_unit_test(test_hostile),
        cmocka_unit_test(test_nonblocking), scratch_test(test_named),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
