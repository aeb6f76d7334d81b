#!/usr/bin/env bats
# SPDX-License-Identifier: Apache-2.0
# A private network: what is in it, what it leads to, and what it does not.
# bats file_tags=main

load helpers

test_setup() {
    need_image debian
    need_tun
}

# An address of the machine that is not its loopback.
machine_address() {
    ip -o -4 addr show scope global | awk '{ sub("/.*", "", $4); print $4; exit }'
}

# Listens on ADDRESS for TCP, and says "seen PEER" to whoever comes. Its port is in ./port.
start_server() { # ADDRESS
    python3 - "$1" 3>&- <<'END' &
import os, socket, sys
s = socket.create_server((sys.argv[1], 0), family=socket.AF_INET6 if ":" in sys.argv[1] else socket.AF_INET)
with open("port.new", "w") as f:
    f.write(str(s.getsockname()[1]))
os.rename("port.new", "port")
while True:
    c, a = s.accept()
    c.sendall(b"seen %s\n" % a[0].encode())
    c.close()
END
    server=$!
    wait_for test -s port
}

stop_server() {
    kill "$server"
    wait "$server" || true
    rm -f port
}

helper_of() { # CONTAINER: the pid of its wherry-netns
    local monitor
    monitor=$(wherry inspect --format '{{.State.ConmonPid}}' "$1")
    pgrep -P "$monitor" -x wherry-netns
}

@test "addresses, routes, names" {
    run_apart wherry run --rm --name n1 --hostname box debian sh -c 'cat /proc/net/route; cat /proc/net/if_inet6
        cat /sys/class/net/tap0/mtu /proc/sys/net/ipv4/tcp_rmem; head -1 /etc/resolv.conf; getent hosts box n1 host.containers.internal'
    assert_status 0
    assert_match "$output" $'tap0\t00000000\t0202000A'
    assert_match "$output" 'fd000000000000000000000000000100 .* 00 .* *tap0'
    assert_match "$output" $'65520\n4096\t87380'
    assert_match "$output" 'nameserver 10.0.2.3'
    assert_match "$output" $'10.0.2.100 +box n1\n10.0.2.100 +box n1'
    assert_match "$output" "$(machine_address) +host.containers.internal"
}

@test "options of slirp4netns, and what is refused" {
    run_apart wherry run --rm --network slirp4netns:cidr=10.77.0.0/24,mtu=1400,enable_ipv6=false --mac-address 02:11:22:33:44:55 debian \
        sh -c 'cat /sys/class/net/tap0/mtu /sys/class/net/tap0/address /etc/resolv.conf /proc/net/route; grep tap0 /proc/net/if_inet6 | grep -c ^fd; true'
    assert_match "$output" $'1400\n02:11:22:33:44:55\nnameserver 10.77.0.3'
    assert_match "$output" $'tap0\t00000000\t02004D0A'
    assert_match "$output" $'\n0$'
    wherry create --name c --network slirp4netns:mtu=1400 debian true
    assert_equal "$(wherry inspect --format '{{.HostConfig.NetworkMode}} {{.HostConfig.NetworkOptions}}' c)" 'slirp4netns [mtu=1400]'
    assert_equal "$(wherry inspect --format '{{.NetworkSettings.IPAddress}}/{{.NetworkSettings.IPPrefixLen}} {{.NetworkSettings.Gateway}} {{.NetworkSettings.GlobalIPv6Address}}' c)" \
        '10.0.2.100/24 10.0.2.2 fd00::100'
    run_apart wherry run --rm --network slirp4netns:mtu=1 debian true
    assert_refused 'invalid network option mtu=1'
    run_apart wherry run --rm --network slirp4netns:what=1 debian true
    assert_refused 'unknown option of slirp4netns: what=1'
    run_apart wherry run --rm --network pasta debian true
    assert_refused 'network "pasta" is not supported'
    run_apart wherry run --rm --network host --mac-address 02:11:22:33:44:55 debian true
    assert_refused 'mac-address needs a network'
}

@test "the machine is reached by its address, its loopback by no address" {
    local address
    address=$(machine_address)
    [[ $address ]] || skip 'needs an address of the machine'
    start_server "$address"
    run_apart wherry run --rm debian bash -c "exec 3<>/dev/tcp/$address/$(<port); cat <&3"
    assert_output "seen $address"
    stop_server
    start_server 127.0.0.1
    # All at once: to some of them nothing ever answers.
    run_apart wherry run --rm debian bash -c "for a in 10.0.2.2 10.0.2.3 10.0.2.9 255.255.255.255 0.0.0.0 127.0.0.1 \
        fd00::2 fd00::3 fd00::9 ::ffff:127.0.0.1 ::1 ::; do
            timeout 3 bash -c \"exec 3<>/dev/tcp/\$a/$(<port)\" 2>/dev/null && echo \"\$a is open\" & done; wait; echo done"
    assert_output "done"
    run_apart wherry run --rm --network slirp4netns:allow_host_loopback=true debian bash -c "exec 3<>/dev/tcp/10.0.2.2/$(<port); cat <&3"
    assert_output 'seen 127.0.0.1'
    run_apart wherry run --rm --network none debian bash -c "exec 3<>/dev/tcp/$address/$(<port)"
    assert_status 1
    stop_server
}

@test "what is closed says so at once" {
    run_apart wherry run --rm debian bash -c 'for a in 10.0.2.2 10.0.2.3 fd00::2 fd00::3 fe80::2%tap0; do
            timeout 30 bash -c "exec 3<>/dev/tcp/$a/80" 2>&1 | grep -q "Connection refused" || echo "no reset of $a"
            timeout 30 bash -c "exec 3<>/dev/udp/$a/80; echo >&3; cat <&3" 2>&1 | grep -q "Connection refused" || echo "no word of $a"
        done; echo done'
    assert_output "done"
}

@test "datagrams and echo requests" {
    local address
    address=$(machine_address)
    [[ $address ]] || skip 'needs an address of the machine'
    python3 - "$address" 3>&- <<'END' &
import os, socket, sys
s = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
s.bind((sys.argv[1], 0))
with open("port.new", "w") as f:
    f.write(str(s.getsockname()[1]))
os.rename("port.new", "port")
while True:
    data, peer = s.recvfrom(100)
    s.sendto(b"heard " + data, peer)
END
    server=$!
    wait_for test -s port
    run_apart wherry run --rm debian bash -c "exec 3<>/dev/udp/$address/$(<port); echo this >&3; head -n 1 <&3"
    assert_output 'heard this'
    stop_server
    run_apart wherry run --rm debian perl -MSocket -e 'socket(S, PF_INET, SOCK_DGRAM, 1) or die "$!"; alarm 30;
        send(S, pack("CCnnn", 8, 0, 0, 7, 9) . "hello", 0, pack_sockaddr_in(0, inet_aton("10.0.2.2"))) or die "$!";
        recv(S, my $got, 100, 0); print join(" ", (unpack("CCnnna*", $got))[0, 4, 5])'
    assert_output '0 9 hello'
}

@test "names are resolved by the machine's name server" {
    getent ahostsv4 deb.debian.org >/dev/null || skip 'needs a name server'
    run_apart wherry run --rm debian sh -c 'sed "/^nameserver/d" /etc/resolv.conf >/tmp/r; echo nameserver 10.0.2.3 >>/tmp/r
        cat /tmp/r >/etc/resolv.conf; getent ahostsv4 deb.debian.org | cut -d" " -f1 | sort -u'
    assert_output "$(getent ahostsv4 deb.debian.org | cut -d' ' -f1 | sort -u)"
}

# Runs CMD where FILE is in the place of PATH.
with_file() { # FILE PATH CMD...
    run_apart env WHERRY_SINGLE_ID=1 unshare -Ucm --keep-caps sh -c 'mount --bind "$1" "$2" && shift 2 && exec "$@"' sh "$1" "$2" "${@:3}"
}

@test "of the machine's servers those are named that can be reached" {
    printf '%s\n' 'nameserver fe80::1%eth0' 'nameserver ::1' 'nameserver 127.0.0.53' 'nameserver 0.0.0.0' 'nameserver  10.1.1.1 # ours' \
        $'nameserver\t2001:db8::5' 'options edns0' >resolv.conf
    with_file resolv.conf /etc/resolv.conf "$WHERRY" run --rm debian cat /etc/resolv.conf
    assert_output $'nameserver 10.0.2.3\nnameserver  10.1.1.1 # ours\nnameserver\t2001:db8::5\noptions edns0'
}

@test "a device that is there and cannot be opened" {
    python3 -c 'import socket; socket.socket(socket.AF_UNIX).bind("tun")'
    with_file tun /dev/net/tun "$WHERRY" run --rm debian sh -c 'grep -c : /proc/net/dev'
    assert_output 1
    assert_match "$stderr" '^Warning: no network, because of /dev/net/tun: No such device or address'
    with_file tun /dev/net/tun "$WHERRY" run --rm --network private debian true
    assert_status 125
    assert_match "$stderr" '/dev/net/tun, which a private network needs'
    with_file tun /dev/net/tun "$WHERRY" run --rm -p 8080 debian true
    assert_status 125
    assert_match "$stderr" 'ports cannot be published without a network'
}

@test "containers share a network; RUN has one" {
    start_sleeper one
    run_apart wherry run --rm --network container:one debian sh -c 'grep -c tap0 /proc/net/route'
    assert_output 2
    mkdir ctx
    printf 'FROM debian\nRUN grep -c tap0 /proc/net/route\n' >ctx/Dockerfile
    wherry build -q ctx >id
    run_apart wherry build --network none ctx
    assert_status 125
    assert_match "$stderr" 'exit code: 1'
    wherry kill one >/dev/null
    wait_for container_is one exited
}

@test "who joins a network has its hosts and servers" {
    wherry run -d --name one --hostname box --add-host far:10.9.9.9 --dns-search a.test debian sleep 1000 >/dev/null
    wherry run -d --name two --network container:one debian sleep 1000 >/dev/null
    run_apart wherry run --rm --name three --network container:two --hostname own --add-host near:10.8.8.8 debian sh -c \
        'cat /etc/resolv.conf; getent hosts far near box one two own three; grep -c host.containers.internal /etc/hosts'
    assert_match "$output" $'^search a.test\nnameserver 10.0.2.3\n'
    assert_match "$output" $'\n10.9.9.9 +far\n10.8.8.8 +near\n10.0.2.100 +box one\n10.0.2.100 +box one\n10.0.2.100 +[0-9a-f]{12} two\n10.0.2.100 +own three\n10.0.2.100 +own three\n1$'
    run_apart wherry run --rm --network container:one --dns 10.7.7.7 debian cat /etc/resolv.conf
    assert_match "$output" 'nameserver 10.7.7.7'
    refute_match "$output" '10.0.2.3'
    # Whatever it has written there: no name of ours, and no end of it.
    wherry exec one sh -c 'head -c 3M /dev/zero >/etc/hosts; echo "nameserver 10.6.6.6" >/etc/resolv.conf'
    run_apart wherry run --rm --network container:one debian sh -c 'cat /etc/resolv.conf; grep -c localhost /etc/hosts'
    assert_match "$output" $'^nameserver 10.6.6.6\n[1-9]'
    wherry rm -f -t 0 --depend one >/dev/null
}

@test "the helper has no power, and ends with the container" {
    start_sleeper one
    local helper
    helper=$(helper_of one)
    assert_match "$(grep -E '^(CapEff|CapPrm|NoNewPrivs|Seccomp):' "/proc/$helper/status" | tr '\n\t' '  ')" \
        'CapPrm: 0000000000000000 CapEff: 0000000000000000 NoNewPrivs: 1 Seccomp: 2'
    refute_match "$(readlink "/proc/$helper/ns/net")" "^$(readlink "/proc/$(wherry inspect --format '{{.State.Pid}}' one)/ns/net")\$"
    wherry kill one >/dev/null
    wait_for container_is one exited
    # The removal of its device takes the kernel a moment, for which the monitor does not wait.
    wait_for bash -c '[[ ! -e /proc/$1 ]]' bash "$helper"
}

@test "a helper that dies is told, and a restart mends it" {
    start_sleeper one
    kill -KILL "$(helper_of one)"
    lost() { [[ $(wherry inspect --format '{{.State.Error}}' one) == 'the network helper ended'* ]]; }
    wait_for lost
    container_is one running
    assert_match "$(wherry ps --format '{{.Status}}')" '^Up .* \(degraded\)$'
    wherry restart -t 0 one >/dev/null
    assert_equal "$(wherry inspect --format '{{.State.Error}}' one)" ''
    helper_of one
    wherry kill one >/dev/null
    wait_for container_is one exited
}

@test "the monitor's death takes the helper along" {
    start_sleeper one
    local helper monitor
    helper=$(helper_of one)
    monitor=$(wherry inspect --format '{{.State.ConmonPid}}' one)
    kill -KILL "$monitor"
    wait_for test ! -e "/proc/$helper"
}

@test "many at once" {
    local i
    for ((i = 0; i < 20; i++)); do
        wherry run --rm debian sh -c 'grep -c tap0 /proc/net/route' >"out.$i" 2>&1 3>&- &
    done
    wait
    assert_equal "$(cat out.* | sort | uniq -c | tr -s ' ')" ' 20 2'
}

@test "packages are installed over a private network" {
    [[ ${WHERRY_TEST_LONG:-} ]] || skip 'long: scripts/test --long'
    run_apart wherry run --rm -e DEBIAN_FRONTEND=noninteractive debian sh -c \
        'apt-get update >/dev/null && apt-get install -y vim >/dev/null 2>&1 && vim --version | head -1'
    assert_match "$output" '^VIM - Vi IMproved'
}
