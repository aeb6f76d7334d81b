#!/usr/bin/env bats
# SPDX-License-Identifier: Apache-2.0
# unshare: a command of the host in the user namespace that containers get.
# bats file_tags=main,unshare

load helpers

@test "the command is root, with the container's maps, and has our pid and status" {
    run_apart wherry unshare id -u
    assert_output 0
    assert_match "$(wherry unshare cat /proc/self/uid_map)" "^ +0 +$(id -u) +1"
    if has_subordinate_ids; then
        assert_equal "$(wherry unshare cat /proc/self/uid_map | wc -l)" 2
        assert_equal "$(wherry unshare cat /proc/self/setgroups)" allow
    else
        assert_equal "$(wherry unshare cat /proc/self/setgroups)" deny
    fi
    run_apart wherry unshare sh -c 'exit 9'
    assert_status 9
    run_apart wherry unshare sh -c 'kill -TERM $$'
    assert_status 143
    run_apart wherry unshare no-such-command
    assert_status 127
    assert_error 'executable file not found in \$PATH'
    run_apart wherry unshare /etc/passwd
    assert_status 126
    run_apart wherry unshare --rootless-netns true
    assert_refused 'unknown flag: --rootless-netns'
}

@test "without a command it is the shell; the store is the same" {
    run_apart env SHELL=/bin/bash "$WHERRY" unshare < <(echo 'echo "$BASH $EUID"')
    assert_output '/bin/bash 0'
    need_image hello
    wherry create --name c hello >/dev/null
    run_apart wherry unshare "$WHERRY" ps -a --format '{{.Names}}'
    assert_output c
    run_apart wherry unshare sh -c 'echo "$_CONTAINERS_ROOTLESS_UID $_CONTAINERS_ROOTLESS_GID"'
    assert_output "$(id -u) $(id -g)"
}

@test "mounts stay inside" {
    mkdir at
    run_apart wherry unshare sh -c 'mount -t tmpfs none at && touch at/file && ls at'
    assert_output file
    assert_equal "$(find at -mindepth 1)" ''
}

@test "what a container left in a volume can be removed" {
    need_subordinate_ids
    need_image debian
    mkdir data
    wherry run --rm -v "$PWD/data:/data" debian sh -c 'mkdir -m 700 /data/d && touch /data/d/f && chown -R 33:33 /data/d'
    run rm -r data/d
    [[ $status != 0 ]]
    assert_equal "$(wherry unshare stat -c %u data/d/f)" 33
    wherry unshare rm -r data/d
    [[ ! -e data/d ]]
}
