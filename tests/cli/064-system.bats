#!/usr/bin/env bats
# SPDX-License-Identifier: Apache-2.0
# system check, df, prune, reset, info.
# bats file_tags=main

load helpers

layer_of() { # IMAGE: path of its top layer
    local digest
    digest=$(wherry inspect --type image --format '{{range .RootFS.Layers}}{{.}} {{end}}' "$1")
    echo "$WHERRY_ROOT/blobs/sha256/$(tr ' ' '\n' <<<"$digest" | grep . | tail -1 | cut -d : -f 2)"
}

make_first() {
    need_image hello
    # Nothing of the template, whose files are linked, may be damaged.
    cp -a "$WHERRY_ROOT" own && rm -rf "$WHERRY_ROOT" && mv own "$WHERRY_ROOT"
    printf 'FROM hello\nCOPY Dockerfile /first\n' >Dockerfile
    wherry build -q -t first .
}

flip_byte() { # FILE OFFSET
    local old
    old=$(dd if="$1" bs=1 skip="$2" count=1 status=none | od -An -tu1)
    # shellcheck disable=SC2059 # the byte itself
    printf "\\$(printf %o $((old ^ 1)))" | dd of="$1" bs=1 seek="$2" count=1 conv=notrunc status=none
}

@test "check: nothing is wrong with a store that was used" {
    make_first
    wherry create --name c first
    run_apart wherry system check
    assert_status 0
    assert_output '2 images, 6 blobs and 1 containers checked: nothing is wrong'
    run_apart wherry system check -q
    assert_status 0
}

@test "check: a flipped byte in a layer, a manifest, a configuration" {
    make_first
    local blob
    for blob in "$WHERRY_ROOT"/blobs/sha256/*; do
        cp -a "$WHERRY_ROOT" keep
        flip_byte "$blob" 40
        run_apart wherry system check
        assert_status 1
        assert_match "$output" "blob sha256:${blob##*/}: its content has the digest sha256:"
        assert_match "$output" 'image docker.io/library/[a-z]*:latest: '
        run_apart wherry system check --repair
        assert_status 1
        assert_match "$output" 'repaired: the image and its names are removed'
        run_apart wherry system check
        assert_status 0
        assert_match "$output" 'nothing is wrong$'
        rm -rf "$WHERRY_ROOT"
        mv keep "$WHERRY_ROOT"
    done
}

@test "check: a layer that is missing or cut; the other image stays" {
    make_first
    local layer
    layer=$(layer_of first)
    truncate -s -512 "$layer"
    run_apart wherry system check --quick
    assert_status 1
    assert_match "$output" 'image docker.io/library/first:latest: layer .* bytes instead of'
    rm "$layer"
    run_apart wherry system check
    assert_match "$output" 'layer .* is missing'
    run_apart wherry system check -r
    assert_status 1
    run_apart wherry images --format '{{.Repository}}'
    assert_output docker.io/library/hello
    run_apart wherry run --rm hello
    assert_status 0
}

@test "check: what containers use stays without --force; they stay and are named" {
    make_first
    wherry create --name user first
    flip_byte "$(layer_of first)" 40
    run_apart wherry system check --repair
    assert_status 1
    assert_match "$output" 'containers use it'
    wherry image exists first
    run_apart wherry system check --repair --force
    assert_status 1
    run_apart wherry system check
    assert_status 1
    assert_match "$output" 'container [0-9a-f]{12} \(user\): layer sha256:[0-9a-f]{64} is missing'
    assert_equal "$(wherry ps -a --format '{{.Names}}')" user
    wherry rm user
    run_apart wherry system check
    assert_status 0
}

@test "check: an index that is damaged or missing is made again" {
    make_first
    local index
    index=$WHERRY_ROOT/index/$(basename "$(layer_of hello)")
    flip_byte "$index" 100
    run_apart wherry system check
    assert_status 1
    assert_match "$output" 'index of layer sha256:.*; a repair would help: it is made again'
    run_apart wherry system check -r
    assert_status 0
    rm "$index"
    run_apart wherry system check
    assert_status 0
    assert_match "$output" '^garbage: index of layer .*: it is missing'
    wherry system check -r
    run_apart wherry system check
    assert_output '2 images, 6 blobs and 0 containers checked: nothing is wrong'
}

@test "check: index.json that is empty, cut or nonsense is made again" {
    make_first
    local text damaged
    text=$(cat "$WHERRY_ROOT/index.json")
    for damaged in '' "${text:0:200}" '[]' '{"manifests":[{}]}'; do
        printf '%s' "$damaged" >"$WHERRY_ROOT/index.json"
        run_apart wherry images
        assert_refused 'is damaged'
        run_apart wherry system check
        assert_status 125
        assert_match "$output" '^index.json: .*; a repair would help'
        run_apart wherry system check --repair
        assert_status 1
        assert_equal "$(cat "$WHERRY_ROOT/index.json.damaged")" "$damaged"
        run_apart wherry images -a -q
        assert_equal "${#lines[@]}" 2
        run_apart wherry system check
        assert_status 0
    done
    # One bad entry: the others keep their names.
    printf '%s' "${text/\"manifests\":\[/\"manifests\":[{\"digest\":\"sha256:..\",\"size\":-1\},}" \
        >"$WHERRY_ROOT/index.json"
    wherry system check --repair || true
    run_apart wherry run --rm hello
    assert_status 0
}

@test "check: oci-layout, a missing directory, one that others may enter" {
    make_first
    rm "$WHERRY_ROOT/oci-layout"
    rmdir "$WHERRY_ROOT/volumes"
    chmod 0755 "$WHERRY_ROOT/names"
    run_apart wherry system check
    assert_status 1
    assert_match "$output" 'oci-layout: '
    assert_match "$output" 'volumes: the directory is missing'
    assert_match "$output" 'names: others may enter it'
    run_apart wherry system check -r
    assert_status 0
    run_apart wherry system check
    assert_match "$output" 'nothing is wrong$'
}

@test "check: a container's configuration, state, name and directories" {
    make_first
    local dir
    dir=$WHERRY_ROOT/containers/$(wherry create --name c hello)
    rm "$WHERRY_ROOT/names/c"
    run_apart wherry system check
    assert_status 1
    assert_match "$output" '\(c\): its name does not lead to it'
    ln -s "../containers/$(printf '0%.0s' {1..64})" "$WHERRY_ROOT/names/stale"
    run_apart wherry system check -r
    assert_status 0
    assert_match "$output" 'garbage: names/stale: it leads to no container; repaired'
    run_apart wherry start -a c
    assert_status 0
    printf '{"Status' >"$dir/state.json"
    run_apart wherry system check
    assert_match "$output" '\(c\): state.json: '
    wherry system check -r
    cp "$dir/config.json" config
    for damaged in '' '{}' '[]' '{"Id":"x","Name":"c"}'; do
        printf '%s' "$damaged" >"$dir/config.json"
        run_apart wherry system check --repair
        assert_status 1
        assert_match "$output" 'container [0-9a-f]{12}: .*config.json'
        run_apart wherry images -q # everything else works
        assert_status 0
    done
    run_apart wherry system check --repair --force
    assert_match "$output" 'repaired: the container is removed'
    run_apart wherry system check -r
    run_apart wherry system check
    assert_output '2 images, 6 blobs and 0 containers checked: nothing is wrong'
}

@test "check: garbage is named and collected, young garbage left alone with --max" {
    make_first
    mkdir -p "$WHERRY_ROOT/tmp/dead"
    touch "$WHERRY_ROOT/tmp/dead/lock" "$WHERRY_ROOT/.tmp-0123"
    printf x >"$WHERRY_ROOT/blobs/sha256/$(printf 'a%.0s' {1..64})"
    run_apart wherry system check
    assert_status 0
    assert_match "$output" 'there are 3 pieces of garbage'
    run_apart wherry system check -r --max 1h
    refute_match "$output" garbage
    run_apart wherry system check -r
    assert_match "$output" 'collected 3 pieces of garbage'
    [[ ! -e $WHERRY_ROOT/.tmp-0123 ]]
    run_apart wherry system check --max soon
    assert_refused 'failed to parse'
}

@test "check names what is wrong in a read-only store, and leaves it alone" {
    make_first
    mv "$WHERRY_ROOT" lower
    flip_byte "lower/blobs/sha256/$(wherry --imagestore lower inspect --format '{{.Id}}' first)" 40
    cp -a lower before
    run_apart wherry --imagestore "$PWD/lower" system check --repair --force
    assert_status 1
    assert_match "$output" 'blob sha256:.* read-only store .*/lower'
    diff -r before lower
}

# --- df ---------------------------------------------------------------------------------------

@test "df: a shared layer counts once; what containers need is not reclaimable" {
    make_first
    wherry create --name c hello
    local hello first
    hello=$(stat -c %s "$(layer_of hello)") first=$(stat -c %s "$(layer_of first)")
    run_apart wherry system df
    assert_match "${lines[0]}" '^TYPE +TOTAL +ACTIVE +SIZE +RECLAIMABLE$'
    assert_match "${lines[1]}" '^Images +2 +1 '
    assert_match "${lines[2]}" '^Containers +1 +0 '
    assert_match "${lines[3]}" '^Local Volumes +0 +0 +0B +0B \(0%\)$'
    run_apart wherry system df --format '{{.Type}} {{.RawSize}} {{.RawReclaimable}}'
    assert_equal "${lines[0]}" "Images $((hello + first)) $first"
    run_apart wherry system df -v
    assert_match "$output" 'REPOSITORY +TAG +IMAGE ID +CREATED +SIZE +SHARED SIZE +UNIQUE SIZE +CONTAINERS'
    assert_match "$output" 'library/first +latest .* 0'
    assert_match "$output" 'library/hello +latest .* 0B +1'
    assert_match "$output" 'CONTAINER ID +IMAGE +COMMAND +LOCAL VOLUMES +SIZE +CREATED +STATUS +NAMES'
    assert_match "$output" ' created +c'
    run_apart wherry system df -v --format json
    assert_refused 'cannot combine'
    wherry rm c
}

# --- prune ------------------------------------------------------------------------------------

@test "prune: asks; containers that do not run, dangling images; with -a unused ones" {
    make_first
    wherry tag hello other
    local stopped
    stopped=$(wherry create --name stopped first)
    run_apart wherry system prune </dev/null
    assert_status 125
    assert_match "$output" 'WARNING! This command removes:'
    assert_error 'use --force'
    run_apart wherry system prune <<<n
    assert_status 0
    assert_equal "$(wherry ps -aq | wc -l)" 1
    run_apart wherry system prune <<<y
    assert_status 0
    assert_match "$output" "Deleted Containers
$stopped"
    refute_match "$output" 'Deleted Images'
    run_apart wherry system prune -a -f
    assert_match "$output" 'Deleted Images'
    assert_match "$output" 'Total reclaimed space: [0-9.]+[kM]B$'
    assert_equal "$(find "$WHERRY_ROOT/blobs" "$WHERRY_ROOT/index" -type f)" ''
    run_apart wherry system prune -f
    assert_output 'Total reclaimed space: 0B'
}

@test "prune: filters, volumes, garbage" {
    make_first
    wherry create --name a -l keep=no hello
    wherry create --name b hello
    mkdir -p "$WHERRY_ROOT/volumes/unused/_data" "$WHERRY_ROOT/tmp/dead"
    run_apart wherry system prune -f --filter colour=red
    assert_refused 'colour is an invalid filter'
    wherry system prune -f --filter label=keep=no
    assert_equal "$(wherry ps -a --format '{{.Names}}')" b
    wherry system prune -f --filter until=1h
    assert_equal "$(wherry ps -a --format '{{.Names}}')" b
    [[ -d $WHERRY_ROOT/volumes/unused && ! -d $WHERRY_ROOT/tmp/dead ]]
    run_apart wherry system prune -f --volumes
    assert_match "$output" 'Deleted Volumes
unused'
    [[ ! -d $WHERRY_ROOT/volumes/unused ]]
}

# --- reset ------------------------------------------------------------------------------------

@test "reset: everything goes, running containers too; nothing outside does" {
    make_first
    mkdir outside
    echo precious >outside/file
    mkdir -p "$WHERRY_ROOT/volumes"
    ln -s "$PWD/outside" "$WHERRY_ROOT/volumes/link"
    echo mine >"$WHERRY_ROOT/not-the-store's"
    echo mine >"$WHERRY_RUNROOT/not-the-store's"
    wherry create --name c first
    run_apart wherry system reset </dev/null
    assert_status 125
    assert_match "$output" 'all containers'
    assert_equal "$(wherry images -q | wc -l)" 2
    run_apart wherry system reset -f
    assert_status 0
    assert_equal "$(find "$WHERRY_ROOT" -mindepth 1)" "$WHERRY_ROOT/not-the-store's"
    assert_equal "$(find "$WHERRY_RUNROOT" -mindepth 1)" "$WHERRY_RUNROOT/not-the-store's"
    assert_equal "$(cat outside/file)" precious
    rm "$WHERRY_ROOT/not-the-store's" "$WHERRY_RUNROOT/not-the-store's"
    run_apart wherry images -q
    assert_output ''
    wherry system reset -f
    [[ ! -e $WHERRY_ROOT && ! -e $WHERRY_RUNROOT ]]
}

@test "reset refuses a directory that is no store" {
    mkdir home
    echo letter >home/letter
    run_apart wherry --root "$PWD/home" system reset -f
    assert_refused 'holds other things'
    assert_equal "$(cat home/letter)" letter
}

@test "info: podman's fields, by podman's names" {
    need_image hello
    run_apart wherry info --format '{{.Store.GraphRoot}} {{.Store.ImageStore.Number}} {{.Host.OS}} {{.Host.Security.Rootless}} {{.host.cpus}}'
    assert_status 0
    assert_match "$output" "^$WHERRY_ROOT 1 linux (true|false) [0-9]+$"
    run_apart wherry system info -f json
    local key
    for key in arch cpus cgroupVersion distribution hostname idMappings kernel memFree memTotal \
        security swapTotal uptime containerStore graphDriverName graphRoot runRoot volumePath; do
        assert_match "$output" "\"$key\":"
    done
}
