#!/usr/bin/env bats
# SPDX-License-Identifier: Apache-2.0
# ps: filters, sizes, orders, --watch; start --all and --filter.

load helpers

test_setup() {
    need_image debian
}

names() {
    wherry ps -a --format '{{.Names}}' "$@" | tr '\n' ' '
}

@test "filters of ps" {
    wherry create --name a --restart always debian sleep 1
    wherry create --name b --network host debian true
    wherry create --name c debian true
    assert_equal "$(names --filter restart-policy=always)" 'a '
    assert_equal "$(names --filter network=host)" 'b '
    assert_equal "$(names --filter command=sleep)" 'a '
    assert_equal "$(names --filter before=b)" 'a '
    assert_equal "$(names --filter since=b)" 'c '
    assert_equal "$(names --filter until=1h)" ''
    assert_equal "$(names --filter until=2200-01-01)" 'c b a '
    assert_equal "$(names --filter command=true --filter network=host)" 'b '
    run_apart wherry ps --filter until=nonsense -a
    assert_refused 'failed to parse'
    run_apart wherry ps --filter colour=blue
    assert_refused 'colour is an invalid filter'
}

@test "ps -s tells what was written; orders" {
    wherry run --name big debian sh -c 'head -c 3000000 /dev/zero >/file'
    wherry create --name small debian true
    run_apart wherry ps -as
    assert_match "${lines[0]}" 'NAMES +SIZE$'
    assert_match "$output" 'big +3(\.0.)?MB \(virtual [0-9.]+MB\)'
    assert_equal "$(names --sort size)" 'small big '
    assert_equal "$(names --sort command)" 'big small '
    assert_equal "$(names --sort names)" 'big small '
    assert_match "$(wherry ps -as --format json)" '"rwSize": ?3[0-9]{6}'
    run_apart wherry ps --sort weight
    assert_refused 'cannot sort by "weight"'
}

@test "--watch shows it again" {
    wherry create --name w debian true
    timeout 20 "$WHERRY" ps -a --watch 1 --format '{{.Names}}' >out 3>&- &
    local watcher=$!
    wait_for bash -c '(($(grep -c w out) >= 2))'
    kill "$watcher"
    wait "$watcher" || true
}

@test "start --all starts what does not run, --filter chooses" {
    wherry create --name a --label x=1 debian sleep 1000
    wherry create --name b debian sleep 1000
    wherry start --filter label=x=1
    container_is a running
    container_is b created
    assert_equal "$(wherry start --all | wc -l)" 1
    container_is b running
    run_apart wherry start
    assert_refused 'you must provide at least one name or id'
    run_apart wherry start --sig-proxy=false a
    assert_refused 'sig-proxy'
    wherry rm -fa
}
