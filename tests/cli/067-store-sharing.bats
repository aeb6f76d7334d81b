#!/usr/bin/env bats
# SPDX-License-Identifier: Apache-2.0
# Several at once in one store: readers never wait, writers and collectors do not harm each other.

load helpers

# Runs the rest while somebody holds the index lock, shared or exclusively.
while_locked() { # -s|-x COMMAND...
    local kind=$1
    shift
    exec 7<"$WHERRY_ROOT/index.lock"
    flock "$kind" 7
    "$@" 7<&-
    exec 7<&-
}

readers() {
    local begin=$EPOCHREALTIME
    wherry ps -a
    wherry images
    wherry inspect hello c
    wherry history hello
    wherry image tree hello
    wherry logs c
    wherry info
    wherry system df
    # All together took less than a lock is waited for.
    ((${EPOCHREALTIME/./} - ${begin/./} < 10000000))
}

@test "a reader waits for no lock" {
    need_image hello
    wherry run --name c hello
    while_locked -x readers
    while_locked -s wherry run --rm hello
    wherry rm c
}

@test "a reader and a run do not wait for an import that is under way" {
    need_image hello
    make_hello small
    tar -C small -cf small.tar hello
    mkfifo pipe
    wherry import - slow <pipe &
    exec 6>pipe
    head -c 1000 small.tar >&6
    readers_now() { wherry images && wherry run --rm hello && wherry tag hello other; }
    readers_now
    run_apart wherry image exists slow
    assert_status 1
    tail -c +1001 small.tar >&6
    exec 6>&-
    wait
    run_apart wherry run --rm slow /hello
    assert_status 0
}

@test "who waits for a lock in vain says whose it is" {
    need_image hello
    flock "$WHERRY_ROOT/index.lock" sh -c 'touch locked; while [ ! -e release ]; do sleep 0.1; done' &
    wait_for test -e locked
    run_apart timeout 60 "$WHERRY" tag hello other
    touch release
    assert_refused "the store's index is locked by process [0-9]+ \(flock\) for more than 15 seconds"
    wait
    run_apart wherry tag hello other
    assert_status 0
}

writer() { # NUMBER
    local i
    mkdir "context$1"
    for ((i = 0; i < 6; i++)); do
        printf 'FROM hello\nCOPY data /data\n' >"context$1/Dockerfile"
        echo "$1 $i" >"context$1/data"
        if ! { wherry build -q -t "w$1" "context$1" && wherry run --rm "w$1" &&
            wherry tag "w$1" "again$1" && wherry rmi "w$1" && wherry run --rm "again$1"; } \
            >/dev/null; then
            echo "writer $1, round $i"
            return 1
        fi
    done
}

collector() {
    while [[ ! -e finished ]]; do
        wherry image prune -f >/dev/null || return
        wherry system check -r >found || {
            cat found
            return 1
        }
    done
}

@test "four writers and two collectors at once" {
    need_image hello
    local -a writers collectors
    local pid
    for i in 1 2 3 4; do
        writer $i &
        writers+=($!)
    done
    for i in 1 2; do
        collector &
        collectors+=($!)
    done
    for pid in "${writers[@]}"; do
        wait "$pid" || failed=1
    done
    touch finished
    for pid in "${collectors[@]}"; do
        wait "$pid" || failed=1
    done
    [[ ! ${failed:-} ]]
    run_apart wherry system check
    assert_status 0
    for i in 1 2 3 4; do
        wherry run --rm "again$i"
    done
}

@test "one name, 20 makers: one container" {
    need_image hello
    local n
    for ((n = 0; n < 20; n++)); do
        wherry create --name same hello >"made$n" 2>/dev/null &
    done
    wait
    assert_equal "$(cat made* | grep -c .)" 1
    assert_equal "$(wherry ps -aq | wc -l)" 1
    wherry rm same
}

@test "an image that a build is based on stays until the build is done" {
    need_image hello
    mkdir context
    printf 'FROM hello\nCOPY big /\n' >context/Dockerfile
    truncate -s 400M context/big
    wherry build -q -t built context >id &
    local build=$!
    # It has taken hold of what it is based on, and is copying.
    wait_for eval 'compgen -G "$WHERRY_ROOT/tmp/claims-*/*" >/dev/null'
    wherry rmi -f hello >/dev/null
    wherry system check -r >/dev/null || true
    wait "$build"
    run_apart wherry run --rm built
    assert_status 0
    run_apart wherry system check
    assert_status 0
}
