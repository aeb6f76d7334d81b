#!/usr/bin/env bats
# SPDX-License-Identifier: Apache-2.0
# save, load: in every format, with skopeo and podman.
# bats file_tags=main

load helpers

# hello and an image of two layers on it.
test_setup() {
    need_image hello
    printf 'FROM hello\nCOPY two /two\nLABEL a=b\n' >Dockerfile
    echo two >two
    wherry build -q -t two .
}

# What makes an image the same: its id (the configuration's digest) and its layers.
same() { # IMAGE
    wherry inspect --format '{{.Id}} {{.RootFS.Layers}}' "$1"
}

other_store() {
    export WHERRY_ROOT=$BATS_TEST_TMPDIR/other
    rm -rf "$WHERRY_ROOT"
}

@test "an image is the same after save and load, in every format" {
    local format before
    before=$(same two)
    for format in docker-archive oci-archive oci-dir docker-dir; do
        run_apart wherry save --format "$format" -o "out-$format" two
        assert_status 0
        assert_output ''
        assert_equal "$stderr" ''
    done
    other_store
    for format in docker-archive oci-archive oci-dir; do
        rm -rf "$WHERRY_ROOT"
        run_apart wherry load -i "out-$format"
        assert_status 0
        assert_output 'Loaded image: docker.io/library/two:latest'
        assert_equal "$(same two)" "$before"
        run_apart wherry run --rm two /hello
        assert_status 0
    done
    # This format has no names.
    rm -rf "$WHERRY_ROOT"
    run_apart wherry load -i out-docker-dir
    assert_output "Loaded image: sha256:${before%% *}"
    assert_equal "$(same "${before%% *}")" "$before"
}

@test "the same image gives the same bytes" {
    local format
    for format in docker-archive oci-archive; do
        wherry save --format "$format" two >one
        sleep 1.1
        wherry save --format "$format" -o two-again two
        cmp one two-again
    done
}

@test "load from a pipe, and compressed" {
    local how before
    before=$(same two)
    wherry save -o two.tar two
    gzip -k two.tar
    xz -k two.tar
    zstd -q two.tar
    other_store
    for how in '' .gz .xz .zst; do
        rm -rf "$WHERRY_ROOT"
        run_apart wherry load <two.tar"$how"
        assert_status 0
        assert_equal "$(same two)" "$before"
    done
    rm -rf "$WHERRY_ROOT"
    head -c 100000000 two.tar | wherry load -q
    assert_equal "$(same two)" "$before"
}

@test "several images, and further names" {
    wherry save -m -o all.tar two hello
    # The layer that both have is there once.
    assert_equal "$(tar tf all.tar | grep -c '\.tar$')" 2
    wherry save -o names.tar two other.example/two:v2
    wherry save -o id.tar "$(wherry inspect --format '{{.Id}}' hello)"
    other_store
    run_apart wherry load -i all.tar
    assert_output $'Loaded image: docker.io/library/two:latest\nLoaded image: docker.io/library/hello:latest'
    run_apart wherry load -i names.tar
    assert_output $'Loaded image: docker.io/library/two:latest\nLoaded image: other.example/two:v2'
    rm -rf "$WHERRY_ROOT"
    run_apart wherry load -i id.tar
    assert_match "$output" '^Loaded image: sha256:[0-9a-f]{64}$'
}

@test "save: what is refused, and what is left then" {
    run_apart wherry save missing -o missing.tar
    assert_refused 'missing: image not known'
    run_apart wherry save --format docker-dir two
    assert_refused 'needs --output'
    run_apart wherry save --format zip two
    assert_refused 'zip'
    run_apart wherry save --compress -o x two
    assert_refused '--compress'
    mkdir full
    touch full/file
    run_apart wherry save --format oci-dir -o full two
    assert_refused 'full is not empty'
    assert_equal "$(ls full)" file
    # A layer that is damaged in the store.
    local layer
    layer=$(wherry inspect --format '{{index .RootFS.Layers 1}}' two)
    cp "$WHERRY_ROOT/blobs/sha256/${layer#sha256:}" copy
    printf x | dd of=copy bs=1 seek=520 conv=notrunc status=none
    mv -f copy "$WHERRY_ROOT/blobs/sha256/${layer#sha256:}"
    echo before >out.tar
    run_apart wherry save -o out.tar two
    assert_refused "layer $layer is damaged in the store"
    assert_equal "$(cat out.tar)" before
    run_apart wherry save --format oci-dir -o out.dir two
    assert_refused 'damaged in the store'
    [[ ! -e out.dir ]]
    assert_equal "$(find . -name '*.wherry-*')" ''
}

@test "save to a terminal and load from one are refused" {
    run_apart expect -c 'spawn -noecho '"$WHERRY"' save two; expect eof; exit [lindex [wait] 3]'
    assert_status 125
    assert_match "$output" 'refusing to save to terminal'
    run_apart expect -c 'spawn -noecho '"$WHERRY"' load; expect eof; exit [lindex [wait] 3]'
    assert_status 125
    assert_match "$output" 'cannot read from terminal'
}

@test "save to a pipe that closes, and to a full disk" {
    run_apart bash -c '"$1" save two | head -c 1000 | wc -c' bash "$WHERRY"
    assert_output 1000
    run_apart wherry save -o /dev/full two
    assert_refused 'No space left'
}

@test "load: what is no image, damaged or cut leaves nothing" {
    wherry save -o two.tar two
    other_store
    mkdir empty
    run_apart wherry load -i empty
    assert_refused 'no image'
    run_apart wherry load -i missing
    assert_refused 'No such file'
    run_apart wherry load </dev/null
    assert_refused 'standard input'
    head -c 100000 two.tar >cut.tar
    run_apart wherry load -i cut.tar
    assert_refused 'cut.tar'
    tar -cf other.tar two
    run_apart wherry load -i other.tar
    assert_refused 'no image'
    run_apart wherry images -q
    assert_output ''
    assert_equal "$(find "$WHERRY_ROOT/blobs" "$WHERRY_ROOT/index" -type f | wc -l)" 0
}

@test "skopeo reads what we save, and we read what it writes" {
    local before id transport
    before=$(same two)
    id=${before%% *}
    wherry save -o two.tar two
    wherry save --format oci-archive -o two.oci two
    wherry save --format oci-dir -o two.ocidir two
    wherry save --format docker-dir -o two.dir two
    for transport in docker-archive:two.tar oci-archive:two.oci oci:two.ocidir dir:two.dir; do
        run_apart skopeo inspect --config --raw "$transport"
        assert_status 0
        assert_equal "$(sha256sum <<<"$output" | cut -d' ' -f1)" \
            "$(wherry save two | tar xOf - "$id.json" | { cat; echo; } | sha256sum | cut -d' ' -f1)"
        # A copy reads every byte and compares every digest.
        rm -rf copy
        skopeo --insecure-policy copy -q "$transport" dir:copy
    done
    skopeo --insecure-policy copy -q docker-archive:two.tar docker-archive:s.tar:some/two:v1
    skopeo --insecure-policy copy -q docker-archive:two.tar oci-archive:s.oci:some/two:v1
    skopeo --insecure-policy copy -q docker-archive:two.tar oci:s.ocidir:v1
    skopeo --insecure-policy copy -q --dest-compress docker-archive:two.tar dir:s.dir
    other_store
    wherry load -i s.tar
    assert_equal "$(same docker.io/some/two:v1)" "$before"
    for transport in s.oci s.ocidir s.dir; do
        rm -rf "$WHERRY_ROOT"
        run_apart wherry load -i "$transport"
        assert_status 0
        assert_equal "$(wherry inspect --format '{{.RootFS.Layers}}' "${output#Loaded image: }")" \
            "${before#* }"
    done
}

@test "podman reads what we save, and we read what it saves" {
    [[ $(command -v podman) ]] || skip 'podman is not installed'
    need_subordinate_ids
    local before id format podman podman_run
    before=$(same two)
    id=${before%% *}
    podman_run=$(mktemp -d /tmp/wp.XXXXXX) # podman takes at most 50 characters
    podman=(podman --root "$BATS_TEST_TMPDIR/podman" --runroot "$podman_run" --storage-driver vfs
        --cgroup-manager cgroupfs --events-backend file --log-level error)
    for format in docker-archive oci-archive; do
        wherry save --format "$format" -o "w-$format" two
        run_apart "${podman[@]}" load -q -i "w-$format"
        assert_status 0
        assert_output 'Loaded image: docker.io/library/two:latest'
        assert_equal "$("${podman[@]}" inspect --format '{{.Id}}' two)" "$id"
    done
    for format in docker-archive oci-archive oci-dir docker-dir; do
        "${podman[@]}" save -q --format "$format" -o "p-$format" two
    done
    "${podman[@]}" system migrate >/dev/null 2>&1 || true # ends the pause process
    unshare --user --map-root-user --map-auto rm -rf podman "$podman_run"
    other_store
    for format in docker-archive oci-archive oci-dir docker-dir; do
        rm -rf "$WHERRY_ROOT"
        run_apart wherry load -i "p-$format"
        assert_status 0
        [[ $format == docker-dir ]] || assert_output 'Loaded image: docker.io/library/two:latest'
        assert_equal "$(same "$id")" "$before"
    done
}

@test "a load that is killed leaves nothing" {
    mkfifo pipe
    head -c 3000000 /dev/urandom >big
    printf 'FROM hello\nCOPY big /big\n' >Dockerfile
    wherry build -q -t big .
    wherry save -o big.tar big
    other_store
    "$WHERRY" load <pipe 3>&- &
    local load=$!
    exec 4>pipe
    head -c 2500000 big.tar >&4
    wait_for bash -c 'find "$1/tmp" -name layer -size +1000k | grep -q .' bash "$WHERRY_ROOT"
    kill -KILL "$load"
    wait "$load" || true
    exec 4>&-
    wait_for no_temporary_files
    wait_for bash -c '[[ -z $(find "$1/blobs" "$1/index" -type f) ]]' bash "$WHERRY_ROOT"
}

@test "save and export write through links, into pipes and to standard output, and keep a file's mode" {
    need_image hello
    wherry create --name box hello >/dev/null
    local command words
    for command in 'save hello' 'export box'; do
        read -ra words <<<"$command"
        set -- "${words[@]}"
        rm -rf real link there fifo out
        mkdir real
        ln -s real/new link
        run_apart wherry "$1" -o link "$2"
        assert_status 0
        [[ -L link && -f real/new ]]
        chmod 640 real/new
        wherry "$1" -o link "$2"
        assert_equal "$(stat -c %a real/new)" 640
        assert_equal "$(ls real)" new
        mkfifo fifo
        timeout 20 cat fifo >out &
        timeout 20 "$WHERRY" "$1" -o fifo "$2"
        wait $!
        cmp out real/new
        wherry "$1" -o /dev/stdout "$2" | cmp - real/new
        echo before >out
        wherry "$1" -o /dev/stdout "$2" >>out
        cmp <(tail -c +8 out) real/new
        # What a killed writer left, where files without a name are not to be had.
        touch real/new.wherry-1
        wherry "$1" -o real/new "$2"
        assert_equal "$(ls real)" new
        chmod a-w real
        [[ $EUID == 0 ]] || wherry "$1" -o real/new "$2"
        chmod u+w real
        tar -tf real/new >/dev/null
    done
}
