#!/usr/bin/env bats
# SPDX-License-Identifier: Apache-2.0
# An image from a container.
# bats file_tags=main

load helpers

test_setup() {
    need_image debian
}

@test "what the container changed is in the new image" {
    wherry run --name c debian sh -c 'echo new >/new; echo more >>/etc/motd; rm -r /etc/default; mkdir -p /a/b; ln -s b /a/link'
    run_apart wherry commit c committed
    assert_status 0
    assert_match "${lines[-1]}" '^(sha256:)?[0-9a-f]{64}$'
    run_apart wherry run --rm committed sh -c 'cat /new; tail -n 1 /etc/motd; ls -d /etc/default; readlink /a/link'
    assert_output $'new\nmore\nb'
    # The base is what it was.
    run_apart wherry run --rm debian sh -c 'ls -d /new /etc/default'
    assert_output /etc/default
}

@test "commit of a running container" {
    wherry run -d --name c debian sh -c 'echo now >/now; echo ready; trap "exit 0" TERM; sleep 1000 & wait'
    wait_for bash -c '"$1" logs c | grep -q ready' bash "$WHERRY"
    wherry commit -q c running
    run_apart wherry run --rm running cat /now
    assert_output now
    wherry rm -f c
}

@test "the new image is larger, and its history ends in the commit" {
    wherry run --name c debian sh -c 'head -c 3000000 /dev/urandom >/big'
    wherry commit -q -a 'A. Author' -m 'a big file' c javaedge/debian-big
    local before after
    before=$(wherry image inspect --format '{{.Size}}' debian)
    after=$(wherry image inspect --format '{{.Size}}' javaedge/debian-big)
    ((after >= before + 3000000 && after < before + 3100000))
    assert_equal "$(wherry image inspect --format '{{.Author}}' javaedge/debian-big)" 'A. Author'
    run_apart wherry history --no-trunc javaedge/debian-big
    assert_match "${lines[1]}" 'a big file'
    assert_equal "${#lines[@]}" 3
    run_apart wherry images --format '{{.Repository}}'
    assert_match "$output" '/javaedge/debian-big'
}

@test "--change changes the configuration" {
    wherry create --name c debian true
    wherry commit -q -c 'CMD ["echo","from cmd"]' -c 'ENV X=y' c changed
    run_apart wherry run --rm changed
    assert_output 'from cmd'
    run_apart wherry run --rm changed sh -c 'echo $X'
    assert_output y
    run_apart wherry commit -c 'RUN true' c bad
    assert_refused 'RUN is not a valid change command'
}

@test "modes, owners, times and hard links survive a commit" {
    wherry run --name c debian sh -c '
        mkdir /d; echo x >/d/a; ln /d/a /d/b; chmod 4751 /d/a; touch -d "2001-02-03 04:05:06 UTC" /d/a
        mkfifo /d/fifo; chmod 1777 /d; echo "café" >"/d/näme"'
    wherry commit -q c kept
    run_apart wherry run --rm kept sh -c \
        'stat -c "%n %a %h %Y %U" /d/a /d/b /d; test -p /d/fifo && cat /d/n*'
    assert_output $'/d/a 4751 2 981173106 root\n/d/b 4751 2 981173106 root\n/d 1777 2 '"$(
        wherry run --rm kept stat -c %Y /d)"$' root\ncafé'
}

@test "owners that are not root survive a commit" {
    need_subordinate_ids
    wherry run --name c debian sh -c 'echo x >/owned; chown games:users /owned'
    wherry commit -q c owned
    run_apart wherry run --rm owned stat -c '%U:%G' /owned
    assert_output games:users
}

@test "what is mounted from outside, and the engine's own files, stay outside" {
    mkdir share
    echo secret >share/secret
    wherry run --name c -v "$PWD/share:/mnt" debian sh -c 'echo mine >/mine; cat /etc/hosts >/dev/null'
    wherry commit -q c clean
    run_apart wherry run --rm clean sh -c 'ls /mnt; cat /mine'
    assert_output mine
    run_apart wherry run --rm clean sh -c 'ls /.wherry* /run/.containerenv 2>/dev/null | grep wherry'
    assert_output ''
}

@test "commit after commit: a file made, replaced and removed" {
    wherry run --name one debian sh -c 'echo 1 >/f; mkdir /d; echo d >/d/x'
    wherry commit -q one step1
    wherry run --name two step1 sh -c 'echo 2 >/f; rm -r /d; mkdir /d; echo new >/d/y'
    wherry commit -q two step2
    wherry run --name three step2 sh -c 'rm /f'
    wherry commit -q three step3
    run_apart wherry run --rm step2 sh -c 'cat /f; ls /d'
    assert_output $'2\ny'
    run_apart wherry run --rm step3 sh -c 'ls /f /d 2>/dev/null | tail -n 1; test ! -e /f && echo gone'
    assert_output $'y\ngone'
    run_apart wherry run --rm step1 sh -c 'cat /f /d/x'
    assert_output $'1\nd'
}

@test "a file that gave way to a socket is gone from the new image" {
    # shellcheck disable=SC2016 # for perl
    wherry run --name c debian perl -MSocket -e 'unlink "/etc/motd"; socket(S, PF_UNIX, SOCK_STREAM, 0) or die;
        for ("/etc/motd", "/new-socket") { socket(S, PF_UNIX, SOCK_STREAM, 0); bind(S, sockaddr_un($_)) or die $! }'
    wherry commit -q c committed
    run_apart wherry run --rm committed sh -c 'ls /etc/motd /new-socket /etc/passwd 2>/dev/null'
    assert_output /etc/passwd
}

@test "commit of a missing container" {
    run_apart wherry commit missing image
    assert_refused 'no container with name or ID "missing" found: no such container'
    run_apart wherry images -q
    assert_equal "${#lines[@]}" 1
}

# The image knows group 33 as www-data, and so does the machine that the tar is made on.
@test "access lists come out of a tar, are kept by a change, and go into the new layer" {
    local blob
    mkdir acl
    echo x >acl/f
    chmod 640 acl/f
    setfacl -m g:33:rwx,m::r-x acl/f
    setfacl -d -m g:33:rwx acl
    cp "$WHERRY_TEST_ROOTFS" base.tar
    chmod 600 base.tar
    tar --format=pax --acls --owner=0 --group=0 -cf acl.tar acl
    tar --concatenate -f base.tar acl.tar
    wherry import base.tar lists
    run_apart wherry run --name c lists sh -c 'stat -c "%a %n" /acl/f; chmod u+x /acl/f; touch /acl/new; stat -c "%a %n" /acl/*'
    assert_output $'650 /acl/f\n750 /acl/f\n664 /acl/new'
    wherry commit -q c committed
    blob=$(wherry image inspect --format '{{json .RootFS.Layers}}' committed | grep -o '[0-9a-f]\{64\}' | tail -n 1)
    grep -ao 'SCHILY.xattr.system.posix_acl_[a-z]*' "$WHERRY_ROOT/blobs/sha256/$blob" | sort >found
    assert_equal "$(sed 's/.*_//' found | uniq -c | tr -s ' ' | tr '\n' ,)" ' 2 access, 1 default,'
    run_apart wherry run --rm committed sh -c 'touch /acl/newer; stat -c "%a %n" /acl/*'
    assert_output $'750 /acl/f\n664 /acl/new\n664 /acl/newer'
}

@test "commit --pause: nothing is written between the first file and the last, and all goes on" {
    wherry run -d --name c debian sh -c 'dd if=/dev/zero of=/m bs=1M count=60 status=none; i=0
        while :; do i=$((i + 1)); echo $i >/tmp/t; mv /tmp/t /a; echo $i >/tmp/t; mv /tmp/t /z; done'
    wait_for bash -c '"$1" export c | tar t | grep -qx z' bash "$WHERRY"
    local round a z
    for round in 1 2 3; do
        wherry commit -q --pause c "image$round"
        run_apart wherry run --rm "image$round" cat /a /z
        a=${lines[0]} z=${lines[1]}
        ((a == z || a == z + 1))
    done
    wherry commit -q c later
    run_apart wherry run --rm later cat /z
    ((output > z + 1))
    wherry rm -f c
    # It has ended: there is nothing to stop.
    wherry run --name d debian true
    wherry commit -q --pause d image
}

@test "a commit that is killed does not leave the container standing" {
    wherry run -d --name c debian sh -c 'dd if=/dev/zero of=/m bs=1M count=300 status=none; echo >/ready
        while :; do date +%N >/t; mv /t /now; done'
    wait_for bash -c '"$1" export c | tar t | grep -qx ready' bash "$WHERRY"
    "$WHERRY" commit -q --pause c image 3>&- &
    local commit=$! before
    wait_for bash -c 'find "$1/tmp" -name layer -size +1000k | grep -q .' bash "$WHERRY_ROOT"
    kill -KILL "$commit"
    wait "$commit" || true
    before=$(wherry export c | tar xO now)
    wait_for bash -c '[[ $("$1" export c | tar xO now 2>/dev/null) != "$2" ]]' bash "$WHERRY" "$before"
    wherry rm -f c
}

@test "commit --squash: one layer and one step of history, the same files" {
    wherry run --name one debian sh -c 'echo 1 >/f; rm -r /usr/share/doc; ln /f /g'
    wherry commit -q -m first one step1
    wherry run --name two step1 sh -c 'echo 2 >/h; rm /etc/motd'
    wherry commit -q --squash -m all two flat
    wherry commit -q two deep
    assert_equal "$(wherry image inspect --format '{{len .RootFS.Layers}} {{len .History}}' flat)" '1 1'
    wherry create --name flat flat true
    wherry create --name deep deep true
    # All but the root's own time, which widens tar's columns.
    wherry export flat | tar tv --full-time --numeric-owner | tail -n +2 | tr -s ' ' >flat.list
    wherry export deep | tar tv --full-time --numeric-owner | tail -n +2 | tr -s ' ' >deep.list
    diff flat.list deep.list
    run_apart wherry run --rm flat sh -c 'cat /f /g /h; ls /etc/motd /usr/share/doc/*'
    assert_equal "${lines[*]}" '1 1 2'
}

@test "commit --format and --include-volumes" {
    mkdir v
    wherry run --name c -v "$PWD/v:/data" -v "$PWD/v:/a" debian true
    wherry commit -q --format docker --include-volumes c image
    assert_equal "$(wherry image inspect --format '{{.ManifestType}}' image)" \
        application/vnd.docker.distribution.manifest.v2+json
    assert_equal "$(wherry image inspect --format '{{json .Config.Volumes}}' image)" '{"/a":{},"/data":{}}'
    wherry tag image again
    wherry commit -q --format oci c plain
    assert_equal "$(wherry image inspect --format '{{.ManifestType}}' plain)" \
        application/vnd.oci.image.manifest.v1+json
    refute_match "$(wherry image inspect --format '{{json .Config}}' plain)" Volumes
    run_apart wherry commit --format zip c other
    assert_refused zip
    # The store stays a layout that others read.
    skopeo inspect --raw "oci:$WHERRY_ROOT:docker.io/library/again:latest" | grep -q oci.image.manifest
    wherry system check
}
