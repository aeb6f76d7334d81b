#!/usr/bin/env bats
# SPDX-License-Identifier: Apache-2.0
# What tests find out about themselves: a process that they leave is found, one of others is not.

load helpers

# A process that is called as ours are, knows nothing but its argument and is nobody's child.
start_apart() { # FIFO
    local fifo=$1
    started=$(
        cd / || exit
        env -i "$BATS_RUN_TMPDIR/overlay-cat" "$fifo" >/dev/null 2>&1 3>&- &
        echo $!
    )
    wait_for called_overlay "$started"
}

called_overlay() { # PID
    [[ $(</proc/"$1"/comm) == overlay-cat ]]
}

is_gone() { # PID
    ! kill -0 "$1" 2>/dev/null
}

listed() { # PID
    wherry_processes | grep -q "^$1 "
}

test_setup() {
    cp /bin/cat "$BATS_RUN_TMPDIR/overlay-cat"
    mkfifo never "${BATS_TEST_TMPDIR}00000" # what nobody writes to; there are not as many tests
}

@test "a process that names the test's directory is found, and ended when the test fails" {
    start_apart "$BATS_TEST_TMPDIR/never"
    listed "$started"
    (BATS_TEST_COMPLETED='' teardown)
    wait_for is_gone "$started"
    no_processes
}

@test "a process of another test is not found, and left alone" {
    start_apart "${BATS_TEST_TMPDIR}00000"
    run listed "$started"
    assert_status 1
    no_processes
    (BATS_TEST_COMPLETED='' teardown)
    kill "$started" # it is there
    wait_for is_gone "$started"
}

@test "monitor, server and programs of a container are found" {
    need_image debian
    wherry run -d --name x debian sleep 1000
    assert_equal "$(wherry_processes | cut -d' ' -f2 | sort -u | tr '\n' ' ')" 'overlay-fuse sleep wherry-netns wherry: '
    wherry rm -f x
}
