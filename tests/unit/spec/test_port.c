/* SPDX-License-Identifier: Apache-2.0 */
/* Ports as people write them. */
#include "spec/port.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

static const struct {
    const char *text, *want; /* IP|HOST|CONTAINER|COUNT|PROTOCOL */
} good[] = {
    {"80", "|0|80|1|tcp"},
    {"80/udp", "|0|80|1|udp"},
    {"80/TCP", "|0|80|1|tcp"},
    {"8080:80", "|8080|80|1|tcp"},
    {":80", "|0|80|1|tcp"},
    {"8000-8002:80-82", "|8000|80|3|tcp"},
    {"80-82", "|0|80|3|tcp"},
    {"127.0.0.1:8080:80", "127.0.0.1|8080|80|1|tcp"},
    {"127.0.0.1::80", "127.0.0.1|0|80|1|tcp"},
    {"127.0.0.1::80-81/udp", "127.0.0.1|0|80|2|udp"},
    {"0.0.0.0:8080:80", "|8080|80|1|tcp"},
    {"[::]:8080:80", "::|8080|80|1|tcp"},
    {"[::1]::80", "::1|0|80|1|tcp"},
    {"[FE80:0:0::1]:1:2", "fe80::1|1|2|1|tcp"},
    {"65535:65535", "|65535|65535|1|tcp"},
    {"080:0080", "|80|80|1|tcp"},
};

static const struct {
    const char *text, *message;
} bad[] = {
    {"", "non-empty port"},
    {"80:", "non-empty port"},
    {"0", "between 1 and 65535"},
    {"0:80", "between 1 and 65535"},
    {"65536", "between 1 and 65535"},
    {"99999999999999999999:80", "between 1 and 65535"},
    {"http", "invalid port number \"http\""},
    {"+80", "invalid port number"},
    {" 80", "invalid port number"},
    {"80-79", "cannot be less than"},
    {"80-", "non-empty port"},
    {"80-81-82", "invalid port number"},
    {"8000-8001:80", "different lengths: 2 vs 1"},
    {"8000:80-81", "different lengths: 1 vs 2"},
    {"80/sctp", "sctp are not supported"},
    {"80/icmp", "unrecognized protocol \"icmp\""},
    {"80/", "non-empty protocol"},
    {"80/tcp/udp", "only be specified once"},
    {":8080:80", "non-empty container host IP"},
    {"localhost:8080:80", "cannot parse \"localhost\""},
    {"1.2.3:8080:80", "cannot parse \"1.2.3\""},
    {"1.2.3.4:5:6:7", "format is"},
    {"::1:8080:80", "format is"},
    {"[::1]:80", "with an IPv6 address"},
    {"[::1]", "followed by a colon"},
    {"[::1]80", "followed by a colon"},
    {"::1]:80:80", "enclosed by []"},
    {"[::1:80:80", "enclosed by []"},
    {"[127.0.0.1]:80:80", "as an IPv6 address"},
    {"[:::::::::::::::::::::::::::::::::::::::::::::::::::::::::1]:80:80", "as an IPv6 address"},
    {"[::1][::2]:80:80", "enclosed by []"},
};

static void test_good(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof(good) / sizeof(*good); i++) {
        struct port_mapping m;
        struct err err = {0};
        char got[128];
        if (port_mapping_parse(good[i].text, &m, &err) < 0)
            fail_msg("%s: %s", good[i].text, err.message);
        snprintf(got, sizeof(got), "%s|%u|%u|%u|%s", m.host_ip, m.host_port, m.container_port,
                 m.count, port_protocol_name(m.protocol));
        assert_string_equal(got, good[i].want);
    }
}

static void test_bad(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof(bad) / sizeof(*bad); i++) {
        struct port_mapping m = {.count = 77};
        struct err err = {0};
        if (port_mapping_parse(bad[i].text, &m, &err) >= 0)
            fail_msg("%s was taken", bad[i].text);
        assert_int_equal(m.count, 77);
        assert_int_equal(err.kind, ERR_USAGE);
        if (!strstr(err.message, bad[i].message))
            fail_msg("%s: %s", bad[i].text, err.message);
    }
}

static void test_expose(void **state)
{
    (void)state;
    struct port_mapping m;
    assert_int_equal(port_expose_parse("53-54/udp", &m, NULL), 0);
    assert_int_equal(m.container_port, 53);
    assert_int_equal(m.count, 2);
    assert_int_equal(m.protocol, PORT_UDP);
    assert_int_equal(port_expose_parse("80:80", &m, NULL), -EINVAL);
    assert_int_equal(port_expose_parse("[::1]:80:80", &m, NULL), -EINVAL);
}

static void test_conflict(void **state)
{
    (void)state;
    static const struct {
        const char *a, *b;
        bool want;
    } rows[] = {
        {"8080:80", "8080:81", true},
        {"8080:80", "8081:80", false},
        {"8080:80", "8080:80/udp", false},
        {"8080:80", "127.0.0.1:8080:80", true},
        {"127.0.0.1:8080:80", "127.0.0.2:8080:80", false},
        {"8000-8010:80-90", "8010:7", true},
        {"8000-8010:80-90", "8011:7", false},
        {"80", "80", false},
    };
    for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++) {
        struct port_mapping a, b;
        assert_int_equal(port_mapping_parse(rows[i].a, &a, NULL), 0);
        assert_int_equal(port_mapping_parse(rows[i].b, &b, NULL), 0);
        assert_int_equal(port_mappings_conflict(&a, &b), rows[i].want);
        assert_int_equal(port_mappings_conflict(&b, &a), rows[i].want);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_good),
        cmocka_unit_test(test_bad),
        cmocka_unit_test(test_expose),
        cmocka_unit_test(test_conflict),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
