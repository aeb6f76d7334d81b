#!/usr/bin/env bats
# SPDX-License-Identifier: Apache-2.0
# import, images, tag, rmi, history, inspect.
# bats file_tags=main

load helpers

# A small root file system: one static program.
small_tar() {
    make_hello small
    rm small/Dockerfile
    tar -C small --owner=0 --group=0 --numeric-owner -cf small.tar .
}

run_small() { # IMAGE
    run_apart wherry run --rm "$1" /hello
    assert_status 0
    assert_output 'Hello from a container with nothing in it but this program.'
}

@test "import of a plain tar, and compressed with gzip, xz and zstd, found by content" {
    local kind first='' layers
    small_tar
    cp small.tar in-plain
    gzip -c small.tar >in-gz
    xz -c small.tar >in-xz
    zstd -q small.tar -o in-zst
    for kind in plain gz xz zst; do
        run_apart wherry import "in-$kind" "small-$kind"
        assert_status 0
        assert_match "$output" '^(sha256:)?[0-9a-f]{64}$'
        run_small "small-$kind"
        layers=$(wherry inspect --format '{{json .RootFS.Layers}}' "small-$kind")
        : "${first:=$layers}"
        assert_equal "$layers" "$first"
    done
    # One layer, whatever it came in.
    assert_equal "$(find "$WHERRY_ROOT/index" -type f | wc -l)" 1
}

@test "a window that takes too much memory is refused, and taken when it is allowed" {
    small_tar
    xz -9 -c small.tar >in-xz
    zstd -q --long=27 - <small.tar >in-zst # a size that is not known: the window in full
    zstd -q -19 - <small.tar >in-19
    local kind
    for kind in xz zst; do
        run_apart wherry import -q "in-$kind" "small-$kind"
        assert_refused 'more than 40 MiB of memory.*WHERRY_DECOMPRESS_MEMORY'
        WHERRY_DECOMPRESS_MEMORY=150000000 run_apart wherry import -q "in-$kind" "small-$kind"
        assert_status 0
    done
    run_apart wherry import -q in-19 small
    assert_status 0
}

@test "the layer's digest is the digest of the uncompressed tar" {
    small_tar
    gzip -c small.tar >small.tar.gz
    wherry import small.tar.gz small
    assert_equal "$(wherry inspect --format '{{index .RootFS.Layers 0}}' small)" \
        "sha256:$(sha256sum small.tar | cut -d ' ' -f 1)"
}

@test "import from standard input" {
    small_tar
    wherry import - small <small.tar
    run_small small
}

@test "import for another platform" {
    small_tar
    wherry import -q --os linux --arch aarch64 --variant v8 small.tar other
    assert_equal "$(wherry image inspect --format '{{.Os}}/{{.Architecture}}' other)" linux/arm64
    wherry save other | tar xO "$(wherry image inspect --format '{{.Id}}' other).json" >config
    grep -q '"variant":"v8"' config
}

# A server that ends with the test: its port is in the file `port`.
serve() { # DIRECTORY
    rm -f port # of an earlier one
    python3 -u -c 'if True:
        import functools, http.server, sys
        class handler(http.server.SimpleHTTPRequestHandler):
            def do_GET(self):
                if self.path == "/moved":
                    self.send_response(302)
                    self.send_header("Location", "/small.tar.gz")
                    self.end_headers()
                else:
                    super().do_GET()
        s = http.server.HTTPServer(("127.0.0.1", 0), functools.partial(handler, directory=sys.argv[1]))
        print(s.server_port)
        for i in range(4): s.handle_request()' "$1" >port 2>/dev/null 3>&- &
    server=$!
    wait_for test -s port
}

@test "import from the web" {
    local server before
    small_tar
    gzip -k small.tar
    head -c 5000 small.tar.gz >cut.tar.gz
    wherry import small.tar local
    before=$(wherry inspect --format '{{.RootFS.Layers}}' local)
    serve .
    run_apart wherry import -q "http://127.0.0.1:$(<port)/moved" web
    assert_status 0
    run_small web
    assert_equal "$(wherry inspect --format '{{.RootFS.Layers}}' web)" "$before"
    wherry import -q "http://127.0.0.1:$(<port)/small.tar" web2
    run_apart wherry import "http://127.0.0.1:$(<port)/missing" web3
    assert_refused 'status 404'
    wait "$server" || true
    run_apart wherry import "http://127.0.0.1:$(<port)/small.tar" web3
    assert_refused 'Error: import http'
    serve .
    run_apart wherry import "http://127.0.0.1:$(<port)/cut.tar.gz" web3
    assert_refused 'ends too early'
    wherry import -q "http://me:secret@127.0.0.1:$(<port)/small.tar?token=secret" web4
    wherry save web4 | tar xO "$(wherry inspect --format '{{.Id}}' web4).json" >config
    grep -q 'imported from http://127.0.0.1:[0-9]*/small.tar"' config
    run_apart wherry --log-level debug import -q "http://me:secret@127.0.0.1:$(<port)/missing?token=secret" web5
    assert_status 125
    assert_match "$stderr" 'import http://127.0.0.1.*status 404'
    refute_match "$stderr" secret
    kill "$server"
    run_apart wherry images -q web3
    assert_output ''
}

@test "import --change and --message" {
    small_tar
    wherry import -q -c 'CMD ["/hello"]' -c 'LABEL a=b' -m 'from a test' small.tar small
    run_apart wherry run --name c small
    assert_output 'Hello from a container with nothing in it but this program.'
    assert_equal "$(wherry inspect --format '{{.Comment}}' --type image small)" 'from a test'
    run_apart wherry images --format '{{.Labels.a}} {{.Containers}}'
    assert_output 'b 1'
    run_apart wherry images -q --filter label=a=b
    assert_equal "${#lines[@]}" 1
    run_apart wherry images -q --filter label=a=c
    assert_output ''
}

@test "import without a name makes a nameless image" {
    small_tar
    wherry import small.tar
    run_apart wherry images
    assert_match "${lines[1]}" '^<none> +<none> +[0-9a-f]{12} '
}

@test "import of what is no tar is refused, and leaves nothing" {
    local bad
    head -c 100000 /dev/urandom >noise
    small_tar
    head -c 200000 small.tar >cut.tar
    gzip -c small.tar | head -c 20000 >cut.gz
    mkdir directory
    for bad in noise cut.tar cut.gz directory missing; do
        run_apart wherry import "$bad" bad
        assert_refused "$bad"
    done
    run_apart wherry images -q
    assert_output ''
    assert_equal "$(find "$WHERRY_ROOT" -path '*blobs*' -type f -o -path '*index/*' -type f)" ''
}

@test "images: podman's columns, -q, --no-trunc, --format" {
    need_image hello
    run_apart wherry images
    assert_match "${lines[0]}" '^REPOSITORY +TAG +IMAGE ID +CREATED +SIZE *$'
    run_apart wherry images -q
    assert_match "$output" '^[0-9a-f]{12}$'
    run_apart wherry images --no-trunc -q
    assert_match "$output" '^sha256:[0-9a-f]{64}$'
    run_apart wherry images --format '{{.Repository}}:{{.Tag}}'
    assert_match "$output" '/hello:latest$'
    run_apart wherry images --format 'table {{.Repository}}\t{{.Size}}'
    assert_match "${lines[0]}" '^REPOSITORY +SIZE *$'
    run_apart wherry images --format json
    assert_match "$output" '"Id"'
    run_apart wherry image ls --noheading
    assert_equal "${#lines[@]}" 1
}

@test "tag gives a second name; rmi takes names away, the last one takes the image" {
    need_image hello
    wherry tag hello registry.example/dir/other:v1
    run_apart wherry images --format '{{.Repository}}:{{.Tag}}'
    assert_equal "${#lines[@]}" 2
    assert_match "$output" 'registry.example/dir/other:v1'
    run_apart wherry rmi registry.example/dir/other:v1
    assert_status 0
    assert_match "$output" 'Untagged: registry.example/dir/other:v1'
    refute_match "$output" Deleted
    run_apart wherry run --rm hello
    assert_status 0
    run_apart wherry rmi hello
    assert_status 0
    assert_match "$output" 'Deleted: [0-9a-f]{64}'
    assert_equal "$(find "$WHERRY_ROOT/blobs" "$WHERRY_ROOT/index" -type f)" ''
}

@test "rmi by id and by a prefix of it" {
    need_image hello
    local id
    id=$(wherry images -q)
    run_apart wherry rmi "${id:0:7}"
    assert_status 0
    run_apart wherry images -q
    assert_output ''
}

@test "rmi of what a container uses is refused with 2, -f takes both" {
    need_image hello
    wherry create --name user hello
    run_apart wherry rmi hello
    assert_status 2
    assert_match "$stderr" '^Error: .*in use'
    run_apart wherry rmi -f hello
    assert_status 0
    run_apart wherry ps -aq
    assert_output ''
}

@test "rmi of a missing image is 1" {
    run_apart wherry rmi missing
    assert_status 1
    assert_match "$stderr" '^Error: .*missing: image not known'
}

@test "shared layers stay until the last image that has them goes" {
    need_image hello
    printf 'FROM hello\nLABEL second=1\n' >Dockerfile
    wherry build -q -t second .
    wherry rmi hello
    run_apart wherry run --rm second
    assert_status 0
    wherry rmi second
    assert_equal "$(find "$WHERRY_ROOT/blobs" -type f)" ''
}

@test "the store is an OCI image layout" {
    need_image hello
    assert_equal "$(tr -d ' \n' <"$WHERRY_ROOT/oci-layout")" '{"imageLayoutVersion":"1.0.0"}'
    local file
    while IFS= read -r file; do
        assert_equal "$(sha256sum "$file" | cut -d ' ' -f 1)" "$(basename "$file")"
    done < <(find "$WHERRY_ROOT/blobs/sha256" -type f)
    assert_match "$(cat "$WHERRY_ROOT/index.json")" 'application/vnd.oci.image.manifest.v1\+json'
}

@test "inspect of an image has podman's keys, and --format reaches them" {
    need_image hello
    local key
    run_apart wherry inspect hello
    assert_status 0
    for key in Id Digest RepoTags RepoDigests Created Config Architecture Os Size RootFS; do
        assert_match "$output" "\"$key\":"
    done
    assert_equal "$(wherry inspect --format '{{json .Config.Cmd}}' hello)" '["/hello"]'
    assert_equal "$(wherry inspect --format '{{.Os}}' hello)" linux
    assert_equal "$(wherry image inspect --format '{{len .RootFS.Layers}}' hello)" 1
    run_apart wherry inspect --format '{{.NoSuchField}}' hello
    assert_status 125
    assert_match "$stderr" NoSuchField
}

@test "history: newest first, as many rows as steps" {
    small_tar
    wherry import small.tar small
    printf 'FROM small\nENV A=1\nLABEL b=2\n' >Dockerfile
    wherry build -q -t stepped .
    run_apart wherry history --no-trunc stepped
    assert_match "${lines[0]}" '^ID +CREATED +CREATED BY +SIZE +COMMENT'
    assert_match "${lines[1]}" 'LABEL b=2'
    assert_match "${lines[2]}" 'ENV A=1'
    assert_equal "${#lines[@]}" 4
    # podman's names, which differ from those of its templates.
    wherry history --format json stepped >history.json
    assert_equal "$(python3 -c 'import json
print(*sorted(json.load(open("history.json"))[0]))')" 'Created CreatedBy comment created id size tags'
    assert_equal "$(wherry history --format '{{.Tags}}' stepped | head -1)" '[docker.io/library/stepped:latest]'
}
