#!/usr/bin/env bats
# SPDX-License-Identifier: Apache-2.0
# Run by root, wherry works the same way: a user namespace of its own, no other code path.

load helpers

@test "root builds and runs hello" {
    make_hello context
    wherry build -t hello context
    run_apart wherry run --rm hello
    assert_status 0
    assert_output 'Hello from a container with nothing in it but this program.'
}

@test "root's container is in a user namespace of its own" {
    need_image debian
    run_apart wherry run --rm debian readlink /proc/self/ns/user
    assert_status 0
    [[ $output != "$(readlink /proc/self/ns/user)" ]]
}

@test "root's container cannot reach the host" {
    need_image debian
    run wherry run --rm debian sh -c 'echo 1 >/proc/sys/kernel/panic'
    [[ $status != 0 ]]
    run wherry run --rm debian sh -c 'mknod /null c 1 3 && echo x >/null'
    [[ $status != 0 ]]
}

@test "exit status, commit, several containers, removal" {
    need_image debian
    run_apart wherry run --name r debian sh -c 'echo change >/change; exit 3'
    assert_status 3
    wherry commit -q r changed
    run_apart wherry run --rm changed cat /change
    assert_output change
    run_apart wherry ps -a --format '{{.Names}} {{.Status}}'
    assert_match "$output" '^r Exited \(3\) '
    wherry rm r
    wherry rmi changed
}

@test "another user cannot reach root's store" {
    need_image hello
    assert_equal "$(stat -c %a "$WHERRY_ROOT")" 700
    run setpriv --reuid=65534 --regid=65534 --clear-groups ls "$WHERRY_ROOT"
    [[ $status != 0 ]]
}
