#!/usr/bin/env bats
# SPDX-License-Identifier: Apache-2.0
# overlay-fuse as a mount program of its own: fuse-overlayfs's options, layers that are directories,
# real owners; and real podman on it.

load helpers
load overlay

server=$(dirname "$WHERRY")/overlay-fuse
[[ -x $server ]] || server=$(dirname "$WHERRY")/../overlay-fuse/overlay-fuse

test_setup() {
    mkdir -p low/d high up wk mnt
    echo a >low/a && echo b >low/b && echo x >low/d/x && ln -s a low/link
}

# A shell script as the root of namespaces of its own, with `server` in its environment.
in_namespace() { # SCRIPT
    local ids=(--map-root-user)
    ! has_subordinate_ids || ids+=(--map-auto)
    server=$server unshare --user --mount "${ids[@]}" bash -euc "$1"
}

@test "directories as layers: read, changed, removed, and what is left in the upper directory" {
    run in_namespace '
        "$server" -o lowerdir=high:low,upperdir=up,workdir=wk mnt
        cat mnt/a mnt/link mnt/d/x
        echo more >>mnt/d/x && rm mnt/b && mkdir mnt/new && mv mnt/new mnt/newer
        cat mnt/d/x && ls mnt
        umount mnt'
    assert_status 0
    assert_output $'a\na\nx\nx\nmore\na\nd\nlink\nnewer'
    assert_equal "$(cat up/d/x)" $'x\nmore'
    assert_equal "$(stat -c '%F %t:%T' up/b)" 'character special file 0:0'
    assert_equal "$(cat low/d/x)" x
    [[ -e low/b && -d up/newer ]]
}

@test "whiteouts and opaque directories of every form" {
    mkdir -p high/d low/e high/e low/f high/f && echo y >high/d/y
    echo 1 >low/e/1 && echo 1 >low/f/1
    touch high/.wh.a high/e/.wh..wh..opq
    setfattr -n user.fuseoverlayfs.opaque -v y high/f
    run in_namespace '
        mknod high/b c 0 0
        "$server" -o lowerdir=high:low mnt
        ls mnt mnt/d mnt/e mnt/f
        touch mnt/z || true
        umount mnt'
    assert_status 0
    assert_match "$output" $'^mnt:\nd\ne\nf\nlink\n\nmnt/d:\nx\ny\n\nmnt/e:\n\nmnt/f:\n'
    assert_match "$output" 'Read-only file system'
}

@test "hard links of a directory layer stay one file after a copy-up" {
    ln low/a low/a2
    run in_namespace '
        "$server" -o lowerdir=low,upperdir=up,workdir=wk mnt
        echo more >>mnt/a
        cat mnt/a2 && stat -c %h mnt/a && [[ mnt/a -ef mnt/a2 ]]
        umount mnt'
    assert_status 0
    assert_output $'a\nmore\n2'
}

@test "owners are those on disk, or mapped, or squashed" {
    need_subordinate_ids
    run in_namespace '
        chown 5:6 low/a
        "$server" -o lowerdir=low,upperdir=up,workdir=wk mnt
        stat -c %u:%g mnt/a && chown 7:8 mnt/b && umount mnt && stat -c %u:%g up/b
        "$server" -o lowerdir=low,uidmapping=5:100:1:0:0:1,gidmapping=6:200:1:0:0:1 mnt
        stat -c %u:%g mnt/a && umount mnt
        "$server" -o lowerdir=low,squash_to_uid=9,squash_to_gid=10 mnt
        stat -c %u:%g mnt/a && umount mnt
        "$server" -o lowerdir=low,squash_to_root mnt
        stat -c %u:%g mnt/a && umount mnt'
    assert_status 0
    assert_output $'5:6\n7:8\n100:200\n9:10\n0:0'
}

@test "set-group-ID stays when one of the group writes, by whichever of his groups" {
    need_subordinate_ids
    # shellcheck disable=SC2016 # for the inner shell
    run in_namespace '
        chown 5:6 low/a low/b low/d/x && chmod 2666 low/a low/b low/d/x
        "$server" -o lowerdir=low,upperdir=up,workdir=wk,allow_other mnt
        setpriv --reuid 7 --regid 8 --groups 9,6,10 bash -c "echo more >>mnt/a"
        setpriv --reuid 7 --regid 8 --groups 9,60,16 bash -c "echo more >>mnt/b"
        setpriv --reuid 7 --regid 6 --clear-groups bash -c "echo more >>mnt/d/x"
        stat -c "%a %n" mnt/a mnt/b mnt/d/x
        umount mnt'
    assert_status 0
    assert_output $'2666 mnt/a\n666 mnt/b\n2666 mnt/d/x'
}

@test "xattr_permissions=2 keeps owners beside" {
    run in_namespace '
        "$server" -o xattr_permissions=2,lowerdir=low,upperdir=up,workdir=wk mnt
        chmod 4711 mnt/a && stat -c %a mnt/a
        umount mnt && stat -c %a up/a
        getfattr --only-values -n user.containers.override_stat up/a'
    assert_status 0
    assert_output $'4711\n711\n0:0:4711'
}

@test "a layer whose root has an override_stat shows the owners, modes and kinds recorded in it" {
    need_subordinate_ids
    mkdir low/e && echo a >low/e/target && echo -n target >low/e/link && : >low/e/null
    setfattr -n user.containers.override_stat -v 0:0:0755 low
    setfattr -n user.containers.override_stat -v 5:6:4711 low/a
    setfattr -n user.containers.override_stat -v 7:8:0700 low/e
    setfattr -n user.containers.override_stat -v 0:0:0777:symlink low/e/link
    setfattr -n user.containers.override_stat -v 0:0:0666:char-1-3 low/e/null
    run in_namespace '
        "$server" -o xattr_permissions=2,lowerdir=low,upperdir=up,workdir=wk mnt
        stat -c "%u:%g %a %n" mnt/a mnt/b mnt/e && stat -c "%F %t:%T" mnt/e/null
        readlink mnt/e/link && cat mnt/e/link
        getfattr -m - mnt/a
        chown 9:9 mnt/a && stat -c "%u:%g %a" mnt/a
        umount mnt'
    assert_status 0
    assert_output "5:6 4711 mnt/a
0:0 $(stat -c %a low/b) mnt/b
7:8 700 mnt/e
character special file 1:3
target
a
9:9 711"
}

# The layer's attribute is left behind, as overlayfs does; nothing else is missed.
@test "with real owners where the upper directory has no extended attributes" {
    setfattr -n user.k -v v low/a
    run in_namespace '
        mount -t ramfs none high && mkdir high/up high/wk
        "$server" -o lowerdir=low,upperdir=high/up,workdir=high/wk mnt
        getfattr --only-values -n user.k mnt/a && echo
        chmod 4711 mnt/a && rm -r mnt/d && mkdir mnt/d && touch mnt/d/y && ! setfattr -n user.l -v w mnt/a
        umount mnt
        "$server" -o lowerdir=low,upperdir=high/up,workdir=high/wk mnt
        stat -c %a mnt/a && ls mnt/d && cat mnt/a
        umount mnt
        stat -c %a high/up/a && ls -A high/up/d high/wk'
    assert_status 0
    assert_output 'v
setfattr: mnt/a: Operation not supported
4711
y
a
4711
high/up/d:
.wh..wh..opq
y

high/wk:'
}

# A write takes the bit away even from root in a user namespace, so it is set after the data.
@test "a copy-up keeps set-user-ID" {
    chmod 4755 low/a
    run in_namespace '
        "$server" -o lowerdir=low,upperdir=up,workdir=wk mnt
        touch mnt/a && umount mnt && stat -c %a up/a'
    assert_status 0
    assert_output 4755
}

@test "a mode that keeps its owner out does not keep the server out" {
    chmod 400 low/a
    run in_namespace '
        few=(setpriv --bounding-set -dac_override,-dac_read_search) # as an ordinary user has it
        "${few[@]}" "$server" -o lowerdir=low,upperdir=up,workdir=wk mnt
        touch mnt/a && echo new >mnt/new && chmod 000 mnt/new && chmod 444 mnt/a && umount mnt
        "${few[@]}" "$server" -o lowerdir=low,upperdir=up,workdir=wk mnt
        cat mnt/a mnt/new && exec 5<mnt/a && rm mnt/a && cat <&5 && exec 5<&-
        stat -c %a up/new && umount mnt'
    assert_status 0
    assert_output $'a\nnew\na\n0'
}

@test "a whiteout file beside its object: the object counts, and can be removed and moved" {
    echo up >up/a && echo up >up/b && touch up/.wh.a up/.wh.b wk/prefix-whiteouts
    run in_namespace '
        "$server" -o xattr_permissions=2,lowerdir=low,upperdir=up,workdir=wk mnt
        cat mnt/a && rm mnt/a && mv mnt/b mnt/c && ls mnt && umount mnt'
    assert_status 0
    assert_output $'up\nc\nd\nlink'
}

@test "who works in the mount cannot make a directory opaque by its attributes" {
    run in_namespace '
        "$server" -o xattr_permissions=2,lowerdir=low,upperdir=up,workdir=wk mnt
        for kind in user.fuseoverlayfs user.overlay; do
            setfattr -n $kind.opaque -v y mnt/d
        done
        umount mnt
        "$server" -o xattr_permissions=2,lowerdir=low,upperdir=up,workdir=wk mnt
        ls mnt/d && getfattr --only-values -n user.fuseoverlayfs.opaque mnt/d && umount mnt'
    assert_status 0
    assert_output $'x\ny'
}

@test "a full disk in a copy-up is told as such, and leaves the layer's file" {
    head -c 3000000 /dev/urandom >low/big
    run in_namespace '
        mount -t tmpfs -o size=1000k none high && mkdir high/up high/wk
        "$server" -o lowerdir=low,upperdir=high/up,workdir=high/wk mnt
        ! touch mnt/big && cmp mnt/big low/big && ls -A high/up high/wk/tmp; umount mnt'
    assert_status 0
    assert_match "$output" 'No space left on device'
    assert_match "$output" $'high/up:\n\nhigh/wk/tmp:$'
}

@test "a name that could not be linked in a copy-up is linked before the next change" {
    ln low/a low/d/a
    run in_namespace '
        mount -t tmpfs -o nr_inodes=10 none high && mkdir high/up high/wk
        "$server" -o lowerdir=low,upperdir=high/up,workdir=high/wk mnt
        n=0
        while touch "high/$((++n))"; do :; done 2>/dev/null
        rm high/1 # room for the copy, and none for the directory of the other name
        ls -l mnt/d >&2
        ! touch mnt/a && rm high/[0-9]* && echo more >>mnt/a && umount mnt
        "$server" -o lowerdir=low,upperdir=high/up,workdir=high/wk mnt
        cat mnt/d/a && stat -c %h mnt/a && umount mnt'
    assert_status 0
    assert_match "$output" $'\na\nmore\n2$'
}

@test "many directories as layers with few descriptors" {
    local layers=() i
    for i in {1..8}; do
        mkdir "l$i" && touch "l$i"/{1..100}".$i"
        layers+=("l$i")
    done
    run in_namespace "
        ulimit -n 256
        \"\$server\" -o lowerdir=$(IFS=: && echo "${layers[*]}"),upperdir=up,workdir=wk mnt
        cat mnt/* && for f in mnt/*; do echo >>\$f; done && cat mnt/* | wc -l && umount mnt"
    assert_status 0
    assert_output 800
}

@test "options of the kernel's overlayfs that engines pass on are taken" {
    run in_namespace '
        "$server" -o nodev,metacopy=on,index=off,userxattr,lowerdir=low,upperdir=up,workdir=wk mnt
        cat mnt/a && umount mnt'
    assert_status 0
    assert_output a
}

@test "a tar with its index is a layer too" {
    tar -C low --owner=0 --group=0 -cf low.tar .
    "$WHERRY_TEST_TOOLS/layer-index" low.tar low.tar.index
    run in_namespace '
        "$server" -o lowerdir=low.tar,upperdir=up,workdir=wk mnt
        cat mnt/d/x && rm mnt/a && ls mnt && umount mnt'
    assert_status 0
    assert_output $'x\nb\nd\nlink'
}

@test "attributes of a tar that mean something in an upper directory are not copied there" {
    setfattr -n user.containers.override_stat -v 0:0:4777 low/a && setfattr -n user.k -v v low/a
    tar -C low --owner=0 --group=0 --xattrs --xattrs-include='*' -cf low.tar .
    "$WHERRY_TEST_TOOLS/layer-index" low.tar low.tar.index
    run in_namespace '
        "$server" -o lowerdir=low.tar,upperdir=up,workdir=wk mnt
        chmod 640 mnt/a && umount mnt && getfattr -d up/a'
    assert_status 0
    assert_match "$output" 'user.k="v"'
    [[ $output != *containers* ]]
}

@test "as mount(8) calls it: SOURCE MOUNTPOINT -o OPTIONS; colons and commas behind backslashes" {
    mkdir 'lo:w,er' && echo odd >'lo:w,er/file'
    run in_namespace '
        "$server" overlay mnt -o "lowerdir=lo\:w\,er:low"
        cat mnt/file mnt/a && umount mnt'
    assert_status 0
    assert_output $'odd\na'
}

@test "what is not possible is said, and nothing is mounted" {
    local wrong
    for wrong in 'upperdir=up,workdir=wk' 'lowerdir=low,upperdir=up' 'lowerdir=low,bogus' \
        'lowerdir=low,xattr_permissions=1' 'lowerdir=low,uidmapping=1:2' 'lowerdir=low,redirect_dir=on' \
        'lowerdir=missing' 'lowerdir=low,timeout=soon'; do
        run in_namespace "\"\$server\" -o $wrong mnt"
        assert_status 1
        assert_match "$output" '^overlay-fuse: '
    done
    run "$server" --version
    assert_status 0
    assert_match "$output" '^overlay-fuse: version [0-9]'
}

@test "what was unmounted is mounted again at once" {
    run in_namespace '
        for i in {1..40}; do
            "$server" -o lowerdir=low,upperdir=up,workdir=wk mnt
            umount mnt
        done'
    assert_status 0
}

@test "a signal ends it and its mount" {
    run in_namespace '
        "$server" -o lowerdir=low mnt
        pid=$(pgrep -n -u 0 -x overlay-fuse)
        kill -TERM "$pid"
        for _ in $(seq 200); do grep -q overlay-fuse /proc/self/mountinfo || break; sleep 0.05; done
        ! grep overlay-fuse /proc/self/mountinfo && ls mnt && echo unmounted'
    assert_status 0
    assert_output unmounted
}

@test "a layer below the mount point is refused" {
    mkdir mnt/low
    run in_namespace '"$server" -o lowerdir=mnt/low mnt'
    assert_status 1
    assert_match "$output" 'below the mount point'
}

# --- podman ------------------------------------------------------------------------------------

podman_here() {
    need_subordinate_ids
    [[ $(command -v podman) && $(command -v runc) ]] || skip 'podman is not installed'
    podman_run=$(mktemp -d /tmp/wp.XXXXXX) # podman takes at most 50 characters
    podman=(podman --root "$BATS_TEST_TMPDIR/podman" --runroot "$podman_run"
        --storage-driver overlay --storage-opt "overlay.mount_program=$server"
        --cgroup-manager cgroupfs --runtime runc --log-level error)
    export XDG_RUNTIME_DIR=$BATS_TEST_TMPDIR/xdg HOME=$BATS_TEST_TMPDIR/home
    mkdir -m 0700 "$XDG_RUNTIME_DIR" "$HOME"
}

podman_gone() {
    "${podman[@]}" system reset --force >/dev/null 2>&1 || true
    "${podman[@]}" system migrate >/dev/null 2>&1 || true # ends the pause process
    unshare --user --map-root-user --map-auto rm -rf "$BATS_TEST_TMPDIR/podman" "$podman_run"
}

@test "podman runs, diffs, commits and builds on it" {
    [[ ${WHERRY_TEST_ROOTFS:-} ]] || skip "${WHERRY_TEST_NO_ROOTFS:-no Debian root file system}"
    podman_here
    "${podman[@]}" import -q "$WHERRY_TEST_ROOTFS" base
    "${podman[@]}" run --name c --network none base sh -c \
        'rm /etc/motd; rm -rf /usr/share/doc; mkdir /usr/share/doc; echo new >/etc/new; chown 33 /etc/new'
    run "${podman[@]}" diff c
    assert_match "$output" $'D /etc/motd'
    assert_match "$output" $'A /etc/new'
    "${podman[@]}" commit -q c again
    run "${podman[@]}" run --rm --network none again sh -c \
        'stat -c %u /etc/new; ls /usr/share/doc; test ! -e /etc/motd && echo gone'
    assert_output $'33\ngone'
    printf 'FROM base\nRUN echo built >/built && rm /etc/debian_version\n' >Dockerfile
    "${podman[@]}" build -q --network host --isolation chroot -t built . >&2
    run "${podman[@]}" run --rm --network none built sh -c 'cat /built; test ! -e /etc/debian_version && echo gone'
    assert_output $'built\ngone'
    podman_gone
}
