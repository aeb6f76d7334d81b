#!/usr/bin/env bats
# SPDX-License-Identifier: Apache-2.0
# attach: clients that come later, several of them, slow ones. With a terminal: 144-tty-clients.bats.
# bats file_tags=main,attach

load helpers

test_setup() {
    need_image debian
}

@test "attach shows what comes from now on, and ends with the status" {
    wherry run -d --name c debian sh -c 'echo early; until [ -e /go ]; do sleep 0.05; done; echo late; echo err >&2; exit 6'
    wait_for bash -c '[[ $("$1" logs c) == early ]]' bash "$WHERRY"
    "$WHERRY" attach c >out 2>errors 3>&- &
    local client=$! status=0
    wait_for clients_are 1 c
    wherry exec c touch /go
    wait "$client" || status=$?
    assert_equal "$status" 6
    assert_equal "$(<out)" late
    assert_equal "$(<errors)" err
}

# How many clients' sockets the monitor of a container has open, beside the one it listens on and
# that of the network's helper.
clients_are() { # N CONTAINER
    local pid
    pid=$(wherry inspect --format '{{.State.ConmonPid}}' "$2")
    [[ $(find "/proc/$pid/fd" -lname 'socket:*' | wc -l) == $(($1 + 2)) ]]
}

@test "stdin goes to a container that wants it, from several clients" {
    wherry run -d -i --name c debian cat
    echo one | timeout 20 "$WHERRY" attach --no-stdin --detach-keys '' c 3>&- &
    local client=$!
    wait_for clients_are 1 c
    echo two | timeout 20 "$WHERRY" attach c
    wait "$client"
    wait_for container_is c exited
    assert_equal "$(wherry logs c)" two
}

@test "all clients see the same" {
    wherry run -d --name c debian sh -c 'until [ -e /go ]; do sleep 0.05; done; head -c 3000000 /dev/urandom'
    local i
    for i in 1 2 3; do
        "$WHERRY" attach c >"out$i" 3>&- &
    done
    wait_for clients_are 3 c
    wherry exec c touch /go
    wait
    assert_equal "$(stat -c %s out1)" 3000000
    cmp out1 out2
    cmp out1 out3
}

@test "only what runs can be attached to" {
    wherry create --name c debian true
    run_apart wherry attach c
    assert_refused 'you can only attach to running containers'
    run_apart wherry attach missing
    assert_refused 'no container with name or ID "missing" found: no such container'
    run_apart wherry attach
    assert_refused 'attach requires the name or id of one running container'
    run_apart wherry attach --detach-keys nonsense c
    assert_refused 'nonsense'
}

@test "signals go to the container, unless --sig-proxy=false" {
    wherry run -d --name c debian sh -c 'trap "exit 9" TERM; while :; do sleep 0.1; done'
    "$WHERRY" attach --sig-proxy=false c 3>&- &
    local client=$! status=0
    wait_for clients_are 1 c
    kill -TERM "$client"
    wait "$client" || status=$?
    assert_equal "$status" 143
    container_is c running
    "$WHERRY" attach --latest 3>&- &
    client=$! status=0
    wait_for clients_are 1 c
    kill -TERM "$client"
    wait "$client" || status=$?
    assert_equal "$status" 9
}

@test "a stopped client is let go and the container goes on" {
    wherry run -d --name c debian sh -c 'until [ -e /go ]; do sleep 0.05; done
        head -c 20000000 /dev/zero; touch /through; sleep 1000'
    "$WHERRY" attach c >out 2>errors 3>&- &
    local client=$! status=0
    wait_for clients_are 1 c
    kill -STOP "$client"
    wherry exec c touch /go
    wait_for wherry exec c test -e /through
    kill -CONT "$client"
    wait "$client" || status=$?
    assert_equal "$status" 125
    grep -q 'let go' errors
    container_is c running
    wherry rm -f c
}
