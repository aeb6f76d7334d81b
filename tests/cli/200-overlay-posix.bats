#!/usr/bin/env bats
# SPDX-License-Identifier: Apache-2.0
# What POSIX and Linux promise about a file system holds on an overlay: the cases of tests/data/posix
# with what they begin with in the upper directory, in one layer, in two, and over whiteouts; and all
# of that once more with attributes in a journal.
# bats file_tags=main

load helpers
load overlay

test_setup() {
    cases=("$tests_dir"/data/posix/*.cases)
    posix=$WHERRY_TEST_TOOLS/overlay-posix
}

# Shows what failed; the cases' own output is long.
run_cases() { # SETTING DIRECTORY
    on_overlay "$posix" run "$1" "$2" "${cases[@]}" >out 2>&1 || true
    assert_equal "$(grep -v '^ok ' out | grep -v '^1\.\.' | sed 's/, [0-9]* left out.*//')" \
        "# $(sed -n 's/^1\.\.//p' out) cases, 0 failed"
}

on_layers() { # SETTING
    mkdir layers
    "$posix" layers "$1" layers "${cases[@]}"
    add_layer layers/bottom.tar
    add_layer layers/top.tar
    run_cases "$1" mnt
}

@test "the cases hold on a plain directory" {
    [[ $(stat -f -c %T .) == ext2/ext3 ]] || skip 'the cases are made for ext4'
    mkdir plain
    local failed=0
    run_cases upper plain || failed=1
    on_overlay rm -rf plain # some belongs to ids that are not ours outside
    ((!failed))
}

@test "on an overlay: objects made in the upper directory" {
    on_layers upper
}

@test "on an overlay: objects of a layer" {
    on_layers lower
}

@test "on an overlay: directories merged of two layers" {
    on_layers merged
}

@test "on an overlay: objects made where whiteouts stand" {
    on_layers replaced
}

with_journal() { # SETTING
    mkdir work
    touch work/journal # as where the file system has no extended attributes
    on_layers "$1"
    [[ -s work/journal ]]
}

@test "with a journal: objects made in the upper directory" {
    with_journal upper
}

@test "with a journal: objects of a layer" {
    with_journal lower
}

@test "with a journal: directories merged of two layers" {
    with_journal merged
}

@test "with a journal: objects made where whiteouts stand" {
    with_journal replaced
}
