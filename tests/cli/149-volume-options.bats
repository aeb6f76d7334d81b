#!/usr/bin/env bats
# SPDX-License-Identifier: Apache-2.0
# Volumes that are a tmpfs or a directory of the host: create --opt, what containers get, mount.

load helpers

test_setup() {
    need_image debian
}

tmpfs_volume() { # NAME OPTIONS
    wherry volume create --opt type=tmpfs --opt device=tmpfs --opt "o=$2" "$1"
}

bind_volume() { # NAME DIRECTORY OPTIONS
    wherry volume create -o type=none -o "device=$2" -o "o=$3" "$1"
}

unshared() { # SCRIPT: $W is wherry
    run_apart timeout 60 "$WHERRY" unshare env W="$WHERRY" sh -ec "$1"
}

@test "a tmpfs: size, mode, owner, flags; nothing is kept" {
    tmpfs_volume t size=1m,mode=750,uid=0,gid=0,noexec,nr_inodes=100
    local _
    for _ in 1 2; do
        run_apart wherry run --rm -v t:/t debian sh -c 'stat -fc "%T %b %c" /t; stat -c "%a %u:%g" /t
            ls -A /t; echo x >/t/file; grep " /t " /proc/self/mountinfo | cut -d " " -f 6'
        assert_status 0
        assert_equal "${lines[*]:0:2}" 'tmpfs 256 100 750 0:0'
        assert_match "${lines[2]}" '^rw,nosuid,nodev,noexec'
        assert_equal "${#lines[@]}" 3
    done
    assert_equal "$(ls -A "$WHERRY_ROOT/volumes/t/_data")" ''
    run_apart wherry run --rm -v t:/t debian dd if=/dev/zero of=/t/big bs=1M count=2 status=none
    assert_status 1
    assert_match "$stderr" 'No space left'
    tmpfs_volume ro ro
    run_apart wherry run --rm -v ro:/t debian touch /t/x
    assert_match "$stderr" 'Read-only'
    # As for --tmpfs, what the image has there is in it; each container has its own.
    run_apart wherry run --rm -v t:/etc/apt debian sh -c 'ls /etc/apt | grep -c sources; stat -fc %T /etc/apt'
    assert_match "$output" '^[1-9]'
    assert_match "$output" 'tmpfs$'
    run_apart wherry run --rm -v t:/etc/apt:nocopy debian ls -A /etc/apt
    assert_output ''
    # Started again, by another run, and through cp.
    wherry create --name c -v t:/t debian sh -c 'stat -fc %T /t; ls -A /t; touch /t/x'
    assert_equal "$(wherry start -a c)" tmpfs
    assert_equal "$(wherry start -a c)" tmpfs
    wherry cp "$BATS_TEST_FILENAME" c:/t/in
    assert_equal "$(ls -A "$WHERRY_ROOT/volumes/t/_data")" ''
}

@test "owners: of a tmpfs, of a plain volume; one that is none is told" {
    tmpfs_volume t uid=33,gid=34
    wherry volume create --opt o=uid=33,gid=34 p
    run_apart wherry volume inspect --format '{{.UID}} {{.GID}} {{json .Options}}' p
    assert_output '33 34 {"o":"uid=33,gid=34"}'
    local target
    for target in /etc/apt /new; do
        run_apart wherry run --rm -v t:"$target" -v p:/p"$target" debian \
            stat -c %u:%g "$target" "/p$target"
        if has_subordinate_ids; then
            assert_output $'33:34\n33:34'
        else
            assert_status 125
            assert_error "volume t: its owner uid=33 is no user of the container's"
        fi
    done
    need_subordinate_ids
    wherry volume create --opt o=uid=33,gid=34 q
    run_apart wherry run --rm -v q:/etc/apt debian sh -c 'stat -c %u:%g /etc/apt /etc/apt/trusted.gpg.d'
    assert_output $'33:34\n0:0'
    wherry volume create --opt o=uid=33 r
    run_apart wherry run --rm -u 33 -v r:/etc:nocopy debian touch /etc/x
    assert_status 0
    run_apart wherry run --rm --userns=keep-id -v r:/r debian ls -A /r
    assert_output x
}

@test "a bind: the host's directory, filled once if it is empty" {
    mkdir host empty other
    echo outside >host/file
    bind_volume b "$PWD/host" bind
    bind_volume e "$PWD/empty" bind,nodev
    bind_volume o "$PWD/other" bind,ro
    run_apart wherry run --rm -v b:/etc/apt debian sh -c 'ls -A /etc/apt; echo inside >/etc/apt/new'
    assert_output file
    assert_equal "$(cat host/new)" inside
    wherry run --rm -v e:/etc/apt debian rm -r /etc/apt/trusted.gpg.d
    [[ -f empty/sources.list && ! -e empty/trusted.gpg.d ]]
    rm -r empty/*
    wherry run --rm -v e:/etc/apt debian true
    assert_equal "$(ls -A empty)" ''
    run_apart wherry run --rm -v o:/etc/apt debian touch /etc/apt/x
    assert_match "$stderr" 'Read-only'
    assert_equal "$(ls -A other)" ''
    mkdir host/sub
    echo deep >host/sub/x
    run_apart wherry run --rm --mount type=volume,src=b,dst=/m,subpath=sub debian cat /m/x
    assert_output deep
    run_apart wherry run --rm -v b:/m:O debian sh -c 'rm /m/file; ls /m'
    refute_match "$output" file
    [[ -f host/file ]]
    # Whoever changes the path to a link later leads it nowhere.
    mv host moved
    ln -s /etc host
    run_apart wherry run --rm -v b:/m debian ls /m
    assert_refused 'there is a link in this path now'
    rm host
    mv moved host
    wherry volume rm b e o
    [[ -f host/file ]]
}

@test "what is seen of them: inspect, ls --filter opt" {
    mkdir host
    ln -s host link
    tmpfs_volume t size=1m
    bind_volume b "$PWD/link" rbind
    wherry volume create p
    run_apart wherry volume inspect --format '{{json .Options}} {{.Mountpoint}} {{.Driver}}' t
    assert_output "{\"device\":\"tmpfs\",\"o\":\"size=1m\",\"type\":\"tmpfs\"} $WHERRY_ROOT/volumes/t/_data local"
    run_apart wherry volume inspect --format '{{.Options.device}}' b
    assert_output "$PWD/host"
    run_apart wherry volume inspect --format '{{json .Options}}' p
    assert_output '{}'
    assert_equal "$(wherry volume ls -q --filter opt=type=tmpfs)" t
    assert_equal "$(wherry volume ls -q --filter opt=device | tr '\n' ' ')" 'b t '
    assert_equal "$(wherry volume ls -q --filter opt=size)" ''
    wherry create --name c -v t:/t debian true
    run_apart wherry inspect --format '{{range .Mounts}}{{.Type}} {{.Name}} {{.Source}}{{end}}' c
    assert_output "volume t $WHERRY_ROOT/volumes/t/_data"
    run_apart wherry volume create --ignore t
    assert_output t
}

@test "what a user cannot have is told, and no volume is made" {
    local words
    while read -r words message; do
        # shellcheck disable=SC2086
        run_apart wherry volume create ${words//+/ } v
        assert_refused "$message"
    done <<'END'
-o+type=nfs+-o+device=:/x the kernel lets only root mount it
-o+type=tmpfs+-o+o=size=1x a size is wanted
-o+type=tmpfs+-o+o=suid not one of ro, rw
-o+type=tmpfs+-o+o=usrquota not one of ro, rw
-o+type=none+-o+o=bind absolute path of a directory
-o+type=none+-o+o=bind+-o+device=/no/such /no/such: No such file
-o+type=bind+-o+device=/etc/passwd /etc/passwd is no directory
-o+foo=bar not one of type, device, o
--driver+nfs driver
END
    assert_equal "$(wherry volume ls -q)" ''
    # Somebody wrote something else into the file.
    tmpfs_volume t size=1m
    sed -i 's/size=1m/dev/' "$WHERRY_ROOT/volumes/t/volume.json"
    run_apart wherry run --rm -v t:/t debian true
    assert_refused 'volume t: invalid mount option dev'
}

@test "export and import: a bind has data, a tmpfs none" {
    mkdir host
    echo content >host/file
    bind_volume b "$PWD/host" bind
    tmpfs_volume t size=1m
    wherry volume export -o b.tar b
    assert_match "$(tar tf b.tar)" 'file'
    wherry volume create p
    wherry volume import p b.tar
    assert_equal "$(cat "$WHERRY_ROOT/volumes/p/_data/file")" content
    rm host/file
    wherry volume import b b.tar
    assert_equal "$(cat host/file)" content
    run_apart wherry volume export t
    assert_refused 'export volume t: it is a tmpfs'
    run_apart wherry volume import t b.tar
    assert_refused 'import into volume t: it is a tmpfs'
    bind_volume o "$PWD/host" bind,ro
    run_apart wherry volume import o b.tar
    assert_refused 'import into volume o: it is read-only'
}

@test "mount and unmount in unshare, and removal while it is mounted" {
    mkdir host
    echo content >host/file
    bind_volume b "$PWD/host" bind
    tmpfs_volume t size=1m
    wherry volume create p
    run_apart wherry volume mount p
    assert_refused 'cannot run command "wherry volume mount" in rootless mode, must execute .wherry unshare. first'
    run_apart wherry volume unmount p
    assert_refused 'wherry volume unmount'
    unshared '$W volume mount p; m=$($W volume mount b); cat $m/file; m=$($W volume mount t)
        stat -fc %T $m; touch $m/x; $W volume mount t >/dev/null; ls $m
        $W volume unmount t b p; ls -A $m; $W volume unmount t'
    assert_status 0
    assert_output "$WHERRY_ROOT/volumes/p/_data"$'\ncontent\ntmpfs\nx\nt\nb\np\nt'
    unshared '$W volume mount none p'
    assert_status 125
    assert_output "$WHERRY_ROOT/volumes/p/_data"
    assert_error 'no volume with name "none"'
    # It ended with the shell.
    assert_equal "$(ls -A "$WHERRY_ROOT/volumes/b/_data")" ''
    unshared '$W volume mount b >/dev/null; $W volume rm b; $W volume mount t; $W volume prune -f'
    assert_status 0
    assert_equal "$(cat host/file)" content
    assert_equal "$(wherry volume ls -q)" ''
    # Nor does a reset go through what is mounted.
    bind_volume b "$PWD/host" bind
    unshared '$W volume mount b >/dev/null; $W system reset -f || true'
    assert_equal "$(cat host/file)" content
}
