#!/usr/bin/env bats
# SPDX-License-Identifier: Apache-2.0
# What needs root to set up: a disk that is full, a store of somebody else's, a read-only medium.
# shellcheck disable=SC2030,SC2031 # each test sets its own

load helpers
load registry

as_nobody() {
    setpriv --reuid=65534 --regid=65534 --clear-groups env HOME=/ \
        WHERRY_ROOT="${their_root:-$PWD/theirs}" WHERRY_RUNROOT="$PWD/theirs-run" "$@"
}

# bats' directories are root's alone.
open_the_way() {
    local dir=$PWD
    while [[ $dir != / ]]; do
        chmod o+x "$dir"
        dir=$(dirname "$dir")
    done
}

# A test that failed half-way leaves no mount.
eval "servers_$(declare -f teardown)"
teardown() {
    local mount
    for mount in disk medium; do
        if [[ ! ${BATS_TEST_COMPLETED:-} ]] && mountpoint -q "$mount"; then
            umount -l "$mount"
        fi
    done
    servers_teardown
}

@test "a full disk: tag, create and commands that read; rmi and prune make room" {
    need_image hello
    truncate -s 24M disk.img
    mkfs.ext4 -q -m 0 disk.img
    mkdir disk
    mount -o loop disk.img disk
    cp -a "$WHERRY_ROOT" disk/store
    export WHERRY_ROOT=$PWD/disk/store
    printf 'FROM hello\nCOPY big /\n' >Dockerfile
    head -c 2000000 /dev/urandom >big
    wherry build -q -t big .
    wherry create --name c hello
    dd if=/dev/zero of=disk/filler bs=4k 2>/dev/null || true
    dd if=/dev/zero of=disk/filler2 bs=1 count=4096 2>/dev/null || true
    assert_equal "$(df --output=avail disk | tail -1 | tr -d ' ')" 0
    run_apart wherry tag hello x
    run_apart wherry create --name d hello
    run_apart wherry build -q -t other .
    run_apart wherry import big noise
    assert_status 125
    run_apart wherry images -q
    assert_status 0
    run_apart wherry system check
    assert_status 0
    # Before anything else is freed.
    assert_equal "$(df --output=avail disk | tail -1 | tr -d ' ')" 0
    run_apart wherry rmi big
    assert_status 0
    run_apart wherry rm c
    assert_status 0
    run_apart wherry system prune -f
    assert_status 0
    rm disk/filler disk/filler2
    wherry tag hello y
    run_apart wherry run --rm y
    assert_status 0
    run_apart wherry system check
    assert_status 0
    assert_match "$output" 'nothing is wrong$'
    umount disk
}

@test "the disk fills in the middle of an import, a load and a commit" {
    need_image hello
    truncate -s 24M disk.img
    mkfs.ext4 -q -m 0 disk.img
    mkdir disk rootfs
    mount -o loop disk.img disk
    cp -a "$WHERRY_ROOT" disk/store
    head -c 40000000 /dev/urandom >rootfs/big
    tar -C rootfs -cf big.tar .
    gzip -1 -k big.tar
    wherry import -q big.tar big
    wherry save -o image.tar big
    export WHERRY_ROOT=$PWD/disk/store
    wherry create --name c hello
    head -c 12000000 /dev/urandom >"$WHERRY_ROOT/containers/$(wherry inspect --format '{{.Id}}' c)/upper/large"
    run_apart wherry import -q big.tar.gz new
    assert_refused 'No space left'
    run_apart wherry load -q -i image.tar
    assert_refused 'No space left'
    run_apart wherry commit -q c new
    assert_refused 'No space left'
    run_apart wherry images --format '{{.Repository}}'
    assert_output docker.io/library/hello
    wait_for no_temporary_files
    wherry system check
    refute_match "$(wherry system check)" garbage
    run_apart wherry run --rm hello
    assert_status 0
    umount disk
}

# An ext4 of SIZE at `disk`, with this user's store in it.
store_on_disk() { # OWNER SIZE MKFS-ARGUMENT...
    local owner=$1 size=$2
    shift 2
    open_the_way
    truncate -s "$size" disk.img
    mkfs.ext4 -q -m 0 "$@" disk.img
    mkdir disk
    mount -o loop disk.img disk
    cp -a "$WHERRY_ROOT" disk/store
    mkdir -m 0700 theirs-run
    chown -R "$owner" disk/store theirs-run
    chown "$owner" disk
    their_root=$PWD/disk/store
}

@test "the disk fills in the middle of a pull, and the next pull has room" {
    need_registry
    own_home
    need_image hello
    start_registry
    make_noise large 70000000
    wherry push -q --tls-verify=false large "$registry/large"
    wherry rmi large >/dev/null
    make_noise small 3000000
    wherry push -q --tls-verify=false small "$registry/small"
    wherry rmi small >/dev/null
    store_on_disk 65534:65534 64M
    run_apart as_nobody "$WHERRY" pull -q --tls-verify=false --retry 0 "$registry/large"
    assert_refused 'No space left'
    WHERRY_ROOT=$their_root wait_for no_temporary_files
    run_apart as_nobody "$WHERRY" system check
    assert_status 0
    refute_match "$output" garbage
    run_apart as_nobody "$WHERRY" pull -q --tls-verify=false "$registry/small"
    assert_status 0
    # Nothing at all is free, not the last block either.
    dd if=/dev/zero of=disk/filler bs=4k 2>/dev/null || true
    dd if=/dev/zero of=disk/filler2 bs=1 count=4096 2>/dev/null || true
    assert_equal "$(df --output=avail disk | tail -1 | tr -d ' ')" 0
    run_apart as_nobody "$WHERRY" pull -q --tls-verify=false --retry 0 "$registry/large"
    assert_refused 'No space left'
    run_apart as_nobody "$WHERRY" rmi "$registry/small"
    assert_status 0
    rm disk/filler disk/filler2
    run_apart as_nobody "$WHERRY" pull -q --tls-verify=false "$registry/small"
    assert_status 0
    run_apart as_nobody "$WHERRY" system check
    assert_match "$output" 'nothing is wrong$'
    umount disk
}

@test "no inode is free: what makes something says so, rm, rmi and prune work" {
    local n=0
    need_registry
    own_home
    need_image hello
    start_registry
    make_noise small 100000
    wherry push -q --tls-verify=false small "$registry/small"
    printf 'FROM hello\nCOPY Dockerfile /\n' >Dockerfile
    wherry build -q -t made .
    store_on_disk 65534:65534 24M -N 128
    run_apart as_nobody "$WHERRY" create --name c hello
    assert_status 0
    mkdir disk/filler
    while mkdir disk/filler/$n 2>/dev/null; do
        ((n += 1))
    done
    assert_equal "$(df --output=iavail disk | tail -1 | tr -d ' ')" 0
    run_apart as_nobody "$WHERRY" pull -q --tls-verify=false --retry 0 "$registry/small"
    assert_refused 'No space left'
    run_apart as_nobody "$WHERRY" create --name d hello
    assert_refused 'No space left'
    run_apart as_nobody "$WHERRY" commit -q c new
    assert_refused 'No space left'
    run_apart as_nobody "$WHERRY" images -q
    assert_status 0
    run_apart as_nobody "$WHERRY" ps -aq
    assert_status 0
    assert_equal "$(df --output=iavail disk | tail -1 | tr -d ' ')" 0
    run_apart as_nobody "$WHERRY" image prune -f
    assert_status 0
    run_apart as_nobody "$WHERRY" rm c
    assert_status 0
    run_apart as_nobody "$WHERRY" rmi made
    assert_status 0
    rm -rf disk/filler
    run_apart as_nobody "$WHERRY" system check
    assert_status 0
    refute_match "$output" garbage
    run_apart as_nobody "$WHERRY" pull -q --tls-verify=false "$registry/small"
    assert_status 0
    umount disk
}

# Removing needs no room at all: neither an inode nor a byte, also of what shares its layers.
@test "no inode and no byte is free: rmi, untag and image prune work" {
    local n=0 image
    need_image hello
    printf 'FROM hello\nLABEL a=b\n' >Dockerfile
    for image in one two three; do
        wherry build -q --label "n=$image" -t "$image" . >/dev/null
    done
    wherry tag one other another
    store_on_disk 65534:65534 24M -N 128
    # The first change after the copy, which may have made holes of the spare.
    as_nobody "$WHERRY" untag three
    mkdir disk/filler
    while mkdir disk/filler/$n 2>/dev/null; do
        ((n += 1))
    done
    rmdir disk/filler/0
    dd if=/dev/zero of=disk/filler/0 bs=4k 2>/dev/null || true
    dd if=/dev/zero of=disk/filler/0 bs=1 count=4096 oflag=append conv=notrunc 2>/dev/null || true
    assert_equal "$(df --output=iavail,avail disk | tail -1 | tr -s ' ')" ' 0 0'
    run_apart as_nobody "$WHERRY" tag hello x
    assert_refused 'No space left'
    # What the first one took, the second one has again.
    run_apart as_nobody "$WHERRY" rmi other
    assert_status 0
    run_apart as_nobody "$WHERRY" rmi another
    assert_status 0
    assert_equal "$(df --output=iavail,avail disk | tail -1 | tr -s ' ')" ' 0 0'
    run_apart as_nobody "$WHERRY" rmi two
    assert_status 0
    run_apart as_nobody "$WHERRY" image prune -f
    assert_status 0
    run_apart as_nobody "$WHERRY" rmi one
    assert_status 0
    rm -rf disk/filler
    run_apart as_nobody "$WHERRY" images --format '{{.Repository}}'
    assert_output docker.io/library/hello
    run_apart as_nobody "$WHERRY" system check
    assert_match "$output" 'nothing is wrong$'
    umount disk
}

@test "images of another user's store that is only readable" {
    need_image hello
    open_the_way
    mkdir -m 0700 theirs theirs-run
    chown 65534:65534 theirs theirs-run
    run_apart as_nobody "$WHERRY" --imagestore "$WHERRY_ROOT" images
    assert_status 125
    assert_match "$stderr" 'image store .*(Permission denied|not readable)'
    chmod -R go+rX "$WHERRY_ROOT"
    run_apart as_nobody "$WHERRY" --imagestore "$WHERRY_ROOT" images --format '{{.Repository}} {{.ReadOnly}}'
    assert_output 'docker.io/library/hello true'
    run_apart as_nobody "$WHERRY" --imagestore "$WHERRY_ROOT" run --rm hello
    assert_status 0
    assert_output 'Hello from a container with nothing in it but this program.'
    run_apart as_nobody "$WHERRY" --imagestore "$WHERRY_ROOT" rmi hello
    assert_error 'read-only store'
    # The index is root's: it can be used. One of a third user's cannot.
    assert_equal "$(find theirs/index -type f)" ''
    chown -R 65533 "$WHERRY_ROOT"
    run_apart as_nobody "$WHERRY" --imagestore "$WHERRY_ROOT" run --rm hello
    assert_status 0
    assert_equal "$(find theirs/index -type f | wc -l)" 1
    chown -R 0 "$WHERRY_ROOT"
}

@test "images on a read-only medium" {
    need_image hello
    mkdir medium
    truncate -s 16M medium.img
    mkfs.ext4 -q -d "$WHERRY_ROOT" medium.img
    mount -o loop,ro medium.img medium
    rm -rf "$WHERRY_ROOT"
    run_apart wherry --imagestore "$PWD/medium" run --rm hello
    assert_status 0
    wherry --imagestore "$PWD/medium" tag hello mine
    run_apart wherry --imagestore "$PWD/medium" run --rm mine
    assert_status 0
    umount medium
}
