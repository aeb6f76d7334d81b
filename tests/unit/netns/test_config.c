/* SPDX-License-Identifier: Apache-2.0 */
/* The options of a private network. */
#include "netns/config.h"

#include <arpa/inet.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

static void assert_address(struct in_addr a, const char *want)
{
    char text[INET_ADDRSTRLEN];
    assert_string_equal(inet_ntop(AF_INET, &a, text, sizeof(text)), want);
}

static void test_good(void **state)
{
    struct netns_config c;
    netns_config_init(&c);
    assert_address(c.network, "10.0.2.0");
    assert_address(c.address, "10.0.2.100");
    assert_true(c.ipv6 && !c.ipv6_required && !c.allow_host_loopback);
    assert_int_equal(netns_config_option(&c, "cidr=192.168.7.9/16", NULL), 0);
    assert_address(c.network, "192.168.0.0");
    assert_address(c.mask, "255.255.0.0");
    assert_address(c.gateway, "192.168.0.2");
    assert_address(c.dns, "192.168.0.3");
    assert_address(c.address, "192.168.0.100");
    assert_int_equal(netns_config_option(&c, "cidr=10.1.1.200/25", NULL), 0);
    assert_address(c.address, "10.1.1.228");
    assert_int_equal(netns_config_option(&c, "mtu=1500", NULL), 0);
    assert_int_equal(c.mtu, 1500);
    assert_int_equal(netns_config_option(&c, "enable_ipv6=true", NULL), 0);
    assert_true(c.ipv6 && c.ipv6_required);
    assert_int_equal(netns_config_option(&c, "enable_ipv6=false", NULL), 0);
    assert_false(c.ipv6 || c.ipv6_required);
    assert_int_equal(netns_config_option(&c, "allow_host_loopback=true", NULL), 0);
    assert_true(c.allow_host_loopback);
    assert_int_equal(netns_config_option(&c, "outbound_addr=10.9.8.7", NULL), 0);
    assert_address(c.outbound_addr, "10.9.8.7");
    assert_int_equal(netns_config_option(&c, "outbound_addr6=fd00::9", NULL), 0);
    assert_int_equal(c.outbound_addr6.s6_addr[15], 9);
    assert_int_equal(netns_config_mac(&c, "02:aB:00:33:44:ff", NULL), 0);
    assert_int_equal(c.mac[1], 0xab);
    assert_int_equal(c.mac[5], 0xff);
}

static void test_bad(void **state)
{
    static const char *const options[] = {
        "",
        "mtu",
        "mtu=",
        "mtu=1279",
        "mtu=65522",
        "mtu=-1",
        "mtu= 1500",
        "mtu=1500x",
        "mtu=99999999999999999999",
        "cidr=10.0.2.0",
        "cidr=10.0.2.0/",
        "cidr=10.0.2.0/26",
        "cidr=10.0.2.0/7",
        "cidr=10.0.2/24",
        "cidr=127.0.0.0/8",
        "cidr=0.0.0.0/8",
        "cidr=224.0.0.0/24",
        "cidr=255.255.255.0/24",
        "cidr=10.0.2.0000000000000000000/24",
        "cidr=fd00::/64",
        "enable_ipv6=yes",
        "enable_ipv6",
        "allow_host_loopback=",
        "allow_host_loopback=TRUE",
        "outbound_addr=lo",
        "outbound_addr6=10.0.0.1",
        "port_handler=unknown",
        "unknown=1",
        "=1",
        "a_key_that_is_longer_than_any_that_there_is=1",
    };
    static const char *const macs[] = {
        "",
        "02:00:00:00:00",
        "02:00:00:00:00:0",
        "02:00:00:00:00:001",
        "01:00:00:00:00:01",
        "00:00:00:00:00:00",
        "02-00-00-00-00-01",
        "02:00:00:00:00:0g",
        "+2:00:00:00:00:01",
        " 02:00:00:00:00:1",
    };
    struct netns_config c, before;
    struct err err;
    netns_config_init(&c);
    before = c;
    for (size_t i = 0; i < sizeof(options) / sizeof(*options); i++) {
        if (netns_config_option(&c, options[i], &err) != -EINVAL || err.kind != ERR_USAGE)
            fail_msg("%s was taken", options[i]);
        assert_memory_equal(&c, &before, sizeof(c));
    }
    for (size_t i = 0; i < sizeof(macs) / sizeof(*macs); i++)
        if (netns_config_mac(&c, macs[i], &err) != -EINVAL)
            fail_msg("%s was taken", macs[i]);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_good), cmocka_unit_test(test_bad)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
