#!/usr/bin/env bats
# SPDX-License-Identifier: Apache-2.0
# top: what runs in a container.
# bats file_tags=main,top

load helpers

test_setup() {
    need_image debian
    wherry run -d --name c debian sh -c 'trap "exit 0" TERM; sleep 1000 & wait' >/dev/null
    wait_for two_processes
}

two_processes() {
    [[ $(wherry top c pid | wc -l) == 3 ]]
}

@test "the standard table, and what exec added" {
    wherry exec -d c sleep 2000
    run_apart wherry top c
    assert_status 0
    assert_match "${lines[0]}" '^USER +PID +PPID +%CPU +ELAPSED +TTY +TIME +COMMAND$'
    assert_match "${lines[1]}" '^root +1 +0 +[0-9.]+ +[0-9.m]+m?s +\? +[0-9.m]*s +sh -c trap'
    assert_match "${lines[2]}" '^root +[0-9]+ +1 .* sleep 1000$'
    assert_match "${lines[3]}" '^root +[0-9]+ +0 .* sleep 2000$'
    assert_equal "${#lines[@]}" 4
    wherry rm -f c
}

@test "descriptors, by name and as ps writes them" {
    local pid
    pid=$(wherry inspect --format '{{.State.Pid}}' c)
    run_apart wherry top c hpid,pid comm
    assert_match "${lines[0]}" '^HPID +PID +COMMAND$'
    assert_match "${lines[1]}" "^$pid +1 +sh$"
    run_apart wherry top c %p 'ppid %c'
    assert_match "${lines[2]}" '^[0-9]+ +1 +sleep$'
    run_apart wherry top c capeff seccomp capinh huser state
    assert_match "${lines[1]}" '^CHOWN,DAC_OVERRIDE,.*SYS_CHROOT +filter +none +'"$(id -u)"' +S$'
    wherry exec --privileged -d c sleep 3000
    assert_match "$(wherry top c capeff args)" 'full +sleep 3000'
    wherry rm -f c
}

@test "users and groups by the container's own names" {
    if ! has_subordinate_ids; then
        wherry rm -f c
        skip 'needs subordinate ids'
    fi
    wherry exec c useradd -u 4321 -G games walker
    wherry exec -d -u walker c sleep 4000
    assert_match "$(wherry top c user group groups args)" 'walker +walker +(walker,)?games +sleep 4000'
    wherry rm -f c
}

@test "options are for the container's ps" {
    run_apart wherry top c -eo pid
    assert_status 125
    assert_error 'executing ps\(1\) in the container: .*not found'
    wherry exec c sh -c 'printf "#!/bin/sh\necho ps got \$*\n" >/usr/bin/ps; chmod 755 /usr/bin/ps'
    run_apart wherry top c -eo pid,comm
    assert_status 0
    assert_output 'ps got -eo pid,comm'
    run_apart wherry top c aux
    assert_output 'ps got aux'
    wherry rm -f c
}

@test "only what runs has processes; a process cannot steer the terminal" {
    run_apart wherry top missing
    assert_refused 'no container with name or ID "missing" found: no such container'
    run_apart wherry top
    assert_refused 'you must provide the name or id'
    wherry exec -d c bash -c 'exec -a $'"'"'\033]0;evil\007\nroot 99'"'"' sleep 5000'
    run_apart wherry top c args
    refute_match "$output" $'\033'
    assert_equal "${#lines[@]}" 4
    wherry stop c
    run_apart wherry top c
    assert_refused 'top can only be used on running containers'
}
