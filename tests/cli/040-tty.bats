#!/usr/bin/env bats
# SPDX-License-Identifier: Apache-2.0
# -it: a real terminal, driven through a pseudo-terminal by expect.
# bats file_tags=main

load helpers
load terminal

test_setup() {
    need_image debian
}

@test "bash shows a prompt, has job control and ends with its status" {
    terminal '
        start run -it --rm debian bash
        see {root@[0-9a-f]+:/# }
        type "tty\r"
        see {/dev/(pts/[0-9]+|console)}
        see {# $}
        type "sleep 1000\r"
        see {sleep 1000\r\n}
        type_until "\032" {Stopped +sleep 1000}
        see {# $}
        type "jobs\r"
        see {\[1\]\+ +Stopped +sleep 1000}
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
}

@test "the terminal has our size, and follows it" {
    terminal '
        start run -it --rm debian bash
        see {# $}
        type "stty size\r"
        see {31 97}
        type "exit\r"
        finish 0

        start run -it --rm debian sh -c {
            trap "echo WINCH came" WINCH; echo ready
            until [ "$(stty size)" = "44 123" ]; do sleep 0.05; done; echo followed
        }
        see {ready}
        stty rows 44 columns 123 < $spawn_out(slave,name)
        see {WINCH came}
        see {followed}
        finish 0
    '
}

@test "stdin, stdout and stderr are the terminal; without -t none is" {
    terminal '
        start run -it --rm debian sh -c {test -t 0 && test -t 1 && test -t 2 && echo all three}
        see {all three}
        finish 0
    '
    run_apart wherry run --rm debian sh -c 'test -t 0 || test -t 1 || test -t 2 || echo none'
    assert_output none
}

@test "TERM is ours inside" {
    terminal '
        set env(TERM) vt220
        start run -it --rm debian sh -c {echo "<$TERM>"}
        see {<[a-z0-9-]+>}
        finish 0
    '
}

@test "Ctrl-C ends what runs, Ctrl-D ends the shell" {
    terminal '
        start run -it --rm debian bash
        see {# $}
        type "cat\r"
        type_until "echoed\r" {echoed\r\nechoed}
        type "\003"
        see {# $}
        type "true\r"
        see {# $}
        type "\004"
        finish 0
    '
}

@test "the terminal is given back as it was" {
    terminal '
        spawn -noecho bash --norc
        see {\$ $}
        type "PS1=READ\"\"Y-\r"
        see {READY-$}
        type "stty -g >before; \$WHERRY run -it --rm debian true; stty -g >after\r"
        see {after\r\n}
        see {READY-$}
        type "exit\r"
        finish 0
    '
    assert_equal "$(cat after)" "$(cat before)"
}

@test "a terminal that vanishes does not take the container along" {
    terminal '
        start run -it --name lone debian bash
        see {# $}
        close
        wait
    '
    container_is lone running
    wherry rm -f lone
}

@test "a Debian program that draws on the terminal finds it" {
    terminal '
        start run -it --rm debian sh -c {tput cols; tput lines}
        see {97\r\n31}
        finish 0
    '
}
