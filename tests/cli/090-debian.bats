#!/usr/bin/env bats
# SPDX-License-Identifier: Apache-2.0
# A whole distribution: what its own programs think of the file system they are given.

load helpers

test_setup() {
    need_image debian
}

# "TYPE+MODE OWNER/GROUP SIZE NAME" of everything below ./usr in the tar, sorted; owners as 0/0 when
# there is a single id. Directories and links have no size; a hard link has its target's.
tar_listing() {
    TZ=UTC tar --numeric-owner -tvf "$WHERRY_TEST_ROOTFS" |
        awk -v single="$(has_subordinate_ids && echo 0 || echo 1)" '
            {
                mode = $1; owner = $2; size = $3; name = $0
                # The name follows the time; columns are aligned by blanks.
                for (i = 0; i < 5; i++) sub(/^[^ ]+ +/, "", name)
                sub(/ -> .*/, "", name)
                if (substr(mode, 1, 1) == "h") {
                    split(name, part, " link to ")
                    hard[part[1]] = part[2]
                    next
                }
                if (single) owner = "0/0"
                if (substr(mode, 1, 1) != "-") size = "-"
                sub(/\/$/, "", name)
                line[name] = mode " " owner " " size
            }
            END {
                for (name in hard) line[name] = line[hard[name]]
                for (name in line) if (name ~ /^\.\/usr\//) print line[name] " " name
            }' | LC_ALL=C sort
}

@test "the whole of /usr is as in the tar: types, modes, owners, sizes" {
    wherry run --rm debian sh -c 'cd / && find ./usr -mindepth 1 -printf "%M %U/%G %s %y %p\n"' |
        awk '{ size = $4 == "f" ? $3 : "-"; name = $0
               for (i = 0; i < 4; i++) sub(/^[^ ]+ +/, "", name)
               print $1 " " $2 " " size " " name }' | LC_ALL=C sort >inside
    tar_listing >expected
    [[ $(wc -l <expected) -gt 1000 ]]
    diff expected inside | head -n 20
    cmp expected inside
}

@test "all contents are as in the tar" {
    wherry run --rm debian sh -c 'cd / && find ./usr ./etc ./var ./bin/ ./sbin/ -type f -print0 | sort -zu |
        xargs -0 sha256sum' | grep -vE ' \./etc/(hosts|hostname|resolv.conf|mtab)$' >inside
    mkdir unpacked
    tar -C unpacked --no-same-owner --exclude='./dev/*' -xf "$WHERRY_TEST_ROOTFS"
    (cd unpacked && chmod -R u+r . && find ./usr ./etc ./var ./bin/ ./sbin/ -type f -print0 | sort -zu |
        xargs -0 sha256sum) | grep -vE ' \./etc/(hosts|hostname|resolv.conf|mtab)$' >expected
    [[ $(wc -l <expected) -gt 1000 ]]
    diff expected inside | head -n 20
    cmp expected inside
}

@test "ls -lR /usr runs without a complaint" {
    run_apart wherry run --rm debian ls -lR /usr
    assert_status 0
    assert_equal "$stderr" ''
    ((${#lines[@]} > 1000))
}

@test "apt-get, dpkg and bash know who they are" {
    run_apart wherry run --rm debian apt-get --version
    assert_status 0
    assert_match "${lines[0]}" '^apt [0-9.]+ '
    run_apart wherry run --rm debian dpkg -l
    assert_status 0
    assert_match "$output" $'\nii +bash '
    run_apart wherry run --rm debian bash -c 'echo $BASH_VERSION'
    assert_match "$output" '^5\.'
}

@test "dpkg's own check finds every package whole" {
    run_apart wherry run --rm debian dpkg --verify
    assert_status 0
    # minbase images leave documentation out; nothing else may differ.
    assert_equal "$(grep -vE '/usr/share/(doc|man|locale|info|lintian)/' <<<"$output")" ''
    run_apart wherry run --rm debian dpkg --audit
    assert_output ''
}

@test "a package is removed and purged, and its files with it" {
    run_apart wherry run --name p debian sh -ec '
        test -e /usr/bin/perl
        dpkg -P --force-depends --force-remove-essential perl-base >/dev/null 2>&1 || dpkg -r --force-depends --force-remove-essential perl-base
        test ! -e /usr/bin/perl'
    assert_status 0
    wherry commit -q p without-perl
    run_apart wherry run --rm without-perl sh -c 'dpkg -l perl-base 2>/dev/null | grep ^ii; ls /usr/bin/perl'
    assert_output ''
}

@test "a package is built and installed" {
    run_apart wherry run --rm debian sh -ec '
        mkdir -p /tmp/p/DEBIAN /tmp/p/usr/bin /tmp/p/etc
        printf "Package: mine\nVersion: 1\nArchitecture: all\nMaintainer: me <me@example.org>\nDescription: mine\n" >/tmp/p/DEBIAN/control
        echo "/etc/mine.conf" >/tmp/p/DEBIAN/conffiles
        echo conf >/tmp/p/etc/mine.conf
        printf "#!/bin/sh\necho it is mine\n" >/tmp/p/usr/bin/mine
        chmod 755 /tmp/p/usr/bin/mine
        dpkg-deb --root-owner-group -b /tmp/p /tmp/mine.deb >/dev/null
        dpkg -i /tmp/mine.deb >/dev/null
        mine
        dpkg -P mine >/dev/null
        test ! -e /usr/bin/mine -a ! -e /etc/mine.conf && echo purged'
    assert_status 0
    assert_output $'it is mine\npurged'
}

@test "hard links of the image are links: one inode, and writing shows in both" {
    run_apart wherry run --rm debian sh -ec '
        cd /usr/bin
        test perlbug -ef perlthanks && echo same
        stat -c %h perlbug
        echo "# changed" >>perlbug; tail -n 1 perlthanks; stat -c %h perlthanks
        rm perlbug; stat -c %h perlthanks; head -c 2 perlthanks'
    if [[ $output == *'No such'* || ! $output ]]; then
        run_apart wherry run --rm debian sh -c 'find /usr -xdev -type f -links +1 | head -n 1'
        assert_output '' # no hard links in this tar
        return
    fi
    assert_output $'same\n2\n# changed\n2\n1\n#!'
}

@test "hard links made inside" {
    run_apart wherry run --rm debian sh -ec '
        echo a >/a; ln /a /b; ln /etc/passwd /tmp/passwd-link
        echo b >>/a; cat /b; stat -c %h /a /etc/passwd; rm /a; stat -c %h /b
        test /etc/passwd -ef /tmp/passwd-link && echo same'
    assert_status 0
    assert_output $'a\nb\n2\n2\n1\nsame'
}

@test "a directory of the image is renamed, with all that is in it" {
    run_apart wherry run --name r debian sh -ec '
        n=$(find /usr/share/perl5 /etc/apt -type f | wc -l)
        mv /etc/apt /etc/apt2 && test ! -e /etc/apt && test -d /etc/apt2/sources.list.d
        mv /usr/share/perl5 /moved
        test "$(find /moved /etc/apt2 -type f | wc -l)" = "$n"
        mv /etc/apt2 /etc/apt && mkdir /etc/apt2 && rmdir /etc/apt2
        echo fine'
    assert_status 0
    assert_output fine
    wherry commit -q r renamed
    run_apart wherry run --rm renamed sh -c 'ls -d /moved /usr/share/perl5 /etc/apt 2>/dev/null'
    assert_output $'/etc/apt\n/moved'
}

@test "open and removed, renamed over, truncated, appended, sparse: files behave" {
    run_apart wherry run --rm debian bash -ec '
        exec 5<>/tmp/open; rm /tmp/open; echo kept >&5; cat /proc/self/fd/5 | wc -l
        echo 1 >/etc/x; echo 2 >/etc/y; mv /etc/y /etc/x; cat /etc/x
        : >/etc/passwd; wc -c </etc/passwd; echo "root:x:0:0::/root:/bin/sh" >>/etc/passwd; id -un
        truncate -s 1M /tmp/sparse; stat -c "%s" /tmp/sparse; tail -c 1 /tmp/sparse | od -An -tx1
        rm -r /usr/share/doc; mkdir /usr/share/doc; ls -A /usr/share/doc | wc -l'
    assert_status 0
    assert_output $'1\n2\n0\nroot\n1048576\n 00\n0'
}

@test "names, modes and attributes of every kind" {
    run_apart wherry run --rm debian bash -ec '
        mkdir /n; cd /n
        touch "a b" $'"'\\n'"' "$(printf "x%.0s" {1..255})" .hidden .wh.not-a-whiteout 2>err || cat err
        ls -A | wc -l
        ln -s "$(printf "t%.0s" {1..1000})" long; readlink long | wc -c
        mkfifo p; test -p p
        chmod 000 .hidden; stat -c %a .hidden; chmod 7777 .hidden; stat -c %a .hidden'
    assert_status 0
    refute_match "$output" 'rror'
}

@test "an mmap of a file of the image, and a program replaced while it runs" {
    run_apart wherry run --rm debian bash -ec '
        cp /bin/sleep /bin/sleep2; /bin/sleep2 100 & p=$!
        cp --remove-destination /bin/true /bin/sleep2; kill $p; /bin/sleep2 && echo replaced
        ldd /bin/ls >/dev/null && ldconfig && echo linked'
    assert_status 0
    assert_output $'replaced\nlinked'
}

@test "a tree with many files is made, listed and removed" {
    run_apart wherry run --rm debian bash -ec '
        mkdir /many; cd /many; for i in {1..3000}; do : >f$i; done
        ls | wc -l; find . -name "f1*" -delete; ls | wc -l; rm -rf /many; test ! -e /many && echo gone'
    assert_status 0
    assert_output $'3000\n1889\ngone'
}
