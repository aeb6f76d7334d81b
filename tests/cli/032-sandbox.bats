#!/usr/bin/env bats
# SPDX-License-Identifier: Apache-2.0
# The sandbox's flags: power, policy, limits, devices; what each gives and what inspect says of it.
# bats file_tags=main

load helpers

test_setup() {
    need_image debian
}

caps_of() { # SET RUN-OPTIONS...
    local set=$1
    shift
    wherry run --rm "$@" debian sed -n "s/^$set:\t//p" /proc/self/status
}

@test "--cap-add and --cap-drop: names in any form, ALL, and what contradicts itself" {
    assert_equal "$(caps_of CapEff)" 00000000800405fb
    assert_equal "$(caps_of CapEff --cap-add net_admin,CAP_SYS_TIME --cap-drop Chown)" 00000000820415fa
    assert_equal "$(caps_of CapBnd --cap-drop=all)" 0000000000000000
    assert_equal "$(caps_of CapPrm --cap-drop ALL --cap-add KILL)" 0000000000000020
    assert_equal "$(caps_of CapEff --cap-add all --cap-drop SYS_ADMIN)" 000001ffffdfffff
    assert_equal "$(caps_of CapInh --cap-add all)$(caps_of CapAmb --cap-add all)" \
        00000000000000000000000000000000
    run_apart wherry run --rm --cap-add nothing debian true
    assert_refused 'unknown capability "nothing"'
    run_apart wherry run --rm --cap-add kill --cap-drop CAP_KILL debian true
    assert_refused 'cannot be dropped and added'
    run_apart wherry run --rm --cap-add all --cap-drop all debian true
    assert_refused 'adding all capabilities and removing all'
}

@test "capabilities of another user than root: only those that were added by name" {
    need_subordinate_ids
    assert_equal "$(caps_of CapEff -u 33)" 0000000000000000
    assert_equal "$(caps_of CapAmb -u 33)" 0000000000000000
    assert_equal "$(caps_of CapEff -u 33 --cap-add chown,net_raw)" 0000000000002001
    assert_equal "$(caps_of CapAmb -u 33 --cap-add chown,net_raw)" 0000000000002001
    assert_equal "$(caps_of CapBnd -u 33 --cap-add net_raw)" 00000000800425fb
    run_apart wherry run --rm -u 33 --cap-add chown debian sh -c 'touch /tmp/f; chown 7 /tmp/f; stat -c %u /tmp/f'
    assert_output 7
}

@test "a seccomp policy for other capabilities is compiled once and then comes from the store" {
    local before after
    assert_equal "$(caps_of Seccomp --cap-add sys_admin)" 2
    before=$(cd "$WHERRY_ROOT/cache/seccomp" && stat -c '%n %i %a' -- *)
    assert_match "$before" '^[0-9a-f]{16} [0-9]+ 600$'
    wherry run --rm --cap-add sys_admin debian unshare -m true
    after=$(cd "$WHERRY_ROOT/cache/seccomp" && stat -c '%n %i %a' -- *)
    assert_equal "$after" "$before"
    run wherry run --rm debian unshare -m true
    [[ $status != 0 ]]
}

@test "--security-opt seccomp: none, podman's own profile, and one of ours" {
    # With a single id there is the filter of the root emulation, which refuses nothing.
    run wherry run --rm debian unshare -U true
    [[ $status != 0 ]]
    run_apart wherry run --rm --security-opt seccomp=unconfined debian unshare -U true
    assert_status 0
    ! has_subordinate_ids || assert_equal "$(caps_of Seccomp --security-opt seccomp=unconfined)" 0
    if [[ -r /usr/share/containers/seccomp.json ]]; then
        assert_equal "$(caps_of Seccomp --security-opt seccomp=/usr/share/containers/seccomp.json)" 2
    fi
    echo '{"defaultAction":"SCMP_ACT_ALLOW","syscalls":[{"names":["mkdir","mkdirat"],
        "action":"SCMP_ACT_ERRNO","errnoRet":95}]}' >profile.json
    wherry create --name c --security-opt seccomp=profile.json debian sh -c 'mkdir /x'
    rm profile.json
    run_apart wherry start -a c
    assert_status 1
    assert_match "$stderr" 'Operation not supported'
    assert_equal "$(wherry inspect --format '{{json .HostConfig.SecurityOpt}}' c)" \
        "[\"seccomp=$PWD/profile.json\"]"
    refute_match "$(wherry inspect c)" SCMP_ACT
    echo '{"defaultAction":"SCMP_ACT_NOTHING"}' >bad.json
    run_apart wherry run --rm --security-opt seccomp=bad.json debian true
    assert_refused 'seccomp profile bad.json: unknown or unsupported action "SCMP_ACT_NOTHING"'
    run_apart wherry run --rm --security-opt seccomp=missing.json debian true
    assert_refused 'missing.json'
}

@test "--security-opt no-new-privileges, label, apparmor, and what is unknown" {
    assert_equal "$(caps_of NoNewPrivs --security-opt no-new-privileges)" 1
    assert_equal "$(caps_of NoNewPrivs --security-opt no-new-privileges:true)" 1
    assert_equal "$(caps_of NoNewPrivs --security-opt no-new-privileges=false)" 0
    assert_equal "$(caps_of NoNewPrivs --security-opt label=disable --security-opt apparmor=unconfined)" 0
    local bad
    for bad in nothing no-new-privileges=maybe apparmor=mine mask=etc seccomp; do
        run_apart wherry run --rm --security-opt "$bad" debian true
        assert_refused -- '--security-opt'
    done
}

@test "--security-opt mask and unmask" {
    run_apart wherry run --rm --security-opt mask=/etc/hostname:/usr/share/doc:/no/such debian sh -c \
        'cat /etc/hostname; ls /usr/share/doc; touch /usr/share/doc/x || echo refused'
    assert_output refused
    run_apart wherry run --rm --security-opt 'unmask=/proc/key*:/proc/s?s' debian sh -c \
        'mount | grep -c " /proc/sys \| /proc/keys "; mount | grep -c " /proc/bus "'
    assert_output $'0\n1'
    run_apart wherry run --rm --security-opt unmask=ALL debian sh -c 'mount | grep -c " /proc/\| /sys/firm"'
    assert_output 0
    run_apart wherry run --rm --security-opt proc-opts=hidepid=invisible debian sh -c 'mount | grep " /proc "'
    assert_match "$output" hidepid
    run_apart wherry run --rm --pid host --security-opt proc-opts=hidepid=2 debian true
    assert_refused 'only root can change'
    run_apart wherry run --rm --security-opt proc-opts=gid=0 debian true
    assert_refused proc-opts
}

@test "--privileged: all capabilities, no policy, nothing hidden, the devices" {
    run_apart wherry run --rm --privileged debian sh -c 'grep -E "^(CapEff|CapBnd):" /proc/self/status; unshare -U true && echo free
        mount | grep -c " /proc/"; mount | grep " /sys " | grep -c "(rw"; mount -t tmpfs none /mnt && echo mounted; test -c /dev/fuse && echo fuse
        ls -d /dev/tty1 2>/dev/null; readlink /dev/ptmx'
    assert_output $'CapEff:\t000001ffffffffff\nCapBnd:\t000001ffffffffff\nfree\n0\n1\nmounted\nfuse\npts/ptmx'
    wherry create --name c --privileged debian true
    assert_equal "$(wherry inspect --format '{{.HostConfig.Privileged}} {{len .EffectiveCaps}}' c)" 'true 41'
}

@test "--privileged gives no power outside of the container" {
    run_apart wherry run --rm --privileged debian sh -c '
        echo 1 >/proc/sys/kernel/sysrq || echo no
        echo c >/proc/sysrq-trigger || echo no
        mknod /tmp/sda b 8 0 && head -c 1 /tmp/sda || echo no
        date -s 2001-01-01 >/dev/null || echo no
        mount -t ext4 /dev/loop0 /mnt 2>/dev/null || echo no'
    assert_output $'no\nno\nno\nno\nno'
}

@test "--umask, --shm-size, --ulimit" {
    run_apart wherry run --rm --umask 0077 --shm-size 1m --ulimit nofile=100:200 --ulimit core=0 debian \
        bash -c 'umask; df --output=size /dev/shm | tail -1 | tr -d " "; ulimit -Sn; ulimit -Hn; ulimit -c'
    assert_output $'0077\n1024\n100\n200\n0'
    assert_equal "$(wherry run --rm --ulimit nofile=-1 debian bash -c 'ulimit -Sn')" "$(ulimit -Hn)"
    assert_equal "$(ulimit -Sn 77; wherry run --rm --ulimit host debian bash -c 'ulimit -Sn')" 77
    run_apart bash -c 'ulimit -n 1000; "$1" run --rm --ulimit nofile=2000 debian true' bash "$WHERRY"
    assert_refused 'ulimit nofile: 2000 is above .* hard limit .* 1000'
    run_apart wherry run --rm --umask 8 debian true
    assert_refused 'invalid umask'
    run_apart wherry run --rm --shm-size lots debian true
    assert_refused 'invalid --shm-size'
    run_apart wherry run --rm --ulimit files=3 debian true
    assert_refused 'invalid ulimit type'
    wherry create --name c --umask 77 --shm-size 1m --ulimit nofile=100:200 debian true
    assert_equal "$(wherry inspect --format '{{.Config.Umask}} {{.HostConfig.ShmSize}} {{json .HostConfig.Ulimits}}' c)" \
        '0077 1048576 [{"Hard":200,"Name":"RLIMIT_NOFILE","Soft":100}]'
}

@test "--sysctl: those of the container's namespaces, and no other" {
    run_apart wherry run --rm --sysctl net.ipv4.ip_forward=1 --sysctl kernel.shmmax=12345 debian \
        cat /proc/sys/net/ipv4/ip_forward /proc/sys/kernel/shmmax
    assert_output $'1\n12345'
    local bad
    for bad in vm.swappiness=1 kernel.hostname=x net.ipv4.no_such=1 net/../vm/swappiness=1 net..x=1 net.ipv4.ip_forward kernel.core_pattern=x; do
        run_apart wherry run --rm --sysctl "$bad" debian true
        assert_refused 'sysctl'
    done
    run_apart wherry run --rm --network host --sysctl net.ipv4.ip_forward=1 debian true
    assert_refused 'the network namespace is not'
}

@test "--device: a node, under another name, a directory; nothing that is no device" {
    run_apart wherry run --rm --device /dev/fuse --device /dev/zero:/dev/my/zero:rw debian sh -c \
        'test -c /dev/fuse && head -c 2 /dev/my/zero | od -An -tx1; ls /dev/my'
    assert_output $' 00 00\nzero'
    run_apart wherry run --rm --device /dev/net:/dev/other debian sh -c 'test -c /dev/other/tun && echo there'
    assert_output there
    touch file
    run_apart wherry run --rm --device "$PWD/file" debian true
    assert_refused 'is not a device'
    ln -s /etc/passwd link
    run_apart wherry run --rm --device "$PWD/link" debian true
    assert_refused 'is not a device'
    run_apart wherry run --rm --device /dev/no-such debian true
    assert_refused 'no-such'
    run_apart wherry run --rm --device /dev/fuse:r debian true
    assert_refused 'only read and write together'
    wherry create --name c --device /dev/fuse debian true
    assert_equal "$(wherry inspect --format '{{json .HostConfig.Devices}}' c)" \
        '[{"CgroupPermissions":"rwm","PathInContainer":"/dev/fuse","PathOnHost":"/dev/fuse"}]'
}

@test "a device node that became a file or directory after create is not bound" {
    ln -s /dev/null here
    wherry create --name c --device "$PWD/here" debian true
    assert_equal "$(wherry inspect --format '{{(index .HostConfig.Devices 0).PathOnHost}}' c)" /dev/null
    wherry start -a c
}

@test "--read-only: nothing but /tmp, /run, /var/tmp and /dev/shm can be written" {
    run_apart wherry run --rm --read-only debian sh -c 'touch /x /usr/x /etc/x 2>/dev/null && echo written
        touch /tmp/x /run/x /var/tmp/x /dev/shm/x && echo fine; test -f /run/.containerenv && echo env'
    assert_output $'fine\nenv'
    run_apart wherry run --rm --read-only --read-only-tmpfs=false debian sh -c 'touch /tmp/x'
    assert_status 1
    assert_match "$stderr" 'Read-only file system'
    mkdir mine
    run_apart wherry run --rm --read-only -v "$PWD/mine:/tmp" debian sh -c 'touch /tmp/x; ls /tmp'
    assert_output x
    [[ -e mine/x ]]
}

@test "inspect tells the capabilities as they are" {
    wherry create --name a --cap-add net_raw --cap-drop kill debian true
    assert_equal "$(wherry inspect --format '{{.HostConfig.CapAdd}} {{.HostConfig.CapDrop}} {{len .EffectiveCaps}} {{len .BoundingCaps}}' a)" \
        '[CAP_NET_RAW] [CAP_KILL] 11 11'
    wherry create --name b -u 33 debian true
    assert_equal "$(wherry inspect --format '{{len .EffectiveCaps}} {{len .BoundingCaps}} {{.HostConfig.Privileged}} {{.HostConfig.ShmSize}}' b)" \
        '0 11 false 65536000'
}
