#!/usr/bin/env bats
# SPDX-License-Identifier: Apache-2.0
# Restart policies, --timeout, pause and unpause.

load helpers

test_setup() {
    need_image debian
}

restart_count() {
    wherry inspect --format '{{.RestartCount}}' "$1"
}

restarted() { # CONTAINER TIMES
    (($(restart_count "$1") >= $2))
}

@test "on-failure:2 starts it three times, and its last code is told" {
    wherry run -d --name r --restart on-failure:2 debian sh -c 'echo life; exit 7'
    wait_for container_is r exited
    assert_equal "$(wherry logs r)" $'life\nlife\nlife'
    assert_equal "$(restart_count r)" 2
    assert_equal "$(wherry inspect --format '{{.State.ExitCode}} {{.HostConfig.RestartPolicy.Name}} {{.HostConfig.RestartPolicy.MaximumRetryCount}}' r)" \
        '7 on-failure 2'
}

@test "on-failure leaves a success alone" {
    wherry run -d --name r --restart on-failure debian true
    wait_for container_is r exited
    assert_equal "$(restart_count r)" 0
}

@test "always: until stop, which is the end" {
    wherry run -d --name r --restart always debian sh -c 'exit 0'
    wait_for restarted r 2
    run_apart wherry stop r
    assert_status 0
    container_is r exited
    local n
    n=$(restart_count r)
    wait_for no_processes
    assert_equal "$(restart_count r)" "$n"
}

@test "a signal that is no end does not end the policy, kill does" {
    wherry run -d --name r --restart unless-stopped debian sh -c 'trap "exit 1" HUP; echo ready; sleep 1000 & wait'
    wait_for bash -c '"$1" logs r | grep -q ready' bash "$WHERRY"
    wherry kill -s HUP r
    wait_for restarted r 1
    wait_for container_is r running
    wherry kill r
    container_is r exited
    wait_for no_processes
}

@test "rm -f ends one that rests, update takes the policy away" {
    wherry run -d --name r --restart always debian false
    wait_for restarted r 1
    wherry rm -f r
    run_apart wherry container exists r
    assert_status 1
    wherry run -d --name u --restart always debian sh -c 'sleep 0.3'
    run_apart wherry update --restart no u
    assert_status 0
    wait_for container_is u exited
    wait_for no_processes
}

@test "policies that are none are refused" {
    local p
    for p in sometimes always:3 on-failure:x on-failure:; do
        run_apart wherry create --restart "$p" debian true
        assert_refused .
    done
    run_apart wherry create --rm --restart always debian true
    assert_refused 'the --rm option conflicts with --restart'
}

@test "the monitor of one with a policy is killed: it is seen as exited" {
    wherry run -d --name r --restart always debian sleep 1000
    kill_processes
    wait_for no_processes
    container_is r exited
    wherry start r
    container_is r running
    wherry rm -f r
}

@test "--timeout kills it" {
    run_apart timeout 20 "$WHERRY" run --timeout 1 --name t debian sleep 1000
    assert_status 137
    container_is t exited
}

# How much it has written.
ticks() {
    wherry logs p | wc -c
}

# It would have written some fifteen times.
is_quiet() {
    local before
    before=$(ticks)
    sleep 0.3
    [[ $(ticks) == "$before" ]]
}

@test "pause: nothing moves, the client may go, unpause lets it go on" {
    wherry run -d --name p debian sh -c 'sh -c "while :; do echo x; sleep 0.02; done" & trap "exit 0" TERM; wait'
    wait_for bash -c '[[ $("$1" logs p) ]]' bash "$WHERRY"
    run_apart wherry pause p
    assert_status 0
    assert_output p
    container_is p paused
    assert_match "$(wherry ps --format '{{.Status}}')" '^Paused$'
    # What was on its way gets there, then nothing comes any more.
    local b pid
    wait_for is_quiet
    b=$(ticks)
    pid=$(wherry inspect --format '{{.State.Pid}}' p)
    assert_match "$(cat "/proc/$pid/stat")" '\) T '
    run_apart wherry pause p
    assert_refused '"paused" is not running'
    run_apart wherry exec p true
    [[ $status != 0 ]]
    assert_error 'paused'
    run_apart wherry unpause p
    assert_status 0
    container_is p running
    wait_for bash -c '(($("$1" logs p | wc -c) > $2))' bash "$WHERRY" "$b"
    wherry rm -f p
}

@test "stop lets a paused one hear the signal; rm -f and kill take it" {
    local n
    for n in a b c; do
        wherry run -d --name "$n" debian sh -c 'trap "exit 4" TERM; while :; do sleep 0.05; done'
    done
    assert_equal "$(wherry pause -a | wc -l)" 3
    wherry stop a
    assert_equal "$(wherry inspect --format '{{.State.ExitCode}}' a)" 4
    wherry kill b
    assert_equal "$(wherry inspect --format '{{.State.ExitCode}}' b)" 137
    wherry rm -f c
    wherry start a
    run_apart wherry unpause a
    assert_refused 'is not paused'
    wherry rm -f a
}

@test "commit of a paused container leaves it paused" {
    wherry run -d --name p debian sleep 1000
    wherry pause p
    wherry commit -q --pause p image
    container_is p paused
    local pid
    pid=$(wherry inspect --format '{{.State.Pid}}' p)
    assert_match "$(cat "/proc/$pid/stat")" '\) T '
    wherry rm -f p
}

@test "a container in somebody's pid namespace is not paused" {
    wherry run -d --name p --pid=host debian sleep 1000
    run_apart wherry pause p
    assert_refused 'shares its pid namespace'
    container_is p running
    wherry rm -f p
}
