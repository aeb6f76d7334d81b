#!/usr/bin/env bats
# SPDX-License-Identifier: Apache-2.0
# Volumes: commands, named and anonymous ones, what the image has in their place, who owns what.

load helpers

test_setup() {
    need_image debian
}

volumes() {
    wherry volume ls -q | tr '\n' ' '
}

# An image with content of several owners at /data, and VOLUMEs.
need_data_image() {
    printf '%s\n' 'FROM debian' \
        'RUN mkdir -p /data/sub /empty && echo one >/data/one && echo two >/data/sub/two' \
        'RUN ln -s one /data/link && ln /data/one /data/hard && mkfifo /data/fifo' \
        'RUN chmod 750 /data && chmod 4755 /data/sub/two' \
        'COPY --chown=33:34 Dockerfile /data/owned' \
        'VOLUME /data /empty' >Dockerfile
    wherry build -q -t data .
}

@test "create, ls, inspect, exists, rm" {
    run_apart wherry volume create --label a=b v1
    assert_status 0
    assert_output v1
    run_apart wherry volume create
    assert_match "$output" '^[0-9a-f]{64}$'
    wherry volume rm "${output:0:10}"
    run_apart wherry volume create v1
    assert_refused 'volume with name v1 already exists: volume already exists'
    run_apart wherry volume create --ignore v1
    assert_output v1
    run_apart wherry volume create a/b
    assert_refused 'names must match \[a-zA-Z0-9\]\[a-zA-Z0-9_.-\]\*: invalid argument'
    run_apart wherry volume ls
    assert_output $'DRIVER      VOLUME NAME\nlocal       v1'
    run_apart wherry volume ls --format json
    assert_match "$output" '"Labels": \{ *"a": "b" *\}|"a": "b"'
    run_apart wherry volume inspect v1
    assert_match "$output" "\"Mountpoint\": \"$WHERRY_ROOT/volumes/v1/_data\""
    assert_match "$output" '"NeedsCopyUp": true'
    run_apart wherry volume inspect v1 none
    assert_status 125
    assert_match "$output" '"Name": "v1"'
    assert_error 'inspecting object: no such volume none'
    run_apart wherry volume inspect none
    assert_output '[]'
    assert_equal "$(wherry inspect --format '{{.Name}}' v1)" v1
    assert_equal "$(wherry inspect --type volume --format '{{.Driver}}' v1)" local
    wherry volume exists v1
    run_apart wherry volume exists v
    assert_status 1
    run_apart wherry volume rm v1 none
    assert_status 1
    assert_output v1
    assert_error 'no volume with name "none" found: no such volume'
    run_apart wherry volume rm -f none
    assert_status 0
}

@test "a named volume keeps what is written; it is made at need" {
    run_apart wherry run --rm -v keep:/k debian sh -c 'echo x >/k/file'
    assert_status 0
    assert_equal "$(volumes)" 'keep '
    run_apart wherry run --rm --mount type=volume,src=keep,dst=/k,ro debian \
        sh -c 'cat /k/file; echo y >/k/file'
    assert_output x
    assert_match "$stderr" 'Read-only'
    run_apart wherry run --rm -v keep:/k debian \
        sh -c 'grep " /k " /proc/self/mountinfo | cut -d " " -f 6'
    assert_match "$output" 'rw,nosuid,nodev'
    run_apart wherry volume inspect --format '{{.NeedsCopyUp}} {{.MountCount}}' keep
    assert_output 'false 0'
}

@test "rm of a volume that a container has says by whom; -f takes the container along" {
    local id
    id=$(wherry create -v v:/v debian true)
    run_apart wherry volume rm v
    assert_status 2
    assert_error "volume v is being used by the following container\(s\): $id: volume is being used"
    wherry volume prune -f
    assert_equal "$(volumes)" 'v '
    run_apart wherry ps -a --filter volume=v --format '{{.ID}} {{.Mounts}}'
    assert_output "${id:0:12} /v"
    run_apart wherry ps -aq --filter volume=other
    assert_output ''
    run_apart wherry volume rm -f v
    assert_status 0
    assert_equal "$(wherry ps -aq)" ''
}

@test "anonymous volumes: 64 digits, removed by --rm and rm -v, kept by rm" {
    wherry run --rm -v /a debian touch /a/x
    assert_equal "$(volumes)" ''
    wherry create --name c -v /a -v named:/b debian true
    wherry create --name d -v /a debian true
    assert_match "$(wherry inspect --format '{{(index .Mounts 0).Name}}' c)" '^[0-9a-f]{64}$'
    wherry rm -v c
    wherry rm d
    assert_match "$(volumes)" '^[0-9a-f]{64} named $'
    assert_equal "$(wherry volume ls -q --filter anonymous=true | wc -l)" 1
    assert_equal "$(wherry volume ls -q --filter dangling=true --filter name=nam)" named
    run_apart wherry volume prune -f
    assert_equal "${#lines[@]}" 2
    # What could not be started leaves none either.
    run -127 wherry run --rm -v /a debian /no/such/command
    run_apart wherry create -v /a --name c -v ./none:/b debian true
    assert_status 125
    assert_equal "$(volumes)" ''
}

@test "VOLUME of the image: made, filled, overridden, ignored, kept from /proc" {
    need_data_image
    wherry create --name c -v named:/empty data true
    assert_equal "$(wherry inspect --format '{{range .Mounts}}{{.Destination}} {{end}}' c)" \
        '/empty /data '
    run_apart wherry run --rm data sh -c 'cat /data/one; stat -c %a /data; touch /data/new /empty/new'
    assert_output $'one\n750'
    run_apart wherry run --rm --image-volume=ignore data \
        sh -c 'grep -c " /data " /proc/self/mountinfo || true'
    assert_output 0
    run_apart wherry run --rm --image-volume=tmpfs data sh -c 'stat -f -c %T /data; cat /data/one'
    assert_output $'tmpfs\none'
    wherry rm -v c
    assert_equal "$(volumes)" 'named '
    # A colon in it makes it no mount of the host.
    mkdir host
    touch host/secret
    printf 'FROM debian\nVOLUME ["%s:/mnt", "/mnt:ro"]\n' "$PWD/host" >Dockerfile
    wherry build -q -t hostile .
    run_apart wherry run --rm hostile sh -c "ls -A /mnt; ls -dA '/mnt:ro' '$PWD/host:/mnt'"
    assert_output "$(printf '%s\n' /mnt:ro "$PWD/host:/mnt")"
    run_apart wherry run --rm --image-volume=tmpfs hostile ls -A /mnt
    assert_output ''
    printf 'FROM debian\nVOLUME /proc/x\n' >Dockerfile
    wherry build -q -t hostile .
    run_apart wherry run --rm hostile true
    assert_refused 'the image wants a volume at /proc/x'
}

@test "the image's content comes into an empty volume at its first use, once" {
    need_data_image
    run_apart wherry run --rm -v v:/data data sh -c '
        cd /data; cat one sub/two link; stat -c "%n %a %F %h" . one sub/two fifo link; rm one hard'
    assert_status 0
    assert_output 'one
two
one
. 750 directory 3
one 644 regular file 2
sub/two 4755 regular file 1
fifo 644 fifo 1
link 777 symbolic link 1'
    # What was removed does not come back, and another place of the image does not come in.
    run_apart wherry run --rm -v v:/etc data ls -A /etc
    assert_match "$output" 'sub'
    refute_match "$output" 'passwd|one'
    [[ ! -e $WHERRY_ROOT/volumes/v/fresh && ! -e $WHERRY_ROOT/volumes/v/_new ]]
    run_apart wherry run --rm -v w:/data:nocopy data ls -A /data
    assert_output ''
    wherry volume create x
    touch "$(wherry volume inspect --format '{{.Mountpoint}}' x)/mine"
    run_apart wherry run --rm -v x:/data data ls -A /data
    assert_output mine
    run_apart wherry run --rm -v y:/data:ro data cat /data/one
    assert_output one
}

@test "owners in volumes: the image's with subordinate ids, the user's with one id" {
    need_data_image
    run_apart wherry run --rm -v v:/data data stat -c %u:%g /data /data/one /data/owned
    if has_subordinate_ids; then
        assert_output $'0:0\n0:0\n33:34'
    else
        assert_output $'0:0\n0:0\n0:0'
    fi
    [[ -O $WHERRY_ROOT/volumes/v/_data/one ]]
}

@test "what container users own can be removed: rm, prune, reset" {
    need_subordinate_ids
    local name
    for name in a b c; do
        wherry run --rm -v "$name:/v" debian \
            sh -c 'mkdir -m 700 /v/d && touch /v/d/f && chown -R 1000:1000 /v/d && chown 5:5 /v'
    done
    [[ ! -O $WHERRY_ROOT/volumes/a/_data/d ]]
    run_apart wherry volume rm a
    assert_status 0
    wherry create --name keep -v b:/b debian true
    run_apart wherry volume prune -f
    assert_output c
    wherry run -v /anon --name d debian sh -c 'mkdir -m 700 /anon/d; touch /anon/d/f; chown -R 7:7 /anon'
    wherry rm -v d
    assert_equal "$(volumes)" 'b '
    # A crash in the middle of a removal.
    wherry rm keep
    mkdir "$WHERRY_ROOT/tmp/dead"
    mv "$WHERRY_ROOT/volumes/b" "$WHERRY_ROOT/tmp/dead/b"
    run_apart wherry system check --repair
    [[ ! -e $WHERRY_ROOT/tmp/dead ]]
    wherry run --rm -v e:/v debian sh -c 'mkdir -m 700 /v/d && touch /v/d/f && chown -R 9:9 /v'
    run_apart wherry system reset -f
    assert_status 0
    [[ ! -e $WHERRY_ROOT ]]
}

@test "--volumes-from: binds and volumes, read-only on request" {
    mkdir host
    touch host/file
    wherry create --name from -v v:/v -v ./host:/h --tmpfs /t -v /anon debian true
    run_apart wherry run --rm --volumes-from from debian \
        sh -c 'ls /h; touch /v/x; grep -c " /t " /proc/self/mountinfo || true'
    assert_output $'file\n0'
    run_apart wherry run --rm --volumes-from from:ro debian sh -c 'ls /v; touch /v/y'
    assert_output x
    assert_match "$stderr" 'Read-only'
    run_apart wherry run --rm --volumes-from from -v other:/v debian ls /v
    assert_output ''
    # The anonymous one of the other container did not go with the --rm of these.
    assert_equal "$(wherry volume ls -q --filter anonymous=true | wc -l)" 1
    run_apart wherry create --volumes-from none debian true
    assert_refused 'looking up container "none" for volumes-from: no container with name or ID "none"'
    run_apart wherry create --volumes-from from:foo debian true
    assert_refused "can only specify 'ro', 'rw', and 'z'"
}

@test "a subpath stays inside of its volume" {
    wherry run --rm -v v:/v debian sh -c 'mkdir -p /v/a/b; echo inside >/v/a/b/file
        ln -s a/b /v/in; ln -s /etc /v/abs; ln -s ../../../../../../../etc /v/up
        ln -s /proc/self/root/etc /v/magic; mkdir /v/etc; echo own >/v/etc/hosts'
    run_apart wherry run --rm --mount type=volume,src=v,dst=/m,subpath=a/b debian cat /m/file
    assert_output inside
    run_apart wherry run --rm --mount type=volume,src=v,dst=/m,subpath=in debian cat /m/file
    assert_output inside
    local path
    for path in abs up ../../../../../../../../etc; do
        run_apart wherry run --rm --mount "type=volume,src=v,dst=/m,subpath=$path" debian cat /m/hosts
        assert_output own
    done
    run_apart wherry run --rm --mount type=volume,src=v,dst=/m,subpath=magic debian true
    assert_refused 'subpath magic'
    run_apart wherry run --rm --mount type=volume,src=v,dst=/m,subpath=none debian true
    assert_refused 'subpath none'
}

@test "inspect shows mounts as podman does" {
    mkdir host
    wherry create --name c -v ./host:/x -v vol:/y:ro,z --tmpfs /t:size=2m debian true
    run_apart wherry inspect --format '{{json .Mounts}}' c
    assert_output "$(tr -d '\n' <<END
[{"Destination":"/x","Driver":"","Mode":"","Options":["rbind"],"Propagation":"rprivate",
"RW":true,"Source":"$PWD/host","Type":"bind"},
{"Destination":"/y","Driver":"local","Mode":"z","Name":"vol","Options":["nosuid","nodev","rbind"],
"Propagation":"rprivate","RW":false,"Source":"$WHERRY_ROOT/volumes/vol/_data","Type":"volume"}]
END
    )"
    run_apart wherry inspect --format '{{json .HostConfig.Binds}} {{json .HostConfig.Tmpfs}}' c
    assert_output "[\"$PWD/host:/x:rw,rprivate,rbind\",\"vol:/y:ro,rprivate,nosuid,nodev,rbind\"] {\"/t\":\"size=2m,rw,rprivate,nosuid,nodev,tmpcopyup\"}"
}

@test "df, prune and the store's move know volumes" {
    wherry run --rm -v big:/v debian dd if=/dev/zero of=/v/f bs=1k count=64 status=none
    wherry create --name c -v used:/v debian true
    run_apart wherry system df
    assert_match "$output" 'Local Volumes +2 +1 +65\.54kB +65\.54kB \(100%\)'
    mv "$WHERRY_ROOT" moved
    run_apart wherry --root moved run --rm -v big:/v debian test -s /v/f
    assert_status 0
    mv moved "$WHERRY_ROOT"
    run_apart wherry system prune -f --volumes
    assert_match "$output" 'Deleted Volumes
big
used'
    wherry volume create --label keep=1 kept
    run_apart wherry system prune -f --volumes --filter 'label!=keep=1'
    assert_equal "$(volumes)" 'kept '
}

@test "two runs make a volume at once, a hundred prunes beside them" {
    local n pids=()
    while [[ ! -e stop ]]; do wherry volume prune -f >/dev/null || touch failed; done 3>&- &
    local pruner=$!
    for ((n = 0; n < 12; n++)); do
        wherry run --rm -v shared:/usr/share/doc debian test -d /usr/share/doc/bash 3>&- &
        pids+=($!)
        wherry run --rm -v shared:/usr/share/doc debian test -d /usr/share/doc/bash 3>&- &
        pids+=($!)
        wait "${pids[@]}"
        pids=()
    done
    touch stop
    wait "$pruner"
    [[ ! -e failed ]]
    wherry volume prune -f
    run_apart wherry system check
    assert_status 0
    refute_match "$output" garbage
}

@test "system check: what is wrong with volumes is found and mended" {
    wherry volume create --label a=b v
    wherry volume create w
    wherry volume create x
    wherry create --name c -v gone:/g debian true
    run_apart wherry system check
    assert_status 0
    echo '{' >"$WHERRY_ROOT/volumes/v/volume.json"
    rmdir "$WHERRY_ROOT/volumes/w/_data"
    mkdir "$WHERRY_ROOT/volumes/x/_new"
    rm -r "$WHERRY_ROOT/volumes/gone"
    run_apart wherry system check
    [[ $status != 0 ]]
    assert_match "$output" 'volume v: .*volume.json'
    assert_match "$output" 'volume w: its directory _data is missing'
    assert_match "$output" 'volume gone: it is missing, and container'
    run_apart wherry start c
    assert_error 'no volume with name "gone"'
    wherry system check --repair || true
    run_apart wherry system check
    assert_status 0
    refute_match "$output" garbage
    [[ ! -e $WHERRY_ROOT/volumes/x/_new ]]
    wherry start -a c
    run_apart wherry volume ls -q
    assert_output $'gone\nv\nw\nx'
}

@test "owners of a new volume under --userns" {
    need_subordinate_ids
    need_data_image
    local mode
    for mode in keep-id auto nomap; do
        run_apart wherry run --rm --userns=$mode -u 0 -v /data -v /new data \
            sh -c 'stat -c %u:%g /data/one /data/owned; touch /data/x /new/x && echo written'
        assert_status 0
        assert_output $'0:0\n33:34\nwritten'
    done
}

@test "mount targets that another container swaps lead nowhere else (CVE-2021-30465)" {
    mkdir host outside
    echo content >host/file
    wherry run --rm -v v:/x debian sh -c "mkdir -p /x/a/in; ln -s / /x/b; mkdir -p '/x$PWD/outside'"
    wherry run -d --name swapper -v v:/x debian perl -e \
        'while (1) { syscall(316, -100, "/x/a", -100, "/x/b", 2) for 1 .. 1000 }'
    local n inside=0
    for ((n = 0; n < 25; n++)); do
        run_apart wherry run --rm -v v:/x -v "$PWD/host:/x/a$PWD/outside/in" debian \
            grep -c file /proc/self/mounts
        inside=$((inside + (status < 2)))
        run_apart wherry run --rm -v v:/x -v "$PWD/host:/x/a/in" debian true
    done
    wherry kill swapper >/dev/null 2>&1 || wherry rm -f swapper
    wherry rm -f swapper >/dev/null
    ((inside > 0))
    # Neither the host's directory nor what a link led to got anything.
    [[ -z $(ls -A outside) ]]
    assert_equal "$(ls -A host)" file
    run ! grep -F "$PWD" /proc/self/mountinfo
}
