#!/usr/bin/env bats
# SPDX-License-Identifier: Apache-2.0
# A cgroup of the container's own, for users to whom root has delegated one. Made in the machine's
# unified hierarchy and removed after the test; where its controllers are those of version 1, the
# limits themselves cannot be had, and what is tested is freezing, killing, placing and cleaning up.

load helpers

users='wherry-test-sub wherry-test-one'

test_setup() {
    hierarchy=$(awk '$(NF-2) == "cgroup2" { print $5; exit }' /proc/self/mountinfo)
    [[ $hierarchy ]] || skip 'needs a mounted unified hierarchy (cgroup2)'
    id wherry-test-sub wherry-test-one >/dev/null 2>&1 || skip 'needs the users of scripts/test'
    [[ $WHERRY_TEST_ROOTFS ]] || skip "${WHERRY_TEST_NO_ROOTFS:-no Debian root file system}"
    local dir=$PWD
    while [[ $dir != / ]]; do # bats' directories are root's alone
        chmod o+x "$dir"
        dir=$(dirname "$dir")
    done
}

eval "common_$(declare -f teardown)"
teardown() {
    local user
    for user in $users; do
        cg=$hierarchy/wherry-test-$$-$user
        if [[ -d $cg ]]; then
            echo 1 >"$cg/cgroup.kill"
            wait_for grep -q 'populated 0' "$cg/cgroup.events"
            find "$cg" -depth -type d -exec rmdir {} +
        fi
    done
    common_teardown
}

# The user's delegated cgroup ($cg), and a store with an image.
become() { # USER
    user=$1
    cg=$hierarchy/wherry-test-$$-$user
    mkdir "$cg" "$user"
    chown "$user" "$cg" "$cg/cgroup.procs" "$cg/cgroup.subtree_control" "$user"
    as import "$WHERRY_TEST_ROOTFS" debian
}

# A wherry command of the user, from inside the delegated cgroup.
as() {
    (
        echo $BASHPID >"$cg/cgroup.procs"
        exec setpriv --reuid="$user" --regid="$user" --init-groups env HOME="$PWD/$user" \
            WHERRY_ROOT="$PWD/$user/root" WHERRY_RUNROOT="$PWD/$user/run" "$WHERRY" "$@"
    )
}

cgroup_of() { # CONTAINER
    echo "$hierarchy$(as inspect --format '{{.State.CgroupPath}}' "$1")"
}

gone() {
    [[ ! -e $1 ]]
}

placed() { # USER
    become "$1"
    as run -d --name c --cgroups enabled debian sleep 1000
    local dir
    dir=$(cgroup_of c)
    assert_equal "$dir" "$cg/wherry-$(as inspect --format '{{.Id}}' c)"
    grep -qx "$(as inspect --format '{{.State.Pid}}' c)" "$dir/cgroup.procs"
    # The monitor and the root's server are outside, and the container sees no more than its own.
    refute_match "$(<"$dir/cgroup.procs")" "(^|[^0-9])$(as inspect --format '{{.State.ConmonPid}}' c)(\$|[^0-9])"
    assert_equal "$(as exec c grep ^0: /proc/self/cgroup)" 0::/
    as exec -d c sleep 2000
    wait_for eval '[[ $(wc -l <"$dir/cgroup.procs") == 2 ]]'
    # Frozen by the kernel, not by signals; what a stop does to it is as ever.
    as pause c
    grep -q 'frozen 1' "$dir/cgroup.events"
    assert_equal "$(awk '$1 == "State:" { print $2 }' "/proc/$(as inspect --format '{{.State.Pid}}' c)/status")" S
    as unpause c
    grep -q 'frozen 0' "$dir/cgroup.events"
    as pause c
    as rm -f -t 0 c
    gone "$dir"
}

@test "with subordinate ids: a place, pause by the freezer, nothing left" {
    placed wherry-test-sub
}

@test "with a single id: a place, pause by the freezer, nothing left" {
    placed wherry-test-one
}

@test "a shared pid namespace: kill reaches all by the cgroup" {
    become wherry-test-sub
    as run -d --name c --pid host --cgroups enabled debian sh -c 'sleep 1000 & sleep 1000 & wait'
    local dir
    dir=$(cgroup_of c)
    wait_for eval '[[ $(wc -l <"$dir/cgroup.procs") == 3 ]]'
    as pause c # which needs no pid namespace here
    grep -q 'frozen 1' "$dir/cgroup.events"
    as kill c
    gone "$dir"
    as rm c
}

@test "a monitor that was killed: start and rm clean up" {
    become wherry-test-one
    as run -d --name c --cgroups enabled debian sleep 1000
    local dir
    dir=$(cgroup_of c)
    kill -9 "$(as inspect --format '{{.State.ConmonPid}}' c)"
    wait_for grep -q 'populated 0' "$dir/cgroup.events"
    as start c
    assert_equal "$(cgroup_of c)" "$dir"
    kill -9 "$(as inspect --format '{{.State.ConmonPid}}' c)"
    wait_for grep -q 'populated 0' "$dir/cgroup.events"
    as rm c
    gone "$dir"
}

@test "--cgroup-parent, --cgroups=split, a restart keeps it" {
    become wherry-test-sub
    as run -d --name c --cgroup-parent a/b debian sleep 1000
    assert_equal "$(cgroup_of c)" "$cg/a/b/wherry-$(as inspect --format '{{.Id}}' c)"
    as rm -f -t 0 c
    as run -d --name c --cgroup-parent "${cg#"$hierarchy"}/a" debian sleep 1000
    assert_equal "$(cgroup_of c)" "$cg/a/wherry-$(as inspect --format '{{.Id}}' c)"
    as rm -f -t 0 c
    as run -d --name c --cgroups split --restart always debian sh -c 'sleep 0.1'
    wait_for eval '(($(as inspect --format "{{.RestartCount}}" c) >= 1))'
    [[ -d $cg/wherry-$(as inspect --format '{{.Id}}' c) ]]
    as rm -f -t 0 c
    run as run --rm --cgroup-parent /wherry-not-ours debian true
    [[ $status == 125 && $output == *'cgroup parent /wherry-not-ours'* ]]
    gone "$hierarchy/wherry-not-ours"
}

@test "update writes into the cgroup, stats reads it" {
    become wherry-test-one
    as run -d --name c --cgroup-conf cgroup.max.descendants=3 debian sh -c 'i=0; while [ $i -lt 300000 ]; do i=$((i+1)); done; exec sleep 1000'
    local dir usec
    dir=$(cgroup_of c)
    assert_equal "$(<"$dir/cgroup.max.descendants")" 3
    run as update --cpus 1 c
    assert_status 0
    if [[ -e $dir/cpu.max ]]; then
        assert_equal "$(<"$dir/cpu.max")" '100000 100000'
    else
        assert_match "$output" 'no such controller: --cpus'
    fi
    wait_for eval '[[ $(as top c comm) == *sleep* ]]'
    usec=$(awk '$1 == "usage_usec" { print $2 }' "$dir/cpu.stat")
    run as stats --no-stream --format '{{.UpTime}}' c
    assert_equal "$(awk -v t="$output" 'BEGIN { printf "%.0f", t * (t ~ /ms$/ ? 1000 : 1000000) }')" "$usec"
    as rm -f -t 0 c
}

@test "controllers that are not there are named" {
    become wherry-test-one
    grep -qw memory "$hierarchy/cgroup.controllers" && skip 'the unified hierarchy has the controllers'
    run as run --rm -m 100m debian true
    assert_status 0
    assert_output "Warning: not enforced, as this user's cgroup has no such controller: --memory"
}
