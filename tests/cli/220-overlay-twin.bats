#!/usr/bin/env bats
# SPDX-License-Identifier: Apache-2.0
# The same random system calls on an overlay and on a plain directory with the same content. A failure
# names the seed to repeat it with.

load helpers
load overlay

test_setup() {
    [[ $(stat -f -c %T .) == ext2/ext3 ]] || skip 'the plain directory has to be on ext4'
    twin=$WHERRY_TEST_TOOLS/overlay-twin
    runs=4
    [[ ! ${WHERRY_TEST_LONG:-} ]] || runs=400
}

# A plain directory with random content, and a layer of the same. Sockets are in no tar, and GNU tar
# knows no hard links to fifos.
make_both() { # SEED
    # shellcheck disable=SC2034 # of overlay.bash
    layers=()
    mkdir plain
    # shellcheck disable=SC2016 # for the inner shell
    on_overlay bash -euc '
        "$1" --seed "$2" --ops 600 plain
        find plain \( -type s -o -type p -links +1 \) -delete
        tar -C plain --format=pax --numeric-owner --xattrs --xattrs-include="*" -cf layer.tar .
    ' - "$twin" "$1"
    rm -r upper work
    add_layer layer.tar
}

twins() { # COMMAND-FOR-WORK
    local i seed
    for ((i = 0; i < runs; i++)); do
        seed=$RANDOM
        make_both $((seed + 1))
        mkdir -p work
        $1
        on_overlay "$twin" --seed "$seed" --ops 5000 mnt plain
        on_overlay rm -r plain # not all of it is ours
        rm -r upper work
    done
}

@test "random calls have the same results on an overlay and on a plain directory" {
    twins true
}

@test "and where whiteouts are files with a prefix" {
    twins 'touch work/prefix-whiteouts'
}

@test "and where attributes are in a journal" {
    twins 'touch work/journal'
}
