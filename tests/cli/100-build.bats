#!/usr/bin/env bats
# SPDX-License-Identifier: Apache-2.0
# Dockerfiles.
# bats file_tags=main

load helpers

test_setup() {
    need_image debian
    mkdir context
}

# Builds what is on standard input as the image `it`.
build() {
    cat >context/Dockerfile
    run_apart wherry build -t it context
}

config() { # TEMPLATE
    wherry image inspect --format "$1" it
}

@test "RUN in shell form and in exec form" {
    build <<'END'
FROM debian
RUN echo "shell $0" >/shell && test -d /etc
RUN ["/bin/sh", "-c", "echo exec >/exec"]
END
    assert_status 0
    run_apart wherry run --rm it cat /shell /exec
    assert_output $'shell /bin/sh\nexec'
}

@test "-f - and -f of a pipe that has nothing yet" {
    run_apart wherry build -q -t it -f - context < <(sleep 0.2; printf 'FROM debian\nRUN echo one >/one\n')
    assert_status 0
    run_apart wherry build -q -t it -f <(sleep 0.2; printf 'FROM it\nRUN echo two >>/one\n') context
    assert_status 0
    assert_equal "$(wherry run --rm it cat /one)" $'one\ntwo'
}

@test "continued lines, comments between them, and instructions in any case" {
    build <<'END'
# a comment
from debian
run echo a \
# in between
  && echo b \
  >/out
END
    assert_status 0
    run_apart wherry run --rm it cat /out
    assert_output b
}

@test "a RUN that fails ends the build: its status, its output, nothing left" {
    build <<'END'
FROM debian
RUN echo to be seen; exit 7
RUN echo never
END
    [[ $status != 0 ]]
    assert_match "$output$stderr" 'to be seen'
    assert_match "$stderr" '(^|'$'\n'')Error: .*7'
    refute_match "$output$stderr" $'(^|\n)never'
    run_apart wherry image inspect it
    [[ $status != 0 ]]
    run_apart wherry ps -aq
    assert_output ''
}

@test "COPY: a file, several, a directory's content, with a name and into a directory" {
    mkdir -p context/dir/sub
    echo a >context/a
    echo b >context/b
    echo c >context/dir/sub/c
    ln -s sub/c context/dir/link
    chmod 750 context/a
    build <<'END'
FROM debian
COPY a /renamed
COPY a b /both/
COPY dir /content
COPY ["a", "/with space/"]
COPY . /all/
END
    assert_status 0
    run_apart wherry run --rm it sh -c \
        'cat /renamed /both/a /both/b /content/sub/c "/with space/a"; stat -c "%a %u:%g" /renamed; readlink /content/link; ls /all'
    assert_output $'a\na\nb\nc\na\n750 0:0\nsub/c\nDockerfile\na\nb\ndir'
}

@test "COPY --chown and --chmod" {
    need_subordinate_ids
    echo a >context/a
    build <<'END'
FROM debian
COPY --chown=games:users --chmod=640 a /a
COPY --chown=12:34 a /b
END
    assert_status 0
    run_apart wherry run --rm it stat -c '%U:%G %a' /a
    assert_output 'games:users 640'
    run_apart wherry run --rm it stat -c '%u:%g' /b
    assert_output 12:34
}

@test "COPY never leaves the context" {
    echo secret >outside
    ln -s ../outside context/link
    build <<'END'
FROM debian
COPY ../outside /x
END
    [[ $status != 0 ]]
    assert_error outside
    build <<'END'
FROM debian
COPY link /x
END
    # The link itself may be copied or refused; what it points at outside may not.
    if [[ $status == 0 ]]; then
        run wherry run --rm it cat /x
        refute_match "$output" secret
    fi
}

@test "a Dockerfile or .dockerignore that is a link leads nowhere out of the context" {
    local name
    echo 'FROM secret' >outside
    for name in Dockerfile Containerfile; do
        ln -s ../outside "context/$name"
        run_apart wherry build -q context
        assert_refused "open $name in the build context"
        rm "context/$name"
    done
    ln -s ../outside context/other
    run_apart wherry build -q -f other context
    assert_refused 'open other in the build context'
    printf 'FROM debian\nCOPY . /x\n' >context/Dockerfile
    for name in Dockerfile.dockerignore .containerignore .dockerignore; do
        ln -s ../outside "context/$name"
        run_apart wherry build -q context
        assert_refused "open $name in the build context"
        rm "context/$name"
    done
    # Inside of it links are good.
    mkdir context/sub
    mv context/Dockerfile context/sub/
    ln -s sub/Dockerfile context/Dockerfile
    run_apart wherry build -q context
    assert_status 0
    # Who names a file means it.
    ln -s sub/Dockerfile context/named
    run_apart wherry build -q -f context/named context
    assert_status 0
}

@test "CVE-2024-21626: no WORKDIR leads out of a build" {
    local dir
    for dir in /proc/self/fd/3 /proc/self/fd/9 /link; do
        printf 'FROM debian\nRUN ln -s /proc/self/fd/7 /link\nWORKDIR %s\nRUN pwd\n' "$dir" >Dockerfile
        run_apart wherry build -q .
        assert_status 126
        assert_match "$stderr" 'Dockerfile:4: working directory '
    done
}

@test "ADD unpacks a tar, COPY does not" {
    mkdir tree
    echo in >tree/in-tar
    tar -C tree -czf context/t.tar.gz .
    build <<'END'
FROM debian
ADD t.tar.gz /added/
COPY t.tar.gz /copied/
END
    assert_status 0
    run_apart wherry run --rm it sh -c 'cat /added/in-tar; ls /added /copied'
    assert_output $'in\n/added:\nin-tar\n\n/copied:\nt.tar.gz'
}

@test "ENV, WORKDIR and LABEL act on what follows and are in the configuration" {
    build <<'END'
FROM debian
ENV A=1 B="two words"
ENV OLD old style
WORKDIR /w
WORKDIR sub
RUN echo "$A $B $OLD" >here && pwd >>here
ENV C=${A}${NONE:-3}
COPY Dockerfile ./copied
LABEL one=1 "two words"="$B"
END
    assert_status 0
    run_apart wherry run --rm it sh -c 'cat /w/sub/here; echo $C; pwd; ls'
    assert_output $'1 two words old style\n/w/sub\n13\n/w/sub\ncopied\nhere'
    assert_equal "$(config '{{.Config.WorkingDir}}')" /w/sub
    assert_equal "$(config '{{index .Config.Labels "two words"}}')" 'two words'
    assert_equal "$(config '{{index .Config.Labels "one"}}')" 1
}

@test "CMD and ENTRYPOINT, both forms, and how they go together" {
    build <<'END'
FROM debian
CMD echo shell $0
END
    run_apart wherry run --rm it
    assert_output 'shell /bin/sh'
    build <<'END'
FROM debian
ENTRYPOINT ["echo", "entry"]
CMD ["and cmd"]
END
    run_apart wherry run --rm it
    assert_output 'entry and cmd'
    run_apart wherry run --rm it other
    assert_output 'entry other'
    run_apart wherry run --rm --entrypoint '' it echo plain
    assert_output plain
    # A new ENTRYPOINT forgets the base's CMD.
    wherry tag it base
    build <<'END'
FROM base
ENTRYPOINT ["echo", "new"]
END
    run_apart wherry run --rm it
    assert_output new
}

@test "several stages: COPY --from by name and by number, --target" {
    build <<'END'
FROM debian AS maker
RUN echo made >/made
FROM scratch AS middle
COPY --from=maker /made /from-name
FROM debian
COPY --from=0 /made /from-number
COPY --from=middle /from-name /again
END
    assert_status 0
    run_apart wherry run --rm it sh -c 'cat /from-number /again; ls /made 2>/dev/null'
    assert_output $'made\nmade'
    run_apart wherry build -q -t target --target maker context
    assert_status 0
    run_apart wherry run --rm target cat /made
    assert_output made
}

@test "a multi-stage build leaves only its result" {
    build <<'END'
FROM debian AS one
RUN echo x >/x
FROM scratch
COPY --from=one /x /x
END
    assert_status 0
    assert_equal "$(config '{{len .RootFS.Layers}}')" 1
    run_apart wherry ps -aq
    assert_output ''
}

@test "FROM an image that is not here" {
    build <<'END'
FROM localhost/not-here
RUN true
END
    assert_status 125
    assert_output ''
    assert_error not-here
}

@test "mistakes are told with file and line" {
    local -a bad=('NONSENSE x' 'RUN' 'COPY onlyone' 'ENV' 'FROM' 'COPY --nonsense=1 a b' 'WORKDIR'
        'LABEL =x' 'COPY --from=nowhere a b')
    local line
    for line in "${bad[@]}"; do
        build < <(printf 'FROM debian\n\n%s\n' "$line")
        if [[ $status != 125 ]]; then
            echo "accepted: $line"
            return 1
        fi
        assert_match "$stderr" 'Dockerfile:3'
    done
    run_apart wherry images -q
    assert_equal "${#lines[@]}" 1
}

@test "a Dockerfile without FROM, an empty one, and none" {
    build <<<'RUN true'
    assert_refused 'Dockerfile:1'
    build <<<'# nothing'
    assert_refused .
    rm context/Dockerfile
    run_apart wherry build -t it context
    assert_refused 'Dockerfile'
    run_apart wherry build -t it no-such-directory
    assert_refused 'no-such-directory'
}

@test "a missing source is named" {
    build <<'END'
FROM debian
COPY missing-file /x
END
    [[ $status == 125 ]]
    assert_error missing-file
}

@test "an unreadable context is told, and nothing is left" {
    ((EUID != 0)) || skip 'root reads everything'
    echo x >context/unreadable
    chmod 000 context/unreadable
    build <<'END'
FROM debian
COPY unreadable /x
END
    assert_status 125
    assert_error 'unreadable.*Permission denied'
    chmod 000 context
    run_apart wherry build -t it context
    chmod 700 context
    assert_refused 'context.*Permission denied'
    run_apart wherry image inspect it
    [[ $status != 0 ]]
}

@test "RUN sees no file of the context and no variable of ours" {
    echo x >context/in-context
    OUR_SECRET=1 build <<'END'
FROM debian
RUN ! ls /in-context 2>/dev/null && ! env | grep OUR_SECRET && test ! -e /run/secrets
END
    assert_status 0
}

@test "an image built without a name has none" {
    echo 'FROM scratch' >context/Dockerfile
    echo 'LABEL a=b' >>context/Dockerfile
    run_apart wherry build -q context
    assert_status 0
    run_apart wherry images --format '{{.Repository}}'
    assert_match "$output" '<none>'
}

@test "a build that is killed takes its running step along, and leaves nothing" {
    find "$WHERRY_ROOT/blobs" "$WHERRY_ROOT/index" -type f | sort >before
    printf 'FROM debian\nCOPY Dockerfile /made\nRUN echo runs; sleep 1000\n' >context/Dockerfile
    "$WHERRY" build context >out 2>&1 3>&- &
    local build=$!
    wait_for grep -q '^runs' out
    kill -KILL "$build"
    wait "$build" || true
    wait_for no_processes
    wait_for no_temporary_files
    find "$WHERRY_ROOT/blobs" "$WHERRY_ROOT/index" -type f | sort >after
    diff before after
}

@test "ADD of a tar keeps links, directory times and modes" {
    mkdir -p tree/dir
    echo one >tree/dir/a
    ln tree/dir/a tree/dir/b
    ln -s a tree/dir/link
    ln -P tree/dir/link tree/dir/link2
    chmod 4711 tree/dir/a
    touch -d '2001-02-03 04:05:06 UTC' tree/dir
    tar -C tree --owner=0 --group=0 -cf context/t.tar .
    build <<'END'
FROM debian
ADD t.tar /added/
END
    assert_status 0
    run_apart wherry run --rm it sh -c \
        'cat /added/dir/b; readlink /added/dir/link; stat -c "%a %h" /added/dir/a; stat -c "%Y" /added/dir;
         [ /added/dir/a -ef /added/dir/b ] && [ /added/dir/link2 -ef /added/dir/link ] && echo linked'
    assert_output $'one\na\n4711 2\n981173106\nlinked'
}

@test "--iidfile gets the image's id" {
    echo 'FROM debian' >context/Dockerfile
    run_apart wherry build -q --iidfile iid context
    assert_status 0
    assert_equal "$(cat iid)" "sha256:${output#sha256:}"
}

@test "build --platform: what FROM means, scratch, and a RUN that cannot be" {
    mkdir arm
    echo no-program >arm/sh
    chmod 755 arm/sh
    wherry import -q --arch arm64 <(tar -C arm --transform 's,^sh,bin/sh,' -cf - sh) foreign
    printf 'FROM foreign\nCOPY Dockerfile /\n' >Dockerfile
    run_apart wherry build -q --platform linux/arm64 --pull=never -t copied .
    assert_status 0
    assert_equal "$(wherry image inspect --format '{{.Architecture}}' copied)" arm64
    run_apart wherry build -q --arch s390x --pull=never .
    assert_status 125
    assert_error 'image here is for another platform'
    echo 'RUN x' >>Dockerfile
    run_apart wherry build -q --platform linux/arm64 --pull=never .
    assert_status 125
    assert_error 'the image is for arm64, which this machine \(amd64\) cannot run'
    printf 'FROM scratch\nCOPY Dockerfile /\n' >Dockerfile
    run_apart wherry build -q --arch arm --variant v7 -t empty .
    assert_status 0
    assert_equal "$(wherry image inspect --format '{{.Os}}/{{.Architecture}}' empty)" linux/arm
    run_apart wherry build -q --arch arm --platform linux/arm .
    assert_status 125
    assert_error '--platform cannot be used together'
}
