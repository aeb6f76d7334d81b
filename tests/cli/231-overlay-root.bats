#!/usr/bin/env bats
# SPDX-License-Identifier: Apache-2.0
# overlay-fuse mounted by the machine's root.

load helpers

@test "set-user-ID stays when root writes, and goes when somebody else does" {
    server=$(dirname "$WHERRY")/overlay-fuse
    [[ -x $server ]] || server=$(dirname "$WHERRY")/../overlay-fuse/overlay-fuse
    mkdir low up wk mnt
    for f in root other; do echo x >low/$f && chmod 4777 low/$f; done
    # shellcheck disable=SC2016
    run unshare --mount bash -euc '
        "$1" -o lowerdir=low,upperdir=up,workdir=wk mnt
        fallocate -l 8192 mnt/root
        setpriv --reuid=65534 --regid=65534 --clear-groups fallocate -l 8192 mnt/other
        stat -c "%a %n" mnt/root mnt/other
        umount mnt' bash "$server"
    assert_status 0
    assert_output $'4777 mnt/root\n777 mnt/other'
}
