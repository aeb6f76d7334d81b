# SPDX-License-Identifier: Apache-2.0
# shellcheck shell=bash
# What the tests of the overlay server share: layers, and commands on a mount of their own.

: "${WHERRY_TEST_TOOLS:=$(cd "$tests_dir/.." && pwd)/build/tests/tools}"
layers=() # --layer arguments, topmost first

# As the root of a user namespace that has only us: modes keep nothing from it.
own_root() { # COMMAND...
    unshare --user --map-root-user "$@"
}

# Makes a layer of a tar, or of what is in a directory, on top of those there are.
add_layer() { # TAR|DIRECTORY
    local tar=$1
    if [[ -d $1 ]]; then
        tar=$1.tar
        own_root tar -C "$1" --sort=name --owner=0 --group=0 -cf "$tar" .
    fi
    "$WHERRY_TEST_TOOLS/layer-index" "$tar" "$tar.index"
    layers=(--layer "$tar" "$tar.index" "${layers[@]}")
}

# Runs a command on the layers with upper/ and work/, mounted at mnt/, with as many ids as we have.
on_overlay() { # COMMAND...
    local ids=--single-id
    ! has_subordinate_ids || ids=--map-sub
    mkdir -p upper work mnt
    "$WHERRY_TEST_TOOLS/overlay-mount" "$ids" "${layers[@]}" --upper upper --work work mnt -- "$@"
}
