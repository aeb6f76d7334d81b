/* SPDX-License-Identifier: Apache-2.0 */
/* The port process between this one as client and a server in namespaces of its own. */
#include "netns/ports.h"

#include "base/cleanup.h"

#include <arpa/inet.h>
#include <fcntl.h>
#include <ifaddrs.h>
#include <net/if.h>
#include <sched.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#define PORT 80

struct inside {
    pid_t pid;
    int user, net;
};

static struct in_addr a4(const char *text)
{
    struct in_addr a;
    assert_int_equal(inet_pton(AF_INET, text, &a), 1);
    return a;
}

/* What the container's init would do: lo up, the address somewhere, a server. */
static void set_address(void)
{
    int sock = socket(AF_INET, SOCK_DGRAM, 0);
    struct ifreq req = {.ifr_name = "lo", .ifr_flags = IFF_UP};
    ioctl(sock, SIOCSIFFLAGS, &req);
    strcpy(req.ifr_name, "lo:1");
    struct sockaddr_in sin = {.sin_family = AF_INET, .sin_addr = a4("10.0.2.100")};
    memcpy(&req.ifr_addr, &sin, sizeof(sin));
    if (ioctl(sock, SIOCSIFADDR, &req) < 0)
        _exit(2);
    sin.sin_addr = a4("255.255.255.255");
    memcpy(&req.ifr_netmask, &sin, sizeof(sin));
    ioctl(sock, SIOCSIFNETMASK, &req);
    close(sock);
}

static int listen_inside(int kind)
{
    struct sockaddr_in sin = {
        .sin_family = AF_INET, .sin_port = htons(PORT), .sin_addr = a4("0.0.0.0")};
    int fd = socket(AF_INET, kind, 0);
    if (bind(fd, (struct sockaddr *)&sin, sizeof(sin)) < 0 ||
        (kind == SOCK_STREAM && listen(fd, 64) < 0))
        _exit(3);
    return fd;
}

/* Tells everybody who he is: "ADDRESS". */
static _Noreturn void serve(int ready)
{
    char text[INET_ADDRSTRLEN], question[16];
    prctl(PR_SET_PDEATHSIG, SIGKILL);
    if (unshare(CLONE_NEWUSER | CLONE_NEWNET) < 0)
        _exit(77);
    set_address();
    int tcp = listen_inside(SOCK_STREAM), udp = listen_inside(SOCK_DGRAM);
    if (write(ready, "r", 1) != 1)
        _exit(4);
    if (fork() == 0)
        for (;;) {
            struct sockaddr_in peer;
            socklen_t len = sizeof(peer);
            prctl(PR_SET_PDEATHSIG, SIGKILL);
            recvfrom(udp, question, sizeof(question), 0, (struct sockaddr *)&peer, &len);
            inet_ntop(AF_INET, &peer.sin_addr, text, sizeof(text));
            sendto(udp, text, strlen(text), 0, (struct sockaddr *)&peer, len);
        }
    for (;;) {
        struct sockaddr_in peer;
        socklen_t len = sizeof(peer);
        int fd = accept(tcp, (struct sockaddr *)&peer, &len);
        inet_ntop(AF_INET, &peer.sin_addr, text, sizeof(text));
        send(fd, text, strlen(text), MSG_NOSIGNAL);
        close(fd);
    }
}

static int open_ns(pid_t pid, const char *name)
{
    char path[64];
    snprintf(path, sizeof(path), "/proc/%d/ns/%s", pid, name);
    return open(path, O_RDONLY | O_CLOEXEC);
}

/* False: no user namespaces here. */
static bool start_inside(struct inside *ret)
{
    int ends[2];
    char c;
    assert_int_equal(pipe2(ends, O_CLOEXEC), 0);
    ret->pid = fork();
    if (ret->pid == 0)
        serve(ends[1]);
    close(ends[1]);
    bool ready = read(ends[0], &c, 1) == 1;
    close(ends[0]);
    if (!ready) {
        int status;
        waitpid(ret->pid, &status, 0);
        assert_true(WIFEXITED(status) && WEXITSTATUS(status) == 77);
        return false;
    }
    ret->user = open_ns(ret->pid, "user");
    ret->net = open_ns(ret->pid, "net");
    assert_true(ret->user >= 0 && ret->net >= 0);
    return true;
}

static void stop_inside(struct inside *in)
{
    kill(in->pid, SIGKILL);
    waitpid(in->pid, NULL, 0);
    close(in->user);
    close(in->net);
}

/* A free port of all addresses. */
static struct sockaddr_in6 free_port(int kind)
{
    struct sockaddr_in6 at = {.sin6_family = AF_INET6};
    socklen_t len = sizeof(at);
    int fd = socket(AF_INET6, kind, 0);
    assert_int_equal(bind(fd, (struct sockaddr *)&at, sizeof(at)), 0);
    assert_int_equal(getsockname(fd, (struct sockaddr *)&at, &len), 0);
    close(fd);
    return at;
}

static int start_ports(struct inside *in, const struct netns_port *port, int *ret_channel,
                       pid_t *ret_pid, struct err *err)
{
    static struct netns_config config;
    netns_config_init(&config);
    config.ipv6 = false;
    *ret_pid = netns_ports_start(&config, port, 1, ret_channel, err);
    assert_true(*ret_pid > 0);
    return netns_ports_enter(*ret_channel, in->user, in->net, err);
}

static void stop_ports(int channel, pid_t pid)
{
    int status = -1;
    close(channel);
    assert_int_equal(waitpid(pid, &status, 0), pid);
    assert_int_equal(status, 0);
}

/* Who the server takes us for when we go to `to` from `from`. */
static void ask(int kind, struct in_addr to, in_port_t port, char out[INET_ADDRSTRLEN])
{
    struct sockaddr_in sin = {.sin_family = AF_INET, .sin_addr = to, .sin_port = port};
    struct timeval limit = {.tv_sec = 20};
    auto_close int fd = socket(AF_INET, kind | SOCK_CLOEXEC, 0);
    setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &limit, sizeof(limit));
    memset(out, 0, INET_ADDRSTRLEN);
    assert_int_equal(connect(fd, (struct sockaddr *)&sin, sizeof(sin)), 0);
    if (kind == SOCK_DGRAM)
        assert_int_equal(send(fd, "who", 3, 0), 3);
    assert_true(recv(fd, out, INET_ADDRSTRLEN - 1, kind == SOCK_STREAM ? MSG_WAITALL : 0) > 0);
}

/* An address of this machine that is not of its loopback; false: it has none. */
static bool own_address(struct in_addr *ret)
{
    struct ifaddrs *all;
    bool found = false;
    assert_int_equal(getifaddrs(&all), 0);
    for (struct ifaddrs *i = all; i && !found; i = i->ifa_next) {
        if (!i->ifa_addr || i->ifa_addr->sa_family != AF_INET || i->ifa_flags & IFF_LOOPBACK)
            continue;
        *ret = ((struct sockaddr_in *)i->ifa_addr)->sin_addr;
        found = true;
    }
    freeifaddrs(all);
    return found;
}

static void test_addresses(void **state)
{
    (void)state;
    struct inside in;
    struct err err = {0};
    struct in_addr own;
    if (!start_inside(&in))
        skip();
    for (int udp = 0; udp < 2; udp++) {
        int channel, kind = udp ? SOCK_DGRAM : SOCK_STREAM;
        pid_t pid;
        char seen[INET_ADDRSTRLEN], want[INET_ADDRSTRLEN] = "10.0.2.2";
        struct netns_port port = {
            .host = free_port(kind), .container_port = PORT, .count = 1, .udp = udp};
        if (start_ports(&in, &port, &channel, &pid, &err) < 0)
            fail_msg("%s", err.message);
        ask(kind, a4("127.0.0.1"), port.host.sin6_port, seen);
        assert_string_equal(seen, "10.0.2.2");
        if (own_address(&own)) {
            if (!udp)
                inet_ntop(AF_INET, &own, want, sizeof(want));
            ask(kind, own, port.host.sin6_port, seen);
            assert_string_equal(seen, want);
        }
        stop_ports(channel, pid);
    }
    stop_inside(&in);
}

/* Nobody listens inside: at once a reset, not a wait. */
static void test_nobody(void **state)
{
    (void)state;
    struct inside in;
    struct err err = {0};
    int channel;
    pid_t pid;
    char c;
    if (!start_inside(&in))
        skip();
    struct netns_port port = {
        .host = free_port(SOCK_STREAM), .container_port = PORT + 1, .count = 1};
    if (start_ports(&in, &port, &channel, &pid, &err) < 0)
        fail_msg("%s", err.message);
    struct sockaddr_in sin = {
        .sin_family = AF_INET, .sin_addr = a4("127.0.0.1"), .sin_port = port.host.sin6_port};
    struct timeval limit = {.tv_sec = 20};
    auto_close int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &limit, sizeof(limit));
    assert_int_equal(connect(fd, (struct sockaddr *)&sin, sizeof(sin)), 0);
    assert_int_equal(recv(fd, &c, 1, 0), -1);
    assert_int_equal(errno, ECONNRESET);
    stop_ports(channel, pid);
    stop_inside(&in);
}

static void test_in_use(void **state)
{
    (void)state;
    struct inside in;
    struct err err = {0};
    int channel;
    pid_t pid;
    if (!start_inside(&in))
        skip();
    for (int udp = 0; udp < 2; udp++) {
        int kind = udp ? SOCK_DGRAM : SOCK_STREAM;
        struct sockaddr_in6 at = {.sin6_family = AF_INET6};
        socklen_t len = sizeof(at);
        auto_close int taken = socket(AF_INET6, kind, 0);
        assert_int_equal(bind(taken, (struct sockaddr *)&at, sizeof(at)), 0);
        if (!udp)
            assert_int_equal(listen(taken, 1), 0);
        assert_int_equal(getsockname(taken, (struct sockaddr *)&at, &len), 0);
        struct netns_port port = {.host = at, .container_port = PORT, .count = 1, .udp = udp};
        assert_int_equal(start_ports(&in, &port, &channel, &pid, &err), -EADDRINUSE);
        assert_non_null(strstr(err.message, udp ? "listen udp [::]:" : "listen tcp [::]:"));
        assert_non_null(strstr(err.message, "Address already in use"));
        close(channel);
        waitpid(pid, NULL, 0);
    }
    stop_inside(&in);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_addresses),
        cmocka_unit_test(test_nobody),
        cmocka_unit_test(test_in_use),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
