#!/usr/bin/env bats
# SPDX-License-Identifier: Apache-2.0
# create, start, stop, rm, ps, logs, and what happens when a client dies.
# bats file_tags=main

load helpers

test_setup() {
    need_image debian
}

@test "create makes it, start runs it, and again" {
    run_apart wherry create --name c debian sh -c 'echo run >>/log; wc -l </log'
    assert_status 0
    assert_match "$output" '^[0-9a-f]{64}$'
    container_is c created
    run_apart wherry ps -a --format '{{.Status}}'
    assert_output Created
    run_apart wherry start c
    assert_status 0
    assert_output c
    wait_for container_is c exited
    wherry start c
    wait_for container_is c exited
    run_apart wherry logs c
    # What it wrote is still there the second time.
    assert_output $'1\n2'
}

@test "start -a shows the output and passes the status on" {
    wherry create --name c debian sh -c 'echo shown; exit 4'
    run_apart wherry start -a c
    assert_status 4
    assert_output shown
}

@test "ps shows what runs, ps -a everything, in podman's form" {
    wherry run --name done3 debian sh -c 'exit 3' || true
    start_sleeper up
    run_apart wherry ps
    assert_equal "${#lines[@]}" 2
    assert_match "${lines[0]}" '^CONTAINER ID +IMAGE +COMMAND +CREATED +STATUS +PORTS +NAMES *$'
    assert_match "${lines[1]}" \
        '^[0-9a-f]{12}  [^ ]*debian:latest +sh -c trap "exit.*\.\.\. +.* ago +Up .* +up *$'
    run_apart wherry ps -a
    assert_equal "${#lines[@]}" 3
    assert_match "$output" 'Exited \(3\) .* ago +done3'
    run_apart wherry ps -aq
    assert_match "${lines[0]}" '^[0-9a-f]{12}$'
    assert_equal "${#lines[@]}" 2
    run_apart wherry ps -aq --no-trunc
    assert_match "${lines[0]}" '^[0-9a-f]{64}$'
    run_apart wherry ps -a --filter status=exited --format '{{.Names}}'
    assert_output done3
    run_apart wherry ps -a --filter name=up --format '{{.Names}}'
    assert_output up
    run_apart wherry ps --format '{{.Names}} {{.Image}}'
    assert_match "$output" '^up [^ ]*debian:latest$'
    run_apart wherry ps -a --format json
    assert_match "$output" '"Names"'
    wherry rm -f up
}

@test "stop asks, and the container's status is told" {
    start_sleeper s
    run_apart wherry stop s
    assert_status 0
    assert_output s
    container_is s exited
    assert_equal "$(wherry inspect --format '{{.State.ExitCode}}' s)" 0
    run_apart wherry stop s
    assert_status 0
}

@test "stop -t 0 kills what does not listen" {
    wherry run -d --name s debian sh -c 'trap "" TERM; while :; do sleep 1; done'
    run_apart wherry stop -t 0 s
    assert_status 0
    assert_equal "$(wherry inspect --format '{{.State.ExitCode}}' s)" 137
}

@test "rm refuses what runs, with 2; -f removes it" {
    start_sleeper r
    run_apart wherry rm r
    assert_status 2
    assert_match "$stderr" '^Error: .*running'
    container_is r running
    run_apart wherry rm -f r
    assert_status 0
    run_apart wherry ps -aq
    assert_output ''
}

@test "rm of several, by name and by a prefix of the id" {
    local id
    wherry create --name a debian true
    wherry create --name b debian true
    id=$(wherry create debian true)
    run_apart wherry rm a b "${id:0:6}"
    assert_status 0
    assert_equal "${#lines[@]}" 3
    run_apart wherry ps -aq
    assert_output ''
}

@test "rm of a missing one is 1, the others go all the same; -f does not mind" {
    wherry create --name a debian true
    run_apart wherry rm missing a
    assert_status 1
    assert_match "$stderr" 'no container with name or ID "missing" found: no such container'
    run_apart wherry ps -aq
    assert_output ''
    run_apart wherry rm -f missing
    assert_status 0
}

@test "an id that fits several is refused" {
    local i digit
    # 17 containers: two ids share their first digit.
    for ((i = 0; i < 17; i++)); do
        wherry create debian true >>ids
    done
    digit=$(cut -c 1 ids | sort | uniq -d | head -n 1)
    run_apart wherry inspect "$digit"
    [[ $status != 0 ]]
    run_apart wherry rm "$digit"
    [[ $status != 0 ]]
    assert_equal "$(wherry ps -aq | wc -l)" 17
}

@test "names must be names" {
    local name
    for name in 'a b' '../x' '/x' '-x' '.x' 'a:b' ''; do
        run_apart wherry create --name="$name" debian true
        [[ $name == '' ]] && continue
        assert_refused .
    done
    assert_equal "$(find "$WHERRY_ROOT/names" -mindepth 1 -name '*x*' 2>/dev/null)" ''
}

@test "logs keep stdout and stderr, apart" {
    wherry run -d --name l debian sh -c 'echo one; echo two >&2; printf three'
    wait_for container_is l exited
    run_apart wherry logs l
    assert_status 0
    assert_output $'one\nthree'
    assert_equal "$stderr" two
}

@test "logs -f follows until the end" {
    wherry run -d --name l debian sh -c 'for i in 1 2 3; do echo $i; sleep 0.2; done'
    run_apart timeout 20 "$WHERRY" logs -f l
    assert_status 0
    assert_output $'1\n2\n3'
}

@test "logs of a missing container" {
    run_apart wherry logs missing
    assert_refused 'no container with name or ID "missing" found: no such container'
}

@test "the client is killed and the container lives on" {
    "$WHERRY" run --name orphan debian sh -c 'echo ready; trap "exit 9" TERM; while :; do sleep 0.1; done' \
        >out 3>&- &
    local client=$!
    wait_for grep -q ready out
    kill -KILL "$client"
    wait "$client" || true
    container_is orphan running
    run_apart wherry logs orphan
    assert_output ready
    wherry stop orphan
    assert_equal "$(wherry inspect --format '{{.State.ExitCode}}' orphan)" 9
}

@test "the client of a --rm container is killed: it still goes when it ends" {
    "$WHERRY" run --rm --name orphan debian sh -c 'echo ready; sleep 0.5' >out 3>&- &
    local client=$!
    wait_for grep -q ready out
    kill -KILL "$client"
    wait "$client" || true
    wait_for bash -c '[[ ! $("$1" ps -aq) ]]' bash "$WHERRY"
}

@test "everything of a container is killed from outside: it is seen as exited" {
    start_sleeper victim
    local pid
    pid=$(wherry inspect --format '{{.State.Pid}}' victim)
    [[ $pid -gt 0 ]]
    kill -KILL "$pid"
    wait_for container_is victim exited
    assert_equal "$(wherry inspect --format '{{.State.ExitCode}}' victim)" 137
    wherry rm victim
}

@test "the monitor is killed too: the container is seen as gone and can be removed" {
    start_sleeper victim
    kill_processes
    wait_for no_processes
    run_apart wherry ps -q
    assert_output ''
    # Nobody knows how it ended: that is not success.
    run_apart wherry ps -a --format '{{.Status}}'
    assert_output 'Exited (-1)'
    assert_equal "$(wherry inspect --format '{{.State.ExitCode}}' victim)" -1
    run_apart wherry rm victim
    assert_status 0
}

@test "inspect of a container has podman's keys" {
    start_sleeper i
    local key
    run_apart wherry inspect i
    assert_status 0
    assert_match "${lines[0]}" '^\[$'
    for key in Id Created Path Args State Image ImageName Name Mounts NetworkSettings Config HostConfig; do
        assert_match "$output" "\"$key\":"
    done
    assert_equal "$(wherry inspect --format '{{.State.Status}} {{.State.Running}} {{.Name}}' i)" \
        'running true i'
    assert_equal "$(wherry inspect --format '{{index .Config.Cmd 0}}' i)" sh
    wherry rm -f i
}

@test "inspect tells how a container was made" {
    wherry create --name=i -e A=1 debian true
    run_apart wherry inspect --format '{{json .Config.CreateCommand}}' i
    assert_output "[\"$WHERRY\",\"create\",\"--name=i\",\"-e\",\"A=1\",\"debian\",\"true\"]"
}

@test "inspect names everything that is missing, and prints the rest" {
    wherry create --name i debian true
    run_apart wherry inspect --format '{{.Name}}' missing1 i missing2
    assert_status 125
    assert_output i
    assert_match "$stderr" 'missing1'
    assert_match "$stderr" 'missing2'
}

@test "stop and rm do not wait for a container that runs" {
    start_sleeper s
    start_sleeper r
    run_apart timeout 8 "$WHERRY" stop s
    assert_status 0
    run_apart timeout 8 "$WHERRY" rm -f r
    assert_status 0
}

@test "inspect of nothing prints an empty array and fails with 125" {
    run_apart wherry inspect missing
    assert_status 125
    assert_output '[]'
    assert_match "$stderr" '^Error: .*missing'
}

@test "two starts at once: one runs" {
    wherry create --name twice debian sh -c 'echo x >>/runs; sleep 0.3'
    wherry start twice >/dev/null 2>&1 3>&- &
    local one=$!
    wherry start twice >/dev/null 2>&1 3>&- &
    local two=$!
    wait "$one" || true
    wait "$two" || true
    wait_for container_is twice exited
    wherry commit -q twice counted
    run_apart wherry run --rm counted cat /runs
    assert_output x
}

@test "run --rm that is interrupted while it starts leaves nothing" {
    local i pid
    for i in {1..30..2}; do
        # shellcheck disable=SC2016
        "$WHERRY" run --rm debian sh -c 'trap "exit 0" TERM; sleep 1000 & wait' >/dev/null 2>&1 3>&- &
        pid=$!
        sleep "0.0$(printf '%02d' "$i")"
        # Before the trap is set the command does not hear of it.
        while kill -TERM "$pid" 2>/dev/null; do sleep 0.02; done
        wait "$pid" || true
    done
    no_containers() { [[ ! $(wherry ps -a -q) ]]; }
    wait_for no_containers
    wherry system check
}
