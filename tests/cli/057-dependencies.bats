#!/usr/bin/env bats
# SPDX-License-Identifier: Apache-2.0
# Containers that need other ones: joined namespaces, --requires; rm, rm --depend, start.

load helpers

test_setup() {
    need_image debian
}

names() {
    wherry ps -a --format '{{.Names}}' | sort | tr '\n' ' '
}

@test "rm refuses what others depend on, -f too; --depend takes all" {
    wherry create --name base debian true
    wherry create --name one --pid container:base debian true
    wherry create --name two --requires one debian true
    wherry create --name other debian true
    local id
    id=$(wherry inspect --format '{{.Id}}' one)
    for force in '' -f; do
        # shellcheck disable=SC2086 # no word when empty
        run_apart wherry rm $force base
        assert_status 2
        assert_match "$stderr" "has dependent containers which must be removed before it: $id"
    done
    assert_equal "$(wherry inspect --format '{{.Dependencies}}' two)" "[$id]"
    assert_equal "$(wherry inspect --format '{{.Dependencies}}' base)" '[]'
    run_apart wherry rm --depend base
    assert_status 0
    assert_equal "${#lines[@]} ${lines[2]}" '3 base'
    assert_equal "$(names)" 'other '
}

@test "a base without dependents any more can be removed, and rm -a knows the order" {
    wherry create --name base debian true
    wherry create --name one --ipc container:base debian true
    wherry run --rm --requires base debian true
    wherry rm one
    assert_equal "$(find "$WHERRY_ROOT"/containers/*/dependents -mindepth 1)" ''
    wherry rm base
    wherry create --name base debian true
    wherry create --name one --ipc container:base debian true
    wherry rm -a
    wherry create --name base debian true
    wherry create --name one --ipc container:base debian true
    wherry container prune -f
    assert_equal "$(names)" ''
    # One that was refused for its name does not depend on anything.
    wherry create --name base debian true
    run_apart wherry create --name base --requires base debian true
    assert_refused 'already in use'
    wherry rm base
}

@test "start starts what is needed first" {
    wherry create --name base debian sh -c 'trap "exit 0" TERM; sleep 1000 & wait'
    wherry create --name mid --requires base debian sh -c 'trap "exit 0" TERM; sleep 1000 & wait'
    run_apart wherry run --rm --requires mid --uts container:base debian hostname
    assert_status 0
    assert_output "$(wherry inspect --format '{{.Config.Hostname}}' base)"
    container_is base running
    container_is mid running
    run_apart wherry run --rm --requires nobody debian true
    assert_refused 'no such container'
    # rm -f --depend ends what runs.
    wherry rm -f -t 0 --depend base
    assert_equal "$(names)" ''
}

@test "one that cannot start says for whom it was started" {
    wherry create --name bad debian /nonexistent
    wherry create --name c --requires bad debian true
    run_apart -127 wherry start c
    assert_match "$stderr" 'container c depends on another one: .*nonexistent'
}

@test "rm --depend looks at each container once, however many ways lead to it" {
    local i needs=()
    for i in {1..26}; do
        wherry create --name "c$i" "${needs[@]}" debian true >/dev/null
        needs+=(--requires "c$i")
    done
    timeout 60 "$WHERRY" rm --depend c1 >removed
    assert_equal "$(wc -l <removed) $(tail -1 removed)" '26 c1'
    assert_equal "$(names)" ''
}
