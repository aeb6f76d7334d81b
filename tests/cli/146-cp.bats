#!/usr/bin/env bats
# SPDX-License-Identifier: Apache-2.0
# cp: the rules of names, containers that run and that do not, tars, and what a container must not
# reach through it.
# bats file_tags=main,cp

load helpers

test_setup() {
    need_image debian
}

# The same container, running (c) or only made (c), with what the tests copy.
make_container() { # running|created [OPTIONS...]
    local how=$1
    shift
    if [[ $how == running ]]; then
        wherry run -d --name c -w /srv "$@" debian sh -c 'trap "exit 0" TERM; sleep 1000 & wait' >/dev/null
    else
        wherry create --name c -w /srv "$@" debian sleep 1000 >/dev/null
    fi
}

# What a file in the container says, read through a tar, so that it works for both.
in_container() { # PATH
    wherry cp "c:$1" - | tar -xO
}

@test "a file into a container: where it lands" {
    local how dest full
    echo content >hostfile
    for how in running created; do
        make_container "$how"
        while read -r dest full; do
            wherry cp hostfile "c:$dest"
            assert_equal "$how $dest: $(in_container "$full")" "$how $dest: content"
        done <<'END'
/ /hostfile
/new /new
/tmp /tmp/hostfile
/opt/ /opt/hostfile
/mnt/. /mnt/hostfile
. /srv/hostfile
named /srv/named
/etc/motd /etc/motd
END
        run_apart wherry cp hostfile c:/none/
        assert_refused '"/none/" could not be found on container c: No such file'
        run_apart wherry cp hostfile c:/none/at/all
        assert_refused 'could not be found on container c: No such file'
        run_apart wherry cp missing c:/
        assert_refused '"missing" could not be found on the host: No such file'
        wherry rm -f c >/dev/null
    done
}

@test "a directory into a container: itself, or what is in it" {
    local how src dest full
    mkdir -p dir/sub dir.
    echo deep >dir/sub/file
    ln -s sub/file dir/link
    cp -a dir/. dir.
    for how in running created; do
        make_container "$how"
        while read -r src dest full; do
            wherry cp "$src" "c:$dest"
            assert_equal "$how $src $dest: $(in_container "$full/sub/file")" "$how $src $dest: deep"
        done <<'END'
dir / /dir
dir. / /dir.
dir/ /tmp /tmp/dir
dir/. /usr/ /usr
./dir . /srv/dir
dir /new1 /new1
dir/. /new2 /new2
END
        assert_equal "$(wherry cp c:/new1/link - | tar -xO)" deep
        assert_match "$(wherry cp c:/new1 - | tar -tv)" 'link -> sub/file'
        run_apart wherry cp dir c:/etc/passwd
        assert_refused 'destination must be a directory when copying a directory'
        wherry rm -f c >/dev/null
    done
}

@test "out of a container" {
    local how src dest full
    mkdir -p seed/subdir seed/dot.
    echo deep >seed/subdir/file
    echo deep >seed/dot./file
    for how in running created; do
        make_container "$how"
        wherry cp seed/. c:/srv
        while read -r src dest full; do
            rm -rf out && mkdir out
            wherry cp "c:$src" "out$dest"
            assert_equal "$how $src $dest: $(<"out$full")" "$how $src $dest: deep"
        done <<'END'
/srv/subdir/file / /file
/srv/subdir/file /new /new
subdir/file /. /file
/srv /none /none/subdir/file
/srv / /srv/subdir/file
/srv/ / /srv/subdir/file
/srv/. / /subdir/file
/srv/. /none /none/subdir/file
dot. / /dot./file
END
        echo old >out/file
        run_apart wherry cp c:/srv out/file
        assert_refused 'destination must be a directory when copying a directory'
        run_apart wherry cp c:/none out
        assert_refused '"/none" could not be found on container c: No such file'
        run_apart wherry cp 'c:/srv/*' out
        assert_refused 'could not be found'
        wherry rm -f c >/dev/null
    done
}

@test "between containers, and within one" {
    local from to
    echo content >file
    for from in running created; do
        for to in running created; do
            make_container "$from"
            wherry cp file c:/srv/file
            wherry create --name to debian sleep 1000 >/dev/null
            [[ $to == created ]] || wherry start to >/dev/null
            wherry cp c:/srv to:/opt/new
            wherry cp c:/srv/file c:/srv/again
            wherry cp c:/srv c:/srv/inside
            assert_equal "$(wherry cp to:/opt/new/file - | tar -xO)" content
            assert_equal "$(in_container /srv/again)" content
            assert_equal "$(in_container /srv/inside/file)" content
            run_apart wherry cp c:/srv/inside/inside -
            [[ $status != 0 ]]
            wherry rm -f c to >/dev/null
        done
    done
}

@test "tars: from stdin, compressed or not, and to stdout" {
    local how
    mkdir -p t/sub
    echo content >t/sub/file
    tar -cf plain.tar t
    tar -czf packed.tar t
    for how in running created; do
        make_container "$how"
        wherry cp - c:/opt <plain.tar
        wherry cp - c:/mnt/ <packed.tar
        assert_equal "$(in_container /opt/t/sub/file) $(in_container /mnt/t/sub/file)" 'content content'
        wherry cp c:/opt/t - >out.tar
        assert_equal "$(tar -tf out.tar | sort | tr '\n' ' ')" 't/ t/sub/ t/sub/file '
        wherry cp c:/opt/t/. - >out.tar
        assert_equal "$(tar -tf out.tar | sort | tr '\n' ' ')" 'sub/ sub/file '
        run_apart wherry cp - c:/opt <t/sub/file
        assert_refused 'source must be a \(compressed\) tar archive when copying from stdin'
        run_apart wherry cp - c:/etc/passwd <plain.tar
        assert_refused 'destination must be a directory when copying from stdin'
        run_apart wherry cp - c:/none <plain.tar
        assert_refused 'destination must be a directory when copying from stdin'
        wherry rm -f c >/dev/null
    done
}

@test "--overwrite: a directory for a file and a file for a directory" {
    make_container running
    mkdir -p dir/foo file
    echo in-dir >dir/foo/x
    echo plain >file/foo
    wherry cp dir/foo c:/tmp
    run_apart wherry cp file/foo c:/tmp
    assert_refused 'cannot overwrite directory'
    assert_equal "$(in_container /tmp/foo/x)" in-dir
    wherry cp --overwrite file/foo c:/tmp
    assert_equal "$(in_container /tmp/foo)" plain
    run_apart wherry cp dir/foo c:/tmp
    assert_refused 'must be a directory when copying a directory|cannot overwrite non-directory'
    wherry cp --overwrite dir/foo c:/tmp
    assert_equal "$(in_container /tmp/foo/x)" in-dir
    # The same towards the host.
    wherry cp file/foo c:/tmp/plain
    mkdir -p out/plain
    run_apart wherry cp c:/tmp/plain out
    assert_refused 'cannot overwrite directory'
    wherry cp --overwrite c:/tmp/plain out
    assert_equal "$(<out/plain)" plain
    wherry rm -f c
}

@test "arguments that cannot be" {
    run_apart wherry cp a b
    assert_refused 'at least one of the paths must be a container'
    run_apart wherry cp missing:/x .
    assert_refused 'no container with name or ID "missing" found: no such container'
    run_apart wherry cp c:/x
    assert_refused 'accepts 2 arg'
    run_apart wherry cp '' c:/x
    assert_refused 'empty'
}

@test "owners: the container's user, or with -a=false the source's; ours on the host" {
    need_subordinate_ids
    echo content >file
    touch a
    tar --owner=1042 --group=1043 -cf a.tar a
    wherry run -d --name c -u 12:34 debian sleep 1000 >/dev/null
    wherry cp file c:/tmp/by-user
    assert_equal "$(wherry exec c stat -c '%u:%g' /tmp/by-user)" 12:34
    wherry cp -a=false - c:/tmp <a.tar
    assert_equal "$(wherry exec c stat -c '%u:%g' /tmp/a)" 1042:1043
    wherry cp c:/tmp/a out
    assert_equal "$(stat -c %u out)" "$(id -u)"
    assert_match "$(wherry cp c:/tmp/a - | tar -tv --numeric-owner)" '1042/1043'
    wherry rm -f c
    wherry create --name c debian true >/dev/null
    wherry cp file c:/tmp/by-root
    wherry cp -a=false - c:/tmp <a.tar
    assert_match "$(wherry cp c:/tmp - | tar -tv --numeric-owner)" '0/0 .*by-root'
    assert_match "$(wherry cp c:/tmp - | tar -tv --numeric-owner)" '1042/1043 .*tmp/a'
}

@test "modes, times, holes, hard links and attributes come along" {
    local how
    mkdir tree
    echo one >tree/one
    ln tree/one tree/two
    truncate -s 10M tree/holes
    printf end >>tree/holes
    mkfifo tree/fifo
    chmod 4751 tree/one
    mkdir -m 0510 tree/closed
    touch -d '2001-02-03 04:05:06.789 UTC' tree/one tree/closed tree
    setfattr -n user.note -v hello tree/holes 2>/dev/null || true
    for how in running created; do
        make_container "$how"
        wherry cp tree c:/opt
        wherry cp c:/opt/tree "back-$how"
        # On the host nothing becomes set-id.
        assert_equal "$(stat -c '%a %Y' "back-$how/one")" "751 $(stat -c %Y tree/one)"
        assert_equal "$(stat -c %i "back-$how/one")" "$(stat -c %i "back-$how/two")"
        assert_equal "$(stat -c '%a %Y' "back-$how/closed")" "510 $(stat -c %Y tree/closed)"
        assert_equal "$(stat -c %Y "back-$how")" "$(stat -c %Y tree)"
        cmp tree/holes "back-$how/holes"
        (($(stat -c %b "back-$how/holes") < 2000))
        [[ -p back-$how/fifo ]]
        assert_match "$(wherry cp c:/opt/tree/one - | tar -tv)" '^-rwsr-x--x'
        assert_equal "$(getfattr --only-values -n user.note "back-$how/holes" 2>/dev/null)" \
            "$(getfattr --only-values -n user.note tree/holes 2>/dev/null)"
        wherry rm -f c >/dev/null
    done
}

@test "volumes are where the container has them" {
    local how
    mkdir data single
    echo inside >file
    echo mounted >single/one
    for how in running created; do
        rm -f data/*
        make_container "$how" -v "$PWD/data:/data" -v "$PWD/single/one:/one"
        wherry cp file c:/data/
        assert_equal "$(<data/file)" inside
        assert_equal "$(in_container /data/file)" inside
        # A file that is a mount is written into, not replaced.
        wherry cp file c:/one
        assert_equal "$(<single/one)" inside
        echo mounted >single/one
        wherry rm -f c >/dev/null
    done
}

@test "what the command may not, cp may: read-only root, no capabilities, small limits" {
    local how
    head -c 20000 /dev/zero >file
    for how in running created; do
        make_container "$how" --cap-drop all --ulimit fsize=4096
        wherry cp file c:/etc/
        wherry cp c:/etc/shadow shadow
        [[ -s shadow ]]
        wherry rm -f c >/dev/null
    done
    make_container created --read-only
    wherry cp file c:/etc/
    assert_equal "$(in_container /etc/file | wc -c)" 20000
    wherry rm -f c
    make_container running --read-only
    run_apart wherry cp file c:/etc/
    assert_refused 'Read-only file system'
    wherry rm -f c
}

@test "all of a container that runs, without what the kernel makes up" {
    make_container running
    wherry cp c:/ all
    [[ -s all/etc/passwd && -d all/proc && -d all/sys && -d all/dev ]]
    assert_equal "$(find all/proc all/sys -mindepth 1)" ''
    # A file in there can be asked for by name.
    wherry cp c:/proc/1/status status
    grep -q '^Pid:.1$' status
    chmod -R u+rwX all
    wherry rm -f c
}

@test "an image without any program will do" {
    rm -rf "$WHERRY_ROOT"
    need_image hello
    wherry create --name c hello >/dev/null
    echo content >file
    wherry cp file c:/file
    wherry cp c:/file out
    assert_equal "$(<out)" content
}

@test "a copy that fails in the middle says why, and leaves nothing running" {
    make_container running
    mkdir tree
    head -c 100000 /dev/zero >tree/a
    echo secret >tree/b
    chmod 0 tree/b
    if [[ ! -r tree/b ]]; then
        run_apart wherry cp tree c:/opt
        assert_refused 'tree/b|b: Permission denied|open b'
    fi
    wherry exec c mkdir -p /small
    run_apart wherry cp c:/etc /proc/nothing
    assert_refused .
    # The client is killed half-way.
    wherry exec c sh -c 'head -c 300000000 /dev/urandom >/big'
    "$WHERRY" cp c:/big big 3>&- &
    local client=$!
    wait_for test -s big
    kill -KILL "$client"
    wait "$client" || true
    container_is c running
    wherry rm -f c
}

@test "a link in a container never leads to the host (CVE-2018-15664)" {
    local secret=$BATS_TEST_TMPDIR/canary/secret how i
    mkdir canary
    echo 'of the host' >"$secret"
    echo evil >evil
    for how in running created; do
        make_container "$how"
        mkdir -p seed
        ln -sfn "$secret" seed/file-link
        ln -sfn "$BATS_TEST_TMPDIR/canary" seed/dir-link
        wherry cp seed/. c:/srv
        run_apart wherry cp c:/srv/file-link out
        assert_refused 'could not be found'
        run_apart wherry cp c:/srv/dir-link/secret out
        assert_refused 'could not be found'
        run_apart wherry cp evil c:/srv/dir-link/secret
        [[ $status != 0 ]]
        assert_equal "$(<"$secret")" 'of the host'
        wherry rm -f c >/dev/null
    done
    # While somebody in there swaps a directory and a link all the time.
    make_container running
    wherry exec c sh -c "mkdir -p /w/dir /w$BATS_TEST_TMPDIR; echo of the container >/w/dir/secret"
    wherry exec -d c sh -c "cd /w; while :; do
        mv dir x; ln -s $BATS_TEST_TMPDIR/canary dir; rm dir; mv x dir; done"
    for ((i = 0; i < 60; i++)); do
        wherry cp evil c:/w/dir/secret 2>/dev/null || true
        wherry cp c:/w/dir/secret out 2>/dev/null || true
        wherry cp c:/w all 2>/dev/null || true
        if grep -rq 'of the host' out all 2>/dev/null; then false; fi
        rm -rf all
    done
    assert_equal "$(<"$secret")" 'of the host'
    wherry rm -f c
}

@test "links that a container made are not followed on the host" {
    mkdir -p canary out first second/a
    echo untouched >canary/file
    ln -s "$PWD/canary" first/a
    ln -s "$PWD/canary/file" first/f
    echo evil >second/a/file
    echo evil >second/f
    make_container created
    wherry cp first/. c:/first
    wherry cp second/. c:/second
    wherry cp c:/first/. out
    [[ -L out/a ]]
    run_apart wherry cp c:/second/. out
    assert_refused 'cannot overwrite non-directory a with directory'
    wherry cp c:/second/f out/
    [[ ! -L out/f && $(<out/f) == evil ]]
    assert_equal "$(<canary/file)" untouched
    assert_equal "$(find canary -mindepth 1)" canary/file
}

@test "a hostile tar stays in the container" {
    mkdir x canary
    echo evil >x/passwd
    ln -s "$BATS_TEST_TMPDIR/canary" link
    tar -cf evil.tar link --transform 's,^x,link,' x
    tar -cf climb.tar -P --transform 's,^x/passwd,../../../passwd,' x/passwd
    make_container created
    wherry cp - c:/opt <evil.tar || true
    run_apart wherry cp - c:/opt <climb.tar
    assert_refused 'leaves it'
    assert_equal "$(find canary -mindepth 1)" ''
}

@test "keep-id: copied files are the user's on both sides" {
    need_subordinate_ids
    local how
    echo content >file
    mkdir data
    for how in running created; do
        make_container "$how" --userns=keep-id -v "$PWD/data:/data"
        wherry cp file c:/data/file
        wherry cp c:/data/file out
        assert_equal "$(<out)" content
        assert_equal "$(stat -c %u data/file) $(stat -c %u out)" "$(id -u) $(id -u)"
        rm -f data/file out
        wherry rm -f c >/dev/null
    done
}
