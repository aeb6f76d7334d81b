#!/usr/bin/env bats
# SPDX-License-Identifier: Apache-2.0
# A pull onto a small disk that runs out of room, or of inodes: what needs root to set up.
# shellcheck disable=SC2030,SC2031 # each test sets its own

load helpers
load registry

# A store with hello on a file system of its own; big:latest, of 40 MB, in the registry.
prepare_disk() { # MKFS-OPTION...
    need_registry
    own_home
    start_registry
    make_noise big 40000000
    wherry push -q --tls-verify=false big "$registry/big"
    need_image hello
    truncate -s 24M disk.img
    mkfs.ext4 -q -m 0 "$@" disk.img
    mkdir disk
    mount -o loop disk.img disk
    cp -a "$WHERRY_ROOT" disk/store
    export WHERRY_ROOT=$PWD/disk/store
}

assert_nothing_happened() {
    run_apart wherry images --format '{{.Repository}}'
    assert_output docker.io/library/hello
    wait_for no_temporary_files
    run_apart wherry system check
    assert_status 0
    refute_match "$output" garbage
    run_apart wherry run --rm hello
    assert_status 0
}

@test "the disk fills in the middle of a pull" {
    prepare_disk
    run_apart wherry pull -q --tls-verify=false "$registry/big"
    assert_refused 'No space left'
    assert_nothing_happened
    umount disk
}

@test "the inodes are used up: a pull says so; with one free again rmi and prune work" {
    local n=0
    prepare_disk -N 128
    wherry tag hello other
    while : 2>/dev/null >"disk/filler$n"; do ((++n)); done
    assert_equal "$(df --output=iavail disk | tail -1 | tr -d ' ')" 0
    run_apart wherry pull -q --tls-verify=false "$registry/big"
    assert_refused 'No space left'
    run_apart wherry images -q
    assert_status 0
    # The list of images is replaced as a whole, for which there must be one.
    rm disk/filler0
    run_apart wherry rmi -f hello
    assert_status 0
    run_apart wherry system prune -f
    assert_status 0
    rm -f disk/filler*
    run_apart wherry system check
    assert_status 0
    umount disk
}
