#!/usr/bin/env bats
# SPDX-License-Identifier: Apache-2.0
# Rows 8 to 17 of the fault list: whatever is killed, deleted or raced, what is told is true, and
# the next command works.

load helpers

test_setup() {
    need_image debian
}

state_file() {
    echo "$WHERRY_ROOT/containers/$(wherry inspect --format '{{.Id}}' "$1")/state.json"
}

monitor_pid() {
    wherry inspect --format '{{.State.ConmonPid}}' "$1"
}

store_is_sound() {
    run_apart wherry system check
    assert_status 0
}

@test "row 8: 50 run --rm at once" {
    local n pids=() bad=0
    for ((n = 0; n < 50; n++)); do
        timeout 120 "$WHERRY" run --rm debian sh -c "exit $((n % 7))" 3>&- &
        pids+=($!)
    done
    for ((n = 0; n < 50; n++)); do
        local code=0
        wait "${pids[n]}" || code=$?
        ((code == n % 7)) || bad=$((bad + 1))
    done
    assert_equal "$bad" 0
    assert_equal "$(wherry ps -aq)" ''
    store_is_sound
}

@test "row 9: 50 creates of one name, one winner" {
    local n
    for ((n = 0; n < 50; n++)); do
        { wherry create --name same debian true && echo won >>won; } >/dev/null 2>>lost 3>&- &
    done
    wait
    assert_equal "$(wc -l <won)" 1
    assert_equal "$(grep -c 'already in use' lost)" 49
    assert_equal "$(wherry ps -aq | wc -l)" 1
    store_is_sound
}

@test "row 10: a lock holder that stands still is named, and nobody waits for ever" {
    wherry create --name l debian true
    flock -x "${WHERRY_ROOT}/containers/$(wherry inspect --format '{{.Id}}' l)/lock" sleep 1000 3>&- &
    local holder=$!
    wait_for bash -c '! flock -n "$1" true' bash "$(dirname "$(state_file l)")/lock"
    kill -STOP "$holder"
    run_apart timeout 40 "$WHERRY" start l
    assert_refused 'is locked by process [0-9]+ \(.*\) for more than 15 seconds'
    # Who only looks does not wait.
    run_apart timeout 5 "$WHERRY" ps -a
    assert_status 0
    kill -KILL "$(cat "/proc/$holder/task/$holder/children")" 2>/dev/null || true
    kill -KILL "$holder"
    wait "$holder" || true
    wherry start l
    wait_for container_is l exited
}

@test "row 11: the monitor is killed, the container is seen as gone" {
    start_sleeper m
    kill -KILL "$(monitor_pid m)"
    wait_for no_processes
    container_is m exited
    assert_equal "$(wherry inspect --format '{{.State.ExitCode}}' m)" -1
    wherry start m
    container_is m running
    wherry rm -f m
}

@test "row 11: a command that changed its user outlives its monitor: ps tells, rm -f ends it" {
    need_subordinate_ids
    wherry run -d --name m debian setpriv --reuid=1 --regid=1 --clear-groups \
        sh -c 'echo ready; sleep 1000'
    wait_for bash -c '[[ $("$1" logs m) == ready ]]' bash "$WHERRY"
    local pid
    pid=$(wherry inspect --format '{{.State.Pid}}' m)
    kill -KILL "$(monitor_pid m)"
    wait_for bash -c '[[ ! -e /proc/$1 ]]' bash "$(monitor_pid m)"
    # Whether the kernel let it live or not, what is told is what is so.
    if [[ -e /proc/$pid ]]; then
        container_is m running
        # Nothing is started beside it.
        wherry start m
        assert_equal "$(wherry inspect --format '{{.State.Pid}}' m)" "$pid"
    else
        container_is m exited
    fi
    wherry rm -f m
    wait_for no_processes
    assert_equal "$(wherry ps -aq)" ''
}

@test "row 12: the root's server is killed: the container ends, the next start works" {
    start_sleeper f
    local server
    server=$(wherry_processes | awk '$2 ~ /^overlay/ { print $1; exit }')
    [[ $server ]]
    kill -KILL "$server"
    wait_for container_is f exited
    wherry start f
    container_is f running
    wherry exec f true
    wherry rm -f f
    store_is_sound
}

@test "row 14: after a reboot all are seen as exited, and start" {
    start_sleeper a
    start_sleeper b --restart always
    wherry pause a
    local name
    kill_processes
    wait_for no_processes
    rm -rf "$WHERRY_RUNROOT"
    for name in a b; do
        sed -i 's/"BootId": *"[^"]*"/"BootId":"00000000-0000-0000-0000-000000000000"/g' "$(state_file "$name")"
        container_is "$name" exited
    done
    assert_equal "$(wherry ps -q)" ''
    wherry start a b
    container_is a running
    container_is b running
    wherry rm -fa
}

@test "row 14: a living pid of another boot is nobody" {
    start_sleeper a
    cp "$(state_file a)" saved
    sed -i 's/"BootId": *"[^"]*"/"BootId":"00000000-0000-0000-0000-000000000000"/g' "$(state_file a)"
    container_is a exited
    cp saved "$(state_file a)"
    container_is a running
    wherry rm -f a
}

@test "row 15: the run directory is deleted while it runs" {
    start_sleeper d
    rm -rf "${WHERRY_RUNROOT:?}/$(wherry inspect --format '{{.Id}}' d)"
    container_is d running
    run_apart timeout 5 "$WHERRY" attach d
    [[ $status != 0 ]]
    run_apart timeout 5 "$WHERRY" pause d
    assert_refused 'its monitor is gone'
    container_is d running
    wherry stop d
    container_is d exited
    assert_equal "$(wherry inspect --format '{{.State.ExitCode}}' d)" 0
    wherry start d
    wherry rm -f d
    store_is_sound
}

@test "row 16: a pid that another process has now is never signalled" {
    start_sleeper p
    cp "$(state_file p)" saved
    wherry stop p
    sleep 1000 3>&- &
    local other=$!
    # All that was recorded, but for the pid: the start time is another.
    sed "s/\"Pid\": *[0-9]*/\"Pid\":$other/g" saved >"$(state_file p)"
    container_is p exited
    wherry stop p
    run_apart wherry kill p
    assert_refused 'can only kill running containers'
    wherry start p
    wherry kill p
    sed "s/\"Pid\": *[0-9]*/\"Pid\":$other/g" saved >"$(state_file p)"
    wherry rm -f p
    kill -0 "$other"
    kill "$other"
    wait "$other" || true
}

@test "row 17: stop, kill, exit and rm -f race: one end each, told once" {
    local n
    for ((n = 0; n < 15; n++)); do
        wherry run -d --name "r$n" debian sh -c "sleep 0.0$((n % 10)); exit 3" >/dev/null
        wherry stop -t 1 "r$n" >/dev/null 2>&1 3>&- &
        wherry kill "r$n" >/dev/null 2>&1 3>&- &
        ((n % 3)) || wherry rm -f "r$n" >/dev/null 2>&1 3>&- &
    done
    wait
    for ((n = 0; n < 15; n++)); do
        wherry rm -f "r$n" >/dev/null 2>&1
    done
    wherry events --stream=false --filter event=died --format '{{.Name}}' | sort | uniq -c >ends
    assert_equal "$(awk '$1 != 1' ends)" ''
    assert_equal "$(wc -l <ends)" 15
    store_is_sound
}

@test "starts and stops leak nothing" {
    local n times=200
    [[ ! ${WHERRY_TEST_LONG:-} ]] || times=1000
    wherry create --name c debian sleep 1000
    for ((n = 0; n < times; n++)); do
        wherry start c >/dev/null
        wherry kill c >/dev/null
    done
    wait_for no_processes
    # What is noted of checked layers stays (store/layers.c).
    assert_equal "$(find "$WHERRY_RUNROOT" -mindepth 1 -not -path "*/checked*")" ''
    assert_equal "$(find "$(dirname "$(state_file c)")" -maxdepth 1 -name '.tmp*')" ''
    store_is_sound
}
