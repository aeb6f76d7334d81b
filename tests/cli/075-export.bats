#!/usr/bin/env bats
# SPDX-License-Identifier: Apache-2.0
# export: the merged file system of a container; and names that no layer can hold.
# bats file_tags=main

load helpers

test_setup() {
    need_image debian
}

names() { # TAR
    tar tf "$1" | sed 's,^\./,,; s,/$,,' | LC_ALL=C sort
}

# Type, mode, owner, size or device, and name with link target: without times.
listing() { # TAR
    tar --numeric-owner -tvf "$1" | sed -E 's,^(\S+ +\S+ +\S+) +\S+ +\S+ +(\./)?,\1 ,; s, link to \./, link to ,' | LC_ALL=C sort -k 4
}

@test "a stopped container: what is new, changed, removed and linked, the rest as it was" {
    local owner=5/6 # with a single id, too: root emulation has recorded it
    wherry run --name c debian sh -ec '
        echo new >/new; chown 5:6 /new; chmod 4751 /new; ln /new /again; ln -s /nowhere /link
        mkfifo /pipe; rm /etc/motd; rm -r /usr/share/doc; mkdir /usr/share/doc
        touch -d @1234567890.123456789 /new; chmod 0700 /srv'
    wherry export -o out.tar c
    mkdir there
    tar -xf out.tar --no-same-owner -C there new again link srv etc usr/share/doc
    assert_equal "$(cat there/new)" new
    assert_equal "$(stat -c '%h %Y %y' there/new | cut -d. -f1,2 | cut -d+ -f1)" \
        "2 1234567890 $(TZ=${TZ-} date -d @1234567890 '+%F %T').123456789 "
    assert_equal "$(readlink there/link)" /nowhere
    assert_equal "$(stat -c %a there/srv)" 700
    [[ ! -e there/etc/motd ]]
    assert_equal "$(ls -A there/usr/share/doc)" ''
    assert_match "$(tar --numeric-owner -tvf out.tar again)" "^-rwsr-x--x $owner .* again$"
    assert_match "$(tar --numeric-owner -tvf out.tar new)" "^hrwsr-x--x $owner .* new link to again$"
    assert_match "$(tar --numeric-owner -tvf out.tar pipe)" '^prw'
    # Nothing but that differs from the image.
    names "$WHERRY_TEST_ROOTFS" | grep -vxE 'etc/motd|usr/share/doc/.*' >expected
    names out.tar | grep -vxE 'new|again|link|pipe|etc/hosts|etc/resolv.conf|etc/hostname|run/.containerenv' >found
    grep -vxE 'etc/hosts|etc/resolv.conf|etc/hostname' expected | diff - found
    listing "$WHERRY_TEST_ROOTFS" | grep -E ' (usr/bin|dev|var/lib)/' >expected
    listing out.tar | grep -E ' (usr/bin|dev|var/lib)/' | diff expected -
}

@test "names are sorted, and the same container gives the same bytes" {
    wherry run --name c debian sh -c 'mkdir -p /z/a /z/b; echo 1 >/z/b/1; echo 2 >/z/a/2'
    wherry export c >one.tar
    wherry export c | cmp - one.tar
    assert_equal "$(tar tf one.tar | grep '^z' | tr '\n' ' ')" 'z/ z/a/ z/a/2 z/b/ z/b/1 '
}

@test "a running container, and import of what was exported" {
    wherry run -d --name c debian sh -c 'echo data >/data; exec sleep 1000'
    wait_for bash -c '"$1" export "$2" | tar t | grep -qx data' bash "$WHERRY" c
    wherry export c | wherry import -q - again
    run_apart wherry run --rm again cat /data
    assert_output data
    wherry rm -f c
}

@test "names are bytes" {
    wherry run --name c debian bash -c 'touch $'\''/bad\xff'\'' $'\''/gr\xc3\xbc\xc3\x9fe'\'' "/new
line"'
    wherry export c | LC_ALL=C tar t --quoting-style=escape >names
    grep -qxF 'bad\377' names
    grep -qxF 'gr\303\274\303\237e' names
    grep -qxF 'new\nline' names
    wherry commit -q c again
    run_apart wherry run --rm again bash -c 'ls -d /bad* /gr* /new* | od -c | head -3'
    assert_status 0
    assert_match "$output" '377'
    assert_match "$output" '303 274 303 237'
}

@test "a file whose name would remove another is no part of a layer, and of an export" {
    wherry run --name c debian sh -c 'echo precious >/root/x; echo mine >/root/.wh.x'
    run_apart wherry commit c image
    assert_refused '/root/\.wh\.x cannot be in a layer'
    run_apart wherry images -q image
    assert_output ''
    assert_equal "$(wherry export c | tar xO root/.wh.x root/x | sort | tr '\n' ' ')" 'mine precious '
}

@test "export: what is refused" {
    run_apart wherry export missing
    assert_refused 'no such container'
    wherry create --name c debian true
    run_apart wherry export -o /dev/full c
    assert_refused 'No space left'
    run_apart wherry export -o missing/out.tar c
    assert_refused 'missing/out.tar'
    run_apart expect -c 'spawn -noecho '"$WHERRY"' export c; expect eof; exit [lindex [wait] 3]'
    assert_match "$output" 'refusing to export to terminal'
}
