#!/usr/bin/env bats
# SPDX-License-Identifier: Apache-2.0
# Published ports: from the machine to a server in a container.

load helpers

test_setup() {
    need_image debian
    need_tun
    # A server that tells each client who it is; another one for datagrams; one that says "eof N"
    # after N bytes and the end; one that resets.
    cat >"$BATS_TEST_TMPDIR/server.pl" <<'PERL'
use IO::Socket::IP; use Socket qw(:all); $| = 1;
my ($kind, $port, $host) = @ARGV; $host //= '::';
if ($kind eq 'udp') {
    my $s = IO::Socket::IP->new(Proto => 'udp', LocalHost => '0.0.0.0', LocalPort => $port) or die;
    print "ready\n";
    while (my $p = $s->recv(my $b, 65536)) {
        my ($e, $h) = getnameinfo($p, NI_NUMERICHOST | NI_NUMERICSERV);
        $s->send("$h $b", 0, $p);
    }
}
my $s = IO::Socket::IP->new(LocalHost => $host, LocalPort => $port, Listen => 1024,
    ReuseAddr => 1, ($host eq '::' ? (V6Only => 0) : ())) or die "$@";
print "ready\n";
while (1) {
    my $c = $s->accept or next;
    if ($kind eq 'who') { print $c $c->peerhost, "\n"; }
    if ($kind eq 'eof') { my $n = 0; while (my $r = sysread($c, my $b, 65536)) { $n += $r; }
        print $c "eof $n\n"; }
    if ($kind eq 'reset') { setsockopt($c, SOL_SOCKET, SO_LINGER, pack('ii', 1, 0)); }
    close $c;
}
PERL
}

# serve N: waits until N servers of the container `web` are ready.
served() {
    [[ $(wherry logs web 2>&1 | grep -c ready) -eq $1 ]]
}

# start COMMAND OPTION...: runs the servers that COMMAND starts in `web`.
start() {
    local command=$1
    shift
    run_apart wherry run -d --name web -v "$BATS_TEST_TMPDIR/server.pl:/server.pl:ro" "$@" debian \
        bash -c "$command sleep 1000"
    assert_status 0
}

# A port that is free now.
free_port() {
    perl -MIO::Socket::IP -e \
        'print IO::Socket::IP->new(LocalHost => "0.0.0.0", Listen => 1)->sockport'
}

# ask ADDRESS PORT: what the server says.
ask() {
    timeout 20 perl -MIO::Socket::IP -e '
        my $s = IO::Socket::IP->new(PeerHost => $ARGV[0], PeerPort => $ARGV[1]) or die "$!\n";
        local $/; my $r = <$s>; die "$!\n" unless defined $r; print $r;' "$1" "$2"
}

own_address() {
    ip -4 -o addr show scope global | awk '{sub("/.*", "", $4); print $4; exit}'
}

@test "a published port leads to the container, which sees who asks" {
    local p u own
    p=$(free_port) u=$(free_port) own=$(own_address)
    start 'perl /server.pl who 80 & perl /server.pl udp 53 &' -p "$p:80" -p "$u:53/udp" -p 127.0.0.1::81
    wait_for served 2
    run -0 ask 127.0.0.1 "$p"
    [[ $output == *10.0.2.2 ]]
    if [[ -n $own ]]; then
        run -0 ask "$own" "$p"
        [[ $output == *"$own" ]]
    fi
    if [[ -e /proc/net/if_inet6 ]]; then
        run -0 ask ::1 "$p"
        [[ $output == fd00::2 ]]
    fi
    run -0 timeout 20 perl -MIO::Socket::IP -e '
        my $s = IO::Socket::IP->new(Proto => "udp", PeerHost => "127.0.0.1", PeerPort => $ARGV[0]);
        $s->send("hello"); $s->recv(my $b, 100); print $b' "$u"
    [[ $output == "10.0.2.2 hello" ]]
    run -0 wherry port web 80
    [[ $output == "0.0.0.0:$p" ]]
    run -0 wherry port web 53/udp
    [[ $output == "0.0.0.0:$u" ]]
    run -0 wherry port web 81
    [[ $output == 127.0.0.1:* ]]
    run -0 wherry ps --format '{{.Ports}}'
    [[ $output == *"0.0.0.0:$p->80/tcp"* && $output == *"0.0.0.0:$u->53/udp"* ]]
    run -0 wherry inspect web --format '{{(index .NetworkSettings.Ports "80/tcp" 0).HostPort}}'
    [[ $output == "$p" ]]
    # Nobody listens there: a reset, at once.
    run ! ask 127.0.0.1 "$(wherry port web 81 | cut -d: -f2)"
    [[ $output == *reset* ]]
    # Others can have the port when the container is gone, and not before.
    run -125 wherry run --rm -p "$p:80" debian true
    [[ $output == *"listen tcp [::]:$p: Address already in use"* ]]
    run -0 wherry restart -t 0 web
    wait_for served 4
    run -0 ask 127.0.0.1 "$p"
    run -0 wherry rm -f -t 0 web
    run ! ask 127.0.0.1 "$p"
    [[ $output == *refused* ]]
}

@test "ends and resets pass; many connections at once" {
    local p
    p=$(free_port)
    start 'perl /server.pl eof 80 & perl /server.pl reset 81 &' -p "$p:80" -p 127.0.0.1::81
    wait_for served 2
    run -0 timeout 20 perl -MIO::Socket::IP -e '
        my $s = IO::Socket::IP->new(PeerHost => "127.0.0.1", PeerPort => $ARGV[0]) or die;
        print $s "x" x 3000000; $s->shutdown(1); print <$s>' "$p"
    [[ $output == "eof 3000000" ]]
    run ! ask 127.0.0.1 "$(wherry port web 81 | cut -d: -f2)"
    [[ $output == *reset* ]]
    run -0 timeout 30 perl -MIO::Socket::IP -e '
        my @all = map { IO::Socket::IP->new(PeerHost => "127.0.0.1", PeerPort => $ARGV[0]) or die $! }
            1 .. 400;
        for my $s (@all) { print $s "x"; $s->shutdown(1); my $r = <$s>; die unless $r eq "eof 1\n"; }
        print "all"' "$p"
    [[ $output == all ]]
    run -0 wherry rm -f -t 0 web
}

@test "what is exposed is published as free ports with -P, and stays so" {
    cat >"$BATS_TEST_TMPDIR/Dockerfile" <<'EOT'
FROM debian
EXPOSE 80 53/udp
EOT
    run -0 wherry build -q -t exposing "$BATS_TEST_TMPDIR"
    run -0 wherry create --name web -P --expose 7000-7001 exposing sleep 1000
    run -0 wherry port web
    [[ ${#lines[@]} -eq 4 ]]
    [[ ${lines[0]} =~ ^80/tcp\ -\>\ 0.0.0.0:[0-9]+$ ]]
    local before=$output
    run -0 wherry start web
    run -0 wherry port web
    [[ $output == "$before" ]]
    run -0 wherry port -a
    [[ ${#lines[@]} -eq 4 ]]
    run -0 wherry ps -q --filter expose=7001 --filter publish=80
    [[ -n $output ]]
    run -0 wherry ps -q --filter publish=81
    [[ -z $output ]]
    run -125 wherry port web 81
    [[ $output == *'failed to find published port "81"'* ]]
    run -0 wherry rm -f -t 0 web
}

@test "what cannot be published is an error before anything starts" {
    local text
    for text in 80:80:80:80 70000 8000-8001:80 80/sctp http localhost:1:2; do
        run -125 wherry create -p "$text" debian true
        [[ $output == Error:* ]]
    done
    run -125 wherry create -p 8000:80 -p 8000:81 debian true
    [[ $output == *"conflicting port mappings for host port 8000"* ]]
    if ((UID && $(</proc/sys/net/ipv4/ip_unprivileged_port_start) > 80)); then
        run -125 wherry run --rm -p 80:80 debian true
        [[ $output == *net.ipv4.ip_unprivileged_port_start* ]]
    fi
    run_apart wherry run --rm --network none -p 8000:80 debian true
    assert_status 0
    [[ $stderr == "Warning: Port mappings have been discarded"* ]]
    run -0 wherry ps -aq
    [[ -z $output ]]
}
