#!/usr/bin/env bats
# SPDX-License-Identifier: Apache-2.0
# --mount type=image: the tree of another image, read-only.

load helpers

test_setup() {
    need_image hello debian
    printf '%s\n' 'FROM debian' 'RUN mkdir /data && echo one >/data/file && ln -s /data /abs' \
        'RUN echo two >/data/file' >Dockerfile
    wherry build -q -t data .
}

@test "an image is mounted, read-only, and goes with the container" {
    run_apart wherry run --rm --mount type=image,src=data,dst=/m debian \
        sh -c 'cat /m/data/file; touch /m/x; awk "\$5 == \"/m\" { print \$6 }" /proc/self/mountinfo'
    assert_status 0
    assert_match "$output" '^two
ro,'
    assert_match "$stderr" 'Read-only'
    run_apart wherry run --rm --mount type=image,source=data,destination=/deep/new/m,rw=false \
        --mount type=image,src=hello,dst=/h debian sh -c 'cat /deep/new/m/data/file; ls /h'
    assert_output $'two\nhello'
    run_apart wherry run --rm --mount type=image,src=data,dst=/m --tmpfs /m/mnt debian \
        stat -f -c %T /m/mnt
    assert_output tmpfs
}

@test "a subpath of an image" {
    run_apart wherry run --rm --mount type=image,src=data,dst=/m,subpath=data debian cat /m/file
    assert_output two
    run_apart wherry run --rm --mount type=image,src=data,dst=/m,subpath=/abs/ debian cat /m/file
    assert_output two
    run_apart wherry run --rm --mount type=image,src=data,dst=/m,subpath=../../etc debian ls /m
    assert_match "$output" 'debian_version'
    run_apart wherry run --rm --mount type=image,src=data,dst=/m,subpath=none debian true
    assert_refused 'subpath none of what is mounted on /m'
}

@test "rw=true: a writable layer that ends with the run" {
    wherry create --name c --mount type=image,src=data,dst=/m,rw=true --mount type=image,src=hello,dst=/h debian \
        sh -c 'echo "$(cat /m/data/file) $(ls /m/data)"; echo new >/m/data/file; touch /m/data/x; rm /m/abs; cat /m/data/file; touch /h/x'
    run_apart wherry start -a c
    assert_output $'two file\nnew'
    assert_match "$stderr" "'/h/x': Read-only"
    [[ ! -e $WHERRY_ROOT/containers/$(wherry inspect --format '{{.Id}}' c)/scratch ]]
    run_apart wherry start -a c
    assert_output $'two file\nnew'
    run_apart wherry inspect --format '{{(index .Mounts 0).RW}} {{(index .Mounts 1).RW}}' c
    assert_output 'true false'
    run_apart wherry run --rm --mount type=image,src=data,dst=/m debian ls /m/data
    assert_output file
    run_apart wherry run --rm --mount type=image,src=data,dst=/m,rw=true,subpath=data debian sh -c 'echo x >/m/file; chown 33 /m/file && cat /m/file'
    assert_output x
    wherry rm c
}

@test "what is refused: unknown images" {
    run_apart wherry create --mount type=image,src=none,dst=/m debian true
    assert_refused 'none: image not known'
}

@test "an image that is mounted stays; the container shows it" {
    wherry create --name c --mount type=image,src=data,dst=/m debian cat /m/data/file
    run_apart wherry inspect --format '{{json .Mounts}}' c
    assert_output "$(tr -d '\n' <<END
[{"Destination":"/m","Driver":"","Mode":"","Options":[],"Propagation":"","RW":false,
"Source":"data","Type":"image"}]
END
    )"
    run_apart wherry rmi data
    assert_status 2
    wherry untag data
    run_apart wherry start -a c
    assert_output two
    wherry rm c
}

@test "owners in a mounted image are the image's" {
    run_apart wherry run --rm --mount type=image,src=debian,dst=/m debian stat -c %u:%g /m /m/etc/shadow
    if has_subordinate_ids; then
        assert_output $'0:0\n0:42'
    else
        assert_output $'0:0\n0:0'
    fi
}

@test "the mounted image's server is killed: the container lives and ends" {
    wherry run -d --name c --mount type=image,src=data,dst=/m debian \
        sh -c 'trap "exit 7" TERM; cat /m/data/file; while :; do sleep 0.1; done'
    wait_for bash -c '[[ $("$1" logs c) == two ]]' bash "$WHERRY"
    local pid
    pid=$(wherry_processes | awk '$2 ~ /^overlay/ { print $1 }' | sort -n | tail -n 1)
    kill -KILL "$pid"
    run_apart wherry stop c
    assert_status 0
    wherry rm c
}
