#!/usr/bin/env bats
# SPDX-License-Identifier: Apache-2.0
# Log drivers, limits, times, and following.

load helpers

test_setup() {
    need_image debian
}

container_dir() {
    echo "$WHERRY_ROOT/containers/$(wherry inspect --format '{{.Id}}' "$1")"
}

# Bytes of all files of a container's log.
log_bytes() {
    cat "$(container_dir "$1")"/log* | wc -c
}

@test "json-file has docker's lines, logs reads them" {
    wherry run --name j --log-driver json-file debian \
        sh -c 'printf "one\ntab\there \"q\" \\\\ \377\n"; echo err >&2; printf end' || true
    head -n 1 "$(container_dir j)/log" | grep -qE '^\{"log":"one\\n","stream":"stdout","time":"20[^"]+Z"\}$'
    run_apart wherry logs j
    assert_equal "$output" $'one\ntab\there "q" \\ \xef\xbf\xbd\nend'
    assert_equal "$stderr" err
    if command -v jq >/dev/null; then
        assert_equal "$(jq -s length "$(container_dir j)/log")" 4
    fi
}

@test "none has no log and says so, journald is refused" {
    wherry run --name n --log-driver none debian echo shown
    run_apart wherry logs n
    assert_refused "this container is using the 'none' log driver, cannot read logs"
    [[ ! -e $(container_dir n)/log ]]
    run_apart wherry create --log-driver journald debian true
    assert_refused 'journald is not supported'
    run_apart wherry create --log-driver paper debian true
    assert_refused 'invalid log driver "paper"'
    run_apart wherry create --log-opt max-size=x debian true
    assert_refused 'invalid log option'
    run_apart wherry create --log-opt color=blue debian true
    assert_refused 'is not supported'
}

@test "path= is where the log is" {
    wherry run --name p --log-opt "path=$PWD/here.log" debian echo text
    grep -q 'stdout F text' here.log
    run_apart wherry logs p
    assert_output text
}

@test "a flood stays below max-size, its end is there, and nothing waits for it" {
    wherry run --name f --log-opt max-size=1m debian \
        sh -c 'head -c 200000000 /dev/zero | tr "\0" "x" | fold -w 1000; echo; echo the end' >/dev/null
    local n
    n=$(log_bytes f)
    ((n <= 1000000 + 65536)) || { echo "$n bytes" && false; }
    ((n >= 400000))
    run_apart wherry logs --tail 1 f
    assert_output 'the end'
    # All lines are whole.
    assert_equal "$(wherry logs f | grep -cvE '^(x*|the end)$')" 0
}

@test "short lines are bounded as well" {
    wherry run --name s --log-opt max-size=200k debian sh -c 'yes | head -n 200000' >/dev/null
    ((BYTES = $(log_bytes s), BYTES <= 204800)) || { echo "$BYTES bytes" && false; }
}

@test "logs -f goes across rotations and ends with the container" {
    wherry run -d --name r --log-opt max-size=128k debian \
        sh -c 'n=0; while [ $n -lt 4000 ]; do echo "line $n is as long as this"; n=$((n+1)); [ $((n % 500)) = 0 ] && sleep 0.3; done'
    run_apart timeout 60 "$WHERRY" logs -f r
    assert_status 0
    assert_equal "${lines[0]}" 'line 0 is as long as this'
    assert_equal "${#lines[@]}" 4000
    ((BYTES = $(log_bytes r), BYTES <= 131072)) || { echo "$BYTES bytes" && false; }
}

@test "logs -f goes across restarts" {
    wherry run -d --name r --restart on-failure:2 debian sh -c 'echo life; sleep 0.2; exit 1'
    run_apart timeout 30 "$WHERRY" logs -f r
    assert_status 0
    assert_output $'life\nlife\nlife'
}

@test "logs -f ends when the monitor is killed, and of one that was removed" {
    wherry run -d --name k debian sh -c 'echo here; sleep 1000'
    wait_for bash -c '[[ $("$1" logs k) ]]' bash "$WHERRY"
    timeout 30 "$WHERRY" logs -f k >out 3>&- &
    local reader=$!
    wait_for grep -q here out
    wherry rm -f k
    wait "$reader"
    assert_equal "$(cat out)" here
}

@test "--since, --until and --tail" {
    wherry run -d --name t debian sh -c 'echo a; sleep 1.1; echo b; echo c'
    wherry wait t
    local mid
    mid=$(wherry logs -t t | sed -n 2p | cut -d' ' -f1)
    assert_match "$mid" '^20.*Z$'
    assert_equal "$(wherry logs --since "$mid" t)" $'b\nc'
    assert_equal "$(wherry logs --until "$(date -u -d "$mid - 1 second" +%Y-%m-%dT%H:%M:%S.%NZ)" t)" a
    assert_equal "$(wherry logs --since 1h --tail 1 t)" c
    assert_equal "$(wherry logs --since "$mid" --tail 5 t)" $'b\nc'
    assert_equal "$(wherry logs --tail 0 t)" ''
    assert_equal "$(wherry logs --tail -1 t)" $'a\nb\nc'
    run_apart wherry logs --since never t
    assert_refused 'failed to parse'
}

@test "several at once, with names, colours and the newest" {
    wherry run -d --name one debian echo 1
    wherry run -d --name two debian echo 2
    wherry wait one two
    assert_equal "$(wherry logs --names one two)" $'one 1\ntwo 2'
    assert_match "$(wherry logs one two)" $'^[0-9a-f]{12} 1\n[0-9a-f]{12} 2$'
    assert_equal "$(wherry logs -l)" 2
    assert_equal "$(wherry logs --color one)" $'\033[36m1\033[0m'
    wherry start one two
    assert_equal "$(timeout 20 "$WHERRY" logs -f -n one two | sort -u)" $'one 1\ntwo 2'
    run_apart wherry logs
    assert_refused 'specify at least one container'
}
