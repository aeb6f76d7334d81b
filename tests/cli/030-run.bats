#!/usr/bin/env bats
# SPDX-License-Identifier: Apache-2.0
# wherry run: what the container gets and what comes back.
# bats file_tags=main

load helpers

test_setup() {
    need_image debian
}

@test "exit status: the command's own" {
    local code
    for code in 0 1 3 42 255; do
        run_apart wherry run --rm debian sh -c "exit $code"
        assert_status "$code"
        assert_equal "$stderr" ''
    done
}

@test "exit status: 128 + signal when a signal ends the command" {
    run_apart wherry run --rm debian sh -c 'sh -c "kill -KILL \$\$"'
    assert_status 137
}

@test "exit status: 127 when the command does not exist" {
    run_apart -127 wherry run --rm debian no-such-command
    assert_status 127
    assert_match "$stderr" '^Error: .*no-such-command'
    run_apart -127 wherry run --rm debian /no/such/command
    assert_status 127
}

@test "exit status: 126 when the command cannot be executed" {
    run_apart wherry run --rm debian /etc/passwd
    assert_status 126
    assert_match "$stderr" '^Error: .*/etc/passwd'
    run_apart wherry run --rm debian /etc
    assert_status 126
}

@test "exit status: 125 when wherry itself fails" {
    run_apart wherry run --rm --pull=never no-such-image true
    assert_refused 'no-such-image'
}

@test "stdout and stderr stay apart, and binary" {
    run_apart wherry run --rm debian sh -c 'echo out; echo err >&2'
    assert_output out
    assert_equal "$stderr" err
    head -c 300000 /dev/urandom >random
    wherry run --rm -i debian cat <random >copy
    cmp random copy
}

@test "stdin: /dev/null without -i, ours with it" {
    run_apart wherry run --rm debian cat <<<"not for the container"
    assert_status 0
    assert_output ''
    run_apart wherry run --rm -i debian cat <<<"for the container"
    assert_output 'for the container'
}

@test "a pipeline through a container ends when its input ends" {
    run_apart bash -c 'seq 1 20000 | "$1" run --rm -i debian wc -l | cat' bash "$WHERRY"
    assert_output 20000
}

@test "a reader that goes away does not hang the container" {
    run_apart bash -c 'timeout 20 "$1" run --rm debian seq 1 1000000 | head -n 1' bash "$WHERRY"
    assert_output 1
}

@test "-e sets a variable, takes one over from us, and the last one counts" {
    export FROM_OUTSIDE=outside
    run_apart wherry run --rm -e A=1 -e 'B=two words' -e A=3 -e FROM_OUTSIDE -e EMPTY= debian env
    assert_status 0
    assert_match "$output" $'(^|\n)A=3($|\n)'
    assert_match "$output" $'(^|\n)B=two words($|\n)'
    assert_match "$output" $'(^|\n)FROM_OUTSIDE=outside($|\n)'
    assert_match "$output" $'(^|\n)EMPTY=($|\n)'
    refute_match "$output" $'(^|\n)A=1($|\n)'
}

@test "nothing of our environment gets in unasked" {
    export SECRET_OF_OURS=1
    run_apart wherry run --rm debian env
    refute_match "$output" SECRET_OF_OURS
    refute_match "$output" WHERRY
    assert_match "$output" $'(^|\n)PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin($|\n)'
    assert_match "$output" $'(^|\n)HOME=/root($|\n)'
    assert_match "$output" $'(^|\n)container='
}

@test "-w sets the directory, and makes it when it is missing" {
    run_apart wherry run --rm -w /usr/bin debian pwd
    assert_output /usr/bin
    run_apart wherry run --rm --workdir=/made/for/this debian pwd
    assert_output /made/for/this
}

@test "-u by number and by name" {
    run_apart wherry run --rm debian id -u
    assert_output 0
    need_subordinate_ids
    run_apart wherry run --rm -u 1000:1000 debian sh -c 'id -u; id -g'
    assert_output $'1000\n1000'
    run_apart wherry run --rm -u nobody debian id -un
    assert_output nobody
    run_apart wherry run --rm --user daemon:games debian sh -c 'id -un; id -gn'
    assert_output $'daemon\ngames'
}

@test "-u with a name that is not there is refused" {
    run_apart wherry run --rm -u no-such-user debian true
    [[ $status == 12[56] ]]
    assert_match "$stderr" no-such-user
}

@test "-v shows a host directory, both ways" {
    mkdir share
    echo 'from outside' >share/in
    run_apart wherry run --rm -v "$PWD/share:/mnt/share" debian \
        sh -c 'cat /mnt/share/in; echo "from inside" >/mnt/share/out'
    assert_status 0
    assert_output 'from outside'
    assert_equal "$(cat share/out)" 'from inside'
    assert_equal "$(stat -c %u share/out)" "$(id -u)"
}

@test "-v :ro cannot be written" {
    mkdir share
    run wherry run --rm -v "$PWD/share:/mnt:ro" debian sh -c 'echo x >/mnt/file'
    [[ $status != 0 ]]
    assert_match "$output" 'Read-only file system'
    [[ ! -e share/file ]]
}

@test "-v of one file" {
    echo content >file
    run_apart wherry run --rm -v "$PWD/file:/etc/from-host:ro" debian cat /etc/from-host
    assert_output content
}

@test "--entrypoint replaces the image's, arguments follow" {
    run_apart wherry run --rm --entrypoint echo debian one two
    assert_output 'one two'
    run_apart wherry run --rm --entrypoint '["echo","a  b"]' debian c
    assert_output 'a  b c'
}

@test "--name names, and the name can be used at once" {
    wherry run --name mine debian true
    run_apart wherry ps -a --format '{{.Names}}'
    assert_output mine
    run_apart wherry run --name mine debian true
    assert_refused 'mine.*already in use'
    wherry rm mine
    wherry run --rm --name mine debian true
}

@test "a container without --name gets one" {
    wherry run debian true
    run_apart wherry ps -a --format '{{.Names}}'
    assert_match "$output" '^[a-z0-9_]+$'
}

@test "--rm leaves no container" {
    wherry run --rm debian true
    run_apart wherry ps -aq
    assert_output ''
    run_apart wherry run --rm debian false
    assert_status 1
    run_apart wherry ps -aq
    assert_output ''
    assert_equal "$(find "$WHERRY_ROOT/containers" -mindepth 1 2>/dev/null)" ''
}

@test "-d prints the id and returns while the container runs" {
    run_apart wherry run -d --name back debian sleep 1000
    assert_status 0
    assert_match "$output" '^[0-9a-f]{64}$'
    local id=$output
    run_apart wherry ps --no-trunc --format '{{.ID}} {{.Status}}'
    assert_match "$output" "^$id Up "
    wherry rm -f back
}

@test "-d tells of a command that cannot run" {
    run_apart -127 wherry run -d --rm debian no-such-command
    assert_status 127
    run_apart wherry ps -aq
    assert_output ''
}

@test "flags end at the image: what follows belongs to the container" {
    run_apart wherry run --rm debian echo --rm -it -e X=1 --name y
    assert_output '--rm -it -e X=1 --name y'
}

@test "an empty argument stays an argument" {
    run_apart wherry run --rm debian printf '[%s]' a '' 'b c'
    assert_output '[a][][b c]'
}

@test "the host name is the container's short id, and its own" {
    run_apart wherry run --name h debian cat /proc/sys/kernel/hostname
    assert_output "$(wherry ps -aq --filter name=h)"
    [[ $output != "$(cat /proc/sys/kernel/hostname)" ]]
    run_apart wherry run --rm debian sh -c 'grep -c "$(cat /proc/sys/kernel/hostname)" /etc/hosts'
    assert_output 1
}

@test "the command is pid 1 and sees no process of ours" {
    # shellcheck disable=SC2016
    run_apart wherry run --rm debian sh -c 'echo $$; ls -d /proc/[0-9]* | wc -l'
    assert_match "$output" '^1'$'\n''[2-4]$'
}

@test "the usual devices are there and work" {
    run_apart wherry run --rm debian sh -ec '
        for d in null zero full random urandom tty; do test -c /dev/$d; done
        test -d /dev/pts -a -d /dev/shm -a -L /dev/fd -a -L /dev/stdin
        echo x >/dev/null
        head -c 4 /dev/zero | od -An -tx1
        if echo x 2>/dev/null >/dev/full; then exit 1; fi
        head -c 4 /dev/urandom | wc -c
        echo y >/dev/shm/y && cat /dev/shm/y'
    assert_status 0
    assert_output $' 00 00 00 00\n4\ny'
}

@test "/proc and /sys show the container and cannot be used against the host" {
    run_apart wherry run --rm debian sh -c '
        grep -q " / / " /proc/self/mountinfo && echo root
        test -r /proc/self/status && echo proc
        test -d /sys/kernel && echo sys
        (echo x >/proc/sysrq-trigger) 2>/dev/null || echo refused'
    assert_output $'root\nproc\nsys\nrefused'
}

@test "--network none: the network is loopback only" {
    run_apart wherry run --rm --network none debian sh -c \
        'tail -n +3 /proc/net/dev | cut -d: -f1 | tr -d " " | sort | tr "\n" " "'
    assert_match "$output" '^lo '
    refute_match "$output" 'eth|ens|enp|tap'
}

@test "set-uid bits of the image give nothing outside, capabilities are bounded" {
    run_apart wherry run --rm debian sh -c 'sed -n "s/^CapBnd:.//p" /proc/self/status'
    [[ $output != 000001ffffffffff ]]
    run wherry run --rm debian mount -t tmpfs tmpfs /mnt
    [[ $status != 0 ]]
}

@test "signals reach the container, and the client ends with its status" {
    "$WHERRY" run --name sig debian sh -c 'trap "exit 7" TERM; echo ready; while :; do sleep 0.1; done' \
        >out 3>&- &
    local client=$!
    wait_for grep -q ready out
    kill -TERM "$client"
    local code=0
    wait "$client" || code=$?
    assert_equal "$code" 7
}

@test "ten at once" {
    local i
    for i in 0 1 2 3 4 5 6 7 8 9; do
        wherry run --rm debian sh -c "echo $i; exit $i" >"out$i" 3>&- &
        pids[i]=$!
    done
    for i in 0 1 2 3 4 5 6 7 8 9; do
        local code=0
        wait "${pids[i]}" || code=$?
        assert_equal "$code $(cat "out$i")" "$i $i"
    done
}
