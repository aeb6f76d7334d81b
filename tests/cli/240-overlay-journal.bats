#!/usr/bin/env bats
# SPDX-License-Identifier: Apache-2.0
# Writable layers on a file system that has no extended attributes: ramfs is one that everybody may
# mount in namespaces of his own. An empty work/journal asks for the same on any file system.

load helpers
load overlay

# A shell script in ram/, a ramfs of namespaces of its own; "${overlay[@]}" COMMAND runs a command on
# an overlay of the layers with ram/upper, mounted at mnt/.
in_ramfs() { # SCRIPT
    mkdir -p ram mnt
    export PROGRAMS=$WHERRY_TEST_TOOLS TOP=$PWD SCRIPT=$1
    # shellcheck disable=SC2016 # for the inner shell
    unshare --user --map-root-user --mount bash -euc '
        mount -t ramfs none ram
        cd ram
        mkdir upper work
        ! setfattr -n user.x -v y upper 2>/dev/null
        overlay=("$PROGRAMS/overlay-mount" --single-id "$@" --upper upper --work work "$TOP/mnt" --)
        eval "$SCRIPT"' bash "${layers[@]/#layer/$TOP/layer}"
}

make_layer() {
    mkdir -p layer/dir
    echo lower >layer/file
    echo lower >layer/gone
    echo lower >layer/dir/file
    ln -s file layer/link
    add_layer layer
}

@test "on ramfs the container's attributes are what they are elsewhere" {
    make_layer
    # shellcheck disable=SC2016 # for the inner shell
    run in_ramfs '
        "${overlay[@]}" bash -euc '\''
            cd "$1"/mnt
            chmod 4711 file
            setfattr -n user.k -v v file
            setfattr -h -n security.s -v w link
            mkfifo pipe
            chmod 000 pipe
            setfacl -m u:0:rwx dir
            rm gone
            mkdir new
            mv dir moved
            mkdir dir'\'' bash "$TOP"
        [[ -s work/journal ]]
        stat -c %a upper/file
        "${overlay[@]}" bash -euc '\''
            cd "$1"/mnt
            stat -c "%a %F %n" * moved/*
            getfattr --absolute-names --only-values -n user.k file && echo
            getfattr -h --absolute-names --only-values -n security.s link && echo
            getfacl -c moved | grep user:root
            cat moved/file'\'' bash "$TOP"'
    assert_status 0
    assert_output '711
755 directory dir
4711 regular file file
777 symbolic link link
775 directory moved
755 directory new
0 fifo pipe
644 regular file moved/file
v
w
user:root:rwx
lower'
}

@test "random operations on ramfs" {
    # shellcheck disable=SC2016 # for the inner shell
    run in_ramfs '"$PROGRAMS/overlay-prop" --ops 50000 --dir .'
    assert_status 0
    assert_match "$output" 'ok: 50000 operations'
}

# The server is killed with nothing synced, and the last record is torn as well.
@test "what was done before the server was killed is there, a torn record is not" {
    make_layer
    mkdir work
    touch work/journal
    # shellcheck disable=SC2016 # for the inner shell
    run on_overlay bash -euc '
        chmod 4711 mnt/file
        setfattr -n user.k -v v mnt/file
        mkfifo mnt/pipe
        setfattr -n user.torn -v torn mnt/file
        kill -KILL "$OVERLAY_SERVER_PID"
        n=0
        while LC_ALL=C stat mnt/missing$((n++)) 2>&1 | grep -q "No such file"; do :; done'
    assert_equal "$(getfattr -m - upper/* 2>/dev/null)" ""
    truncate -s -1 work/journal
    # shellcheck disable=SC2016 # for the inner shell
    run on_overlay bash -euc '
        stat -c "%a %F" mnt/file mnt/pipe
        getfattr --absolute-names -d mnt/file
        setfattr -n user.torn -v mended mnt/file'
    assert_status 0
    assert_output $'4711 regular file\n644 fifo\n# file: mnt/file\nuser.k="v"'
    run on_overlay getfattr --absolute-names -d mnt/file
    assert_output $'# file: mnt/file\nuser.k="v"\nuser.torn="mended"'
}

@test "a writable layer with a journal is not taken for another when it was copied" {
    make_layer
    mkdir work
    touch work/journal
    on_overlay chmod 4711 mnt/file
    cp -a upper copy
    mv upper original
    mv copy upper
    run on_overlay true
    [[ $status != 0 ]]
    assert_match "$output" 'the attribute journal belongs to another directory'
    rm -r upper
    mv original upper
    assert_equal "$(on_overlay stat -c %a mnt/file)" 4711
}
