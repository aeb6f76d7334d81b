#!/usr/bin/env bats
# SPDX-License-Identifier: Apache-2.0
# Which namespaces a container has for itself.
# bats file_tags=main

load helpers

test_setup() {
    need_image debian
}

@test "--network host: the machine's network, its name, and a /sys that cannot be written" {
    run_apart wherry run --rm --network host debian sh -c 'readlink /proc/self/ns/net; hostname
        echo /sys/class/net/*; find /sys -xdev -type f -writable 2>/dev/null | head -3; touch /sys/fs/cgroup/x 2>/dev/null && echo written; true'
    assert_status 0
    assert_output "$(readlink /proc/self/ns/net)
$(hostname)
$(echo /sys/class/net/*)"
    run_apart wherry run --rm --network host --hostname box debian hostname
    assert_output box
}

@test "--network host gives no power over the machine's network" {
    run_apart wherry run --rm --network host debian sh -c 'echo 1 >/proc/sys/net/ipv4/ip_forward'
    assert_status 2
    wherry create --name c --network host debian true
    assert_equal "$(wherry inspect --format '{{.HostConfig.NetworkMode}}' c)" host
}

@test "an unknown network is refused" {
    run_apart wherry run --rm --network nothing debian true
    assert_refused 'invalid --network "nothing": want private.host.none.slirp4netns, container:NAME'
    run_apart wherry run --rm --ipc nothing debian true
    assert_refused 'invalid --ipc "nothing": want private.host.shareable.none, container:NAME'
}

ns() { # KIND RUN-OPTIONS...: the namespace of a new container
    local kind=$1
    shift
    wherry run --rm "$@" debian readlink "/proc/self/ns/$kind"
}

@test "each namespace is the container's own, or the machine's when asked" {
    local kind flag
    for kind in pid ipc uts cgroup net user mnt; do
        assert_match "$(ns $kind)" "^$kind:"
        [[ $(ns $kind) != $(readlink /proc/self/ns/$kind) ]]
    done
    for flag in pid:pid ipc:ipc uts:uts cgroupns:cgroup network:net; do
        kind=${flag#*:}
        assert_equal "$(ns "$kind" "--${flag%:*}=host")" "$(readlink "/proc/self/ns/$kind")"
    done
    [[ $(ns pid --pid private --ipc shareable) != $(readlink /proc/self/ns/pid) ]]
}

@test "a container joins another one's namespaces, and inspect names it" {
    wherry run -d --name one --hostname bee debian sh -c 'echo shared >/dev/shm/s; echo ready; exec sleep 1000'
    wait_for bash -c '"$1" logs one | grep -q ready' bash "$WHERRY"
    run_apart wherry run --rm --pid container:one --ipc container:one --uts container:one \
        --network container:one debian sh -c 'cat /dev/shm/s; hostname; tr "\0" " " </proc/1/cmdline
        for n in pid ipc uts net; do readlink /proc/self/ns/$n; done'
    assert_equal "$stderr" ''
    assert_output "shared
bee
sleep 1000 $(wherry exec one sh -c 'for n in pid ipc uts net; do readlink /proc/self/ns/$n; done')"
    # The other's files are not ours, whichever namespaces we share.
    run_apart wherry run --rm --pid container:one debian sh -c 'ls /proc/1/root/ 2>/dev/null; cat /proc/1/environ 2>/dev/null | tr "\0" "\n" | grep HOSTNAME; test -e /dev/shm/s && echo shm; true'
    refute_match "$output" shm
    local id
    id=$(wherry inspect --format '{{.Id}}' one)
    wherry create --name two --ipc container:one debian true
    assert_equal "$(wherry inspect --format '{{.HostConfig.IpcMode}} {{.HostConfig.PidMode}}' two)" "container:$id private"
    run_apart wherry rm -f -t 0 one
    assert_status 2
    wherry rm -f -t 0 --depend one
}

@test "a container that is paused has no namespaces to join" {
    start_sleeper one
    wherry pause one
    run_apart wherry run --rm --pid container:one debian true
    assert_refused 'does not run'
    wherry rm -f -t 0 one
    run_apart wherry run --rm --pid container:nobody debian true
    assert_refused 'no such container'
}

@test "what joins an outside namespace must own it" {
    run_apart wherry run --rm --network ns:/proc/self/ns/net debian true
    assert_status 125
    assert_match "$stderr" 'only root|does not belong to a user namespace of yours'
    run_apart wherry run --rm --network "ns:$PWD/missing" debian true
    assert_refused 'missing'
    touch file
    run_apart wherry run --rm --ipc "ns:$PWD/file" debian true
    assert_refused 'not a namespace of that kind'
}

@test "a namespace by its path" {
    wherry run -d --name one --hostname bee debian sleep 1000
    local pid
    pid=$(wherry inspect --format '{{.State.Pid}}' one)
    assert_equal "$(wherry run --rm --uts "ns:/proc/$pid/ns/uts" debian hostname)" bee
    wherry rm -f -t 0 one
}

@test "with a pid namespace of others, all of the container ends with its command" {
    run_apart wherry run --rm --pid host debian sh -c 'sleep 4711 & (setsid sleep 4712 &) ; echo done'
    assert_output 'done'
    run pgrep -u "$(id -u)" -f '^sleep 471[12]$'
    assert_output ''
    wherry run -d --name one debian sleep 1000
    run_apart wherry run --rm --pid container:one debian sh -c 'sleep 4713 & sleep 0.1; ls /proc | grep -c "^[0-9]"'
    assert_output 5
    run_apart wherry exec one sh -c 'cat /proc/[0-9]*/cmdline | tr "\0" " "'
    refute_match "$output" 4713
    wherry rm -f -t 0 one
}

@test "with a pid namespace of others, all of the container ends with its killed monitor" {
    wherry run -d --name one debian sleep 1000
    local mode mark=4714$$ # seconds that nobody else sleeps
    for mode in host container:one; do
        wherry run -d --name two --pid "$mode" debian sh -c "sleep $mark & (setsid sleep $mark &) ; sleep $mark; true"
        wait_for sleepers 3 "$mark"
        kill -KILL "$(wherry inspect --format '{{.State.ConmonPid}}' two)"
        wait_for sleepers 0 "$mark"
        wait_for container_is two exited
        wherry rm two
    done
    wherry rm -f -t 0 one
}

sleepers() { # COUNT SECONDS
    [[ $(pgrep -cf "^sleep $2\$") == "$1" ]]
}

@test "--pid host gives no look into the machine's processes" {
    run_apart wherry run --rm --pid host --cap-add all debian sh -c \
        "ls /proc/$$/root/ 2>/dev/null; cat /proc/$$/environ 2>/dev/null; readlink /proc/$$/fd/* /proc/$$/exe; true"
    assert_output ''
}

@test "modes that cannot be" {
    local bad
    for bad in --pid=nothing --ipc=nothing --pid=none --uts=shareable --cgroupns=x --network=container --pid=ns:relative; do
        run_apart wherry run --rm "$bad" debian true
        assert_status 125
    done
    run_apart wherry run --rm --uts host --hostname x debian true
    assert_refused 'cannot set hostname'
    run_apart wherry run --rm --ipc host --shm-size 1m debian true
    assert_refused 'cannot set shm-size'
    run_apart wherry run --rm --pid host --init debian true
    assert_refused "PID namespace isn't private"
}

@test "--ipc: shareable by default, private and none are not; none has no /dev/shm" {
    run_apart wherry run --rm --ipc none debian sh -c 'touch /dev/shm/x 2>/dev/null || test ! -d /dev/shm && echo none; grep -c " /dev/shm " /proc/self/mountinfo; readlink /proc/self/ns/ipc'
    assert_match "$output" $'none\n0\nipc:'
    [[ ${lines[2]} != $(readlink /proc/self/ns/ipc) ]]
    run_apart wherry run --rm --ipc none --shm-size 1m debian true
    assert_refused 'no /dev/shm'
    local mode
    for mode in private none; do
        wherry create --name "$mode" --ipc "$mode" debian true
        assert_equal "$(wherry inspect --format '{{.HostConfig.IpcMode}}' "$mode")" "$mode"
        run_apart wherry create --ipc "container:$mode" debian true
        assert_refused 'joining IPC of container .* is not allowed: non-shareable IPC'
    done
    wherry create --name plain debian true
    assert_equal "$(wherry inspect --format '{{.HostConfig.IpcMode}}' plain)" shareable
}

@test "--init: process 1 is ours, passes signals on, and reaps" {
    run_apart wherry run --rm --init debian sh -c 'cat /proc/1/comm; exit 7'
    assert_status 7
    assert_output wherry-init
    run_apart wherry run --rm --init debian sh -c 'kill -TERM $$'
    assert_status 143
    run_apart -127 wherry run --rm --init debian no-such-command
    assert_match "$stderr" 'no-such-command'
    # Orphans are collected: nobody is a zombie (state Z).
    run_apart wherry run --rm --init debian sh -c 'for i in 1 2 3; do (sleep 0.01 &) ; done
        sleep 0.3; grep -l "^State:.Z" /proc/[0-9]*/status; true'
    assert_output ''
    # A program without handlers dies by the stop signal, as it would outside.
    wherry run -d --name c --init debian sleep 1000
    wherry stop -t 1000 c
    assert_equal "$(wherry inspect --format '{{.State.ExitCode}} {{.HostConfig.Init}}' c)" '143 true'
}

@test "--init: the container cannot reach our program through process 1" {
    local before
    before=$(sha256sum "$WHERRY")
    run_apart wherry run --rm --init --cap-add all debian sh -c '
        for f in exe root/etc fd/0 mem environ maps; do
            cat /proc/1/$f >/dev/null 2>&1 && echo "read $f"
            (echo x >/proc/1/$f) 2>/dev/null && echo "wrote $f"
        done
        ln -s /proc/1/exe /link; /link 2>/dev/null && echo ran; true'
    assert_output ''
    assert_equal "$(sha256sum "$WHERRY")" "$before"
}

@test "--init: a terminal's keys reach the command" {
    command -v expect >/dev/null || skip 'expect is missing'
    cat >keys.exp <<EOF
set timeout 20
spawn $WHERRY run --rm -it --init debian sh -c "trap 'echo got-int; exit 5' INT; echo ready; while :; do sleep 0.1; done"
expect ready
send "\003"
expect got-int
expect eof
exit [lindex [wait] 3]
EOF
    run expect keys.exp
    assert_status 5
}
