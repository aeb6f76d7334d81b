#!/usr/bin/env bats
# SPDX-License-Identifier: Apache-2.0
# What a container finds around it: variables, users, hosts, the time zone; and what it does not find.
# bats file_tags=main

load helpers

test_setup() {
    need_image debian
    unset http_proxy https_proxy ftp_proxy no_proxy HTTP_PROXY HTTPS_PROXY FTP_PROXY NO_PROXY
}

env_of() { # RUN-OPTIONS...
    wherry run --rm "$@" debian env
}

@test "nothing of our environment gets in unasked, but the proxies" {
    export SECRET=1 http_proxy=http://proxy:1 NO_PROXY=localhost HTTPS_PROXY=
    local found
    found=$(env_of | sed 's/=.*//' | sort | tr '\n' ' ')
    assert_equal "$found" 'HOME HOSTNAME NO_PROXY PATH container http_proxy '
    refute_match "$(env_of --http-proxy=false)" proxy
    assert_match "$(env_of -e http_proxy=mine)" 'http_proxy=mine'
}

@test "--env-host, --env with a pattern, and who wins" {
    export FOO_A=1 FOO_B=2 OTHER=3 container=host
    found=$(env_of -e 'FOO_*' -e FOO_B=mine)
    assert_match "$found" FOO_A=1
    assert_match "$found" FOO_B=mine
    refute_match "$found" OTHER
    found=$(env_of --env-host -e OTHER=given)
    assert_match "$found" FOO_A=1
    assert_match "$found" OTHER=given
    refute_match "$found" OTHER=3
}

@test "--unsetenv and --unsetenv-all" {
    printf 'FROM debian\nENV ONE=1 TWO=2\n' >Dockerfile
    wherry build -q -t vars .
    found=$(wherry run --rm --unsetenv ONE --unsetenv container vars env)
    refute_match "$found" 'ONE=|container='
    assert_match "$found" TWO=2
    found=$(wherry run --rm --unsetenv-all -e THREE=3 vars /usr/bin/env | sed 's/=.*//' | sort | tr '\n' ' ')
    assert_equal "$found" 'HOME HOSTNAME THREE '
    # A command is found without PATH, too.
    run_apart wherry run --rm --unsetenv-all debian true
    assert_status 0
}

@test "a user that the image does not know gets a line, which is not the image's" {
    need_subordinate_ids
    run_apart wherry run --name c -u 4711:4712 -w /srv debian sh -c \
        'id -un; tail -1 /etc/passwd; tail -1 /etc/group; echo $HOME'
    assert_output $'4711\n4711:*:4711:4712:container user:/srv:/bin/sh\n4712:x:4712:\n/srv'
    refute_match "$(wherry diff c)" 'passwd|group|localtime'
    wherry commit -q c kept
    assert_equal "$(wherry run --rm -u root kept grep -c 4711 /etc/passwd /etc/group)" $'/etc/passwd:0\n/etc/group:0'
    run_apart wherry run --rm --passwd=false -u 4711 debian sh -c 'grep -c 4711 /etc/passwd; echo $HOME'
    assert_output $'0\n/'
    run_apart wherry run --rm -u 4711 --passwd-entry '$USERNAME-x:*:$UID:$GID:me:/home:/bin/false' \
        --group-entry 'g:x:$GID:' debian tail -1 /etc/passwd
    assert_output '4711-x:*:4711:0:me:/home:/bin/false'
    # One that it knows gets none, and its home.
    run_apart wherry run --rm -u games debian sh -c 'grep -c games: /etc/passwd; echo $HOME; mount | grep -c /etc/passwd'
    assert_output $'1\n/usr/games\n0'
}

@test "with keep-id the line has our name" {
    run_apart wherry run --rm --userns keep-id debian sh -c 'id -un; id -gn; whoami; tail -1 /etc/passwd'
    assert_output "$(id -un)
$(id -un)
$(id -un)
$(id -un):*:$(id -u):$(id -g):$(getent passwd "$(id -un)" | cut -d: -f5):/:/bin/sh"
}

@test "--hostuser: a user of the machine" {
    run_apart wherry run --rm --hostuser "$(id -un)" debian grep "^$(id -un):" /etc/passwd
    assert_match "$output" "^$(id -un):\*:$(id -u):$(id -g):"
    run_apart wherry run --rm --hostuser no-such-user debian true
    assert_refused 'no user "no-such-user"'
}

@test "an image without passwd stays without" {
    wherry run --name c debian rm /etc/passwd /etc/group
    wherry commit -q c bare
    run_apart wherry run --rm --userns keep-id bare sh -c 'ls /etc/passwd /etc/group 2>/dev/null; echo $HOME'
    assert_output /
}

@test "--add-host and --no-hosts" {
    run_apart wherry run --rm --add-host one:10.0.0.1 --add-host 'two;three:fd00::1' debian sh -c \
        'getent hosts one; getent hosts three; head -2 /etc/hosts'
    assert_match "$output" '10.0.0.1 +one'
    assert_match "$output" 'fd00::1 +two three'
    assert_match "$output" $'10.0.0.1\tone\nfd00::1\ttwo three'
    run_apart wherry run --rm --no-hosts debian sh -c 'mount | grep -c /etc/hosts; cat /etc/hosts 2>/dev/null; true'
    assert_equal "${lines[0]}" 0
    local bad
    for bad in one one: :1.2.3.4 one:1.2.3 'a b:1.2.3.4'; do
        run_apart wherry run --rm --add-host "$bad" debian true
        assert_status 125
        assert_match "$stderr" '^Error: '
    done
    run_apart wherry run --rm --network none --add-host one:host-gateway debian true
    assert_refused 'this network has no way to the host'
    run_apart wherry run --rm --no-hosts --add-host a:1.2.3.4 debian true
    assert_refused 'cannot be set together'
    wherry create --name c --add-host one:10.0.0.1 debian true
    assert_equal "$(wherry inspect --format '{{.HostConfig.ExtraHosts}}' c)" '[one:10.0.0.1]'
}

@test "--dns, --dns-search, --dns-option" {
    run_apart wherry run --rm --dns 10.1.2.3 --dns fd00::9 --dns-search a.test --dns-search b.test --dns-option ndots:3 debian cat /etc/resolv.conf
    assert_match "$output" 'search a.test b.test'
    assert_match "$output" $'nameserver 10.1.2.3\nnameserver fd00::9\noptions ndots:3'
    assert_equal "$(grep -c nameserver <<<"$output")" 2
    run_apart wherry run --rm --dns-search . debian grep -c search /etc/resolv.conf
    assert_output 0
    run_apart wherry run --rm --dns none debian sh -c 'mount | grep -c resolv.conf'
    assert_output 0
    run_apart wherry run --rm --dns example debian true
    assert_refused 'is not an ip address'
    run_apart wherry run --rm --dns 1.2.3.4 --dns-search $'a\nnameserver 6.6.6.6' debian true
    assert_refused 'invalid --dns-search'
    wherry create --name c --dns 1.2.3.4 --dns-option a --dns-search b debian true
    assert_equal "$(wherry inspect --format '{{.HostConfig.Dns}} {{.HostConfig.DnsOptions}} {{.HostConfig.DnsSearch}}' c)" '[1.2.3.4] [a] [b]'
}

@test "--tz" {
    [[ -e /usr/share/zoneinfo/Asia/Tokyo ]] || skip 'no time zones on this machine'
    run_apart wherry run --name c --tz Asia/Tokyo debian date +%Z
    assert_output JST
    refute_match "$(wherry diff c)" 'passwd|group|localtime'
    assert_equal "$(wherry inspect --format '{{.Config.Timezone}}' c)" Asia/Tokyo
    local bad
    for bad in Nowhere/City ../../etc/passwd /etc/passwd ''; do
        run_apart wherry run --rm --tz "$bad" debian true
        assert_refused 'unknown time zone'
    done
}

@test "--annotation and --label-file" {
    printf 'one=1\n# no\ntwo\n' >labels
    wherry create --name c --annotation a=b --annotation c=d=e --label-file labels -l one=mine debian true
    assert_equal "$(wherry inspect --format '{{.Config.Annotations.a}} {{.Config.Annotations.c}}' c)" 'b d=e'
    assert_equal "$(wherry inspect --format '{{.Config.Labels.one}} {{index .Config.Labels "two"}}' c)" 'mine '
    run_apart wherry create --annotation nothing debian true
    assert_refused 'KEY=VALUE'
    run_apart wherry create --label-file missing debian true
    assert_refused '--label-file'
}

@test "a working directory that is missing is made, and is the user's" {
    run_apart wherry run --rm -w /made/for/me debian sh -c 'pwd; stat -c %u .'
    assert_output $'/made/for/me\n0'
    run_apart wherry run --rm -w relative debian true
    assert_refused 'not absolute'
    if has_subordinate_ids; then
        run_apart wherry run --rm -u 33 -w /made/for/me debian stat -c %u .
        assert_output 33
    fi
}

@test "--rootfs: a directory is the root" {
    mkdir -p tree
    tar -xf "$WHERRY_TEST_ROOTFS" -C tree --exclude='./dev/*'
    run_apart wherry run --name c --rootfs ./tree sh -c 'cat /etc/debian_version; echo new >/made; hostname >/dev/null; mount | grep " / "'
    assert_match "$output" '^12'
    refute_match "$output" fuse
    assert_equal "$(cat tree/made)" new
    assert_equal "$(stat -c %U tree/made)" "$(id -un)"
    assert_equal "$(wherry inspect --format '{{.Rootfs}}' c)" "$PWD/tree"
    wherry cp c:/made copy
    cmp copy tree/made
    wherry ps -a >/dev/null
    run_apart wherry commit c image
    assert_refused 'its root is the directory'
    run_apart wherry diff c
    assert_refused 'its root is the directory'
    wherry rm c
    [[ -e tree/made ]]
    run_apart wherry run --rm --read-only --rootfs tree touch /made2
    assert_status 1
    run_apart wherry run --rm --rootfs missing true
    assert_refused 'missing'
    run_apart wherry run --rm --rootfs tree
    assert_refused 'no command'
    chmod -R u+rwX tree
}

@test "--env-merge builds on the image's variables, --env comes after it" {
    printf 'FROM debian\nENV A=one B=two\n' >Dockerfile
    wherry build -q -t merged . >/dev/null
    run_apart wherry run --rm --env-merge 'A=${A}-$B' --env-merge 'C=<$A|${NO}|$|${A>' --env-merge B=x --env B=y \
        merged sh -c 'echo "$A $B $C"'
    assert_output 'one-two y <one||$|${A>'
    run_apart wherry create --env-merge A debian true
    assert_refused 'want NAME=VALUE'
}
