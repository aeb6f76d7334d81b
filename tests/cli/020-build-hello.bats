#!/usr/bin/env bats
# SPDX-License-Identifier: Apache-2.0
# The smallest image, as the tutorial has it: FROM scratch, ADD, CMD.
# bats file_tags=main

load helpers

hello='Hello from a container with nothing in it but this program.'

@test "build, then run: the program prints" {
    make_hello context
    run_apart wherry build -t hello context
    assert_status 0
    # The image's id is the result, alone on the last line.
    assert_match "${lines[-1]}" '^(sha256:)?[0-9a-f]{64}$'
    run_apart wherry run hello
    assert_status 0
    assert_output "$hello"
    assert_equal "$stderr" ''
}

@test "the current directory is a context" {
    make_hello context
    cd context
    wherry build -t hello .
    run_apart wherry run --rm hello
    assert_output "$hello"
}

@test "a Dockerfile anywhere with -f" {
    make_hello context
    mv context/Dockerfile elsewhere
    wherry build -q -t hello -f elsewhere context
    run_apart wherry run --rm hello
    assert_output "$hello"
}

@test "build -q prints the id and nothing else" {
    make_hello context
    run_apart wherry build -q -t hello context
    assert_status 0
    assert_match "$output" '^(sha256:)?[0-9a-f]{64}$'
    assert_equal "$stderr" ''
}

@test "the container is listed after it exited, the image as built" {
    need_image hello
    wherry run --name first hello
    run_apart wherry ps
    assert_equal "${#lines[@]}" 1
    run_apart wherry ps -a
    assert_equal "${#lines[@]}" 2
    assert_match "${lines[1]}" \
        '^[0-9a-f]{12}  (localhost|docker\.io/library)/hello:latest +/hello +.*ago +Exited \(0\) .*ago +first *$'
    run_apart wherry images
    assert_equal "${#lines[@]}" 2
    assert_match "${lines[1]}" \
        '^(localhost|docker\.io/library)/hello +latest +[0-9a-f]{12} +.* +[0-9.]+ [kM]?B *$'
}

@test "the same context built twice shares its layer" {
    make_hello context
    wherry build -q -t one context
    wherry build -q -t two context
    assert_equal "$(wherry inspect --format '{{json .RootFS.Layers}}' one)" \
        "$(wherry inspect --format '{{json .RootFS.Layers}}' two)"
}

@test "history shows the steps" {
    need_image hello
    run_apart wherry history --no-trunc hello
    assert_status 0
    assert_match "${lines[0]}" '^ID +CREATED +CREATED BY +SIZE +COMMENT'
    assert_match "${lines[1]}" 'CMD \["/hello"\]'
    assert_match "$output" '(ADD|COPY)'
}
