#!/usr/bin/env bats
# SPDX-License-Identifier: Apache-2.0
# The command line itself: help, version, what is not known.
# bats file_tags=main

load helpers

@test "wherry --help lists the commands on stdout" {
    run_apart wherry --help
    assert_status 0
    assert_equal "$stderr" ''
    local command
    for command in build run create start stop rm ps logs images rmi import tag inspect commit \
        history version info; do
        assert_match "$output" "(^|[[:space:]])${command}[[:space:]]"
    done
}

@test "every command explains itself with --help and needs no store for it" {
    local command
    for command in build run create start stop rm ps logs images rmi import tag inspect commit \
        history version info; do
        WHERRY_ROOT=/proc/nowhere run_apart wherry "$command" --help
        assert_status 0
        assert_match "$output" "wherry $command"
        assert_equal "$stderr" ''
    done
}

@test "wherry without a command shows where help is and fails with 125" {
    run_apart wherry
    assert_status 125
    assert_match "$output$stderr" 'wherry --help|Usage'
}

@test "an unknown command is named" {
    run_apart wherry nonsense
    assert_refused 'unrecognized command `wherry nonsense`'
    assert_match "$stderr" "Try 'wherry --help' for more information"
}

@test "an unknown flag is named, with where to find help" {
    run_apart wherry run --nonsense hello
    assert_refused 'unknown flag: --nonsense'
    assert_match "$stderr" "See 'wherry run --help'"
}

@test "an unknown short flag is named" {
    run_apart wherry ps -Z
    assert_refused "unknown shorthand flag: 'Z' in -Z"
    assert_match "$stderr" "See 'wherry ps --help'"
}

@test "a flag without its value is named" {
    run_apart wherry run --name
    assert_refused 'flag needs an argument: --name'
}

@test "missing arguments are refused" {
    local command
    for command in run create start rmi tag commit history import; do
        run_apart wherry "$command"
        assert_refused .
    done
}

@test "container and image are prefixes of the commands that belong to them" {
    local form
    for form in 'container ls' 'container ps' 'image ls' 'image list' 'container list'; do
        # shellcheck disable=SC2086
        run_apart wherry $form
        assert_status 0
        assert_equal "$stderr" ''
    done
}

@test "version and info answer, and take --format" {
    run_apart wherry version
    assert_status 0
    assert_match "$output" '[0-9]+\.[0-9]+\.[0-9]+'
    run_apart wherry --version
    assert_status 0
    assert_match "$output" 'wherry.* [0-9]+\.[0-9]+\.[0-9]+'
    run_apart wherry info
    assert_status 0
    assert_match "$output" "$WHERRY_ROOT"
}

@test "empty lists print their headings and nothing else" {
    run_apart wherry ps -a
    assert_status 0
    assert_match "$output" '^CONTAINER ID +IMAGE +COMMAND +CREATED +STATUS +PORTS +NAMES *$'
    run_apart wherry images
    assert_status 0
    assert_match "$output" '^REPOSITORY +TAG +IMAGE ID +CREATED +SIZE *$'
    run_apart wherry ps -aq
    assert_output ''
    run_apart wherry images --noheading
    assert_output ''
    run_apart wherry ps --format json
    assert_output '[]'
}

@test "a filter that is not known is refused, also when there is nothing to filter" {
    run_apart wherry ps -a --filter nonsense=1
    assert_refused 'nonsense is an invalid filter'
    run_apart wherry images --filter nonsense=1
    assert_refused 'nonsense is an invalid filter'
    run_apart wherry ps --filter name
    assert_refused 'must be KEY=VALUE'
}

@test "a template that does not parse is refused" {
    run_apart wherry ps --format '{{.Names'
    assert_refused .
}

@test "the store is private whatever the umask" {
    umask 0000
    wherry images >/dev/null
    assert_equal "$(stat -c %a "$WHERRY_ROOT")" 700
    assert_equal "$(stat -c %a "$WHERRY_RUNROOT")" 700
}

@test "nothing is printed on a full stdout, but the failure is told" {
    run_apart bash -c '"$1" --help >/dev/full' bash "$WHERRY"
    [[ $status != 0 ]] || {
        echo 'writing to /dev/full was called a success'
        return 1
    }
}
