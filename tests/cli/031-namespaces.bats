#!/usr/bin/env bats
# SPDX-License-Identifier: Apache-2.0
# Which namespaces a container has for itself.
# bats file_tags=main

load helpers

test_setup() {
    need_image debian
}

@test "--network host: the machine's network, its name, and a /sys that cannot be written" {
    run_apart wherry run --rm --network host debian sh -c 'readlink /proc/self/ns/net; hostname
        echo /sys/class/net/*; find /sys -xdev -type f -writable 2>/dev/null | head -3; touch /sys/fs/cgroup/x 2>/dev/null && echo written; true'
    assert_status 0
    assert_output "$(readlink /proc/self/ns/net)
$(hostname)
$(echo /sys/class/net/*)"
    run_apart wherry run --rm --network host --hostname box debian hostname
    assert_output box
}

@test "--network host gives no power over the machine's network" {
    run_apart wherry run --rm --network host debian sh -c 'echo 1 >/proc/sys/net/ipv4/ip_forward'
    assert_status 2
    wherry create --name c --network host debian true
    assert_equal "$(wherry inspect --format '{{.HostConfig.NetworkMode}}' c)" host
}

@test "an unknown network is refused" {
    run_apart wherry run --rm --network nothing debian true
    assert_refused 'network "nothing" is not supported'
}
