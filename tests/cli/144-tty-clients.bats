#!/usr/bin/env bats
# SPDX-License-Identifier: Apache-2.0
# Terminals of exec and attach, and what is hard for all three: detaching, pasting, slow readers.
# bats file_tags=main,ttyclients

load helpers
load terminal

test_setup() {
    need_image debian
}

# A container with a shell at a terminal.
start_shell() {
    wherry run -dit --name c debian bash >/dev/null
}

sessions_are() { # N
    [[ $(wherry inspect --format '{{len .ExecIDs}}' c) == "$1" ]]
}

@test "exec -it: a shell with job control, Ctrl-C, and its status" {
    start_sleeper c
    terminal '
        start exec -it c bash
        see {root@[0-9a-f]+:/# }
        type "tty; echo \$TERM\r"
        see {/dev/pts/[0-9]+\r\nxterm}
        see {# $}
        type "sleep 1000\r"
        see {sleep 1000\r\n}
        type_until "\032" {Stopped +sleep 1000}
        see {# $}
        type "bg; jobs\r"
        see {Running +sleep 1000 &}
        see {# $}
        type "fg\r"
        see {fg\r\n.*sleep 1000}
        type_until "\003" {# $}
        type "echo status \$?\r"
        see {status 130}
        type "exit 5\r"
        finish 5
    '
    refute_match "$output" 'no job control|cannot set terminal'
    wherry rm -f c
}

@test "exec -it: the terminal has our size, and follows it" {
    start_sleeper c
    terminal '
        start exec -it c sh -c {
            trap "echo WINCH came" WINCH; stty size; echo ready
            until [ "$(stty size)" = "44 123" ]; do sleep 0.05; done; echo followed
        }
        see {31 97}
        see {ready}
        stty rows 44 columns 123 < $spawn_out(slave,name)
        see {WINCH came}
        see {followed}
        finish 0
    '
    wherry rm -f c
}

@test "exec -it: two at a time have two terminals" {
    start_sleeper c
    terminal '
        start exec -it c bash
        see {# $}
        set first $spawn_id
        start exec -it c bash
        see {# $}
        type "tty\r"
        see {/dev/pts/1}
        type "exit 3\r"
        finish 3
        set spawn_id $first
        type "tty\r"
        see {/dev/pts/0}
        type "exit 4\r"
        finish 4
    '
    wherry rm -f c
}

@test "exec -it: detached, it goes on; the terminal closed, it ends" {
    start_sleeper c
    terminal '
        start exec -it c bash
        see {# $}
        type "sleep 1234\r"
        see {1234\r\n}
        type "\020\021"
        finish 0
    '
    sessions_are 1
    assert_match "$(wherry top c args)" 'sleep 1234'
    terminal '
        start exec -it c bash
        see {# $}
        close
        wait
    '
    wait_for sessions_are 1
    container_is c running
    wherry rm -f c
}

@test "detached from run and attached again, twice" {
    terminal '
        start run -it --name c debian bash
        see {# $}
        type "x=kept\r"
        see {# $}
        type "\020\021"
        finish 0
        start attach c
        type "echo \$x\r"
        see {kept}
        type "\020\021"
        finish 0
        start attach --detach-keys ctrl-x c
        type "echo \$x again\r"
        see {kept again}
        type "\030"
        finish 0
        start attach c
        type "exit 7\r"
        finish 7
    '
    container_is c exited
}

@test "attached twice: both see it, each can type, one may go" {
    start_shell
    terminal '
        start attach c
        type "echo from\"\"-first\r"
        see {from-first}
        set first $spawn_id
        start attach c
        type "echo from\"\"-second\r"
        see {from-second}
        set second $spawn_id
        set spawn_id $first
        see {from-second}
        type "\020\021"
        finish 0
        set spawn_id $second
        type "echo st\"\"ill\r"
        see {still}
        type "exit 2\r"
        finish 2
    '
}

@test "attach: the size of who came last, job control, --no-stdin" {
    start_shell
    terminal '
        start attach c
        type "stty size\r"
        see {31 97}
        see {# $}
        type "sleep 1000\r"
        see {sleep 1000\r\n}
        type_until "\032" {Stopped +sleep 1000}
        see {# $}
        type "fg\r"
        see {fg\r\n.*sleep 1000}
        type_until "\003" {# $}
        type "exit 6\r"
        finish 6
    '
    wherry start c
    terminal '
        start attach --no-stdin c
        type "exit 9\r"
        expect -timeout 1 -re {never} {}
        close
        wait
    '
    container_is c running
    wherry rm -f c
}

# What is pasted arrives whole and in order. The terminal is raw, so that nothing of it is a command.
paste_test() { # COMMAND... that ends in the shell to start, or nothing for one that runs
    head -c 7500000 /dev/urandom | base64 -w 0 >pasted
    truncate -s 10000000 pasted
    terminal "
        start $*
        type \"\r\"
        see {# \$}
        type \"stty raw -echo; echo go; head -c 10000000 | sha256sum; stty sane\r\"
        see {go\n}
        set f [open pasted]
        while {![eof \$f]} { type [read \$f 65536] }
        see {$(sha256sum <pasted | cut -d ' ' -f 1)}
        see {# \$}
        type \"exit 0\r\"
        finish 0
    "
}

@test "10 MB pasted into run -it" {
    paste_test run --rm -it debian bash
}

@test "10 MB pasted into exec -it" {
    start_sleeper c
    paste_test exec -it c bash
    wherry rm -f c
}

@test "10 MB pasted into attach" {
    start_shell
    paste_test attach c
}

# A reader that takes its time gets everything. The numbers are checked one by one.
slow_test() { # COMMAND...
    terminal "
        start $* sh -c {stty -onlcr; seq 1 150000; echo end}
        set next 1
        expect {
            -re {^([0-9]+)\n} {
                if {\$expect_out(1,string) != \$next} {
                    puts \"\$expect_out(1,string) instead of \$next\"; exit 94
                }
                if {\$next % 15000 == 0} { sleep 1 }
                incr next
                exp_continue
            }
            -re {^end\n} {}
            timeout { puts \"no end after \$next\"; exit 95 }
        }
        if {\$next != 150001} { puts \$next; exit 96 }
        finish 0
    "
}

@test "a slow reader of run -it gets all of it" {
    slow_test run --rm -it debian
}

@test "a slow reader of exec -it gets all of it" {
    start_sleeper c
    slow_test exec -it c
    wherry rm -f c
}

@test "Ctrl-C through every kind of terminal" {
    terminal '
        start run --rm -it debian sh -c {trap "exit 11" INT; echo ready; while :; do sleep 0.1; done}
        see {ready}
        type "\003"
        finish 11
    '
    start_sleeper c
    terminal '
        start exec -it c sh -c {trap "exit 12" INT; echo ready; while :; do sleep 0.1; done}
        see {ready}
        type "\003"
        finish 12
    '
    wherry rm -f c
    wherry run -dit --name c debian sh -c 'trap "exit 13" INT; while :; do echo ready; sleep 0.1; done'
    terminal '
        start attach c
        see {ready}
        type "\003"
        finish 13
    '
}

@test "the client's terminal is given back, however it ends" {
    start_sleeper c
    terminal '
        spawn -noecho bash --norc
        see {\$ $}
        type "PS1=READ\"\"Y-\r"
        see {READY-$}
        type "stty -g >before; \$WHERRY exec -it c true; stty -g >after1\r"
        see {after1\r\n}
        see {READY-$}
        type "\$WHERRY exec -it c sleep 1000\r"
        see {1000\r\n}
        type_until "\020\021" {READY-$}
        type "stty -g >after2; \$WHERRY exec -it c no-such; stty -g >after3\r"
        see {not found}
        see {READY-$}
        type "exit\r"
        expect eof
        wait
    '
    assert_equal "$(<after1) $(<after2) $(<after3)" "$(<before) $(<before) $(<before)"
    wherry rm -f c
}
