#!/usr/bin/env bats
# SPDX-License-Identifier: Apache-2.0
# Fifty commands at once that run, fetch, name, make and remove images.

load helpers
load registry

test_setup() {
    need_registry
    own_home
    need_image hello
    start_registry
    allow_plain "$registry"
    head -c 300000 /dev/urandom >data
    printf 'FROM hello\nCOPY data /data\n' >Dockerfile
    wherry build -q -t made .
    wherry push -q made "$registry/made"
    id=$(wherry inspect --format '{{.Id}}' made)
    wherry rmi made >/dev/null
    wherry create --name base hello >/dev/null
}

# Command number N of its kind. All must succeed but rmi, which may come too late or too early.
one_of() { # N KIND
    case $2 in
    run) wherry run --rm hello ;;
    pull) wherry pull -q "$registry/made" ;;
    rmi) wherry rmi "$registry/made" || [[ $? == [12] ]] ;;
    prune) wherry image prune -f ;;
    tag) wherry tag hello "tag$1" && wherry untag hello "tag$1" ;;
    commit) wherry commit -q base "commit$(($1 % 2))" ;;
    esac
}

@test "fifty commands at once: run, pull, rmi, prune, tag, commit" {
    local -a kinds=(run run pull rmi prune tag commit run pull commit) pids=()
    local n
    for ((n = 0; n < 50; n++)); do
        one_of "$n" "${kinds[n % 10]}" >"out$n" 2>&1 3>&- &
        pids+=($!)
    done
    for ((n = 0; n < 50; n++)); do
        wait "${pids[n]}" || {
            echo "${kinds[n % 10]} $n: $(<"out$n")"
            failed=1
        }
    done
    [[ ! ${failed:-} ]]
    assert_equal "$(cat out?2 out?8 out2 out8 | sort -u)" "$id"
    run_apart wherry system check
    assert_status 0
    assert_equal "$(wherry ps -aq | wc -l)" 1
    wherry image exists commit0
    wherry image exists commit1
    refute_match "$(wherry images --format '{{.Repository}}')" tag
    wherry pull -q "$registry/made" >/dev/null
    wherry run --rm "$registry/made" /hello
    # Nothing but what images and the one container have is left, by our count and the disk's.
    wherry rm base >/dev/null
    wherry rmi -af >/dev/null
    run_apart wherry system check
    assert_status 0
    assert_match "$output" "nothing is wrong\$"
    refute_match "$output" garbage
    assert_store_empty
    assert_equal "$(find "$WHERRY_ROOT/containers" "$WHERRY_ROOT/names" -mindepth 1 ! -path '*images*')" ''
}


# What `run` makes is not pruned before it was started, and an image that was taken away between its
# pull and its use is had again. What `create` makes, and what has ended, may go: podman's rule.
@test "system prune -a beside run, create, build and pull" {
    local -a kinds=(run rm prune create build prune run pull prune rm) pids=()
    local n
    wherry rm base >/dev/null
    printf 'FROM %s/made\nCOPY data /more\n' "$registry" >Dockerfile
    for ((n = 0; n < 40; n++)); do
        case ${kinds[n % 10]} in
        run) wherry run "$registry/made" /hello ;;
        rm) wherry run --rm -v /volume "$registry/made" /hello ;;
        prune) wherry system prune -af --volumes ;;
        create) wherry create "$registry/made" /hello ;;
        build) wherry build -q -t "built$((n % 3))" . ;;
        pull) wherry pull -q "$registry/made" ;;
        esac >"out$n" 2>&1 3>&- &
        pids+=($!)
    done
    for ((n = 0; n < 40; n++)); do
        wait "${pids[n]}" || {
            echo "${kinds[n % 10]} $n: $(<"out$n")"
            failed=1
        }
        case ${kinds[n % 10]} in
        run | rm) assert_match "$(<"out$n")" 'Hello from a container' ;;
        esac
    done
    [[ ! ${failed:-} ]]
    wherry system prune -af --volumes >/dev/null
    assert_equal "$(wherry ps -aq)" ''
    assert_equal "$(wherry images -aq)" ''
    run_apart wherry system check
    assert_match "$output" "nothing is wrong\$"
    assert_store_empty
}
