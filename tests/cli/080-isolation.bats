#!/usr/bin/env bats
# SPDX-License-Identifier: Apache-2.0
# An image is like a class, containers are its instances.
# bats file_tags=main

load helpers

test_setup() {
    need_image debian
}

@test "two containers of one image never see each other's changes" {
    wherry run -d --name one debian sh -c 'echo one >/who; rm /etc/debian_version; echo ready
        trap "exit 0" TERM; sleep 1000 & wait'
    wait_for bash -c '"$1" logs one | grep -q ready' bash "$WHERRY"
    run_apart wherry run --name two debian sh -c 'ls /who; cat /etc/debian_version; echo two >/who'
    assert_match "$output" '^12'
    run_apart wherry run --rm debian sh -c 'ls /who'
    assert_status 2
    wherry stop one
    # Each kept its own.
    wherry commit -q one image-one
    wherry commit -q two image-two
    assert_equal "$(wherry run --rm image-one cat /who)" one
    assert_equal "$(wherry run --rm image-two cat /who)" two
    run_apart wherry run --rm image-two cat /etc/debian_version
    assert_match "$output" '^12'
}

@test "the image never changes, whatever a container does" {
    find "$WHERRY_ROOT/blobs" "$WHERRY_ROOT/index" -type f -print0 | sort -z | xargs -0 sha256sum >before
    run wherry run --rm debian bash -c 'rm -rf --one-file-system /usr /etc /var; echo x >/bin/new'
    find "$WHERRY_ROOT/blobs" "$WHERRY_ROOT/index" -type f -print0 | sort -z | xargs -0 sha256sum >after
    cmp before after
    run_apart wherry run --rm debian cat /etc/debian_version
    assert_match "$output" '^12'
}

@test "a removed container's changes are gone from the disk" {
    wherry run --name big debian sh -c 'head -c 5000000 /dev/zero >/big'
    local before after
    before=$(du -sk "$WHERRY_ROOT/containers" | cut -f 1)
    ((before >= 4800))
    wherry rm big
    after=$(du -sk "$WHERRY_ROOT/containers" | cut -f 1)
    ((after < 200))
}

@test "containers see only their own processes, host name, and shared memory" {
    wherry run -d --name one debian sh -c 'echo x >/dev/shm/x; echo ready; exec sleep 1000'
    wait_for bash -c '"$1" logs one | grep -q ready' bash "$WHERRY"
    run_apart wherry run --rm debian sh -c 'ls /dev/shm; grep -l sleep /proc/[0-9]*/comm; true'
    assert_output ''
    wherry rm -f -t 0 one
}

@test "the store holds no file with a set-user-id bit, and all of it is ours" {
    wherry run --name c debian sh -c 'chmod 4755 /bin/ls; cp /bin/su /su; chmod u+s /su'
    assert_equal "$(find "$WHERRY_ROOT" -perm /6000 -type f)" ''
    assert_equal "$(find "$WHERRY_ROOT" ! -user "$(id -un)")" ''
    run_apart wherry start -a c
    rm -rf "$WHERRY_ROOT"
    [[ ! -e $WHERRY_ROOT ]]
}
