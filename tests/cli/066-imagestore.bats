#!/usr/bin/env bats
# SPDX-License-Identifier: Apache-2.0
# A read-only store below the user's own (--imagestore), and a store that is moved.
# bats file_tags=main

load helpers

# Fills the store at lower/ and gives the test an empty one above it.
test_setup() {
    need_image hello
    mv "$WHERRY_ROOT" lower
    cp -a lower before # not linked: something written through would show in both
}

teardown_lower() {
    diff -r --no-dereference before lower
}

over() {
    wherry --imagestore "$PWD/lower" "$@"
}

@test "images of a lower store are listed, found, inspected and run, and nothing in it changes" {
    chmod -R a-w lower
    run_apart over images --format '{{.Repository}} {{.ReadOnly}}'
    assert_output 'docker.io/library/hello true'
    run_apart over images --format 'table {{.Repository}} {{.ReadOnly}}'
    assert_match "${lines[0]}" 'R/O'
    run_apart over images -q --filter readonly=true
    assert_equal "${#lines[@]}" 1
    run_apart over images -q --filter readonly=false
    assert_output ''
    run_apart over inspect --format '{{.Os}}' hello
    assert_output linux
    run_apart over run --rm hello
    assert_status 0
    assert_output 'Hello from a container with nothing in it but this program.'
    over save hello >hello.tar
    wherry load -q -i hello.tar
    wherry rmi hello
    # Without it the image is not known.
    run_apart wherry run --rm --pull=never hello
    assert_status 125
    chmod -R u+w lower
    teardown_lower
}

@test "WHERRY_IMAGESTORE names several, with colons between" {
    mkdir -m 0700 empty
    wherry --root "$PWD/empty" images
    WHERRY_IMAGESTORE=$PWD/empty:$PWD/lower run_apart wherry run --rm hello
    assert_status 0
    run_apart wherry --imagestore "$PWD/none" images
    assert_refused "image store .*none.*No such file"
    mkdir none
    run_apart wherry --imagestore "$PWD/none" images
    assert_refused 'image store .*none: not a store'
}

@test "a name given to a lower image is in our store, and hides the lower one's" {
    over tag hello mine:1
    run_apart over images --format '{{.Repository}}:{{.Tag}} {{.ReadOnly}}' --sort repository
    assert_output "docker.io/library/hello:latest true
docker.io/library/mine:1 false"
    run_apart over run --rm mine:1
    assert_status 0
    # Another image of the lower one's name.
    printf 'FROM mine:1\nLABEL a=b\n' >Dockerfile
    over build -q -t hello .
    run_apart over images -q --filter reference=hello
    assert_equal "${#lines[@]}" 1
    run_apart over inspect --format '{{.Labels.a}}' hello
    assert_output b
    over rmi hello
    run_apart over inspect --format '{{.Labels}}' hello
    assert_output 'map[]'
    run_apart over rmi mine:1
    assert_status 0
    teardown_lower
}

@test "a lower image is neither removed nor loses its name" {
    run_apart over rmi hello
    assert_status 125
    assert_error 'image [0-9a-f]{12} is in a read-only store: .*/lower'
    run_apart over rmi -f hello
    assert_error 'read-only store'
    run_apart over untag hello
    assert_refused 'read-only store'
    run_apart over rmi -a
    assert_status 0
    run_apart over image prune -a -f
    assert_output ''
    run_apart over images -q
    assert_equal "${#lines[@]}" 1
    teardown_lower
}

@test "build and commit on a lower image keep only what is new" {
    printf 'FROM hello\nCOPY Dockerfile /here\n' >Dockerfile
    over build -q -t upper .
    over create --name c upper
    over commit -q c committed
    run_apart over run --rm committed
    assert_status 0
    local layers blob
    layers=$(over inspect --format '{{range .RootFS.Layers}}{{.}} {{end}}' hello)
    for blob in $layers; do
        [[ ! -e $WHERRY_ROOT/blobs/sha256/${blob#sha256:} ]]
    done
    over rm c
    over rmi committed upper
    assert_equal "$(find "$WHERRY_ROOT/blobs" -type f)" ''
    teardown_lower
}

@test "an index that is missing below, or that others may write, is made in our store" {
    local index
    index=$(find lower/index -type f)
    rm "$index"
    run_apart over run --rm hello
    assert_status 0
    assert_equal "$(find "$WHERRY_ROOT/index" -type f | wc -l)" 1
    [[ ! -e $index ]]
    rm -r "$WHERRY_ROOT"
    # One that its group may write could change while it is read.
    cp before/index/* "$index"
    chmod g+w "$index"
    run_apart over run --rm hello
    assert_status 0
    assert_equal "$(find "$WHERRY_ROOT/index" -type f | wc -l)" 1
}

@test "what is no regular file below is refused" {
    local blob
    blob=lower/blobs/sha256/$(over inspect --format '{{index .RootFS.Layers 0}}' hello | cut -d : -f 2)
    rm "$blob"
    ln -s /etc/passwd "$blob"
    run_apart timeout 20 "$WHERRY" --imagestore "$PWD/lower" run --rm hello
    assert_refused 'no regular file'
    rm "$blob"
    mkfifo "$blob"
    run_apart timeout 20 "$WHERRY" --imagestore "$PWD/lower" run --rm hello
    assert_refused 'no regular file'
}

@test "a whole store can be moved, with its containers" {
    mv lower "$WHERRY_ROOT"
    wherry create --name c hello
    wherry tag hello other
    mv "$WHERRY_ROOT" elsewhere
    export WHERRY_ROOT=$PWD/elsewhere
    run_apart wherry start -a c
    assert_status 0
    assert_output 'Hello from a container with nothing in it but this program.'
    wherry rm c
    printf 'FROM other\nLABEL a=b\n' >Dockerfile
    wherry build -q -t built .
    run_apart wherry run --rm built
    assert_status 0
    wherry rmi -a
    assert_equal "$(find "$WHERRY_ROOT/blobs" "$WHERRY_ROOT/index" -type f)" ''
}
