#!/usr/bin/env bats
# SPDX-License-Identifier: Apache-2.0
# What passes through a registry stays what it was: to our own archives, and to podman and back.
# shellcheck disable=SC2030,SC2031 # each test is a shell of its own

load helpers
load registry

test_setup() {
    need_registry
    own_home
    start_registry
    allow_plain "$registry"
    need_image hello
    id=$(wherry inspect --format '{{.Id}}' hello)
    layers=$(wherry inspect --format '{{.RootFS.Layers}}' hello)
    wherry push -q --digestfile pushed hello "$registry/hello"
}

# Digests of a registry's layers.
layers_of() { # REPOSITORY
    python3 "$tool" layer "http://$registry/v2/$1/manifests/latest"
}

@test "a pulled image that is saved has its configuration, byte for byte, and its layers" {
    local hex layer
    wherry rmi hello
    wherry pull -q "$registry/hello"
    wherry save -o hello.tar "$registry/hello"
    assert_equal "$(tar xOf hello.tar "$id.json" | sha256sum)" "$id  -"
    layer=${layers#[} layer=${layer%]}
    hex=${layer#sha256:}
    assert_equal "$(tar xOf hello.tar "$hex.tar" | sha256sum)" "$hex  -"
    # What another store pushes, which never saw the registry's layer, is the same again. The archive
    # is docker's: what came from it goes out in that form unless asked otherwise, as podman has it.
    export WHERRY_ROOT=$BATS_TEST_TMPDIR/other
    wherry load -q -i hello.tar
    wherry push -q --format oci --digestfile again "$registry/hello" "$registry/elsewhere"
    assert_equal "$(<again)" "$(<pushed)"
    assert_equal "$(layers_of elsewhere)" "$(layers_of hello)"
}

@test "podman pulls what we push, and we pull what it pushes" {
    [[ $(command -v podman) ]] || skip 'podman is not installed'
    need_subordinate_ids
    local podman podman_run tag
    podman_run=$(mktemp -d /tmp/wp.XXXXXX) # podman takes at most 50 characters
    podman=(podman --root "$BATS_TEST_TMPDIR/podman" --runroot "$podman_run" --storage-driver vfs
        --cgroup-manager cgroupfs --events-backend file --log-level error)
    run_apart "${podman[@]}" pull -q --tls-verify=false "$registry/hello"
    assert_status 0
    assert_output "$id"
    "${podman[@]}" push -q --tls-verify=false "$registry/hello" "$registry/theirs:oci"
    "${podman[@]}" push -q --tls-verify=false --format v2s2 "$registry/hello" "$registry/theirs:docker"
    "${podman[@]}" system migrate >/dev/null 2>&1 || true # ends the pause process
    unshare --user --map-root-user --map-auto rm -rf podman "$podman_run"
    for tag in oci docker; do
        export WHERRY_ROOT=$BATS_TEST_TMPDIR/$tag
        run_apart wherry pull -q "$registry/theirs:$tag"
        assert_status 0
        assert_equal "$(wherry inspect --format '{{.RootFS.Layers}}' "$registry/theirs:$tag")" "$layers"
        run_apart wherry run --rm "$registry/theirs:$tag"
        assert_match "$output" 'Hello from a container'
    done
}
