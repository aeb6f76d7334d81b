#!/usr/bin/env bats
# SPDX-License-Identifier: Apache-2.0
# -v of host directories, --mount, --tmpfs: what is mounted where, how, and what is refused.

load helpers

test_setup() {
    need_image debian
    mkdir host
    echo content >host/file
}

# The options of what is mounted on PATH in the container, without what is the file system's own.
options_of() { # PATH RUN-OPTIONS...
    local path=$1
    shift
    wherry run --rm "$@" debian awk -v p="$path" '$5 == p { print $6 }' /proc/self/mountinfo
}

@test "-v: a directory, a file, what is missing, what is behind a link" {
    run_apart wherry run --rm -v "$PWD/host:/in" debian cat /in/file
    assert_status 0
    assert_output content
    run_apart wherry run --rm -v ./host/file:/etc/hostname debian cat /etc/hostname
    assert_output content
    run_apart wherry run --rm -v ./host:/no/such/dir -v ./host/file:/not/there debian \
        cat /no/such/dir/file /not/there
    assert_output $'content\ncontent'
    # /bin is a link to usr/bin; a link that leads up stays inside.
    run_apart wherry run --rm -v ./host:/bin/deep debian cat /usr/bin/deep/file
    assert_output content
    run_apart wherry run --rm --read-only -v ./host:/new debian \
        sh -c 'cat /new/file; echo x >/new/x; mkdir /y 2>/dev/null || echo read-only'
    assert_output $'content\nread-only'
    [[ -e host/x ]]
}

@test "-v over links of the image that lead out or nowhere" {
    wherry run --name c debian sh -c 'ln -s ../../../../../../tmp /up; ln -s /no/where /nowhere
        ln -s /proc/self/root /magic; ln -s loop /loop'
    wherry commit -q c linked
    run_apart wherry run --rm -v ./host:/up/sub linked cat /tmp/sub/file
    assert_output content
    [[ ! -e /tmp/sub ]]
    run_apart wherry run --rm -v ./host/file:/nowhere linked cat /no/where
    assert_output content
    run_apart wherry run --rm -v ./host:/magic/x linked true
    assert_refused 'mount target /magic/x'
    run_apart wherry run --rm -v ./host:/loop linked true
    assert_refused 'mount target /loop'
}

@test "-v: a directory on a file and the other way round" {
    run_apart wherry run --rm -v ./host:/etc/passwd debian true
    assert_refused 'one is a directory, one is not'
    run_apart wherry run --rm -v ./host/file:/usr debian true
    assert_refused 'one is a directory, one is not'
}

@test "what one gives wrong is said as podman says it, and nothing is made" {
    local rows=(
        './none:/x|Error: statfs ./none: No such file'
        './host:/x:foo|Error: invalid option type "foo"'
        './host:x|Error: invalid container path "x", must be an absolute path'
        'a:b:c:d|Error: a:b:c:d: incorrect volume format'
    ) row
    for row in "${rows[@]}"; do
        run_apart wherry create -v "${row%%|*}" debian true
        assert_refused "${row#*|}"
    done
    run_apart wherry create -v ./host:/x --tmpfs /x debian true
    assert_refused '/x: duplicate mount destination'
    run_apart wherry create --mount type=foo,dst=/x debian true
    assert_refused 'invalid filesystem type "foo"'
    assert_equal "$(wherry ps -aq)" ''
}

@test "ro, noexec, nosuid, nodev hold" {
    cp /bin/true host/prog
    assert_match "$(options_of /in -v ./host:/in:ro,noexec,nosuid,nodev)" '^ro,nosuid,nodev,noexec'
    assert_match "$(options_of /in --mount type=bind,src=./host,dst=/in,readonly)" '^ro,'
    assert_match "$(options_of /in -v ./host:/in:z)" '^rw'
    run_apart wherry run --rm -v ./host:/in:ro debian sh -c 'echo x >/in/x'
    assert_match "$stderr" 'Read-only'
    run_apart wherry run --rm -v ./host:/in:noexec debian /in/prog
    assert_status 126
    [[ ! -e host/x ]]
}

@test "propagation is what was asked for" {
    local fields
    for row in 'rw|0 0' 'rslave|0 ?' 'rshared|1 ?' 'shared|1 ?' 'private|0 0'; do
        fields=$(wherry run --rm -v "./host:/in:${row%%|*}" debian awk \
            '$5 == "/in" { print /shared:/, /master:/ }' /proc/self/mountinfo)
        # shellcheck disable=SC2053 # a pattern
        [[ $fields == ${row#*|} ]] || { echo "${row%%|*}: $fields"; false; }
    done
}

@test "--tmpfs: empty or with what the image has, size, mode, owner" {
    run_apart wherry run --rm --tmpfs /run/new:size=1m,mode=750 debian sh -c '
        stat -c "%a %u" /run/new; df -k /run/new | tail -n 1 | tr -s " " | cut -d " " -f 2
        stat -f -c %T /run/new; ls -A /run/new'
    assert_output $'750 0\n1024\ntmpfs'
    # The image's content, its mode and its links come along, and go with the container.
    run_apart wherry run --rm --tmpfs /etc debian sh -c '
        cat /etc/debian_version; stat -c "%a %F" /etc /etc/shadow /etc/os-release; echo x >/etc/x'
    assert_status 0
    assert_match "$output" '755 directory'
    assert_match "$output" '640 regular file'
    assert_match "$output" '777 symbolic link'
    run_apart wherry run --rm --tmpfs /etc:notmpcopyup debian sh -c 'ls -A /etc'
    refute_match "$output" 'passwd'
    run_apart wherry run --rm --mount type=tmpfs,dst=/t,tmpfs-mode=1700 debian stat -c %a /t
    assert_output 1700
    assert_match "$(options_of /t --tmpfs /t)" '^rw,nosuid,nodev'
    assert_match "$(options_of /t --tmpfs /t:ro,noexec)" '^ro,nosuid,nodev,noexec'
}

@test "mounts inside mounts, in whatever order" {
    mkdir -p outer/inner second
    echo second >second/file
    run_apart wherry run --rm -v ./host:/a/inner/deep -v ./second:/a/inner --tmpfs /a/inner/tmp \
        -v ./outer:/a debian sh -c 'cat /a/inner/file /a/inner/deep/file; stat -f -c %T /a/inner/tmp'
    assert_output $'second\ncontent\ntmpfs'
}

@test "our hosts, hostname and resolv.conf lie in a mounted /etc only where they have a place" {
    touch host/hosts
    run_apart wherry run --rm --hostname box -v ./host:/etc debian sh -c 'cat /etc/hosts; ls /etc'
    assert_match "$output" 'box'
    [[ ! -e host/hostname && ! -e host/resolv.conf && ! -s host/hosts ]]
    echo own >host/mine
    run_apart wherry run --rm -v ./host/mine:/etc/hosts debian cat /etc/hosts
    assert_output own
}

@test "a source that became a link after create is refused" {
    wherry create --name c -v ./host:/in debian ls /in
    mv host real
    ln -s /etc host
    run_apart wherry start -a c
    [[ $status != 0 ]]
    assert_error 'there is a link in this path now'
    rm host
    mv real host
    WHERRY_NO_OPENAT2=1 wherry start -a c
    mv host real
    ln -s /etc host
    run_apart env WHERRY_NO_OPENAT2=1 "$WHERRY" start -a c
    [[ $status != 0 ]]
    assert_error 'there is a link in this path now'
}

@test "U gives the source to the container's user" {
    need_subordinate_ids
    ln -s /etc/passwd host/link
    wherry run --rm -v ./host:/in:U -u 33:33 debian sh -c 'stat -c %u:%g /in /in/file /in/link
        echo new >/in/new'
    run_apart wherry run --rm -v ./host:/in debian stat -c %u:%g /in /in/file /in/link /in/new
    assert_output $'33:33\n33:33\n33:33\n33:33'
    wherry run --rm -v ./host:/in:U debian true
    [[ -O host/file ]]
}

@test "O: what is written goes elsewhere and ends with the run" {
    mkdir -m 750 host/sub
    echo old >host/sub/file
    run_apart wherry run --rm -v ./host:/in:O debian sh -c 'echo new >/in/sub/file; rm /in/file
        mkdir /in/made; cat /in/sub/file; ls /in; stat -c "%a %u" /in/sub; chown 1:1 /in/made 2>/dev/null'
    assert_output $'new\nmade\nsub\n750 0'
    assert_equal "$(cat host/file host/sub/file)" $'content\nold'
    [[ ! -e host/made ]]
    wherry create --name c -v ./host:/in:O -v vol:/v:O debian \
        sh -c 'ls /in /v; touch /in/x /v/x; chown 1:1 /in/x 2>/dev/null; stat -c %a /in'
    chmod 755 host
    run_apart wherry start -a c
    assert_output $'/in:\nfile\nsub\n\n/v:\n755'
    run_apart wherry start -a c
    assert_output $'/in:\nfile\nsub\n\n/v:\n755'
    wait_for container_is c exited
    [[ ! -e $WHERRY_ROOT/containers/$(wherry inspect --format '{{.Id}}' c)/scratch ]]
    wherry rm c
    assert_equal "$(ls host)" $'file\nsub'
    run_apart wherry run --rm -v ./host/file:/in:O debian true
    assert_refused 'is no directory: an overlay needs one'
}
