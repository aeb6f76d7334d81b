/* SPDX-License-Identifier: Apache-2.0 */
/* What is answered to a frame that may not pass. The expected bytes were made by hand and their
 * checksums taken apart by the sum over all that they cover, which must be ffff. */
#include "netns/frame_refusal.h"

#include <arpa/inet.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

enum { ETHER = 14, FIN = 1, SYN = 2, RST = 4, ACK = 16 };

struct frame {
    uint8_t bytes[160];
    size_t len;
};

static void put16(uint8_t *p, unsigned v)
{
    p[0] = (uint8_t)(v >> 8);
    p[1] = (uint8_t)v;
}

static unsigned get16(const uint8_t *p)
{
    return (unsigned)p[0] << 8 | p[1];
}

static size_t header_of(const struct frame *f)
{
    return f->bytes[12] == 0x08 ? 4u * (f->bytes[ETHER] & 15) : 40;
}

/* From port 0x1234, sequence number 0x01020304, to port 80, with `data` bytes behind. */
static struct frame make(const char *to, unsigned protocol, unsigned flags, size_t data)
{
    struct frame f = {.bytes = {2, 0, 0, 0, 0, 1, 2, 0, 0, 0, 0, 2}};
    bool v4 = !strchr(to, ':');
    uint8_t *ip = f.bytes + ETHER;
    put16(f.bytes + 12, v4 ? 0x0800 : 0x86dd);
    ip[0] = v4 ? 0x45 : 0x60;
    size_t header = header_of(&f), payload = (protocol == IPPROTO_TCP ? 20 : 8) + data;
    ip[v4 ? 9 : 6] = (uint8_t)protocol;
    put16(ip + (v4 ? 2 : 4), (unsigned)(v4 ? header + payload : payload));
    inet_pton(v4 ? AF_INET : AF_INET6, v4 ? "10.0.2.100" : "fd00::100", ip + (v4 ? 12 : 8));
    assert_int_equal(inet_pton(v4 ? AF_INET : AF_INET6, to, ip + (v4 ? 16 : 24)), 1);
    uint8_t *tcp = ip + header;
    put16(tcp, 0x1234);
    put16(tcp + 2, 80);
    if (protocol == IPPROTO_TCP) {
        memcpy(tcp + 4, (uint8_t[]){1, 2, 3, 4, 5, 6, 7, 8}, 8);
        tcp[12] = 5 << 4;
        tcp[13] = (uint8_t)flags;
    }
    f.len = ETHER + header + payload;
    return f;
}

static struct frame answer_to(const struct frame *f)
{
    struct netns_config c;
    struct frame answer = {0};
    netns_config_init(&c);
    answer.len = frame_refusal(&c, f->bytes, f->len, answer.bytes);
    assert_true(answer.len <= FRAME_REFUSAL_MAX);
    return answer;
}

static unsigned sum(unsigned long s, const uint8_t *p, size_t n)
{
    for (size_t i = 0; i < n; i++)
        s += i % 2 ? p[i] : (unsigned long)p[i] << 8;
    while (s >> 16)
        s = (s & 0xffff) + (s >> 16);
    return (unsigned)s;
}

/* The way back, lengths, and every checksum. */
static void check_headers(const struct frame *f, const struct frame *a, unsigned protocol)
{
    const uint8_t *was = f->bytes + ETHER, *ip = a->bytes + ETHER;
    bool v4 = f->bytes[12] == 0x08;
    size_t at = v4 ? 12 : 8, size = v4 ? 4 : 16, header = header_of(a);
    size_t payload = a->len - ETHER - header;
    assert_memory_equal(a->bytes, f->bytes + 6, 6);
    assert_memory_equal(a->bytes + 6, f->bytes, 6);
    assert_memory_equal(a->bytes + 12, f->bytes + 12, 2);
    assert_memory_equal(ip + at, was + at + size, size);
    assert_memory_equal(ip + at + size, was + at, size);
    assert_int_equal(ip[v4 ? 9 : 6], protocol);
    assert_int_equal(get16(ip + (v4 ? 2 : 4)), v4 ? header + payload : payload);
    if (v4)
        assert_int_equal(sum(0, ip, header), 0xffff);
    unsigned long pseudo =
        protocol == IPPROTO_ICMP ? 0 : sum(protocol + payload, ip + at, 2 * size);
    assert_int_equal(sum(pseudo, ip + header, payload), 0xffff);
}

static void test_reset(void **state)
{
    static const struct {
        const char *to;
        unsigned flags;
        size_t data;
        uint8_t seq[4], ack[4], answer;
    } rows[] = {
        {"10.0.2.2", SYN, 0, {0}, {1, 2, 3, 5}, RST | ACK},
        {"10.0.2.3", SYN, 7, {0}, {1, 2, 3, 12}, RST | ACK},
        {"10.0.2.2", SYN | FIN, 0, {0}, {1, 2, 3, 6}, RST | ACK},
        {"10.0.2.2", ACK, 9, {5, 6, 7, 8}, {0}, RST},
        {"fd00::2", SYN, 0, {0}, {1, 2, 3, 5}, RST | ACK},
        {"fe80::2", SYN | ACK, 3, {5, 6, 7, 8}, {0}, RST},
    };
    for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++) {
        struct frame f = make(rows[i].to, IPPROTO_TCP, rows[i].flags, rows[i].data);
        struct frame a = answer_to(&f);
        assert_int_equal(a.len, ETHER + header_of(&a) + 20);
        check_headers(&f, &a, IPPROTO_TCP);
        const uint8_t *tcp = a.bytes + ETHER + header_of(&a);
        assert_int_equal(get16(tcp), 80);
        assert_int_equal(get16(tcp + 2), 0x1234);
        assert_memory_equal(tcp + 4, rows[i].seq, 4);
        assert_memory_equal(tcp + 8, rows[i].ack, 4);
        assert_int_equal(tcp[13], rows[i].answer);
    }
}

static void check_unreachable(const struct frame *f, unsigned protocol, const uint8_t type[2])
{
    struct frame a = answer_to(f);
    size_t header = header_of(&a), quoted = header_of(f) + 8;
    assert_int_equal(a.len, ETHER + header + 8 + quoted);
    check_headers(f, &a, protocol);
    assert_memory_equal(a.bytes + ETHER + header, type, 2);
    assert_memory_equal(a.bytes + ETHER + header + 8, f->bytes + ETHER, quoted);
}

static void test_unreachable(void **state)
{
    struct frame f = make("10.0.2.2", IPPROTO_UDP, 0, 33);
    check_unreachable(&f, IPPROTO_ICMP, (uint8_t[]){3, 3});
    f = make("fd00::3", IPPROTO_UDP, 0, 0);
    check_unreachable(&f, IPPROTO_ICMPV6, (uint8_t[]){1, 4});
    f = make("10.0.2.3", IPPROTO_UDP, 0, 40); /* the most options: all of them are quoted */
    f.bytes[ETHER] = 0x4f;
    check_unreachable(&f, IPPROTO_ICMP, (uint8_t[]){3, 3});
}

static void test_silence(void **state)
{
    static const struct {
        const char *to;
        unsigned protocol;
    } rows[] = {
        {"10.0.2.255", IPPROTO_UDP},
        {"255.255.255.255", IPPROTO_UDP},
        {"224.0.0.251", IPPROTO_UDP},
        {"127.0.0.1", IPPROTO_TCP},
        {"0.0.0.0", IPPROTO_TCP},
        {"10.0.2.2", IPPROTO_ICMP},
        {"10.0.2.2", 132},
        {"ff02::fb", IPPROTO_UDP},
        {"::1", IPPROTO_TCP},
        {"::", IPPROTO_TCP},
        {"::ffff:127.0.0.1", IPPROTO_TCP},
        {"fd00::2", 44},
    };
    struct netns_config c;
    uint8_t answer[FRAME_REFUSAL_MAX];
    for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++) {
        struct frame f = make(rows[i].to, rows[i].protocol, SYN, 0);
        if (answer_to(&f).len)
            fail_msg("%s, protocol %u", rows[i].to, rows[i].protocol);
    }
    struct frame f = make("10.0.2.2", IPPROTO_TCP, RST, 0);
    assert_int_equal(answer_to(&f).len, 0);
    f = make("10.0.2.2", IPPROTO_TCP, SYN, 0);
    f.bytes[0] |= 1; /* to all of the network */
    assert_int_equal(answer_to(&f).len, 0);
    f.bytes[0] &= 0xfe;
    f.bytes[ETHER + 6] = 0x20; /* more fragments */
    assert_int_equal(answer_to(&f).len, 0);
    f = make("fd00::2", IPPROTO_TCP, SYN, 0);
    netns_config_init(&c);
    c.ipv6 = false;
    assert_int_equal(frame_refusal(&c, f.bytes, f.len, answer), 0);
}

/* Cut anywhere, or with a length of its own that says more than there is. */
static void test_malformed(void **state)
{
    static const char *const to[] = {"10.0.2.2", "fd00::2"};
    static const unsigned protocols[] = {IPPROTO_TCP, IPPROTO_UDP};
    for (size_t i = 0; i < 4; i++) {
        struct frame whole = make(to[i / 2], protocols[i % 2], SYN, 0), f = whole;
        assert_int_not_equal(answer_to(&whole).len, 0);
        for (f.len = 0; f.len < whole.len; f.len++)
            assert_int_equal(answer_to(&f).len, 0);
        size_t at = ETHER + (i / 2 ? 4 : 2);
        for (unsigned len = 0; len < get16(whole.bytes + at); len++) {
            f = whole;
            put16(f.bytes + at, len);
            assert_int_equal(answer_to(&f).len, 0);
        }
    }
    struct frame f = make("10.0.2.2", IPPROTO_TCP, SYN, 0);
    f.bytes[ETHER + 20 + 12] = 4 << 4; /* TCP's header */
    assert_int_equal(answer_to(&f).len, 0);
    f.bytes[ETHER + 20 + 12] = 6 << 4;
    assert_int_equal(answer_to(&f).len, 0);
    f.bytes[ETHER] = 0x44;
    assert_int_equal(answer_to(&f).len, 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_reset),
        cmocka_unit_test(test_unreachable),
        cmocka_unit_test(test_silence),
        cmocka_unit_test(test_malformed),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
