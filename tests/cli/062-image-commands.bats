#!/usr/bin/env bats
# SPDX-License-Identifier: Apache-2.0
# image exists, prune, tree; untag; the flags and filters of images, rmi, history.
# bats file_tags=main

load helpers

# Images: hello; first, made from hello; second, made from first.
make_family() {
    need_image hello
    printf 'FROM hello\nLABEL kind=first\nCOPY Dockerfile /first\n' >Dockerfile
    wherry build -q -t first .
    printf 'FROM first\nLABEL kind=second\nCOPY Dockerfile /second\n' >Dockerfile
    wherry build -q -t second .
}

id_of() {
    wherry inspect --type image --format '{{.Id}}' "$1"
}

@test "image exists tells by its status" {
    need_image hello
    run_apart wherry image exists hello
    assert_status 0
    assert_output ''
    run_apart wherry image exists "$(wherry images -q)"
    assert_status 0
    run_apart wherry image exists missing
    assert_status 1
    assert_equal "$output$stderr" ''
}

@test "untag: one name, several, all; the image stays" {
    need_image hello
    wherry tag hello one two three
    run_apart wherry untag hello missing
    assert_refused 'library/missing:latest: tag not known'
    run_apart wherry untag hello one docker.io/library/two:latest
    assert_status 0
    run_apart wherry images --format '{{.Repository}}' --sort repository
    assert_output "docker.io/library/hello
docker.io/library/three"
    wherry untag hello
    run_apart wherry images --format '{{.Repository}}'
    assert_output '<none>'
    run_apart wherry run --rm "$(wherry images -q)"
    assert_status 0
    run_apart wherry untag missing
    assert_refused 'missing: image not known'
}

@test "images hides nameless images that others were made from" {
    make_family
    wherry untag first
    run_apart wherry images --format '{{.Repository}}' --sort repository
    assert_output "docker.io/library/hello
docker.io/library/second"
    run_apart wherry images -a --format '{{.Repository}}' --sort repository
    assert_equal "${#lines[@]}" 3
    run_apart wherry images --filter intermediate=true --format '{{.Repository}}'
    assert_output '<none>'
    run_apart wherry images --filter dangling=true -q
    assert_output ''
    wherry untag second
    run_apart wherry images --filter dangling=true --format '{{.Labels.kind}}'
    assert_output second
}

@test "the filters of images" {
    make_family
    wherry create --name c second
    local filter expected
    while read -r filter expected; do
        run_apart wherry images --sort repository --format '{{.Repository}}' --filter "$filter"
        assert_status 0
        assert_equal "$filter ${output//$'\n'/ }" "$filter ${expected//+/docker.io/library/}"
    done <<EOF
label=kind +first +second
label=kind=first +first
label!=kind +hello
label!=kind=first +hello +second
reference=sec* +second
reference=first +first
reference=first:latest +first
reference=docker.io/library/first +first
reference=*/library/f* +first
reference=irst 
since=first +second
after=first +second
before=second +first +hello
containers=true +second
containers=0 +first +hello
id=$(id_of first) +first
id=sha256:$(id_of hello) +hello
digest=$(wherry inspect --format '{{.Digest}}' first) +first
readonly=false +first +hello +second
until=24h 
until=2100-01-01 +first +hello +second
dangling=false +first +hello +second
EOF
    run_apart wherry images --filter dangling=maybe
    assert_refused 'non-boolean value "maybe"'
    run_apart wherry images --filter until=now
    assert_refused 'failed to parse value as time or duration: "now"'
    run_apart wherry images --filter colour=red
    assert_refused 'colour is an invalid filter'
    run_apart wherry images --filter since=missing
    assert_refused 'missing: image not known'
    wherry rm c
}

@test "images: --digests, --history, json with a row an image and its parent" {
    make_family
    wherry tag first again
    run_apart wherry images --digests hello
    assert_match "${lines[0]}" '^REPOSITORY +TAG +DIGEST +IMAGE ID +CREATED +SIZE$'
    assert_match "${lines[1]}" ' sha256:[0-9a-f]{64} '
    run_apart wherry images --history first
    assert_match "${lines[0]}" ' SIZE +HISTORY$'
    assert_match "${lines[1]}" 'docker.io/library/(first|again):latest, docker.io/library/'
    run_apart wherry images --format json
    assert_equal "$(grep -c '"Id"' <<<"$output")" 3
    assert_equal "$(grep -c '"ParentId": "'"$(id_of first)"'"' <<<"$output")" 1
    refute_match "$output" '"Repository"'
    run_apart wherry images --sort colour
    assert_refused '"colour" is not a valid field for sorting. Choose from: created, id, repository, size, tag'
    run_apart wherry inspect --format '{{.Parent}}' second
    assert_output "$(id_of first)"
}

@test "image tree shows layers bottom first, and what is built on the image" {
    make_family
    run_apart wherry image tree second
    assert_status 0
    assert_match "${lines[0]}" '^Image ID: [0-9a-f]{12}$'
    assert_equal "${lines[1]}" 'Tags:     [docker.io/library/second:latest]'
    assert_match "${lines[2]}" '^Size:     [0-9.]+[kM]B$'
    assert_equal "${lines[3]}" 'Image Layers'
    assert_match "${lines[4]}" '^├── ID: [0-9a-f]{12} Size: +[0-9.]+[kM]B Top Layer of: \[docker.io/library/hello:latest\]$'
    assert_match "${lines[5]}" '^├── ID: .* Top Layer of: \[docker.io/library/first:latest\]$'
    assert_match "${lines[6]}" '^└── ID: .* Top Layer of: \[docker.io/library/second:latest\]$'
    printf 'FROM first\nCOPY Dockerfile /other\n' >Dockerfile
    wherry build -q -t other .
    run_apart wherry image tree --whatrequires first
    assert_match "$output" 'library/second:latest'
    assert_match "$output" '    └── ID'
    run_apart wherry image tree other
    refute_match "$output" 'library/second'
    run_apart wherry image tree missing
    assert_refused 'missing: image not known'
}

@test "rmi takes the nameless images along that the image was made from, unless --no-prune" {
    make_family
    wherry untag first
    run_apart wherry rmi --no-prune second
    assert_equal "$(grep -c Deleted <<<"$output")" 1
    run_apart wherry images -a -q
    assert_equal "${#lines[@]}" 2
    printf 'FROM %s\nLABEL x=y\n' "$(wherry images -q --filter dangling=true)" >Dockerfile
    wherry build -q -t third .
    run_apart wherry rmi third
    assert_equal "$(grep -c Deleted <<<"$output")" 2
    run_apart wherry images -a --format '{{.Repository}}'
    assert_output docker.io/library/hello
}

@test "rmi: several names, -a, -i, -f, an id with several names" {
    make_family
    run_apart wherry rmi missing first other
    assert_status 1
    assert_output "Untagged: docker.io/library/first:latest
Deleted: $(grep -o 'Deleted: .*' <<<"$output" | cut -d ' ' -f 2)"
    assert_match "$stderr" 'missing: image not known'
    assert_match "$stderr" 'other: image not known'
    run_apart wherry rmi -i missing
    assert_status 0
    run_apart wherry rmi -f missing
    assert_status 0
    wherry tag hello again
    run_apart wherry rmi "$(id_of hello)"
    assert_status 125
    assert_error 'by ID with more than one tag .*again:latest.*: please force removal'
    run_apart wherry rmi -a hello
    assert_refused 'you may not pass any images'
    run_apart wherry rmi
    assert_refused 'image name or ID must be specified'
    wherry create --name user second
    run_apart wherry rmi -a
    assert_status 2
    assert_equal "$(wherry images --format '{{.Repository}}')" docker.io/library/second
    run_apart wherry rmi -a -f
    assert_status 0
    run_apart wherry ps -aq
    assert_output ''
    run_apart wherry rmi -a
    assert_status 0
    assert_equal "$(find "$WHERRY_ROOT/blobs" "$WHERRY_ROOT/index" -type f)" ''
}

@test "image prune removes what is dangling, with -a what no container uses" {
    make_family
    wherry untag second
    run_apart wherry image prune </dev/null
    assert_status 125
    assert_match "$output" 'WARNING! This command removes all dangling images.'
    assert_error 'use --force'
    run_apart wherry image prune <<<n
    assert_status 0
    assert_equal "$(wherry images -q | wc -l)" 3
    local second
    second=$(wherry images -q --no-trunc --filter dangling=true)
    run_apart wherry image prune <<<y
    assert_match "$output" "${second#sha256:}"
    wherry create --name user first
    run_apart wherry image prune -f
    assert_output ''
    run_apart wherry image prune -a -f --filter label=kind=second
    assert_output ''
    run_apart wherry image prune -af
    assert_equal "${#lines[@]}" 1
    assert_equal "$(wherry images --format '{{.Repository}}')" docker.io/library/first
    run_apart wherry image prune -f --filter colour=red
    assert_refused 'colour is an invalid filter'
    run_apart wherry start -a user
    assert_status 0
    wherry rm user
}

@test "image prune of a chain of nameless images takes all of it" {
    make_family
    wherry untag first
    wherry untag second
    run_apart wherry image prune -f
    assert_equal "${#lines[@]}" 2
}

# --- diff -------------------------------------------------------------------------------------

@test "diff of a container: what it added, changed and deleted" {
    need_image debian
    wherry run --name c debian sh -c 'echo x >/new; rm /etc/issue; echo y >>/etc/hostname.x; chmod 700 /srv
        mkdir /etc/dir; echo z >/etc/dir/file'
    run_apart wherry diff c
    assert_status 0
    assert_output "C /etc
A /etc/dir
A /etc/dir/file
A /etc/hostname.x
D /etc/issue
A /new
C /srv"
    run_apart wherry container diff --format json c
    assert_match "$output" '^\{.*"deleted":\["/etc/issue"\].*\}$'
    run_apart wherry diff -l
    assert_equal "${lines[0]}" 'C /etc'
    wherry commit -q c changed
    run_apart wherry image diff changed
    assert_output "C /etc
A /etc/dir
A /etc/dir/file
A /etc/hostname.x
D /etc/issue
A /new
C /srv"
    run_apart wherry image diff debian changed
    assert_match "$output" 'A /etc/issue'
    assert_match "$output" 'D /new'
    wherry rm c
}

@test "diff of a container against an image: a changed file of the image's counts" {
    need_image debian
    wherry run --name c debian sh -c 'echo x >>/etc/passwd; chmod 600 /etc/group'
    run_apart wherry diff c debian
    assert_status 0
    assert_output "C /etc
C /etc/group
C /etc/passwd"
    wherry rm c
}

@test "diff of images, and what is refused" {
    make_family
    run_apart wherry diff second
    assert_output 'A /second'
    run_apart wherry diff second hello
    assert_output "A /first
A /second"
    run_apart wherry image diff hello second
    assert_output "D /first
D /second"
    run_apart wherry diff missing
    assert_refused 'missing not found'
    run_apart wherry diff --format yaml second
    assert_refused "only supported value for '--format' is 'json'"
    run_apart wherry diff
    assert_refused 'accepts between 1 and 2'
}

# --- mount ------------------------------------------------------------------------------------

@test "image mount: read-only, listed, in the way of rmi, gone after unmount" {
    make_family
    local place
    run_apart wherry image mount second
    assert_status 0
    place=$output
    diff Dockerfile "$place/second"
    run touch "$place/x"
    assert_match "$output" 'Read-only file system'
    run_apart wherry image mount
    assert_output "docker.io/library/second:latest  $place"
    run_apart wherry image mount --format json
    assert_match "$output" "\"mountpoint\": \"$place\""
    run_apart wherry image mount second
    assert_output "$place"
    run_apart wherry rmi second
    assert_status 2
    assert_error 'is mounted'
    run_apart wherry image prune -a -f
    [[ $output != *"$(id_of second)"* ]]
    run_apart wherry image unmount second
    assert_output "$(id_of second)"
    run_apart wherry image unmount second
    assert_output ''
    assert_status 0
    [[ ! -e $place ]]
}

@test "image mount of several, unmount -a, rmi -f of one that is open" {
    make_family
    run_apart wherry image mount hello first
    assert_equal "${#lines[@]}" 2
    run_apart wherry image mount -a
    assert_equal "${#lines[@]}" 3
    exec 5<"$(wherry image mount first)/first"
    run_apart wherry image unmount first
    assert_refused 'unmount image'
    run_apart wherry rmi -f first
    assert_status 0
    diff <(cat <&5) <(printf 'FROM hello\nLABEL kind=first\nCOPY Dockerfile /first\n')
    exec 5<&-
    run_apart wherry image umount -a
    assert_equal "${#lines[@]}" 2
    run_apart wherry image mount
    assert_output ''
    run_apart wherry image mount missing
    assert_refused 'missing: image not known'
}

@test "image mount: a server that was killed is mounted anew" {
    need_image hello
    local place server
    place=$(wherry image mount hello)
    server=$(pgrep -u "$EUID" -f "overlay-fuse.*$place")
    kill -KILL "$server"
    wait_for eval '! ls "$place" >/dev/null 2>&1'
    run_apart wherry image unmount hello
    assert_status 0
    run_apart wherry image mount hello
    assert_equal "$(ls "$output")" hello
    wherry image unmount -a
}
