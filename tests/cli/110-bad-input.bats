#!/usr/bin/env bats
# SPDX-License-Identifier: Apache-2.0
# What cannot work is refused with one clear error, 125, and nothing is left of the attempt.
# bats file_tags=main

load helpers

test_setup() {
    need_image hello
    (cd "$WHERRY_ROOT" && find . -type f ! -name '*lock*' ! -name events.log | sort) >before
}

# The store holds what it held, and there is no container.
nothing_left() {
    (cd "$WHERRY_ROOT" && find . -type f ! -name '*lock*' ! -name events.log | sort) >after
    diff before after
    assert_equal "$(find "$WHERRY_ROOT/containers" "$WHERRY_ROOT/names" -mindepth 1 2>/dev/null)" ''
    assert_equal "$(find "$WHERRY_RUNROOT" -mindepth 1 -type d -name '[0-9a-f]*' -not -name checked 2>/dev/null)" ''
}

@test "a missing image" {
    local command
    for command in 'run --pull=never missing' \
        'run --pull=never --rm missing true' 'create --pull=never missing' 'tag missing x' \
        'history missing' 'image inspect missing'; do
        # shellcheck disable=SC2086
        run_apart wherry $command
        [[ $command == tag* || $command == history* || $status == 125 ]]
        [[ $status != 0 ]]
        assert_match "$stderr" '^Error: .*missing'
        assert_equal "$(grep -c . <<<"$stderr")" 1
    done
    nothing_left
}

@test "bad names of images" {
    local name
    for name in 'UPPER' 'a//b' 'a:b:c' 'x@sha256:12' '../x' '-x/' 'a b' "$(printf 'a%.0s' {1..300})"; do
        run_apart wherry tag hello "$name"
        [[ $status != 0 ]] || {
            echo "accepted: $name"
            return 1
        }
        run_apart wherry run --rm -- "$name"
        assert_status 125
    done
    nothing_left
}

@test "bad names of containers" {
    local name
    for name in 'a b' '../../x' '/abs' '.hidden' '-dash' 'a/b' $'new\nline'; do
        run_apart wherry run --name="$name" hello
        assert_refused .
    done
    nothing_left
}

@test "bad volumes" {
    local volume
    for volume in "$PWD/missing:/x" "$PWD:relative" ':/x' "$PWD:/x:nonsense" "$PWD:/a:ro:b:c"; do
        run_apart wherry run --rm -v "$volume" hello
        assert_refused .
    done
    nothing_left
}

@test "bad flags and bad values" {
    local flags
    for flags in '--nonsense' '-Q' '--name' '-e' '--rm=maybe' '--tty=2x'; do
        # shellcheck disable=SC2086
        run_apart wherry run $flags
        assert_refused .
    done
    nothing_left
}

@test "what a container's document cannot hold is not replaced by something else" {
    local bad=$'a\xff'
    run_apart wherry run --rm hello "$bad"
    assert_refused 'is not UTF-8'
    run_apart wherry create -v "/tmp:/$bad" hello
    assert_refused 'is not UTF-8'
    run_apart wherry create --device-read-bps "/dev/$bad:1mb" hello
    assert_refused 'is not UTF-8'
    nothing_left
}

@test "what is wrong with an option is known before there is a container" {
    run_apart wherry run --stop-timeout=-1 hello
    assert_refused stop-timeout
    run_apart wherry run --detach-keys=nonsense hello
    assert_refused nonsense
    run_apart wherry run -v "$PWD:/x" -v "$PWD:/x/" hello
    assert_refused 'duplicate mount destination'
    run_apart wherry run --cidfile "$PWD/missing/cid" hello
    assert_refused "cidfile.*$PWD/missing"
    nothing_left
}

@test "a layer that is missing: told, and no container with --rm" {
    local layer
    layer=$(wherry image inspect --format '{{index .RootFS.Layers 0}}' hello)
    mv "$WHERRY_ROOT/blobs/sha256/${layer#sha256:}" layer
    run_apart wherry run --rm hello
    assert_status 125
    assert_match "$stderr" "^Error: .*${layer#sha256:}"
    mv layer "$WHERRY_ROOT/blobs/sha256/${layer#sha256:}"
    nothing_left
}

@test "a build that fails leaves none of the layers it made" {
    printf 'FROM hello\nCOPY Dockerfile /one\nCOPY missing /two\n' >Dockerfile
    run_apart wherry build .
    assert_status 125
    assert_match "$stderr" missing
    nothing_left
}

@test "an import that is killed leaves nothing" {
    mkfifo tar
    "$WHERRY" import tar killed 3>&- &
    local import=$!
    exec 4>tar
    tar -cf - -C "$BATS_RUN_TMPDIR/hello" . | head -c 600000 >&4
    wait_for bash -c 'find "$1/tmp" -name layer -size +400k | grep -q .' bash "$WHERRY_ROOT"
    kill -KILL "$import"
    wait "$import" || true
    exec 4>&-
    wait_for no_temporary_files
    nothing_left
}

@test "a name that is taken" {
    wherry create --name taken hello
    run_apart wherry create --name taken hello
    assert_refused 'taken.*already in use'
    assert_equal "$(wherry ps -aq | wc -l)" 1
    wherry rm taken
    nothing_left
}

@test "a missing container" {
    local command
    for command in start stop logs commit inspect; do
        run_apart wherry "$command" missing
        assert_status 125
        assert_match "$stderr" '^Error: .*missing'
    done
}

@test "no command and none in the image" {
    printf 'FROM scratch\nLABEL a=b\n' >Dockerfile
    wherry build -q -t empty . >/dev/null
    run_apart wherry run --rm empty
    assert_refused '[Cc]ommand'
    wherry rmi empty
    nothing_left
}

@test "a command that is not in the image: 127 and no container with --rm" {
    run_apart -127 wherry run --rm hello /nothing
    assert_status 127
    nothing_left
}

@test "a store that cannot be written" {
    ((EUID != 0)) || skip 'root writes everywhere'
    mkdir -m 0500 closed
    WHERRY_ROOT=$PWD/closed/store run_apart wherry images
    assert_refused 'Permission denied'
    : >file
    WHERRY_ROOT=$PWD/file run_apart wherry images
    assert_refused .
}

@test "a damaged store is an error, not a crash" {
    local blob
    for blob in "$WHERRY_ROOT"/blobs/sha256/*; do
        # The store's files are shared with the template: replace, do not write in place.
        printf '{' >damaged && mv damaged "$blob"
    done
    run wherry run --rm hello
    assert_status 125
    run wherry images
    ((status < 126))
    run wherry history hello
    ((status < 126))
    printf '{"manifests":[{"digest":"../../etc/passwd"}]}' >damaged && mv damaged "$WHERRY_ROOT/index.json"
    run wherry images
    ((status < 126))
    run wherry run --rm hello
    assert_status 125
}

@test "a damaged or missing layer index is made again" {
    local index
    for index in "$WHERRY_ROOT"/index/*; do
        head -c 40 "$index" >damaged && mv damaged "$index"
    done
    run_apart wherry run --rm hello
    assert_status 0
    rm -f "$WHERRY_ROOT"/index/*
    run_apart wherry run --rm hello
    assert_status 0
}

@test "hostile tars: names that climb, absolute names, links out, devices, twice the same" {
    echo outside >victim
    mkdir t
    echo inside >t/file
    tar -C t -cPf hostile.tar --transform 's|^file|../../../../../../../'"$PWD"'/climbed|' file
    tar -C t -rPf hostile.tar --transform 's|^file|'"$PWD"'/absolute|' file
    ln -s "$PWD" t/link
    tar -C t -rPf hostile.tar link
    tar -C t -rPf hostile.tar --transform 's|^file|link/through|' file
    tar -C t -rPf hostile.tar file file
    run wherry import hostile.tar hostile
    ((status == 0 || status == 125))
    [[ ! -e climbed && ! -e absolute && ! -e through ]]
    assert_equal "$(cat victim)" outside
}
