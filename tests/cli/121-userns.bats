#!/usr/bin/env bats
# SPDX-License-Identifier: Apache-2.0
# --userns, --uidmap, --gidmap, --group-add: whose ids a container has. Nothing of an image is ever
# copied or chowned for it.
# bats file_tags=main

load helpers

test_setup() {
    need_image debian
}

map_of() { # RUN-OPTIONS...
    wherry run --rm "$@" debian sed 's/^ *//; s/  */ /g' /proc/self/uid_map
}

first_subid() {
    awk -F: -v u="$(id -un)" '$1 == u { print $2; exit }' "/etc/sub${1:-u}id"
}

count_subids() {
    awk -F: -v u="$(id -un)" '$1 == u { print $3; exit }' /etc/subuid
}

@test "--userns=keep-id: we are who we are, and our files are ours" {
    mkdir share
    run_apart wherry run --rm --userns keep-id -v "$PWD/share:/mnt" debian sh -c \
        'id -u; id -g; touch /mnt/made /tmp/x; stat -c %u:%g /mnt/made /tmp/x'
    assert_output "$(id -u)
$(id -g)
$(id -u):$(id -g)
$(id -u):$(id -g)"
    assert_equal "$(stat -c %u:%g share/made)" "$(id -u):$(id -g)"
    run_apart wherry run --rm --userns keep-id:uid=500,gid=600 -v "$PWD/share:/mnt" debian sh -c \
        'id -u; id -g; stat -c %u:%g /mnt/made; grep CapEff /proc/self/status'
    assert_output $'500\n600\n500:600\nCapEff:\t0000000000000000'
    assert_equal "$(find "$WHERRY_ROOT" ! -user "$(id -un)")" ''
}

@test "--userns=keep-id: the image's owners show as they are, exec and cp work" {
    need_subordinate_ids
    wherry run -d --name c --userns keep-id debian sleep 1000
    assert_equal "$(wherry exec c stat -c %U:%G /etc/shadow)" root:shadow
    assert_equal "$(wherry exec c id -u)" "$(id -u)"
    assert_equal "$(wherry exec -u root c id -u)" 0
    echo text >file
    wherry cp file c:/tmp/file
    assert_equal "$(wherry exec c cat /tmp/file)" text
    wherry rm -f -t 0 c
    assert_equal "$(map_of --userns keep-id:uid=5)" "0 $(first_subid) 5
5 $(id -u) 1
6 $(($(first_subid) + 5)) $(($(count_subids) - 5))"
}

@test "--userns=keep-id with a single id: exec and cp work, everything is ours" {
    need_single_id
    wherry run -d --name c --userns keep-id debian sleep 1000
    assert_equal "$(wherry exec c stat -c %u:%g /etc/shadow)" "$(id -u):$(id -g)"
    assert_equal "$(wherry exec c id -u)" "$(id -u)"
    echo text >file
    wherry cp file c:/tmp/file
    assert_equal "$(wherry exec c cat /tmp/file)" text
    wherry rm -f -t 0 c
    assert_equal "$(map_of --userns keep-id)" "$(id -u) $(id -u) 1"
}

@test "--userns=keep-id leaves the image's user and the one that was asked for" {
    need_subordinate_ids
    assert_equal "$(wherry run --rm --userns keep-id -u root debian id -u)" 0
    wherry create --name c --userns keep-id debian true
    assert_equal "$(wherry inspect --format '{{.HostConfig.UsernsMode}} {{.Config.User}} {{len .EffectiveCaps}}' c)" \
        "keep-id $(id -u):$(id -g) 0"
}

@test "--userns=nomap: we are not in it" {
    need_subordinate_ids
    mkdir share
    assert_equal "$(map_of --userns nomap)" "0 $(first_subid) $(count_subids)"
    run_apart wherry run --rm --userns nomap -v "$PWD/share:/mnt" debian sh -c \
        'stat -c %u /mnt; touch /mnt/x 2>/dev/null || echo refused; touch /x && stat -c %u /x; cat /etc/hosts >/dev/null && echo hosts'
    assert_output $'65534\nrefused\n0\nhosts'
    assert_equal "$(find "$WHERRY_ROOT" ! -user "$(id -un)")" ''
}

@test "--userns=auto: ids that no other container has" {
    need_subordinate_ids
    local first
    first=$(first_subid)
    wherry create --name a --userns auto debian cat /proc/self/uid_map
    wherry create --name b --userns auto:size=5000 debian cat /proc/self/uid_map
    assert_equal "$(wherry start -a a | tr -s ' ')" " 0 $first 1024"
    assert_equal "$(wherry start -a b | tr -s ' ')" " 0 $((first + 1024)) 5000"
    wherry rm a
    assert_equal "$(map_of --userns auto:size=1000)" "0 $first 1000"
    assert_equal "$(map_of --userns auto:size=1025)" "0 $((first + 6024)) 1025"
    run_apart wherry run --rm --userns auto:size=10000000 debian true
    assert_refused 'no 10000000 subordinate ids are left'
    # Several at once get different ones.
    for _ in 1 2 3 4 5 6 7 8; do wherry create --userns auto debian true & done
    wait
    wherry ps -aq | xargs "$WHERRY" inspect --format '{{index .HostConfig.IDMappings.UidMap 0}}' >ranges
    assert_equal "$(sort ranges | uniq -d)" ''
    assert_equal "$(wc -l <ranges)" 9
}

@test "--userns=auto: as many ids as the image and its user need; forced maps" {
    need_subordinate_ids
    local first
    first=$(first_subid)
    printf 'FROM debian\nRUN echo x:x:5000:1::/:/bin/sh >>/etc/passwd && echo y:x:3000: >>/etc/group\n' >Dockerfile
    wherry build -q -t many .
    assert_equal "$(wherry run --rm --userns auto many tail -n 1 /proc/self/uid_map | tr -s ' ')" " 0 $first 5001"
    run_apart wherry run --rm --userns auto -u x many id -u
    assert_output 5000
    assert_equal "$(map_of --userns auto -u 2000:3000)" "0 $first 3001"
    assert_equal "$(map_of --userns auto:size=100,uidmapping=10:0:1)" "0 $first 10
11 $((first + 10)) 89
10 $(id -u) 1"
    run_apart wherry run --rm --userns auto:size=100,gidmapping=0:0:1 debian sh -c 'wc -l </proc/self/uid_map; wc -l </proc/self/gid_map'
    assert_output $'1\n2'
    local bad
    for bad in size=x size= size=-1 uidmapping=1 uidmapping=1:2:3:4 colour=1; do
        run_apart wherry run --rm --userns "auto:$bad" debian true
        assert_refused 'invalid option'
    done
    run_apart wherry run --rm --userns auto:uidmapping=0:0:5000000 debian true
    assert_status 125
}

@test "--uidmap and --gidmap" {
    need_subordinate_ids
    assert_equal "$(map_of --uidmap 0:1:10 --uidmap 10:0:1)" "0 $(first_subid) 10
10 $(id -u) 1"
    run_apart wherry run --rm --uidmap 0:0:10 --gidmap 0:1:50 debian sh -c \
        'sed "s/^ *//; s/  */ /g" /proc/self/gid_map; stat -c %g /etc/shadow'
    assert_output "0 $(first_subid g) 50"$'\n42'
    wherry create --name c --uidmap 0:0:10 debian true
    assert_equal "$(wherry inspect --format '{{json .HostConfig.IDMappings.UidMap}}' c)" '["0:0:10"]'
}

@test "--uidmap without an id 0: mount points are made all the same" {
    need_subordinate_ids
    mkdir share
    touch file
    run_apart wherry run --name c --uidmap 1:0:1000 --user 1 -v "$PWD/share:/new/dir" -v "$PWD/file:/new/file" \
        -w /work/here debian sh -c 'id -u; pwd; stat -c %u /etc/hosts /new/dir /new/file /etc/passwd /work/here; ls /proc/self/exe'
    assert_equal "$stderr" ''
    assert_output $'1\n/work/here\n1\n1\n1\n65534\n65534\n/proc/self/exe'
    wherry cp c:/etc/hostname got
    wherry start -a c >again
    assert_equal "$(head -n 1 again)" 1
    run_apart wherry run --rm --gidmap 5:1:100 --user 7:7 debian id -g
    assert_output 7
    run_apart wherry run --rm --gidmap 5:1:100 debian id
    assert_refused 'user 0:0 is not in the id map'
    assert_equal "$(find "$WHERRY_ROOT" ! -user "$(id -un)")" ''
}

@test "maps that overlap, are out of range or need ids that are not there are errors" {
    local bad
    for bad in '--uidmap 0:0:5 --uidmap 4:10:5' '--uidmap 0:0:5 --uidmap 9:4:2' '--uidmap 0:0:10000000' \
        '--uidmap 4294967295:0:1' '--uidmap 0:0:0' '--uidmap 0' '--uidmap a:b:c' '--gidmap 0:0:-1' \
        '--userns nothing' '--userns keep-id:x=1' '--userns keep-id:uid=99999999999' '--userns auto:size=0' \
        '--userns keep-id --uidmap 0:0:1' '--userns container:nobody' '--userns ns:relative'; do
        # shellcheck disable=SC2086 # words
        run_apart wherry run --rm $bad debian true
        assert_status 125
        assert_output ''
        assert_match "$stderr" '^Error: '
    done
}

@test "what needs more ids than one is refused with a single id" {
    need_single_id
    run_apart wherry run --rm --userns nomap debian true
    assert_refused 'needs subordinate ids'
    run_apart wherry run --rm --userns auto debian true
    assert_refused 'subordinate ids are left'
    run_apart wherry run --rm --uidmap 0:0:2 debian true
    assert_refused 'needs subordinate ids'
    run_apart wherry run --rm --group-add audio --root-emulation=none debian true
    assert_refused 'with a single id no groups can be added'
    assert_equal "$(map_of --uidmap 0:0:1)" "0 $(id -u) 1"
}

@test "--userns=container: the same ids" {
    wherry run -d --name one debian sleep 1000
    run_apart wherry run --rm --userns container:one debian readlink /proc/self/ns/user /proc/self/ns/pid
    assert_equal "${lines[0]}" "$(wherry exec one readlink /proc/self/ns/user)"
    [[ ${lines[1]} != "$(wherry exec one readlink /proc/self/ns/pid)" ]]
    wherry rm -f -t 0 one
}

@test "--group-add" {
    need_subordinate_ids
    assert_equal "$(wherry run --rm --group-add audio,1234 --group-add 7 debian id -G)" '0 7 29 1234'
    run_apart wherry run --rm --group-add nothing debian true
    assert_status 125
    assert_match "$stderr" 'unable to find group "nothing"'
    run_apart wherry run --rm --group-add 3000000 debian true
    assert_match "$stderr" 'do not reach so far'
    run_apart wherry run --rm --group-add keep-groups --group-add audio debian true
    assert_refused 'not allowed with any other'
    assert_equal "$(wherry run --rm debian id -G)" 0
    wherry create --name c --group-add audio debian true
    assert_equal "$(wherry inspect --format '{{.HostConfig.GroupAdd}}' c)" '[audio]'
}
