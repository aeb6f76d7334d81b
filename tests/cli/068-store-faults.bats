#!/usr/bin/env bats
# SPDX-License-Identifier: Apache-2.0
# A crash, a power failure or a full disk at every moment of tag, untag, rmi, prune, create and rm.

load helpers
load faults

test_setup() {
    need_kill_at
    need_image hello
    printf 'FROM hello\nCOPY Dockerfile /first\n' >Dockerfile
    wherry build -q -t first .
    wherry tag hello other
    wherry create --name old first
    keep_template
}

# That its content is right, the check has found.
hello_is_there() {
    wherry inspect hello >/dev/null
}

# The image is there with all or gone with all.
first_is_whole_or_gone() {
    hello_is_there || return
    if wherry image exists first; then
        wherry image tree first >/dev/null
    fi
}

old_is_whole_or_gone() {
    if wherry inspect --type container old >/dev/null 2>&1; then
        wherry inspect --format '{{.State.Status}}' old >/dev/null
    else
        [[ -z $(find "$WHERRY_ROOT/names" -name old) ]]
    fi
}

new_is_whole_or_gone() {
    if wherry inspect --type container new >/dev/null 2>&1; then
        wherry rm new >/dev/null || return
    fi
    wherry create --name new hello >/dev/null
}

@test "tag and untag killed at every call" {
    fault_loop kill wherry hello_is_there tag hello a b
    fault_loop kill wherry hello_is_there untag hello other
}

@test "rmi, image prune and rm killed at every call" {
    fault_loop kill wherry first_is_whole_or_gone rmi -f first
    fault_loop kill wherry old_is_whole_or_gone rm old
    WHERRY_ROOT=$template wherry create --name keep hello
    WHERRY_ROOT=$template wherry rm old
    fault_loop kill wherry first_is_whole_or_gone image prune -af
}

@test "create killed at every call" {
    fault_loop kill wherry new_is_whole_or_gone create --name new hello
}

@test "the power fails at every call of tag, untag, rmi" {
    fault_loop power wherry hello_is_there tag hello a b
    fault_loop power-loose wherry hello_is_there tag hello a
    fault_loop power wherry hello_is_there untag hello other
    fault_loop power wherry first_is_whole_or_gone rmi -f first
}

@test "the power fails at every call of create and rm" {
    local kind
    for kind in power power-loose; do
        fault_loop $kind wherry new_is_whole_or_gone create --name new hello
        fault_loop $kind wherry old_is_whole_or_gone rm old
    done
    # Nothing of it is synced; what the failure leaves takes nobody's name.
    fault_loop power wherry new_is_whole_or_gone create --rm --name new hello
}

@test "no room, and errors of the disk, at every call of tag, rmi and create" {
    local kind
    for kind in enospc eio emfile; do
        fault_loop $kind wherry hello_is_there tag hello a
        fault_loop $kind wherry first_is_whole_or_gone rmi -f first
        fault_loop $kind wherry new_is_whole_or_gone create --name new hello
    done
}

@test "killed at random, 60 times, while others work" {
    local n
    fresh_store kill
    for ((n = 0; n < 60; n++)); do
        wherry tag hello "t$n" &
        wherry create --name "n$n" hello >/dev/null &
        timeout -s KILL "0.0$((RANDOM % 30))" "$WHERRY" rmi -f other first "t$((n - 1))" >/dev/null 2>&1 &
        timeout -s KILL "0.0$((RANDOM % 30))" "$WHERRY" image prune -f >/dev/null 2>&1 &
        wait
        wherry tag hello other first
        wherry rm -f "n$n" >/dev/null
    done
    store_is_sound 'random kills'
    run_apart wherry run --rm hello
    assert_status 0
}
