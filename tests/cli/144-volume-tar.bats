#!/usr/bin/env bats
# SPDX-License-Identifier: Apache-2.0
# volume export and import.

load helpers

test_setup() {
    need_image debian
}

fill() { # VOLUME
    wherry run --rm -v "$1:/v" debian sh -c 'cd /v; mkdir -m 750 d; echo one >d/one; ln d/one hard
        ln -s d/one link; mkfifo fifo; chmod 4711 d/one; touch -d 2001-02-03T04:05:06 d
        chown 33:34 d/one 2>/dev/null || true'
}

listing() { # VOLUME
    wherry run --rm -v "$1:/v" debian sh -c \
        'cd /v; find . -mindepth 1 -printf "%P %y %m %U:%G %n %l\n" | sort; stat -c %Y d; cat d/one'
}

@test "a volume goes out and comes in again as it was" {
    fill from
    run_apart wherry volume export -o v.tar from
    assert_status 0
    run_apart tar -tvf v.tar
    if has_subordinate_ids; then
        assert_match "$output" ' 33/34 .*d/one'
    fi
    wherry volume create to
    run_apart wherry volume import to v.tar
    assert_status 0
    assert_equal "$(listing to)" "$(listing from)"
    gzip -k v.tar
    wherry volume create gz
    wherry volume import gz - <v.tar.gz
    assert_equal "$(listing gz)" "$(listing from)"
    run_apart bash -c '"$1" volume export from | cmp - v.tar' bash "$WHERRY"
    assert_status 0
}

@test "import goes over what is there, and into nothing else" {
    mkdir -p in/sub outside
    echo new >in/file
    echo deep >in/sub/deep
    tar -C in -cf in.tar .
    wherry run --rm -v v:/v debian sh -c 'echo old >/v/file; echo kept >/v/kept'
    wherry volume import v in.tar
    run_apart wherry run --rm -v v:/v debian cat /v/file /v/kept /v/sub/deep
    assert_output $'new\nkept\ndeep'
    # Links that a container left in the way lead inside the volume or nowhere.
    wherry run --rm -v w:/v debian ln -s "$PWD/outside" /v/sub
    run_apart wherry volume import w in.tar
    [[ -z $(ls -A outside) ]]
    # A tar that makes a link and writes through it, and names that climb.
    mkdir a
    ln -s "$PWD/outside" a/x
    tar -C a -cf evil.tar x
    rm a/x
    mkdir a/x
    echo evil >a/x/file
    tar -C a -rf evil.tar x/file
    wherry volume create e
    run_apart wherry volume import e evil.tar
    [[ -z $(ls -A outside) ]]
    tar -C in -cf climb.tar --transform='s,^file,../../file,' -P file
    run_apart wherry volume import e climb.tar
    assert_refused 'name that leaves it'
}

@test "what is wrong is told" {
    wherry volume create v
    run_apart wherry volume export none
    assert_refused 'no volume with name "none"'
    run_apart wherry volume import none /dev/null
    assert_refused 'no volume with name "none"'
    run_apart wherry volume import v missing.tar
    assert_refused 'open missing.tar'
    echo 'no tar at all, but long enough to be looked at' >bad
    run_apart wherry volume import v bad
    assert_refused 'import into volume v: .*tar archive'
    run_apart wherry volume export -o /no/such/dir/x v
    assert_refused 'create /no/such/dir/x'
    run_apart bash -c '"$1" volume export v >/dev/full' bash "$WHERRY"
    assert_refused 'No space left'
}
