#!/usr/bin/env bats
# SPDX-License-Identifier: Apache-2.0
# A crash, a power failure or a full disk at every moment of volume create, rm, prune and of the
# first use of a volume.

load helpers
load faults

test_setup() {
    need_kill_at
    need_image hello
    mkdir -p tree/sub/deep
    for n in 1 2 3; do
        head -c 3000 /dev/urandom >"tree/sub/file$n"
    done
    ln -s file1 tree/sub/link
    printf 'FROM hello\nCOPY --chown=1:1 tree /data\n' >Dockerfile
    wherry build -q -t data .
    wherry volume create old
    wherry create --name c -v v:/data data
    keep_template
    (cd tree && listing) >expected
}

listing() {
    find . | sort
    find . -type f -print0 | sort -z | xargs -0r sha256sum
}

# Owners that only a user namespace can read.
content() { # VOLUME
    if has_subordinate_ids; then
        unshare --map-auto --map-root-user bash -c "$(declare -f listing)
            cd '$WHERRY_ROOT/volumes/$1/_data' && listing"
    else
        (cd "$WHERRY_ROOT/volumes/$1/_data" && listing)
    fi
}

old_is_whole_or_gone() {
    if wherry volume exists old; then
        [[ -d $WHERRY_ROOT/volumes/old/_data && -e $WHERRY_ROOT/volumes/old/volume.json ]] || return
    fi
    wherry volume create --ignore old >/dev/null
}

new_is_whole_or_gone() {
    if wherry volume exists new; then
        [[ $(wherry volume inspect --format '{{.Labels.a}}' new) == b ]] || return
    fi
    wherry volume rm -f new >/dev/null
}

# After a crash of `create -v fresh:/f`: the container is whole with its volume, or not there.
container_has_its_volume() {
    if wherry inspect --type container n >/dev/null 2>&1; then
        wherry volume exists fresh || return
        wherry start -a n >/dev/null
    fi
}

# What was copied is all or nothing, and the next use has all.
copied_whole_or_not_at_all() {
    local found
    found=$(content v)
    if [[ $found != . && $found != "$(<expected)" ]]; then
        echo "$1: half a volume: $found"
        return 1
    fi
    wait_for eval 'wherry start -a c >/dev/null 2>&1' # a monitor may still be on its way out
    assert_equal "$(content v)" "$(<expected)" || return
    wherry volume rm -f v >/dev/null # what the container's users own
}

@test "volume create, rm and prune killed at every call" {
    fault_loop kill wherry new_is_whole_or_gone volume create --label a=b new
    fault_loop kill wherry old_is_whole_or_gone volume rm old
    fault_loop kill wherry old_is_whole_or_gone volume prune -f
}

@test "the power fails at every call of volume create and rm" {
    local kind
    for kind in power power-loose; do
        fault_loop $kind wherry new_is_whole_or_gone volume create --label a=b new
        fault_loop $kind wherry old_is_whole_or_gone volume rm old
    done
}

@test "no room, and errors of the disk, at every call of volume create and rm" {
    local kind
    for kind in enospc eio emfile; do
        fault_loop $kind wherry new_is_whole_or_gone volume create --label a=b new
        fault_loop $kind wherry old_is_whole_or_gone volume rm old
    done
}

@test "create of a container with a new volume, killed at every call" {
    fault_loop kill wherry container_has_its_volume create --name n -v fresh:/f hello
}

@test "the first use of a volume, killed at every call of any process" {
    KILL_CHILDREN=1 fault_loop kill wherry copied_whole_or_not_at_all start -a c
}

@test "no room, and errors of the disk, while the image's content is copied" {
    local kind
    for kind in enospc eio; do
        KILL_CHILDREN=1 FAULT_STRIDE=7 fault_loop $kind wherry copied_whole_or_not_at_all start -a c
    done
}

@test "the first use of a volume, killed at random" {
    local n
    for ((n = 0; n < 40; n++)); do
        fresh_store kill
        timeout -s KILL "$(printf '0.%03d' $((RANDOM % 40 + 1)))" "$WHERRY" start -a c >/dev/null 2>&1 || true
        copied_whole_or_not_at_all "kill $n"
    done
    store_is_sound 'random kills'
}
