#!/usr/bin/env bats
# SPDX-License-Identifier: Apache-2.0
# Random work on an overlay: of one file against a model, of several processes on one tree. About half
# a minute, with `scripts/test --long` an hour. A failure names the seed to repeat it with.

load helpers
load overlay

test_setup() {
    seed=$RANDOM
    echo "seed $seed"
    factor=1
    [[ ! ${WHERRY_TEST_LONG:-} ]] || factor=100
    fsx=$WHERRY_TEST_TOOLS/overlay-fsx stress=$WHERRY_TEST_TOOLS/overlay-stress
}

@test "random changes of a file of a layer" {
    mkdir layer
    "$fsx" make layer/file 700001
    add_layer layer
    on_overlay "$fsx" run mnt/file 700001 $((8 * factor)) "$seed"
    on_overlay sha1sum mnt/file >before
    on_overlay sha1sum mnt/file | diff before -
}

@test "random changes of a new file" {
    on_overlay "$fsx" run mnt/file 0 $((6 * factor)) "$seed"
}

@test "random changes by many short runs, each from a fresh layer" {
    mkdir layer
    "$fsx" make layer/file 300001
    add_layer layer
    local i
    for ((i = 0; i < 15 * factor; i++)); do
        on_overlay "$fsx" run mnt/file 300001 =60 $((seed + i))
        rm -r upper work
    done
}

# The tree makes sense, and is the same after a new mount.
check_tree() {
    on_overlay "$stress" check mnt >found
    sort found >"$1"
}

stress_layers() { # PROCESSES
    local i
    for i in 1 2 3; do
        mkdir "layer$i"
        own_root "$stress" make "layer$i" $((seed + i))
        add_layer "layer$i"
    done
    # shellcheck disable=SC2016
    on_overlay bash -c '"$1" run mnt "$2" "$3" "$4" && "$1" check mnt >found' \
        bash "$stress" "$1" $((15 * factor)) "$seed"
    sort found >before
    check_tree after
    diff before after
}

@test "several processes change one tree of three layers" {
    stress_layers 4
}

@test "one process does, as the core sees no races then" {
    factor=$((factor > 1 ? factor / 4 : 1))
    stress_layers 1
}
