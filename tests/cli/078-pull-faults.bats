#!/usr/bin/env bats
# SPDX-License-Identifier: Apache-2.0
# A crash, a power failure or a full disk in the middle of a pull. What was fetched is whole or not
# there, and the next pull gets the image.

load helpers
load faults
load registry

test_setup() {
    need_kill_at
    need_registry
    own_home
    need_image hello
    start_registry
    allow_plain "$registry"
    head -c 400000 /dev/urandom >one
    head -c 300000 /dev/urandom >two
    printf 'FROM hello\nCOPY one /one\nCOPY two /two\n' >Dockerfile
    wherry build -q -t made .
    wherry push -q made "$registry/made"
    id=$(wherry inspect --format '{{.Id}}' made)
    wherry rmi made >/dev/null
    keep_template
    # Many calls are alike: a short run takes a part of them.
    [[ ${WHERRY_TEST_LONG:-} ]] || export FAULT_STRIDE=7
}

# Whatever happened, the image comes by another pull, is all there and runs.
the_next_pull_works() { # WHAT
    wherry inspect hello >/dev/null || return
    if wherry image exists "$registry/made"; then
        wherry save "$registry/made" >/dev/null || return
    fi
    assert_equal "$(wherry pull -q "$registry/made")" "$id" || return
    cmp <(wherry save "$registry/made" | tar -xOf - --wildcards '*.json' | sha256sum) whole || return
    store_is_sound "the pull after $1"
}

# What a pull without faults gives.
know_the_whole() {
    fresh_store kill
    wherry pull -q "$registry/made"
    wherry save "$registry/made" | tar -xOf - --wildcards '*.json' | sha256sum >whole
    assert_equal "$(wherry run --rm "$registry/made" /hello)" \
        'Hello from a container with nothing in it but this program.'
}

@test "pull killed, and without power, at sampled calls" {
    local kind
    know_the_whole
    for kind in kill power power-loose; do
        fault_loop "$kind" wherry the_next_pull_works pull -q "$registry/made"
    done
}

@test "pull on a full disk, with I/O errors and without descriptors, at sampled calls" {
    local kind
    know_the_whole
    for kind in enospc eio emfile; do
        fault_loop "$kind" wherry the_next_pull_works pull -q --retry 0 "$registry/made"
    done
}

@test "a pull killed at random, another beside it" {
    local n runs=20 begin took second
    [[ ! ${WHERRY_TEST_LONG:-} ]] || runs=200
    know_the_whole
    fresh_store kill
    begin=${EPOCHREALTIME/./}
    wherry pull -q "$registry/made"
    took=$((${EPOCHREALTIME/./} - begin))
    for ((n = 0; n < runs; n++)); do
        wherry rmi -f "$registry/made" >/dev/null
        wherry pull -q "$registry/made" >second 2>&1 3>&- &
        second=$!
        timeout -s KILL "$(printf '0.%06d' $((RANDOM * 32 % (took * 3 / 2) % 1000000 + 1)))" \
            "$WHERRY" pull -q "$registry/made" >/dev/null 2>&1 3>&- || true
        wait "$second" || {
            cat second
            return 1
        }
        assert_equal "$(<second)" "$id"
        store_is_sound "kill $n"
        the_next_pull_works "kill $n"
        # Alone, so that nobody takes over what it leaves.
        wherry rmi -f "$registry/made" >/dev/null
        timeout -s KILL "$(printf '0.%06d' $((RANDOM * 32 % took % 1000000 + 1)))" \
            "$WHERRY" pull -q "$registry/made" >/dev/null 2>&1 3>&- || true
        store_is_sound "kill $n of one alone"
        the_next_pull_works "kill $n of one alone"
    done
}
