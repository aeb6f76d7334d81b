#!/usr/bin/env bats
# SPDX-License-Identifier: Apache-2.0
# exec: a command in a container that runs; what it may, what is left of it, and who may look at it.
# bats file_tags=main,exec

load helpers

test_setup() {
    need_image debian
}

no_sessions() { # CONTAINER
    [[ $(wherry inspect --format '{{len .ExecIDs}}' "$1") == 0 ]]
}

@test "the command's output, stdin and status" {
    start_sleeper c
    run_apart wherry exec c sh -c 'echo out; echo err >&2; exit 7'
    assert_status 7
    assert_output out
    assert_equal "$stderr" err
    run_apart wherry exec -i c sh -c 'wc -c' < <(head -c 300000 /dev/zero)
    assert_output 300000
    # Without -i its stdin is empty.
    run_apart timeout 20 "$WHERRY" exec c cat < <(echo unseen)
    assert_status 0
    assert_output ''
    run_apart wherry exec c sh -c 'kill -KILL $$'
    assert_status 137
    run_apart wherry exec c head -c 3000000 /dev/zero
    assert_status 0
    wherry rm -f c
}

@test "125, 126, 127 and 255" {
    start_sleeper c
    wherry create --name made debian true
    run_apart wherry exec missing true
    assert_refused 'no container with name or ID "missing" found: no such container'
    run_apart wherry exec c
    assert_refused 'must provide a non-empty command'
    run_apart wherry exec c no-such-command
    assert_status 127
    assert_error 'no-such-command: not found'
    run_apart wherry exec c /etc/passwd
    assert_status 126
    assert_error '/etc/passwd: cannot be executed'
    run_apart wherry exec -w /no/such/directory c true
    assert_status 126
    assert_error 'working directory /no/such/directory'
    run_apart wherry exec c test -e /no/such
    assert_status 1
    run_apart wherry exec -u nobody-knows c true
    assert_status 125
    run_apart wherry exec made true
    assert_status 255
    assert_error 'not running'
    wherry stop c
    run_apart wherry exec c true
    assert_status 255
    assert_error 'not running'
}

@test "environment: the container's, then --env-file, then --env; nothing of ours" {
    start_sleeper c -e FROM=container -e KEPT=container
    printf 'FROM=file\n# no\nFILE=1\n' >vars
    export OURS=secret GIVEN=given
    run_apart wherry exec --env-file vars -e FROM=option -e GIVEN c env
    assert_match "$output" $'(^|\n)FROM=option(\n|$)'
    assert_match "$output" $'(^|\n)KEPT=container(\n|$)'
    assert_match "$output" $'(^|\n)FILE=1(\n|$)'
    assert_match "$output" $'(^|\n)GIVEN=given(\n|$)'
    assert_match "$output" $'(^|\n)HOME=/root(\n|$)'
    refute_match "$output" 'secret|TERM='
    wherry rm -f c
}

@test "-w, and the container's own directory" {
    start_sleeper c -w /usr
    assert_equal "$(wherry exec c pwd)" /usr
    assert_equal "$(wherry exec -w /var/tmp c pwd)" /var/tmp
    wherry rm -f c
}

@test "it is in every namespace of the container, and sees only 0, 1, 2" {
    start_sleeper c
    local kind
    for kind in user mnt pid ipc uts net cgroup; do
        assert_equal "$(wherry exec c readlink "/proc/self/ns/$kind")" \
            "$(wherry exec c readlink "/proc/1/ns/$kind")"
    done
    assert_equal "$(wherry exec c hostname)" "$(wherry exec c cat /etc/hostname)"
    exec 7<"$BATS_TEST_FILENAME"
    run_apart wherry exec c sh -c 'ls /proc/$$/fd'
    exec 7<&-
    assert_output $'0\n1\n2'
    run_apart wherry exec c sh -c 'cut -d " " -f 6,7 /proc/$$/stat'
    # A session of its own, without a terminal.
    assert_match "$output" '^[1-9][0-9]* 0$'
    wherry rm -f c
}

@test "root has the container's capabilities, --privileged all; none can be inherited" {
    start_sleeper c
    local own
    own=$(wherry exec c grep -E '^(Cap|Seccomp:|NoNewPrivs)' /proc/1/status)
    run_apart wherry exec c grep -E '^(Cap|Seccomp:|NoNewPrivs)' /proc/self/status
    assert_output "$own"
    run_apart wherry exec --privileged c grep -E '^(Cap|Seccomp:)' /proc/self/status
    assert_match "$output" 'CapInh:.0000000000000000'
    assert_match "$output" 'CapAmb:.0000000000000000'
    assert_match "$output" 'CapEff:.0000(00|01|03)ffffffffff'
    assert_match "$output" 'Seccomp:.2'
    # The same policy: a nested user namespace needs a capability that the container lacks.
    run_apart wherry exec c unshare -U true
    [[ $status != 0 ]]
    wherry rm -f c
}

@test "-u: another user has no capability, and the groups of /etc/group" {
    [[ $(wherry run --rm debian cat /proc/self/setgroups) == deny ]] &&
        skip 'needs subordinate ids'
    start_sleeper c
    wherry exec c sh -c 'useradd -m -G games,mail walker'
    run_apart wherry exec -u walker c sh -c 'id -un; id -Gn; echo $HOME; grep CapEff /proc/self/status'
    assert_output $'walker\nwalker mail games\n/home/walker\nCapEff:\t0000000000000000'
    run_apart wherry exec -u 12345:54321 c id
    assert_output 'uid=12345 gid=54321 groups=54321'
    # Its own output can be opened again by name.
    run_apart wherry exec -u walker c sh -c 'echo again >/dev/stdout'
    assert_output again
    wherry rm -f c
}

@test "-d leaves it running, ExecIDs name it, the container's end ends it" {
    start_sleeper c
    run_apart wherry exec -d c sleep 1000
    assert_status 0
    assert_match "$output" '^[0-9a-f]{64}$'
    assert_equal "$(wherry inspect --format '{{index .ExecIDs 0}}' c)" "$output"
    assert_match "$(wherry exec c sh -c 'cat /proc/[0-9]*/cmdline | tr "\0" " "')" 'sleep 1000'
    run_apart wherry exec -d c no-such-command
    assert_status 127
    wherry stop c
    wait_for no_processes
    no_sessions c
    [[ ! -e $WHERRY_RUNROOT/$(wherry inspect --format '{{.Id}}' c) ]]
}

@test "-d: what it writes does not stop it" {
    start_sleeper c
    wherry exec -d c sh -c 'head -c 1000000 /dev/zero; echo done >/marker'
    wait_for wherry exec c test -e /marker
    wherry rm -f c
}

@test "--latest takes the newest container" {
    start_sleeper first
    start_sleeper second
    assert_equal "$(wherry exec -l hostname)" "$(wherry exec second hostname)"
    assert_equal "$(wherry exec --latest sh -c 'echo $0 $1' a b)" 'a b'
    wherry rm -f first second
}

@test "the client is killed: the command, and what it started, end with it" {
    start_sleeper c
    "$WHERRY" exec c sh -c 'sleep 4321 & echo ready; wait' >out 3>&- &
    local client=$!
    wait_for grep -q ready out
    kill -KILL "$client"
    wait "$client" || true
    wait_for no_sessions c
    run_apart wherry exec c sh -c 'cat /proc/[0-9]*/cmdline | tr "\0" " "'
    refute_match "$output" 'sleep 4321'
    container_is c running
    wherry rm -f c
}

@test "its monitor is killed: the command ends, the client says so, nothing is left" {
    start_sleeper c
    "$WHERRY" exec c sh -c 'echo ready; exec sleep 4321' >out 2>errors 3>&- &
    local client=$! status=0 pid
    wait_for grep -q ready out
    pid=$(wherry_processes | sed -n 's/ wherry: exec.*//p')
    [[ $pid ]]
    kill -KILL "$pid"
    wait "$client" || status=$?
    assert_equal "$status" 125
    grep -q 'monitor let go' errors
    wait_for no_sessions c
    refute_match "$(wherry top c args)" 4321
    container_is c running
    wherry rm -f c
}

@test "the run directory was removed: exec works all the same" {
    start_sleeper c
    rm -r "${WHERRY_RUNROOT:?}/$(wherry inspect --format '{{.Id}}' c)"
    assert_equal "$(wherry exec c echo works)" works
    run_apart wherry attach c
    assert_refused 'run directory of container c is gone'
    wherry rm -f c
}

@test "signals reach the command and its children" {
    start_sleeper c
    "$WHERRY" exec c sh -c 'trap "echo caught; exit 9" TERM; echo ready; while :; do sleep 0.1; done' \
        >out 3>&- &
    local client=$! status=0
    wait_for grep -q ready out
    kill -TERM "$client"
    wait "$client" || status=$?
    assert_equal "$status" 9
    grep -q caught out
    wherry rm -f c
}

@test "the container stops: the command is killed, its status told" {
    start_sleeper c
    "$WHERRY" exec c sh -c 'echo ready; exec sleep 1000' >out 3>&- &
    local client=$! status=0
    wait_for grep -q ready out
    wherry stop c
    wait "$client" || status=$?
    assert_equal "$status" 137
}

@test "exec while the container stops: it ran, or was killed, or there was none" {
    local i status bad=''
    for i in 1 2 3 4 5; do
        start_sleeper "c$i"
        wherry stop "c$i" >/dev/null 3>&- &
        while :; do
            status=0
            "$WHERRY" exec "c$i" true 2>errors || status=$?
            case $status in
            0 | 137) ;;
            255) break ;;
            *) bad+="$status $(<errors)"$'\n' && break ;;
            esac
        done
        wait
    done
    assert_equal "$bad" ''
}

@test "50 at once" {
    start_sleeper c
    local i pids=() failed=0
    for ((i = 0; i < 50; i++)); do
        "$WHERRY" exec c sh -c "echo $i; exit 3" >>out 2>>errors 3>&- &
        pids+=($!)
    done
    for i in "${pids[@]}"; do
        local status=0
        wait "$i" || status=$?
        [[ $status == 3 ]] || failed=$((failed + 1))
    done
    assert_equal "$failed $(<errors)" '0 '
    assert_equal "$(sort -n out | uniq | wc -l)" 50
    wait_for no_sessions c
    wherry rm -f c
}

@test "the container's file server was killed: the command ends with the container, the reason is told" {
    start_sleeper c
    local pid name client status=0
    "$WHERRY" exec c sh -c 'echo ready; exec sleep 1000' >out 3>&- &
    client=$!
    wait_for grep -q ready out
    while read -r pid name; do
        [[ $name == overlay* ]] && kill -KILL "$pid"
    done < <(wherry_processes)
    wait "$client" || status=$?
    assert_equal "$status" 137
    wait_for container_is c exited
    run_apart timeout 20 "$WHERRY" exec c true
    assert_status 255
    assert_error 'not running'
    wherry rm -f c
}

@test "another process with init's pid is not entered" {
    start_sleeper c
    local id state
    id=$(wherry inspect --format '{{.Id}}' c)
    state=$WHERRY_ROOT/containers/$id/state.json
    cp "$state" saved
    # The same pid, another start time: what a reused pid looks like.
    sed -E 's/("Init": ?\{[^}]*"StartTime": ?)[0-9]+/\17/' saved >"$state"
    [[ $(<saved) != "$(<"$state")" ]]
    run_apart wherry exec c true
    assert_status 255
    cp saved "$state"
    wherry exec c true
    wherry rm -f c
}

@test "CVE-2024-21626: directories that lead out of the container are refused" {
    start_sleeper c
    local fd
    wherry exec c sh -c 'for i in 3 4 5 6 7 8 9 10 11 12; do ln -s /proc/self/fd/$i /fd$i; done'
    for fd in 3 4 5 6 7 8 9 10 11 12; do
        run_apart wherry exec -w "/proc/self/fd/$fd" c ls
        assert_status 126
        run_apart wherry exec -w "/fd$fd" c ls
        assert_status 126
    done
    wherry rm -f c
}

@test "CVE-2019-5736: our program is not executed, opened or written through /proc" {
    local own=$BATS_TEST_TMPDIR/own/cmd before i
    # The dangerous case: the program is the user's own.
    mkdir -p "$own"
    cp "$WHERRY" "$own/wherry"
    before=$(sha256sum <"$own/wherry")
    start_sleeper c
    wherry exec c sh -c 'ln -s /proc/self/exe /direct
        printf "#!/bin/sh\n:\n" >/good; printf "#!/proc/self/exe\n" >/evil; chmod 755 /good /evil'
    run_apart "$own/wherry" exec c /direct
    assert_status 126
    run_apart "$own/wherry" exec c /evil
    assert_status 126
    "$own/wherry" exec c /good
    # One loop swaps the script under us, one opens every /proc/PID/exe that is not the image's.
    wherry exec -d c sh -c 'while :; do cp -p /good /t1; mv /t1 /script; cp -p /evil /t2; mv /t2 /script; done'
    wherry exec -d c sh -c 'while :; do
        for p in /proc/[0-9]*; do
            exe=$(readlink $p/exe) || continue
            case $exe in /usr/bin/* | /bin/*) continue ;; esac
            echo "$exe" >>/seen
            { echo broken >$p/exe; } 2>/dev/null && echo "$exe" >>/opened
        done; done'
    for ((i = 0; i < 200; i++)); do
        "$own/wherry" exec c /script >/dev/null 2>&1 || true
    done
    assert_equal "$(sha256sum <"$own/wherry")" "$before"
    run_apart wherry exec c cat /opened
    assert_status 1
    refute_match "$(wherry exec c cat /seen 2>/dev/null || true)" "$own"
    wherry rm -f c
}

@test "a paused container: no exec, but cp, top and stats" {
    wherry run -d --name c debian sleep 1000 >/dev/null
    wherry pause c
    run_apart wherry exec c true
    assert_status 255
    assert_error 'paused'
    echo content >file
    wherry cp file c:/tmp/file
    wherry cp c:/tmp/file out
    assert_equal "$(<out)" content
    assert_match "$(wherry top c state args)" 'T +sleep 1000'
    assert_equal "$(wherry stats --no-stream --format '{{.PIDS}}' c)" 1
    wherry unpause c
    wherry exec c true
    wherry rm -f c
}

@test "into a container with --init, whose process 1 nobody can look at" {
    need_image debian
    wherry run -d --init --name i debian sleep 1000
    run_apart wherry exec i cat /proc/1/comm
    assert_output wherry-init
    run_apart wherry top i pid comm
    assert_match "$output" '1 +wherry-init'
    assert_match "$output" 'sleep'
    wherry pause i
    assert_equal "$(wherry inspect --format '{{.State.Status}}' i)" paused
    wherry unpause i
    echo hello >f
    wherry cp f i:/f
    run_apart wherry exec i cat /f
    assert_output hello
    wherry rm -f -t 0 i
}
