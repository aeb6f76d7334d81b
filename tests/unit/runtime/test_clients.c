/* SPDX-License-Identifier: Apache-2.0 */
/* The monitor's client queues. */
#include "base/alloc.h"
#include "base/channel.h"
#include "runtime/clients.h"
#include "runtime/monitor.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <string.h>
#include <unistd.h>

struct fixture {
    struct clients cs;
    struct channel_msg *msg;
    int peer;
};

static int setup(void **state)
{
    struct fixture *f = new0(struct fixture);
    int ends[2];
    if (channel_pair(ends, NULL) < 0)
        return -1;
    f->msg = new0(struct channel_msg);
    f->peer = ends[0];
    clients_add(&f->cs, ends[1]);
    *state = f;
    return 0;
}

static int teardown(void **state)
{
    struct fixture *f = *state;
    clients_done(&f->cs);
    close(f->peer);
    free(f->msg);
    free(f);
    return 0;
}

/* Everything arrives once and in order, though the reader starts late. */
static void queue_keeps_order(void **state)
{
    struct fixture *f = *state;
    char data[8192];
    enum { COUNT = 400 };
    for (int i = 0; i < COUNT; i++) {
        memset(data, i & 0x7f, sizeof(data));
        clients_broadcast(&f->cs, MON_STDOUT, data, sizeof(data));
    }
    assert_true(clients_pending(&f->cs));
    assert_true(clients_full(&f->cs));
    for (int i = 0; i < COUNT; i++) {
        assert_int_equal(channel_recv(f->peer, f->msg), 1);
        assert_int_equal(f->msg->type, MON_STDOUT);
        assert_int_equal(f->msg->len, sizeof(data));
        assert_int_equal(f->msg->data[0], i & 0x7f);
        client_flush(&f->cs.v[0]);
    }
    assert_false(clients_pending(&f->cs));
    assert_false(clients_full(&f->cs));
}

static void impatient(void **state)
{
    struct fixture *f = *state;
    static char data[CHANNEL_MAX];
    while (!clients_full(&f->cs))
        clients_broadcast(&f->cs, MON_STDOUT, data, sizeof(data));
    int left = clients_reap(&f->cs);
    assert_in_range(left, 1, CLIENT_PATIENCE);
    /* As if ten seconds had passed; then a client that says it waits is kept. */
    f->cs.v[0].last_progress -= CLIENT_PATIENCE;
    assert_int_equal(channel_send(f->peer, MON_WAITING, NULL, 0, NULL, 0), 0);
    assert_int_equal(client_receive(&f->cs.v[0], f->msg), 0);
    assert_in_range(clients_reap(&f->cs), 1, CLIENT_PATIENCE);
    assert_int_equal(f->cs.n, 1);
    f->cs.v[0].last_progress -= CLIENT_PATIENCE;
    f->cs.patient = true; /* a build's step waits for ever */
    assert_int_equal(clients_reap(&f->cs), -1);
    assert_int_equal(f->cs.n, 1);
    f->cs.patient = false;
    assert_int_equal(clients_reap(&f->cs), -1);
    assert_int_equal(f->cs.n, 0);
}

static void input_window(void **state)
{
    struct fixture *f = *state;
    static char data[CHANNEL_MAX];
    for (int sent = 0; sent < MON_STDIN_WINDOW; sent += (int)sizeof(data)) {
        assert_int_equal(channel_send(f->peer, MON_STDIN, data, sizeof(data), NULL, 0), 0);
        assert_int_equal(client_receive(&f->cs.v[0], f->msg), 0);
    }
    assert_int_equal(f->cs.v[0].in.len, MON_STDIN_WINDOW);
    assert_true(f->cs.v[0].sock >= 0);
    while (channel_send(f->peer, MON_STDIN, data, sizeof(data), NULL, 0) == 0 &&
           f->cs.v[0].sock >= 0)
        client_receive(&f->cs.v[0], f->msg);
    assert_int_equal(f->cs.v[0].sock, -1); /* who ignores the window is dropped */
}

static void gone_client_is_forgotten(void **state)
{
    struct fixture *f = *state;
    int signal = 15;
    assert_int_equal(channel_send(f->peer, MON_SIGNAL, &signal, sizeof(signal), NULL, 0), 0);
    close(f->peer);
    f->peer = -1;
    assert_int_equal(client_receive(&f->cs.v[0], f->msg), 1);
    assert_int_equal(f->msg->type, MON_SIGNAL);
    assert_int_equal(client_receive(&f->cs.v[0], f->msg), 0);
    clients_reap(&f->cs);
    assert_int_equal(f->cs.n, 0);
    clients_broadcast(&f->cs, MON_STDOUT, "x", 1);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(queue_keeps_order, setup, teardown),
        cmocka_unit_test_setup_teardown(impatient, setup, teardown),
        cmocka_unit_test_setup_teardown(input_window, setup, teardown),
        cmocka_unit_test_setup_teardown(gone_client_is_forgotten, setup, teardown),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
