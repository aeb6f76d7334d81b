#!/usr/bin/env bats
# SPDX-License-Identifier: Apache-2.0
# What others' engines fell for, tried on `run` and `create`: one test a row of the threat table
# (docs/security.md). exec's, cp's and the build's are beside their features.
# bats file_tags=main

load helpers

# What must not change, whatever a container does.
make_canary() {
    mkdir -p canary/dir
    echo untouched >canary/file
    chmod 600 canary/file
    canary=$(canary_state)
}

canary_state() {
    find canary -printf '%p %m %U %s %T@ %l\n' | sort
    cat canary/file
}

canary_lives() {
    assert_equal "$(canary_state)" "$canary"
}

# An image of the static program and whatever is in the directory `image`.
make_image() { # NAME
    make_hello hello
    cp hello/hello image/hello
    tar -C image -cf image.tar .
    wherry import -q -c 'CMD ["/hello"]' image.tar "$1" 2>&1 || wherry import image.tar "$1"
}

test_setup() {
    need_image debian
    make_canary
}

@test "CVE-2019-5736: our program is not executed, opened or written by a container" {
    local own=$BATS_TEST_TMPDIR/own/cmd before i
    mkdir -p "$own" share
    cp "$WHERRY" "$own/wherry" # the dangerous case: the program is the user's own
    for i in overlay-fuse ../overlay-fuse/overlay-fuse ../netns/wherry-netns ../libexec/wherry/{overlay-fuse,wherry-netns}; do
        [[ ! -f ${WHERRY%/*}/$i ]] || cp "${WHERRY%/*}/$i" "$own/"
    done
    before=$(sha256sum "$own"/*)
    wherry run --name c debian sh -c 'ln -s /proc/self/exe /direct
        printf "#!/proc/self/exe\n" >/evil; chmod 755 /evil'
    wherry commit -q c evil
    run_apart "$own/wherry" run --rm evil /direct
    assert_status 126
    run_apart "$own/wherry" run --rm --entrypoint /evil evil
    assert_status 126
    run_apart "$own/wherry" run --rm --init evil /direct
    assert_status 126
    # One container swaps a script that another one starts, and looks at all it can see.
    wherry run -d --name h -v "$PWD/share:/s" debian bash -c 'cd /s; umask 0
        printf "#!/bin/sh\n:\n" >good; printf "#!/proc/self/exe\n" >bad; chmod 755 good bad
        while :; do cp -p good t1; mv t1 script; cp -p bad t2; mv t2 script
            for p in /proc/[0-9]*; do
                exe=$(readlink $p/exe) || continue
                case $exe in /usr/bin/* | /bin/*) continue ;; esac
                echo "$exe" >>/seen
                { echo broken >$p/exe; } 2>/dev/null && echo "$exe" >>/opened
            done
        done'
    wait_for test -e share/script
    "$own/wherry" run --rm --pid container:h -v "$PWD/share:/s" debian /s/good
    for ((i = 0; i < 60; i++)); do
        "$own/wherry" run --rm --pid container:h -v "$PWD/share:/s" debian /s/script >/dev/null 2>&1 || true
    done
    assert_equal "$(sha256sum "$own"/*)" "$before"
    run_apart wherry exec h cat /opened
    assert_status 1
    refute_match "$(wherry exec h cat /seen 2>/dev/null || true)" "$own"
    wherry rm -f -t 0 h
}

@test "CVE-2019-5736: the file that is looked at is the one that is executed" {
    wherry run --name c debian sh -c 'mkdir -p /c/d /w; ln -s /c/d /a
        ln -s /proc/self/exe /c/exe; ln -s /proc/self/exe /w/x
        printf "#!x\n" >/w/relative; chmod 755 /w/relative'
    wherry commit -q c evil
    # Not found by us must never mean: let the kernel find it.
    run_apart wherry run --rm evil /a/../exe
    assert_status 126
    run_apart wherry run --rm -e PATH=/a/.. evil exe
    assert_status 126
    run_apart wherry run --rm -w /w evil ./relative
    assert_status 126
    run_apart wherry run --rm -w /c/d evil ../exe
    assert_status 126
    # What a link's ".." means is still what the kernel means.
    run_apart wherry run --rm -w /usr/lib evil ../bin/true
    assert_status 0
}

@test "CVE-2024-21626: an exec's /dev/null is the device or nothing" {
    wherry run -d --name c --cap-add SYS_ADMIN debian sleep 1000
    wherry exec c sh -c 'umount -l /dev/null; rm -f /dev/null; ln -s /proc/self/fd/9/../../x /dev/null'
    run_apart wherry exec c true
    assert_status 125
    wherry rm -f -t 0 c
}

@test "CVE-2019-5736: a command on a volume is executed by its descriptor, and is the same command" {
    mkdir v
    printf '#!/bin/sh -e\necho "$0 $1 $2"; false; echo more\n' >v/script
    printf '#!/v/script  one \n' >v/second
    printf '#!/proc/self/exe\n' >v/bad
    echo 'echo no head' >v/none
    chmod 755 v/*
    run_apart wherry run --rm -v "$PWD/v:/v" debian cp /bin/echo /v/echo
    run_apart wherry run --rm -v "$PWD/v:/v" debian /v/script a 'b c'
    assert_status 1
    assert_output '/v/script a b c'
    run_apart wherry run --rm -v "$PWD/v:/v" debian /v/second two
    assert_output '/v/script one /v/second'
    run_apart wherry run --rm -w /v -v "$PWD/v:/v" debian ./script
    assert_output './script  '
    run_apart wherry run --rm -e PATH=/v:/bin -v "$PWD/v:/v" debian echo here
    assert_output here
    run_apart wherry run --rm -v "$PWD/v:/v" debian /v/bad
    assert_status 126
    run_apart wherry run --rm -v "$PWD/v:/v" debian /v/none
    assert_status 126
    assert_match "$stderr" 'Exec format error'
}

@test "CVE-2024-21626: no working directory leads out, and there are only descriptors 0 to 2" {
    local fd
    wherry run --name c debian sh -c 'for i in $(seq 3 40); do ln -s /proc/self/fd/$i /fd$i; done'
    wherry commit -q c links
    for fd in 3 4 5 6 7 8 9 10 11 12 13 14 15 16 20 25 30 35 40; do
        run_apart wherry run --rm -w "/proc/self/fd/$fd" debian pwd
        assert_status 126
        assert_output ''
        run_apart wherry run --rm -w "/fd$fd" links pwd
        assert_status 126
    done
    run_apart wherry run --rm -w /proc/self/fd/9/../../.. debian pwd
    assert_status 126
    exec 7<canary/file
    run_apart wherry run --rm debian sh -c 'ls /proc/1/fd; true'
    exec 7<&-
    assert_output $'0\n1\n2'
}

@test "CVE-2025-31133, CVE-2025-52565: devices of an image that are links" {
    local target=$PWD/canary/file name
    mkdir -p image/dev/pts
    for name in null zero console tty ptmx pts/0 shm mqueue; do
        ln -s "$target" "image/dev/$name"
    done
    make_image links
    run_apart wherry run --rm links /hello
    assert_status 0
    run_apart wherry run --rm -t links /hello
    assert_status 0
    canary_lives
    rm -rf image/dev
    ln -s "$PWD/canary/dir" image/dev
    make_image link
    run_apart wherry run --rm link /hello
    assert_refused "the image's /dev is no directory"
    canary_lives
}

@test "CVE-2019-19921, CVE-2025-52881: an image's /proc or /sys that is a link, a volume over /proc" {
    local name
    for name in proc sys; do
        mkdir -p image
        ln -s "$PWD/canary/dir" "image/$name"
        make_image "link-$name"
        run_apart wherry run --rm "link-$name" /hello
        assert_refused "the image's /$name is no directory"
        rm "image/$name"
    done
    wherry run --name v debian ln -s /proc /x
    wherry commit -q --change 'VOLUME /x' v volume
    run_apart wherry run --rm volume true
    assert_refused 'mount target /x: a link leads to /proc or /sys'
    # What is written before the command runs goes to a real procfs or nowhere.
    mkdir -p fake/sys/net/ipv4 fake/self
    touch fake/sys/net/ipv4/ping_group_range fake/sys/net/ipv4/ip_forward
    run_apart wherry run --rm -v "$PWD/fake:/proc" --sysctl net.ipv4.ip_forward=1 debian /bin/true
    assert_equal "$(find fake -size +0 -type f)" ''
    canary_lives
}

@test "CVE-2019-19921: two containers race on a volume that one of them mounts into" {
    local i
    mkdir -p share/a
    # It works while nobody races: what fails below fails because of the race.
    wherry run --rm -v "$PWD/share:/s" -v "$PWD/canary:/s/a/x:ro" \
        --sysctl net.ipv4.ip_forward=1 debian true
    wherry run -d --name racer -v "$PWD/share:/s" debian bash -c \
        'cd /s; while :; do mv a b 2>/dev/null; ln -s /proc a 2>/dev/null; rm -f a; mv b a 2>/dev/null; done'
    for ((i = 0; i < 40; i++)); do
        wherry run --rm -v "$PWD/share:/s" -v "$PWD/canary:/s/a/x:ro" \
            --sysctl net.ipv4.ip_forward=1 debian true 2>/dev/null || true
    done
    wherry rm -f -t 0 racer
    canary_lives
    refute_match "$(cat /proc/self/mountinfo)" "$BATS_TEST_TMPDIR"
}

@test "CVE-2021-30465: a mount's target that is exchanged with a link while it is used" {
    local i swapper nr
    nr=$(printf '#include <sys/syscall.h>\nSYS_renameat2\n' | cc -E -P - | tail -1)
    mkdir -p share/target inner
    echo mine >inner/mark
    run_apart wherry run --rm -v "$PWD/share:/s" -v "$PWD/inner:/s/target/deep" debian cat /s/target/deep/mark
    assert_output mine # while nobody races
    ln -s "$PWD/canary" share/link
    ln -s / share/root
    perl -e 'my ($nr, $dir) = @ARGV; my ($t, $l, $r) = ("target", "link", "root"); chdir $dir or die;
        for (;;) { syscall($nr + 0, -100, $t, -100, $l, 2); syscall($nr + 0, -100, $t, -100, $r, 2) }' \
        "$nr" "$PWD/share" &
    swapper=$!
    for ((i = 0; i < 60; i++)); do
        wherry run --rm -v "$PWD/share:/s" -v "$PWD/inner:/s/target/deep" debian true 2>/dev/null || true
    done
    kill "$swapper"
    wait "$swapper" 2>/dev/null || true
    canary_lives
    [[ ! -e /deep && ! -e canary/deep ]]
    refute_match "$(cat /proc/self/mountinfo)" "$BATS_TEST_TMPDIR"
}

@test "CVE-2024-9676: what an image may have as /etc/passwd, and users that cannot be" {
    local kind user
    make_hello hello
    for kind in fifo link huge garbage; do
        rm -rf image
        mkdir -p image/etc
        cp hello/hello image/
        case $kind in
        fifo) mkfifo image/etc/passwd ;;
        link) ln -s /dev/zero image/etc/passwd ;;
        huge) truncate -s 10G image/etc/passwd ;;
        garbage) head -c 500000 /dev/urandom >image/etc/passwd ;;
        esac
        tar -C image --sparse -cf image.tar .
        wherry import image.tar "passwd-$kind"
        run_apart timeout 20 "$WHERRY" run --rm -u 0 "passwd-$kind" /hello
        [[ $status == 0 || $status == 125 || $status == 126 ]]
        run_apart timeout 20 "$WHERRY" run --rm -u somebody "passwd-$kind" /hello
        [[ $status == 125 || $status == 126 ]]
        assert_match "$stderr" '^Error: '
    done
    for user in 4294967295 4294967294 2147483648 -1 a:b:c 0:4294967295 : 99999999999999999999 "$(printf 'x%.0s' {1..5000})"; do
        run_apart timeout 20 "$WHERRY" run --rm -u "$user" debian true
        if [[ $user != : ]]; then
            [[ $status == 125 || $status == 126 ]]
            assert_match "$stderr" '^Error: '
        fi
    done
}

@test "CVE-2019-14271: no library of the image is loaded by us" {
    mkdir share
    cat >evil.c <<EOF
#include <fcntl.h>
#include <unistd.h>
__attribute__((constructor)) static void run(void) { close(open("$PWD/share/loaded", O_CREAT | O_WRONLY, 0666)); close(open("/loaded", O_CREAT | O_WRONLY, 0666)); }
EOF
    cc -shared -fPIC -o share/evil.so evil.c
    # nsswitch.conf, iconv, locale and all NSS libraries are the enemy's.
    wherry run --name c -v "$PWD/share:/s" debian sh -c '
        for db in passwd group hosts; do echo "$db: evil files"; done >/etc/nsswitch.conf
        for dir in /lib/*-linux-gnu /usr/lib/*-linux-gnu; do
            for lib in libnss_evil.so.2 libnss_files.so.2 libnss_dns.so.2 libnss_compat.so.2; do cp /s/evil.so $dir/$lib; done
            mkdir -p $dir/gconv; cp /s/evil.so $dir/gconv/UTF-16.so
        done; rm -f /loaded'
    rm -f share/loaded
    wherry commit -q c evil
    run_apart wherry run --rm -u games:users --add-host a:1.2.3.4 evil /bin/true
    if has_subordinate_ids; then assert_status 0; fi
    run_apart wherry run --name d evil /bin/true
    assert_status 0
    wherry cp d:/etc/hostname copy
    [[ ! -e share/loaded ]]
    run_apart wherry cp d:/loaded copy
    [[ $status != 0 ]]
}

@test "CVE-2022-27649: inheritable and ambient capabilities are empty" {
    run_apart wherry run --rm debian grep -E '^Cap(Inh|Amb)' /proc/self/status
    assert_output $'CapInh:\t0000000000000000\nCapAmb:\t0000000000000000'
    run_apart wherry run --rm --cap-add all debian grep -E '^Cap(Inh|Amb)' /proc/self/status
    assert_output $'CapInh:\t0000000000000000\nCapAmb:\t0000000000000000'
    wherry run -d --name c debian sleep 1000
    run_apart wherry exec c grep -E '^Cap(Inh|Amb)' /proc/self/status
    assert_output $'CapInh:\t0000000000000000\nCapAmb:\t0000000000000000'
    wherry rm -f -t 0 c
}

@test "CVE-2022-2989: supplementary groups are those of the image, or ours where no others can be" {
    if has_subordinate_ids; then
        assert_equal "$(wherry run --rm -u games:users debian id -G)" 100
        assert_equal "$(wherry run --rm debian sh -c 'sed -n "s/^Groups:[[:space:]]*//p" /proc/self/status')" ''
        # The group is what matters for a file that it may not read (mode 0604).
        run_apart wherry run --rm debian bash -c 'groupadd -g 4242 g; useradd -u 4242 -g 100 -G g u; touch /f; chown 0:4242 /f; chmod 604 /f'
        assert_status 0
    else
        assert_equal "$(wherry run --rm debian cat /proc/self/setgroups)" deny
    fi
}

@test "TIOCSTI: characters cannot be put into our terminal" {
    cat >shell.exp <<EOF
set timeout 20
spawn bash --norc --noprofile
send "PS1='ready> '; $WHERRY run --rm -i debian perl -e 'open(T, \"+</dev/tty\") || print \"no-tty \"; for (split //, \"touch canary/injected\\n\") { ioctl(STDIN, 0x5412, \\\$_) || print \"no\" } print \" end\\n\"'\r"
expect " end"
send "echo al\"\"ive\r"
expect alive
send "exit\r"
expect eof
EOF
    run expect shell.exp
    assert_status 0
    assert_match "$output" 'no-tty (no)+ end'
    canary_lives
}

@test "seccomp: calls that go around the policy" {
    [[ $(uname -m) == x86_64 ]] || skip 'the numbers are x86_64'
    run_apart wherry run --rm debian perl -e '
        sub try { my ($name, @a) = @_; $! = 0; my $r = syscall(shift @a, @a); printf "%s %d\n", $name, $r < 0 ? $!+0 : 0 }
        try("clone3", 435, 0, 0);
        try("unshare", 272, 0x10000000);
        try("unshare-high", 272, 0x500000000 | 0x10000000);
        try("unshare-x32", 0x40000000 + 272, 0x10000000);
        try("unknown", 999);
        try("unknown-x32", 0x40000000 + 999);
        try("add_key", 248, 0, 0, 0, 0, -3);
        try("kexec", 246, 0, 0, 0, 0);
        try("setns", 308, 0, 0)'
    assert_output $'clone3 38\nunshare 1\nunshare-high 1\nunshare-x32 1\nunknown 38\nunknown-x32 38\nadd_key 38\nkexec 1\nsetns 1'
}

@test "keyring: our session's keys are not the container's" {
    [[ $(uname -m) == x86_64 ]] || skip 'the numbers are x86_64'
    # add_key(2) into the session keyring, then keyctl(KEYCTL_SEARCH) here and in a container.
    local search='$| = 1; my ($t, $n) = ("user", "wherry-secret"); my $r = syscall(250, 10, -3, $t, $n, 0); print $r < 0 ? "no" : "yes"'
    # A session keyring of its own, as a login has it.
    run_apart perl -e '
        $| = 1;
        my ($t, $n, $x) = ("user", "wherry-secret", "x");
        syscall(250, 1, 0) >= 0 or exit 3;
        syscall(248, $t, $n, $x, 1, -3) >= 0 or exit 3;
        system("perl", "-e", $ARGV[0]); print " ";
        exec($ARGV[1], "run", "--rm", "debian", "perl", "-e", $ARGV[0])' "$search" "$WHERRY"
    [[ $status != 3 ]] || skip 'no keyrings in this kernel'
    assert_output 'yes no'
}

@test "no file of /proc/sys, /sys and the masked places can be written or read" {
    run_apart wherry run --rm debian sh -c '
        find /proc/sys /sys -type f -writable 2>/dev/null | head -3
        for f in /proc/kcore /proc/keys /proc/timer_list /proc/sched_debug /proc/interrupts; do
            [ ! -e $f ] || [ -z "$(head -c 1 $f)" ] || echo "$f can be read"; done
        for f in /proc/sysrq-trigger /proc/irq/default_smp_affinity /proc/bus/pci/devices; do
            (echo >$f) 2>/dev/null && echo "$f can be written"; done
        ls -A /proc/acpi /proc/scsi /sys/firmware /sys/dev/block 2>/dev/null | grep -v "^/\|^$"; true'
    assert_output ''
}

@test "id maps: a single id forbids setgroups, no id is anybody's but ours" {
    wherry run -d --name c debian sleep 1000
    local pid uid outside count low n
    pid=$(wherry inspect --format '{{.State.Pid}}' c)
    if ! has_subordinate_ids; then
        assert_equal "$(<"/proc/$pid/setgroups")" deny
        # Root emulation would only say that it worked.
        run_apart wherry run --rm --root-emulation none debian perl -e 'exit(syscall(116, 0, 0) < 0 ? 0 : 1)'
        assert_status 0
    fi
    low=$(awk -F: -v u="$(id -un)" '$1 == u { print $2; exit }' /etc/subuid)
    n=$(awk -F: -v u="$(id -un)" '$1 == u { print $3; exit }' /etc/subuid)
    while read -r uid outside count; do
        ((outside == EUID && count == 1)) || ((outside >= low && outside + count <= low + n)) || {
            echo "$uid $outside $count is not ours"
            return 1
        }
    done <"/proc/$pid/uid_map"
    wherry rm -f -t 0 c
}
