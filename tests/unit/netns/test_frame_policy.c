/* SPDX-License-Identifier: Apache-2.0 */
/* Which frames may reach libslirp: each way to the host's loopback that it would take. */
#include "netns/frame_policy.h"

#include <arpa/inet.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

struct packet {
    uint8_t bytes[14 + 40 + 8];
    size_t len;
};

static void put16(uint8_t *p, unsigned v)
{
    p[0] = (uint8_t)(v >> 8);
    p[1] = (uint8_t)v;
}

static struct packet make(const char *to, unsigned protocol, unsigned port, unsigned fragment)
{
    struct packet p = {.len = 14 + 20 + 8};
    uint8_t *ip = p.bytes + 14;
    if (strchr(to, ':')) {
        put16(p.bytes + 12, 0x86dd);
        ip[0] = 0x60;
        ip[6] = (uint8_t)protocol;
        assert_int_equal(inet_pton(AF_INET6, to, ip + 24), 1);
        put16(ip + 40 + 2, port);
        p.len = sizeof(p.bytes);
        return p;
    }
    put16(p.bytes + 12, 0x0800);
    ip[0] = 0x45;
    put16(ip + 6, fragment);
    ip[9] = (uint8_t)protocol;
    assert_int_equal(inet_pton(AF_INET, to, ip + 16), 1);
    put16(ip + 20 + 2, port);
    return p;
}

static const struct row {
    const char *to;
    unsigned protocol, port, fragment;
    bool closed, open; /* allowed without and with the host's loopback */
} rows[] = {
    {"93.184.216.34", IPPROTO_TCP, 80, 0, true, true},
    {"93.184.216.34", IPPROTO_UDP, 80, 0x4000 /* "don't fragment" */, true, true},
    {"93.184.216.34", IPPROTO_UDP, 80, 0x2000, false, false},
    {"93.184.216.34", IPPROTO_TCP, 80, 0x0d90, false, false},
    {"93.184.216.34", IPPROTO_ICMP, 0, 0x8000, false, false},
    {"192.168.1.1", IPPROTO_ICMP, 0, 0, true, true},
    {"10.0.2.2", IPPROTO_TCP, 80, 0, false, true},
    {"10.0.2.2", IPPROTO_UDP, 53, 0, false, true},
    {"10.0.2.2", IPPROTO_ICMP, 0, 0, true, true},
    {"10.0.2.77", IPPROTO_TCP, 80, 0, false, true},
    {"10.0.2.255", IPPROTO_UDP, 80, 0, false, true},
    {"10.0.2.3", IPPROTO_UDP, 53, 0, true, true},
    {"10.0.2.3", IPPROTO_TCP, 53, 0, true, true},
    {"10.0.2.3", IPPROTO_TCP, 631, 0, false, false},
    {"10.0.2.3", IPPROTO_UDP, 5353, 0, false, false},
    {"10.0.2.3", IPPROTO_UDP, 53, 0x2000, false, false},
    {"10.0.2.3", IPPROTO_UDP, 53, 1, false, false},
    {"127.0.0.1", IPPROTO_TCP, 80, 0, false, false},
    {"127.8.9.1", IPPROTO_ICMP, 0, 0, false, false},
    {"0.0.0.0", IPPROTO_TCP, 80, 0, false, false},
    {"0.1.2.3", IPPROTO_TCP, 80, 0, false, false},
    {"255.255.255.255", IPPROTO_TCP, 80, 0, false, false},
    {"255.255.255.255", IPPROTO_UDP, 67, 0, false, false},
    {"224.0.0.251", IPPROTO_UDP, 5353, 0, false, false},
    {"2001:db8::1", IPPROTO_TCP, 80, 0, true, true},
    {"2001:db8::1", 44 /* a fragment */, 80, 0, false, false},
    {"fd00::2", IPPROTO_TCP, 80, 0, false, true},
    {"fd00::2", IPPROTO_ICMPV6, 0, 0, true, true},
    {"fd00::1234:5678", IPPROTO_UDP, 80, 0, false, true},
    {"fd00::3", IPPROTO_UDP, 53, 0, true, true},
    {"fd00::3", IPPROTO_TCP, 80, 0, false, false},
    {"fd00:0:0:1::1", IPPROTO_TCP, 80, 0, true, true}, /* another network */
    {"::1", IPPROTO_TCP, 80, 0, false, false},
    {"::", IPPROTO_TCP, 80, 0, false, false},
    {"::127.0.0.1", IPPROTO_TCP, 80, 0, false, false},
    {"::ffff:127.0.0.1", IPPROTO_TCP, 80, 0, false, false},
    {"::ffff:0.0.0.0", IPPROTO_UDP, 80, 0, false, false},
    {"::ffff:8.8.8.8", IPPROTO_UDP, 53, 0, false, false},
    {"fe80::2", IPPROTO_TCP, 80, 0, false, false},
    {"fe80::2", IPPROTO_ICMPV6, 0, 0, true, true},
    {"ff02::fb", IPPROTO_UDP, 5353, 0, false, false},
    {"ff02::1:ff00:2", IPPROTO_ICMPV6, 0, 0, true, true},
};

static void test_addresses(void **state)
{
    struct netns_config c;
    netns_config_init(&c);
    for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++) {
        const struct row *r = &rows[i];
        struct packet p = make(r->to, r->protocol, r->port, r->fragment);
        for (int open = 0; open < 2; open++) {
            c.allow_host_loopback = open;
            if (frame_allowed(&c, p.bytes, p.len) != (open ? r->open : r->closed))
                fail_msg("%s, protocol %u, port %u, open %d", r->to, r->protocol, r->port, open);
        }
    }
}

static void test_malformed(void **state)
{
    struct netns_config c;
    netns_config_init(&c);
    struct packet p = make("10.0.2.3", IPPROTO_UDP, 53, 0);
    for (size_t n = 0; n < 14 + 20 + 4; n++) /* the port is not there */
        assert_false(frame_allowed(&c, p.bytes, n));
    p.bytes[14] = 0x44; /* a header of 16 bytes */
    assert_false(frame_allowed(&c, p.bytes, p.len));
    p.bytes[14] = 0x4f; /* of 60, which are not there */
    assert_false(frame_allowed(&c, p.bytes, p.len));
    p = make("2001:db8::1", IPPROTO_TCP, 80, 0);
    for (size_t n = 0; n < 14 + 40; n++)
        assert_false(frame_allowed(&c, p.bytes, n));
    c.ipv6 = false;
    assert_false(frame_allowed(&c, p.bytes, p.len));
    put16(p.bytes + 12, 0x88f8); /* libslirp's NC-SI */
    assert_false(frame_allowed(&c, p.bytes, p.len));
    put16(p.bytes + 12, 0x0806);
    assert_true(frame_allowed(&c, p.bytes, p.len));
}

/* An option in front moves the port. */
static void test_header_length(void **state)
{
    struct netns_config c;
    netns_config_init(&c);
    struct packet p = make("10.0.2.3", IPPROTO_UDP, 53, 0);
    p.bytes[14] = 0x46;
    p.len += 4;
    assert_false(frame_allowed(&c, p.bytes, p.len));
    put16(p.bytes + 14 + 24 + 2, 53);
    assert_true(frame_allowed(&c, p.bytes, p.len));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_addresses),
        cmocka_unit_test(test_malformed),
        cmocka_unit_test(test_header_length),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
