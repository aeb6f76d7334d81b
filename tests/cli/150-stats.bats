#!/usr/bin/env bats
# SPDX-License-Identifier: Apache-2.0
# stats: what containers use.
# bats file_tags=main,stats

load helpers

test_setup() {
    need_image debian
}

@test "the table, once" {
    wherry run -d --name c debian sh -c 'sleep 1000 & wait' >/dev/null
    wherry create --name made debian true >/dev/null
    run_apart wherry stats --no-stream
    assert_status 0
    assert_match "${lines[0]}" '^ID +NAME +CPU % +MEM USAGE / LIMIT +MEM % +NET IO +BLOCK IO +PIDS +CPU TIME +AVG CPU %$'
    assert_match "${lines[1]}" '^[0-9a-f]{12}  c +[0-9.]+% +[0-9.]+[kM]B / [0-9.]+GB +[0-9.]+% +[0-9.]+[kM]?B / [0-9.]+[kM]?B +.* +2 +[0-9.m]+s +[0-9.]+%$'
    assert_equal "${#lines[@]}" 2
    run_apart wherry stats --no-stream --all
    assert_equal "${#lines[@]}" 3
    assert_match "$output" '  made +-- +-- / --'
    run_apart wherry container stats --no-stream --no-trunc --latest
    assert_match "${lines[1]}" '^[0-9a-f]{64}  made '
    wherry rm -f c
}

@test "formats" {
    wherry run -d --name c debian sleep 1000 >/dev/null
    run_apart wherry stats --no-stream --format '{{.Name}} {{.PIDS}}' c
    assert_output 'c 1'
    run_apart wherry stats --no-stream --format json c
    assert_match "$output" '"name": "c"'
    assert_match "$output" '"cpu_percent": "[0-9.]+%"'
    refute_match "$output" 'CPUPerc'
    wherry rm -f c
}

@test "a busy container, again and again, until it ends" {
    wherry run -d --name c debian sh -c 'head -c 30000000 /dev/zero >/file; sync; until [ -e /go ]; do :; done' >/dev/null
    "$WHERRY" stats -i 1 --format '{{.CPUPerc}} {{.UpTime}} {{.BlockIO}}' c >out 3>&- &
    local watcher=$!
    wait_for bash -c '[[ $(wc -l <out) -ge 3 ]]'
    wherry exec c touch /go
    wait "$watcher"
    # It used a good part of a CPU, and its writes are its own although the server did them.
    assert_match "$(sed -n 3p out)" '^[1-9][0-9]+\.[0-9]+% ([0-9]+m)?[0-9.]+m?s .* / 3[0-9.]*MB$'
    assert_match "$(tail -n 1 out)" '^-- --'
    refute_match "$(<out)" $'\033'
}

@test "on a terminal a report takes the place of the last" {
    wherry run -d --name c debian sleep 1000 >/dev/null
    run expect -c '
        set timeout 20
        log_user 0
        spawn -noecho $env(WHERRY) stats -i 1
        expect -re "\033\\\[2J\033\\\[HID .*\033\\\[K\r\n.*  c  .*\033\\\[J" {} timeout { exit 90 }
        expect -re "\033\\\[HID .*  c  .*\033\\\[J" {} timeout { exit 91 }
        close
        wait
        exit 0'
    assert_status 0
    wherry rm -f c
}

@test "what cannot be" {
    run_apart wherry stats --no-stream missing
    assert_refused 'no container with name or ID "missing" found: no such container'
    run_apart wherry stats -i 0
    assert_refused 'invalid interval'
    run_apart wherry stats --all x
    assert_refused 'cannot be used together'
    run_apart wherry stats --no-stream --format '{{.Nothing'
    assert_refused .
}
