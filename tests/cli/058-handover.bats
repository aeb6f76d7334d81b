#!/usr/bin/env bats
# SPDX-License-Identifier: Apache-2.0
# Descriptors of the caller that a command gets: --preserve-fds, --preserve-fd, LISTEN_FDS, and the
# log drivers passthrough and passthrough-tty.

load helpers

test_setup() {
    need_image debian
}

@test "run --preserve-fds: from 3 on, and no others" {
    echo one >one
    echo two >two
    run_apart wherry run --rm --preserve-fds 2 debian sh -c \
        'cat <&3; cat <&4; ls /proc/self/fd | tr "\n" " "' 3<one 4<two 5<one
    assert_status 0
    # The last one is that of ls itself.
    assert_output $'one\ntwo\n0 1 2 3 4 5 '
    refute_match "$output" ' 6 '
    run_apart wherry run --rm debian sh -c 'cat <&3' 3<one
    [[ $status != 0 && $output == '' ]]
}

@test "run --preserve-fd: these, by their numbers; one that is not open is an error" {
    echo one >one
    run_apart wherry run --rm --init --preserve-fd 7,9 debian sh -c 'cat <&7; cat <&9; ls /proc/self/fd | tr "\n" " "' 7<one 8<one 9<one
    assert_status 0
    assert_output $'one\none\n0 1 2 3 7 9 '
    run_apart wherry run --rm --preserve-fd 17 debian true
    assert_refused '--preserve-fd: file descriptor 17 is not open'
    run_apart wherry run --rm --preserve-fds 40 debian true
    assert_refused '--preserve-fds: file descriptor .* is not open'
    for bad in x 2 -1 99999999999999999999; do
        run_apart wherry run --rm --preserve-fd="$bad" debian true
        assert_refused '--preserve-fd: '
    done
    run_apart wherry run --preserve-fd 7 --restart always debian true 7<one
    assert_refused 'not with --restart'
}

@test "exec has both, with and without a terminal of another user" {
    start_sleeper c
    echo one >one
    run_apart wherry exec --preserve-fds 1 c cat /proc/self/fd/3 3<one
    assert_status 0
    assert_output one
    run_apart wherry exec --preserve-fd 8 c sh -c 'cat <&8; test -e /proc/self/fd/3 || echo no' 3<one 8<one
    assert_output $'one\nno'
    run_apart wherry exec --preserve-fds 9 c true
    assert_refused 'is not open'
    wherry rm -f -t 0 c
}

@test "the other end of a pipe sees the end when the command is gone" {
    mkfifo pipe
    cat pipe >got 3>&- &
    local reader=$!
    # The container goes on, and what it was given is closed by its command.
    wherry run -d --name c --preserve-fds 1 debian sh -c 'echo said >&3; exec 3>&-; exec sleep 1000' 3>pipe
    wait_for gone "$reader"
    assert_equal "$(cat got)" said
    wherry rm -f -t 0 c
}

gone() { # PID
    ! kill -0 "$1" 2>/dev/null
}

@test "a container that was started for another has nothing of what that gets" {
    mkfifo pipe
    cat pipe >got 3>&- &
    local reader=$!
    wherry create --name base debian sleep 1000
    wherry run --rm --requires base --preserve-fds 1 debian sh -c 'echo said >&3' 3>pipe
    wait_for gone "$reader"
    container_is base running
    wherry rm -f -t 0 base
}

@test "LISTEN_FDS of a service manager comes through" {
    echo one >one
    # The shell that becomes wherry knows its pid.
    run_apart env LISTEN_FDS=1 LISTEN_FDNAMES=web bash -c 'LISTEN_PID=$$ exec "$@"' bash "$WHERRY" \
        run --rm debian sh -c 'cat <&3; echo $LISTEN_FDS $LISTEN_FDNAMES $LISTEN_PID $$' 3<one
    assert_status 0
    assert_output $'one\n1 web 1 1'
    # Of somebody else's nothing is told.
    run_apart env LISTEN_PID=1 LISTEN_FDS=1 "$WHERRY" run --rm debian sh -c 'echo "<$LISTEN_FDS>"; test -e /proc/self/fd/3 || echo no' 3<one
    assert_output $'<>\nno'
    run_apart env LISTEN_FDS=3x bash -c 'LISTEN_PID=$$ exec "$@"' bash "$WHERRY" run --rm debian true
    assert_refused 'LISTEN_FDS=3x is no number'
}

@test "passthrough: the container writes to our descriptors, and nobody reads along" {
    echo input >in
    wherry run --name c --log-driver passthrough -u 1000 debian sh -c 'cat; echo out; echo err >&2' <in >out 2>err
    assert_equal "$(cat out)|$(cat err)" $'input\nout|err'
    assert_equal "$(stat -c %u out)" "$(id -u)"
    run_apart wherry logs c
    assert_refused "this container is using the 'passthrough' log driver, cannot read logs"
    wherry rm c
    run_apart wherry run --rm --log-driver passthrough debian sh -c 'echo out; exit 3' <in
    assert_status 3
    assert_output out
    wherry run -d --name d --log-driver passthrough debian sh -c 'trap "exit 0" TERM; echo up; sleep 1000 & wait' <in >out 3>&-
    wait_for grep -q up out
    run_apart wherry attach d
    assert_refused 'cannot attach'
    wherry rm -f d
    run_apart wherry run --rm -t --log-driver passthrough debian true
    assert_refused '--tty makes a terminal'
    run_apart wherry run --rm --log-driver passthrough --log-opt max-size=1m debian true
    assert_refused 'has no options'
}

@test "passthrough refuses a terminal, passthrough-tty has it" {
    run script -qec "'$WHERRY' run --rm --log-driver passthrough debian true" /dev/null </dev/null
    assert_status 125
    assert_match "$output" 'cannot be used on a TTY'
    run script -qec "'$WHERRY' run --rm --log-driver passthrough-tty debian test -t 1" /dev/null </dev/null
    assert_status 0
}

@test "tag= is shown" {
    wherry create --name c --log-opt tag=mine debian true
    assert_equal "$(wherry inspect --format '{{.HostConfig.LogConfig.Tag}}' c)" mine
}
