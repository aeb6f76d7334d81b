#!/usr/bin/env bats
# SPDX-License-Identifier: Apache-2.0
# mount and unmount of containers, in `wherry unshare`.

load helpers

test_setup() {
    need_image debian
}

unshared() { # SCRIPT: $W is wherry
    run_apart timeout 60 "$WHERRY" unshare env W="$WHERRY" sh -ec "$1"
}

@test "outside of unshare there is a clear error" {
    wherry create --name c debian true
    run_apart wherry mount c
    assert_refused 'must execute .wherry unshare. first'
    run_apart wherry mount
    assert_status 0
    assert_output ''
}

@test "what is written there the container has, and what it wrote is there" {
    wherry run --name c debian sh -c 'echo inside >/made; chown 33:33 /made 2>/dev/null; true'
    unshared 'm=$($W mount c); cat $m/made; stat -c %u $m/made; echo outside >$m/etc/new; rm $m/etc/motd
        $W mount; $W mount --format json; $W unmount c; test ! -e $m; $W mount'
    assert_status 0
    assert_equal "${lines[0]}" inside
    if has_subordinate_ids; then
        assert_equal "${lines[1]}" 33
    else
        assert_equal "${lines[1]}" 0
    fi
    local id
    id=$(wherry inspect --format '{{.Id}}' c)
    assert_match "${lines[2]}" "^${id:0:12} +/.*/mounts/$id/root\$"
    assert_match "$output" "\"mountpoint\": \"/.*/mounts/$id/root\""
    assert_equal "${lines[-1]}" "$id"
    run_apart wherry diff c
    assert_match "$output" 'A /etc/new'
    assert_match "$output" 'D /etc/motd'
    wherry cp c:/etc/new - | tar xO | grep -qx outside
    run_apart wherry start -a c
    assert_status 0
    assert_equal "$(wherry events --stream=false --format '{{.Status}}' --filter event=mount --filter event=unmount | tr '\n' ' ')" 'mount unmount '
}

@test "it ends with the shell, several at once, errors" {
    wherry create --name a debian true
    wherry create --name b debian true
    unshared '$W mount a b; $W mount --all | wc -l; $W mount a >/dev/null; $W unmount -a | wc -l'
    assert_status 0
    assert_match "${lines[0]}" '/mounts/'
    assert_equal "${lines[2]} ${lines[3]}" '2 2'
    # Nobody unmounts here: the server sees the end of the namespace, and the container can start.
    unshared '$W mount a >/dev/null'
    assert_status 0
    wait_for no_processes
    wherry start -a a
    unshared '$W unmount a'
    assert_status 125
    assert_match "$stderr" 'container a is not mounted'
    unshared '$W mount nobody'
    assert_status 125
    assert_match "$stderr" 'no such container'
    # One is removed with its mount.
    unshared '$W mount b >/dev/null; $W rm b; $W mount'
    assert_status 0
    assert_output b
    wherry rm a
    assert_equal "$(find "$WHERRY_RUNROOT/mounts" -mindepth 1)" ''
}

@test "one that runs cannot be mounted, one that is mounted cannot start" {
    start_sleeper c
    unshared '$W mount c'
    assert_status 125
    assert_match "$stderr" 'container c runs, and its root is mounted in its own namespaces alone'
    wherry rm -f -t 0 c
    wherry create --name c debian true
    unshared '$W mount c >/dev/null; $W start -a c && exit 9; $W start c && exit 9; $W unmount c >/dev/null; exit 0'
    assert_status 0
    assert_match "$stderr" 'Error: .*(in use|used)'
}
