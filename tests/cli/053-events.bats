#!/usr/bin/env bats
# SPDX-License-Identifier: Apache-2.0
# events: what is written, shown, filtered and followed.

load helpers

test_setup() {
    need_image debian
}

statuses() { # OPTION...
    wherry events --stream=false --format '{{.Status}}' "$@" | tr '\n' ' '
}

@test "a container's life is told in order" {
    wherry run -d --name e --label x=y debian sh -c 'exit 3'
    wherry wait e
    wherry rename e zed
    wherry rm zed
    assert_equal "$(statuses --filter container=zed) | $(statuses)" \
        'rename remove  | create start died cleanup rename remove '
    run_apart wherry events --stream=false
    assert_match "${lines[0]}" \
        '^20[0-9-]+ [0-9:.]+ \+0000 UTC container create [0-9a-f]{64} \(image=docker.io/library/debian:latest, name=e, x=y\)$'
    run_apart wherry events --stream=false --format json --filter event=died
    assert_match "$output" '"ContainerExitCode": ?3'
}

@test "stop, kill, pause, exec and restart are told" {
    wherry run -d --name e debian sh -c 'trap "exit 0" TERM; while :; do sleep 0.05; done'
    wherry exec e true
    wherry pause e
    wherry unpause e
    wherry kill -s CONT e
    wherry restart e
    wherry stop e
    wherry rm e
    assert_equal "$(statuses)" \
        'create start exec exec_died pause unpause kill died cleanup stop start restart died cleanup stop remove '
}

@test "attach, export, and a command with its id are told; the monitor knows a new name" {
    wherry run -d --name e --label x=y debian sh -c 'trap "exit 7" TERM; while :; do sleep 0.05; done'
    wait_for catches_term e
    local id
    id=$(wherry exec -d e sh -c 'exit 5')
    wait_for grep -q exec_died "$WHERRY_ROOT/events.log"
    assert_equal "$(wherry events --stream=false --filter event=exec_died --format '{{.ContainerExitCode}} {{.Attributes.execID}} {{.Attributes.x}}')" "5 $id y"
    timeout 20 "$WHERRY" attach --no-stdin e </dev/null >/dev/null 3>&- &
    local client=$!
    wait_for grep -q '"attach"' "$WHERRY_ROOT/events.log"
    wherry rename e zed
    wherry stop zed
    wait "$client" || true
    wherry export -o e.tar zed
    assert_equal "$(statuses --filter container=zed)" 'rename died cleanup stop export '
    assert_equal "$(wherry events --stream=false --filter event=died --format '{{.Name}} {{.ContainerExitCode}}')" 'zed 7'
}

@test "a mounted image is told" {
    run_apart wherry image mount debian
    assert_status 0
    wherry image unmount debian
    assert_equal "$(statuses --filter type=image)" 'mount unmount '
}

@test "images and volumes are told, filters choose" {
    wherry tag debian other:1
    wherry untag other:1 other:1
    wherry volume create v
    wherry volume rm v
    wherry create --name c --label a=b debian true
    wherry rm c
    assert_equal "$(statuses --filter type=image)" 'tag untag '
    assert_equal "$(statuses --filter volume=v)" 'create remove '
    assert_equal "$(statuses --filter label=a=b --filter event=create)" 'create '
    assert_equal "$(statuses --filter label=a=c)" ''
    run_apart wherry events --stream=false --filter nonsense=1
    assert_refused 'nonsense is an invalid filter'
}

@test "--since and --until bound it, until ends a stream" {
    wherry volume create a
    sleep 0.01
    local t
    t=$(date -u +%Y-%m-%dT%H:%M:%S.%NZ)
    wherry volume create b
    assert_equal "$(wherry events --stream=false --since "$t" --format '{{.Name}}')" b
    assert_equal "$(wherry events --stream=false --until "$t" --format '{{.Name}}')" a
    run_apart timeout 20 "$WHERRY" events --until "$(date -u -d '+1 second' +%Y-%m-%dT%H:%M:%SZ)" --format '{{.Name}}'
    assert_status 0
    assert_output $'a\nb'
    run_apart wherry events --since nonsense
    assert_refused 'failed to parse value as time or duration'
}

@test "a stream shows what happens next, across a rotation" {
    wherry volume create before
    timeout 60 "$WHERRY" events --since 0 --format '{{.Name}}' >out 3>&- &
    local reader=$!
    wait_for grep -q before out
    # Beyond the limit: the next writer moves it.
    head -c 4300000 /dev/zero | tr '\0' 'x' >>"$WHERRY_ROOT/events.log"
    echo >>"$WHERRY_ROOT/events.log"
    wherry volume create mover
    [[ -e $WHERRY_ROOT/events.log.1 ]]
    wherry volume create after
    wait_for grep -q after out
    kill "$reader"
    wait "$reader" || true
    assert_equal "$(cat out)" $'before\nmover\nafter'
    assert_equal "$(wherry events --stream=false --format '{{.Name}}')" $'before\nmover\nafter'
}

@test "many writers at once: whole lines" {
    local n
    for ((n = 0; n < 20; n++)); do
        wherry volume create "v$n" >/dev/null 3>&- &
    done
    wait
    assert_equal "$(statuses --filter event=create | wc -w)" 20
}

@test "wait tells the code of a --rm container that is gone" {
    local n waiter
    for n in 1 2 3; do
        wherry run -d --rm --name "w$n" debian sh -c "until [ -e /go ]; do sleep 0.02; done; exit $n"
        "$WHERRY" wait "w$n" >out 3>&- &
        waiter=$!
        wait_for is_waiting "$waiter"
        wherry exec "w$n" touch /go
        wait "$waiter"
        assert_equal "$(<out)" "$n"
    done
}
