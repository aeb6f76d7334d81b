#!/usr/bin/env bats
# SPDX-License-Identifier: Apache-2.0
# With subordinate ids and with a single one: the container's root is the user, outside nothing is
# owned by anybody else, inside ownership looks as the image says.
# bats file_tags=main

load helpers

test_setup() {
    need_image debian
}

@test "the container's root is the invoking user" {
    mkdir share
    run_apart wherry run --rm -v "$PWD/share:/mnt" debian sh -c 'id -u; id -g; touch /mnt/made; stat -c %u:%g /mnt'
    assert_output $'0\n0\n0:0'
    assert_equal "$(stat -c %u:%g share/made)" "$(id -u):$(id -g)"
}

@test "with subordinate ids the map is the user and the range" {
    need_subordinate_ids
    local range
    range=$(awk -F: -v u="$(id -un)" '$1 == u { print $2 " " $3; exit }' /etc/subuid)
    run_apart wherry run --rm debian sh -c 'tr -s " " </proc/self/uid_map'
    assert_output " 0 $(id -u) 1"$'\n'" 1 $range"
}

@test "with a single id the map is one line" {
    need_single_id
    run_apart wherry run --rm debian sh -c 'tr -s " " </proc/self/uid_map; cat /proc/self/setgroups'
    assert_output " 0 $(id -u) 1"$'\n'deny
}

@test "chown works with subordinate ids, and costs nothing outside" {
    need_subordinate_ids
    run_apart wherry run --name c debian sh -c 'touch /f && chown 1000:50 /f && stat -c %u:%g /f; chown -h games /bin; stat -c %U:%G /etc/shadow'
    assert_output $'1000:50\nroot:shadow'
    assert_equal "$(find "$WHERRY_ROOT" ! -user "$(id -un)")" ''
    run_apart wherry commit -q c chowned
    run_apart wherry run --rm chowned stat -c %u:%g /f
    assert_output 1000:50
}

@test "a process of another id writes files of that id, which stay the user's outside" {
    need_subordinate_ids
    run_apart wherry run --name c -u 33:33 debian sh -c 'touch /tmp/f && stat -c %u:%g /tmp/f; touch /f 2>/dev/null || echo refused'
    assert_output $'33:33\nrefused'
    assert_equal "$(find "$WHERRY_ROOT" ! -user "$(id -un)")" ''
}

@test "dropping to another user works with subordinate ids" {
    need_subordinate_ids
    run_apart wherry run --rm debian setpriv --reuid=nobody --regid=nogroup --clear-groups id -un
    assert_output nobody
}

@test "with a single id everything is root's, and a package manager's chown is told" {
    need_single_id
    run_apart wherry run --rm debian sh -c 'stat -c %u:%g /etc/shadow /bin/su; touch /f; chown 0:0 /f && echo fine'
    assert_output $'0:0\n0:0\nfine'
}

@test "-u of an id that is not mapped and not emulated is refused with a reason" {
    need_single_id
    run_apart wherry run --rm -u 1000 --root-emulation=none debian true
    [[ $status == 12[56] ]]
    assert_match "$stderr" '^Error: .*1000'
}

@test "outside, no process of a container runs as anybody but the user and the range" {
    wherry run -d --name c debian sleep 1000
    local pid
    pid=$(wherry inspect --format '{{.State.Pid}}' c)
    assert_equal "$(awk '/^Uid:/ { print $2 }' "/proc/$pid/status")" "$(id -u)"
    wherry rm -f -t 0 c
}
