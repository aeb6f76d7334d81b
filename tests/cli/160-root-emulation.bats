#!/usr/bin/env bats
# SPDX-License-Identifier: Apache-2.0
# Root emulation: what packages ask of root works with a single id, and a commit has it right.
# Users with subordinate ids get the same tests with WHERRY_SINGLE_ID=1.

load helpers

test_setup() {
    need_image debian
    export WHERRY_SINGLE_ID=1
}

# "MODE OWNER SIZE-OR-DEVICE NAME" of what the image's last layer has below the directory.
layer_list() { # IMAGE DIRECTORY
    local layer
    layer=$(wherry image inspect --format '{{range .RootFS.Layers}}{{println .}}{{end}}' "$1" |
        grep sha256 | tail -n 1)
    TZ=UTC tar --numeric-owner -tvf "$WHERRY_ROOT/blobs/sha256/${layer#sha256:}" |
        awk -v dir="$2/" '{ name = $6; if (index(name, dir) == 1) print $1, $2, $3, substr(name, length(dir) + 1) }' |
        sed '/ $/d' | LC_ALL=C sort -k 4
}

# Runs a script of the test in the container c.
in_debian() { # SCRIPT [OPTION...]
    local script=$1
    shift
    printf '%s\n' "$script" >script
    run_apart wherry run --name c "$@" -v "$PWD/script:/script:ro" debian bash /script
}

@test "chown and its relatives: what is recorded, what is seen" {
    in_debian '
        mkdir /w; cd /w; touch a b c d e f; ln -s a l; ln -s a m; mkdir -p dir/sub; touch dir/sub/x
        chmod 6755 b
        chown 33:104 a && stat -c %u:%g a
        chown 33 b; chgrp 104 c; chown :8 d; chown 0:0 d; chown 7:7 e; chown 0 e
        chown -h 6:6 l; chown 9 m/ 2>/dev/null || chown 9 ../w/./m
        chown -R backup:mail dir
        chown 3 /proc/self/cwd/f; exec 5<f; chown :4 /proc/self/fd/5; chown :5 /dev/fd/5; exec 5<&-
        install -o sync -g games -m 2750 /dev/null installed
        perl -e "chown 11, 12, \*STDIN or die; open F, q(>perl); chown 13, 14, \*F or die"'
    assert_equal "$stderr" ''
    assert_output '0:0'
    wherry commit -q c i
    run layer_list i w
    assert_equal "$output" "-rw-r--r-- 9/104 0 a
-rwxr-xr-x 33/0 0 b
-rw-r--r-- 0/104 0 c
-rw-r--r-- 0/0 0 d
drwxr-xr-x 34/8 0 dir/
drwxr-xr-x 34/8 0 dir/sub/
-rw-r--r-- 34/8 0 dir/sub/x
-rw-r--r-- 0/7 0 e
-rw-r--r-- 3/5 0 f
-rwxr-s--- 4/60 0 installed
lrwxrwxrwx 6/6 0 l
lrwxrwxrwx 0/0 0 m
-rw-r--r-- 13/14 0 perl"
}

@test "errors are the kernel's" {
    in_debian '
        perl -e "
            sub try { my (\$n, @a) = @_; my \$r = syscall(\$n, @a); print \$r < 0 ? \$! + 0 : \"ok\", \"\n\" }
            try(92, q(/nowhere), 33, 33);              # chown
            try(92, q(/etc/passwd/x), 33, 33);
            try(92, q(), 33, 33);
            try(92, 1, 33, 33);
            try(92, 0, 33, 33);
            try(92, q(x) x 5000, 33, 33);
            try(93, 77, 33, 33);                       # fchown
            try(260, -100, q(/etc/passwd), 33, 33, 64); # fchownat
            try(260, 77, q(x), 33, 33, 0);
            try(260, -100, q(), 33, 33, 4096);
            try(105, -1);                              # setuid
            try(116, 100000, 0);                       # setgroups
            try(116, 3, 1);
            try(133, q(/etc/passwd), 0020666, 0x103);  # mknod
            try(133, q(/nowhere/x), 0020666, 0x103);
            try(188, q(/etc/passwd), q(security.wherry.owner), q(3:3), 3, 0);
        "
        ln -s loop1 /loop2; ln -s loop2 /loop1; chown 33 /loop1 2>&1 | grep -o "Too many.*"'
    assert_equal "${lines[*]}" "2 20 2 14 14 36 9 22 9 ok 22 22 14 17 2 1 Too many levels of symbolic links"
}

@test "a process has the ids that it set, and so have its children" {
    in_debian '
        id
        su -s /bin/sh www-data -c "id; sh -c \"id -u; id -gn\""
        runuser -u games -- id
        setpriv --reuid=33 --regid=8 --clear-groups id
        setpriv --reuid=33 --regid=33 --init-groups --inh-caps=-all id
        perl -e "use POSIX; setgid(7); setuid(7) or die; print \"\$< \$> \$(\n\";
                 print setuid(0) ? \"regained\n\" : \"\$!\n\"; \$> = 0; print \"\$>\n\""
        perl -e "\$> = 33; print \"\$< \$>\n\"; \$> = 0; print \"\$< \$>\n\""
        id -u; ulimit -x 3; ulimit -x
        useradd -m joe && su joe -c "id -un; cd; pwd"'
    assert_equal "$stderr" ''
    assert_equal "$output" 'uid=0(root) gid=0(root) groups=0(root)
uid=33(www-data) gid=33(www-data) groups=33(www-data)
33
www-data
uid=5(games) gid=60(games) groups=60(games)
uid=33(www-data) gid=8(mail) groups=8(mail)
uid=33(www-data) gid=33(www-data) groups=33(www-data)
7 7 7 0
Operation not permitted
7
0 33
0 0
0
unlimited
joe
/home/joe'
    wherry commit -q c i
    run layer_list i home
    assert_match "${lines[*]}" '^drwxr-xr-x 1000/1000 0 joe/ -rw-r--r-- 1000/1000 [0-9]+ joe/.bash_logout'
}

@test "-u and USER of any id, and --group-add" {
    run_apart wherry run --rm -u 1234:77 --group-add audio debian id
    assert_output 'uid=1234(1234) gid=77(77) groups=77(77),29(audio)'
    mkdir ctx
    printf 'FROM debian\nUSER games\nRUN id >/tmp/id\nRUN touch /tmp/mine && chown games /tmp/mine\n' >ctx/Dockerfile
    wherry build -q -t user ctx
    run_apart wherry run --rm user sh -c 'cat /tmp/id; id -un'
    assert_output $'uid=5(games) gid=60(games) groups=60(games)\ngames'
    run layer_list user tmp
    assert_output '-rw-r--r-- 5/0 0 mine'
    run_apart wherry run --rm -u 1234 --root-emulation=fixed debian id
    assert_refused 'needs subordinate ids'
}

@test "tar unpacks foreign owners, devices and all" {
    python3 "$tests_dir/tools/foreign-deb.py" foreign.deb
    ar x foreign.deb data.tar.gz
    in_debian 'mkdir /u && tar -C /u -xzf /data.tar.gz && stat -c "%F %t,%T %a" /u/opt/foreign/null /u/opt/foreign/disk' \
        -v "$PWD/data.tar.gz:/data.tar.gz:ro"
    assert_equal "$stderr" ''
    assert_output $'character special file 1,3 640\nblock special file 8,1 660'
    wherry commit -q c i
    run layer_list i u/opt/foreign
    assert_equal "$output" "-rwxr-xr-x 0/0 10 by-script
-rwxr-xr-x 0/0 10 capable
drwxrwx--T 104/33 0 dir/
brw-rw---- 0/6 8,1 disk
lrwxrwxrwx 33/33 0 link
crw-r----- 0/6 1,3 null
-rw-r--r-- 33/104 6 owned
-rwxr-sr-x 0/104 10 setgid
-rwsr-xr-x 33/104 10 setuid"
}

@test "dpkg -i of a package with foreign owners, set-id files, devices and a capability" {
    python3 "$tests_dir/tools/foreign-deb.py" foreign.deb
    in_debian 'dpkg -i /foreign.deb >/dev/null && dpkg -s foreign | grep ^Status && stat -c %u:%g /opt/foreign/owned' \
        -v "$PWD/foreign.deb:/foreign.deb:ro"
    assert_equal "$stderr" ''
    assert_output $'Status: install ok installed\n0:0'
    wherry commit -q c i
    run layer_list i opt/foreign
    assert_equal "$output" "-rwxr-sr-x 34/8 10 by-script
-rwxr-xr-x 0/0 10 capable
drwxrwx--T 104/33 0 dir/
brw-rw---- 0/6 8,1 disk
lrwxrwxrwx 33/33 0 link
crw-r----- 0/6 1,3 null
-rw-r--r-- 33/104 6 owned
-rwxr-sr-x 0/104 10 setgid
-rwsr-xr-x 33/104 10 setuid"
    wherry save -o i.tar i
    python3 -c '
import io, tarfile
for m in tarfile.open("i.tar"):
    if m.name.endswith(".tar"):
        for e in tarfile.open(fileobj=tarfile.open("i.tar").extractfile(m.name)):
            if e.name.endswith("capable"):
                print(e.pax_headers["SCHILY.xattr.security.capability"].encode("utf-8", "surrogateescape").hex())' >cap
    assert_equal "$(cat cap)" 0100000200200000000000000000000000000000
    wherry tag i archived
    if ((EUID != 0)) && has_subordinate_ids; then # and who has the ids sees them
        unset WHERRY_SINGLE_ID
        run_apart wherry run --rm i stat -c '%u:%g %A %n' /opt/foreign/owned /opt/foreign/setuid /opt/foreign/dir
        assert_output $'33:104 -rw-r--r-- /opt/foreign/owned\n33:104 -rwsr-xr-x /opt/foreign/setuid\n104:33 drwxrwx--T /opt/foreign/dir'
    fi
}

@test "rpm -i of such a package" {
    command -v rpmbuild >/dev/null || skip 'needs rpmbuild'
    cat >p.spec <<'END'
Name: foreign
Version: 1
Release: 1
Summary: owners
License: none
BuildArch: noarch
%description
x
%install
mkdir -p %{buildroot}/opt/rpm/dir
touch %{buildroot}/opt/rpm/owned %{buildroot}/opt/rpm/capable
%files
%dir %attr(1770, backup, x104) /opt/rpm/dir
%attr(4755, www-data, x104) /opt/rpm/owned
%attr(0755, root, root) %caps(cap_net_raw=ep) /opt/rpm/capable
%dev(c, 1, 3) %attr(0640, root, disk) /opt/rpm/null
END
    rpmbuild --quiet --define "_topdir $PWD/rpm" --define "_rpmdir $PWD" -bb p.spec >rpm.log 2>&1
    # The host's rpm and its libraries: the image is of the same release.
    in_debian 'groupadd -g 104 x104; export LD_LIBRARY_PATH=/hostlib
        rpm --define "_dbpath /var/lib/rpmdb" --nodeps --noplugins -i /foreign.rpm 2>&1 | grep "^error"
        rpm --define "_dbpath /var/lib/rpmdb" -q foreign' \
        -v "$PWD/noarch/foreign-1-1.noarch.rpm:/foreign.rpm:ro" -v /usr/bin/rpm:/usr/bin/rpm:ro \
        -v /usr/lib/rpm:/usr/lib/rpm:ro -v /usr/lib/x86_64-linux-gnu:/hostlib:ro
    assert_output 'foreign-1-1.noarch'
    wherry commit -q c i
    run layer_list i opt/rpm
    assert_equal "$output" "-rwxr-xr-x 0/0 0 capable
drwxrwx--T 34/104 0 dir/
crw-r----- 0/6 1,3 null
-rwsr-xr-x 33/104 0 owned"
}

@test "access control lists that name others" {
    in_debian '
        touch /f; mkdir /d
        list=$(printf "\\x02\\0\\0\\0\\x01\\0\\x06\\0\\xff\\xff\\xff\\xff\\x02\\0\\x06\\0\\x21\\0\\0\\0\\x04\\0\\x04\\0\\xff\\xff\\xff\\xff\\x10\\0\\x06\\0\\xff\\xff\\xff\\xff\\x20\\0\\x04\\0\\xff\\xff\\xff\\xff" | base64 -w0)
        perl -MMIME::Base64 -e "\$v = decode_base64(q($list)); for ([q(/f), q(access)], [q(/d), q(default)]) {
            \$n = \"system.posix_acl_\$_->[1]\"; syscall(188, \$_->[0], \$n, \$v, length \$v, 0) == 0 or die \"\$!\" }"
        echo written >/f; cat /f; touch /d/x; ls /d'
    assert_equal "$stderr" ''
    assert_output $'written\nx'
    wherry commit -q c i
    local layer
    layer=$(wherry image inspect --format '{{range .RootFS.Layers}}{{println .}}{{end}}' i | grep sha256 | tail -n 1)
    run tar -tvf "$WHERRY_ROOT/blobs/sha256/${layer#sha256:}" --xattrs --xattrs-include='*' -v
    assert_match "$output" 'posix_acl_access'
    assert_match "$output" 'posix_acl_default'
}

@test "other file systems: the call succeeds, a device is refused" {
    mkdir v && touch v/f
    in_debian 'touch /dev/shm/x; chown 33 /dev/shm/x /v/f && stat -c %u /v/f /dev/shm/x; chown 33 /dev/stdout && echo stdout
        ln -s /dev/stdout /so; chown 33 /so && echo link; mknod /dev/shm/n c 1 3 || chown 33 /ro/f' -v "$PWD/v:/v" -v "$PWD/v:/ro:ro"
    assert_equal "${lines[*]}" '0 0 stdout link'
    assert_match "$stderr" 'Operation not permitted'
    assert_match "$stderr" 'Read-only file system'
}

@test "in exec too, and for what exec leaves behind" {
    wherry run -d --name c debian sleep 1000
    wherry exec c sh -c 'touch /e; chown 33:104 /e'
    wherry exec -d c sh -c 'sleep 0.3; touch /l; chown 44 /l; touch /done'
    wait_for wherry exec c test -e /done
    run_apart wherry exec -u 33 c id -u
    assert_output 33
    wherry stop -t 0 c
    wherry commit -q c i
    run layer_list i ''
    local layer
    layer=$(wherry image inspect --format '{{range .RootFS.Layers}}{{println .}}{{end}}' i | grep sha256 | tail -n 1)
    run tar --numeric-owner -tvf "$WHERRY_ROOT/blobs/sha256/${layer#sha256:}" e l
    assert_match "${lines[0]}" ' 33/104 '
    assert_match "${lines[1]}" ' 44/0 '
}

@test "with --init, --read-only, a chroot and programs of 32 bits' numbers" {
    run_apart wherry run --rm --init debian sh -c 'touch /f && chown 33 /f && su -s /bin/sh games -c "id -u"'
    assert_output 5
    run_apart wherry run --rm --read-only debian chown 33 /etc/passwd
    assert_match "$stderr" 'Read-only file system'
    in_debian 'mkdir -p /jail/etc; touch /jail/etc/f /jail/g; ln -s /etc/f /jail/l
        perl -e "chroot q(/jail) or die; chdir q(/etc) or die; chown 21, 22, q(../../../g) or die; chown 23, 24, q(/l) or die"'
    assert_equal "$stderr" ''
    wherry commit -q c i
    run layer_list i jail
    assert_equal "$output" "drwxr-xr-x 0/0 0 etc/
-rw-r--r-- 23/24 0 etc/f
-rw-r--r-- 21/22 0 g
lrwxrwxrwx 0/0 0 l"
}

@test "--root-emulation: fixed, none, and what makes no sense" {
    run_apart wherry run --rm --root-emulation=fixed debian sh -c 'touch /f; chown 33 /f && mknod /d c 1 3 && echo said; test -e /d || echo nothing; su -s /bin/sh games -c "id -u"'
    assert_output $'said\nnothing\n0'
    run_apart wherry run --rm --root-emulation=none debian sh -c 'chown 33 /etc/passwd; chown 0:0 /etc/passwd && echo fine'
    assert_output fine
    assert_match "$stderr" 'Invalid argument'
    run_apart wherry create --root-emulation=true debian true
    assert_refused 'root-emulation'
    wherry create --name kept --root-emulation=none debian chown 33 /etc/passwd
    assert_equal "$(wherry inspect --format '{{.HostConfig.RootEmulation}}' kept)" none
    run_apart wherry start -a kept
    assert_status 1
    if has_subordinate_ids; then
        unset WHERRY_SINGLE_ID
        for how in record consistent; do
            run_apart wherry run --rm --root-emulation=$how debian true
            assert_refused 'single id|only id'
        done
    fi
}

@test "--root-emulation=consistent: who looks sees what was recorded" {
    python3 "$tests_dir/tools/foreign-deb.py" foreign.deb
    # shellcheck disable=SC2016 # perl's
    in_debian '
        mkdir /w; cd /w; mkdir -p src/dir; touch src/dir/f; ln -s f src/dir/l; chown -R 33:104 src; chown 0:104 src/dir/f
        chmod 2755 src/dir/f; chown -h 8:9 src/dir/l
        stat -c "%n %u:%g" src src/dir/f src/dir/l; stat -L -c "%n %u:%g" src/dir/l; ls -ldn src | cut -d" " -f 3,4
        perl -e "for (q(/w/src), q(/etc/shadow)) { \$, = q( ); open F, q(<), \$_; print +(stat)[4, 5], (lstat)[4, 5], (stat F)[4, 5], qq(\n) }"
        tar cf a.tar src; mkdir t; tar -C t --numeric-owner -xf a.tar; cp -a src c; rm -r src
        find . -gid 104 | LC_ALL=C sort | tr "\n" " "; echo; chown 0:0 c; stat -c %u:%g c
        dpkg -i /foreign.deb >/dev/null; stat -c "%u:%g %a %F" /opt/foreign/setuid /opt/foreign/null; dpkg -V
        useradd -m joe; su joe -c "test -O /home/joe && test -w /home/joe && echo mine; test -r /etc/shadow || echo refused"
        su joe -c "test -r /etc/passwd && test -x /bin/true && test -w /dev/null && echo allowed"
        userdel -r joe 2>/dev/null; ls /home' -v "$PWD/foreign.deb:/foreign.deb:ro" --root-emulation=consistent
    assert_equal "$stderr" ''
    assert_output 'src 33:104
src/dir/f 0:104
src/dir/l 8:9
src/dir/l 0:104
33 104
33 104 33 104 33 104 
0 42 0 42 0 42 
./c ./c/dir ./c/dir/f ./t/src ./t/src/dir ./t/src/dir/f 
0:0
33:104 4755 regular file
0:6 640 character special file
mine
refused
allowed'
    assert_equal "$(wherry inspect --format '{{.HostConfig.RootEmulation}}' c)" consistent
    wherry commit -q c i
    run layer_list i w/t/src
    assert_equal "$output" "drwxr-xr-x 33/104 0 dir/
-rwxr-sr-x 0/104 0 dir/f
lrwxrwxrwx 8/9 0 dir/l"
    run_apart wherry run --rm --root-emulation=consistent -u 33 debian sh -c 'id -u; stat -c %u /etc/passwd'
    assert_output $'33\n0'
}

@test "consistent: wild arguments, links that change, processes that die" {
    # shellcheck disable=SC2016 # perl's
    in_debian '
        touch /f; chown 33:33 /f; ln -s /f /l
        perl -e "sub try { my (\$n, @a) = @_; my \$r = syscall(\$n, @a); print \$r < 0 ? \$! + 0 : \$r, q( ) }
            my (\$b, \$nul) = (q( ) x 300, 0);
            try(4, q(/f), 8); try(4, 8, \$b); try(4, q(/f), 1 << 50); try(4, q(/nowhere), \$b); try(4, q(x) x 5000, \$b);
            try(5, 99, \$b); try(5, -1, \$b); try(262, -100, q(), \$b, 0x1000); try(262, 99, q(x), \$b, 0);
            try(262, -100, q(/f), \$b, 0x40000000); try(332, -100, q(/f), 0, 1 << 31, \$b); try(332, -100, q(/f), 0, 0x7ff, 8);
            try(21, q(/f), 99); try(21, 8, 4); try(269, 99, q(x), 4); try(439, -100, q(/f), 4, 0x40000000);"
        echo
        ( while :; do ln -sfn /f /l; ln -sfn /proc/self/exe /l; ln -sfn /l /l; done ) 2>/dev/null & racer=$!
        for i in $(seq 200); do ( exec stat -L /l ) >/dev/null 2>&1 & kill -KILL $! 2>/dev/null; done
        perl -e "for (1..3000) { @s = stat(q(/l)); @s and \$s[4] != 33 and \$s[4] != 0 and print qq(wrong\n) }"
        kill $racer; wait 2>/dev/null; stat -c %u /f' --root-emulation=consistent
    assert_output $'14 14 14 2 36 9 9 0 9 22 22 14 22 14 9 22 \n33'
}

@test "a container inside of another listener gets fixed answers" {
    in_debian 'echo "$1"'
    python3 - "$WHERRY" <<'END'
import ctypes, struct, subprocess, sys
# A filter that allows everything, with a listener that nobody reads.
libc = ctypes.CDLL(None, use_errno=True)
code = ctypes.create_string_buffer(struct.pack("HBBI", 6, 0, 0, 0x7fff0000))
class Prog(ctypes.Structure):
    _fields_ = [("len", ctypes.c_ushort), ("code", ctypes.c_void_p)]
assert libc.prctl(38, 1, 0, 0, 0) == 0
assert libc.syscall(317, 1, 8, ctypes.byref(Prog(1, ctypes.addressof(code)))) > 0
def run(*options):
    return subprocess.run([sys.argv[1], "run", "--rm", *options, "debian", "sh", "-c",
                           "touch /f; chown 33 /f && id -u"], capture_output=True, text=True)
a = run()
assert (a.stdout, a.stderr) == ("0\n", ""), a
b = run("--root-emulation=record")
assert b.returncode == 125 and "listens" in b.stderr, b
END
}

@test "apt-get update and install, in run and in build" {
    bash -c 'exec 3<>/dev/tcp/deb.debian.org/80' 2>/dev/null || skip 'needs a network'
    in_debian 'apt-get -qq update && apt-get -qq install -y --no-install-recommends vim-tiny man-db postfix >/log 2>&1 || cat /log
        dpkg --audit; vim.tiny --version | head -n 1 | cut -c 1-9' --network host -e DEBIAN_FRONTEND=noninteractive
    assert_output 'VIM - Vi '
    wherry commit -q c i
    run layer_list i var/spool/postfix
    assert_match "$output" "drwx-wx--T [1-9][0-9]+/[1-9][0-9]+ 0 maildrop/"
    assert_match "$output" "drwx------ [1-9][0-9]+/0 0 active/"
    run layer_list i usr/sbin
    assert_match "$output" "-r-xr-sr-x 0/[1-9][0-9]+ [0-9]+ postdrop"
    mkdir ctx
    printf 'FROM debian\nRUN apt-get -qq update && apt-get -qq install -y --no-install-recommends vim-tiny >/dev/null 2>&1\n' >ctx/Dockerfile
    wherry build -q --network host -t b ctx
    run_apart wherry run --rm b dpkg -s vim-tiny
    assert_match "$output" 'install ok installed'
}

# --- hostile ------------------------------------------------------------------------------------

@test "a hundred processes change owners at once" {
    in_debian '
        mkdir /m
        for i in $(seq 100); do ( for j in $(seq 20); do : >/m/$i-$j; chown $i:$j /m/$i-$j; done ) & done; wait'
    assert_equal "$stderr" ''
    wherry commit -q c i
    run layer_list i m
    assert_equal "${#lines[@]}" 2000
    assert_equal "$(awk '{ split($2, o, "/"); if (o[1] "-" o[2] != $4) print }' <<<"$output")" ''
}

@test "links that change under the path never lead out" {
    mkdir outside && touch outside/f
    in_debian '
        mkdir -p /r/a /r/b; touch /r/a/f /r/b/f; ln -s ../../../../../../../../../../../../proc/self/root/.. /r/up
        ( while :; do ln -sfn /r/a /r/l; ln -sfn /proc/1/root/../../.. /r/l; ln -sfn /proc/self/fd /r/l; ln -sfn /r/b /r/l; done ) & racer=$!
        for i in $(seq 500); do chown 33:33 /r/l/f /r/up/r/a/f 2>/dev/null; done
        kill $racer; wait 2>/dev/null
        chown 44 /../../../../../../r/b/f; test -e /r/b/f && echo done' -v "$PWD/outside:/o"
    assert_output 'done'
    assert_equal "$(stat -c %u outside/f)" "$(id -u)"
    wherry commit -q c i
    run layer_list i r
    assert_match "$output" ' 44/[0-9]+ 0 b/f'
}

@test "processes that die while they ask, and threads that change what they ask" {
    in_debian '
        touch /f; mkdir /z
        for i in $(seq 300); do ( exec chown $((i % 60 + 1)) /f ) & kill -KILL $! 2>/dev/null; done; wait 2>/dev/null
        perl -e "for (1..200) { my \$p = fork; if (!\$p) { syscall(92, 1 << 46, 33, 33); syscall(92, -4096, 33, 33); my (\$f, \$n) = (q(/f), q(system.posix_acl_access)); syscall(188, \$f, 1, 1, 1 << 40, 0); syscall(188, \$f, \$n, 1, 4000, 0); syscall(116, 200, 1 << 47); exit } } 1 while wait > 0"
        chown 44:45 /f && echo alive'
    assert_output alive
}

@test "two supervisors make devices in one directory at once, and others files" {
    local k
    wherry run -d --name c debian sleep 1000
    wherry exec c mkdir /d
    # shellcheck disable=SC2016 # perl's
    local script='my ($k, $n) = @ARGV;
        for my $i (1..$n) {
            $k == 3 and do { open F, ">", "/d/same-$i"; next };
            syscall(133, "/d/$k-$i", 0020666, 0x103) == 0 or die "$!";
            syscall(133, "/d/same-$i", 0020666, 0x100 + $k) == 0 || $! == 17 or die "$!" }'
    for k in 1 2 3; do wherry exec c perl -e "$script" $k 150 & done
    wait
    run_apart wherry exec c sh -c 'find /d -name "[12]-*" -type c | wc -l; find /d -name "[12]-*" | wc -l; ls -l /d/same-* | grep -cvE "^(-|c)rw-r--r-- "; stat -c %t,%T /d/[12]-* | sort -u'
    # Who was first with a name that all want is not said: a device or a file, and nothing between.
    assert_output $'300\n300\n0\n1,3'
    wherry rm -f -t 0 c
}

# It is beside init, a child of the monitor.
supervisor_of() { # CONTAINER
    local pid parent child
    pid=$(wherry inspect --format '{{.State.Pid}}' "$1")
    parent=$(awk '/^PPid:/ { print $2 }' "/proc/$pid/status")
    read -r -a children <"/proc/$parent/task/$parent/children"
    for child in "${children[@]}"; do
        if [[ $(tr '\0' ' ' <"/proc/$child/cmdline") == *'root emulation'* ]]; then
            echo "$child"
        fi
    done
}

@test "a killed supervisor: the calls fail, the container goes on and ends in order" {
    wherry run -d --name c debian sleep 1000
    local s
    s=$(supervisor_of c)
    [[ $s ]]
    # Nothing in the container can see it.
    run_apart wherry exec c sh -c 'cat /proc/[0-9]*/cmdline | tr "\0" " "'
    refute_match "$output" 'emulation'
    kill -KILL "$s"
    run_apart wherry exec c sh -c 'chown 33 /etc/hostname && echo own supervisor'
    assert_output 'own supervisor'
    wherry rm -f -t 0 c
}

@test "nothing of the host is in the supervisor's reach" {
    wherry run -d --name c debian sleep 1000
    local s
    s=$(supervisor_of c)
    run cat "/proc/$s/status"
    assert_match "$output" $'NoNewPrivs:\t1'
    assert_match "$output" $'Seccomp:\t2'
    assert_match "$output" $'CapEff:\t00000000012c000'
    run_apart ls "/proc/$s/fd"
    assert_match "$stderr" 'Permission denied'
    wherry rm -f -t 0 c
}
