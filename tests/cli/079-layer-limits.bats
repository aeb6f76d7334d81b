#!/usr/bin/env bats
# SPDX-License-Identifier: Apache-2.0
# Layers that grow: the ratio that a bomb exceeds and WHERRY_LAYER_MAX, however a layer comes in.

load helpers
load registry

# Nothing of it is there, visible or not.
assert_nothing_came() {
    wait_for no_temporary_files
    assert_store_empty
}

# A root file system of 1152 MiB of zeros in a compressed tar of a megabyte or less. It is put
# together from members that are alike, which gunzip and zstd read one after the other.
make_bomb() { # gzip|zstd FILE
    python3 - "$1" "$2" <<'END'
import subprocess, sys, tarfile
piece, n = 64 << 20, 18
def squeeze(data):
    return subprocess.run([sys.argv[1], "-c"], input=data, stdout=subprocess.PIPE, check=True).stdout
info = tarfile.TarInfo("zeros")
info.size = piece * n
with open(sys.argv[2], "wb") as out:
    out.write(squeeze(info.tobuf()))
    out.write(squeeze(bytes(piece)) * n)
    out.write(squeeze(bytes(10240)))
END
}

# A docker archive of one layer, in which the configuration promises another.
make_archive() { # LAYER ARCHIVE
    local zeros=0000000000000000
    rm -rf archive
    mkdir archive
    cp "$1" archive/layer.tar
    cat >archive/config.json <<END
{"architecture": "amd64", "os": "linux", "config": {},
 "rootfs": {"type": "layers", "diff_ids": ["sha256:$zeros$zeros$zeros$zeros"]}}
END
    echo '[{"Config": "config.json", "RepoTags": ["bomb:latest"], "Layers": ["layer.tar"]}]' \
        >archive/manifest.json
    tar -C archive -cf "$2" .
}

@test "a layer that grows to a gigabyte and by more than 200 times is refused" {
    make_bomb gzip bomb
    (($(stat -c %s bomb) < 1200000))
    run_apart wherry import -q bomb bomb
    assert_refused 'bytes grow to more than 1024 MiB.*WHERRY_LAYER_MAX'
    assert_nothing_came
    make_bomb zstd bomb
    make_archive bomb bomb.tar
    run_apart wherry load -q -i bomb.tar
    assert_refused 'bytes grow to more than 1024 MiB'
    assert_nothing_came
}

@test "a bomb in a registry is refused" {
    need_registry
    own_home
    start_registry
    make_noise noise 1000
    wherry push -q --tls-verify=false noise "$registry/noise"
    wherry rmi noise >/dev/null
    make_bomb gzip bomb
    bad_layer bomb
    run_apart wherry pull -q --tls-verify=false "$registry/noise:bad"
    assert_refused 'bytes grow to more than 1024 MiB'
    assert_nothing_came
}

@test "WHERRY_LAYER_MAX allows a bomb" {
    make_bomb zstd bomb
    WHERRY_LAYER_MAX=1300000000 wherry import -q bomb bomb
    assert_match "$(wherry images --format '{{.Size}}')" '^1\.[0-9]+ GB$'
    wherry rmi bomb >/dev/null
    assert_nothing_came
}

@test "WHERRY_LAYER_MAX to the byte, of plain and compressed layers" {
    local size file
    mkdir noise
    head -c 100000 /dev/urandom >noise/data
    tar -C noise -cf plain.tar .
    gzip -k plain.tar
    zstd -q plain.tar
    size=$(stat -c %s plain.tar)
    make_archive plain.tar plain.archive
    make_archive plain.tar.gz gzip.archive
    for file in plain.tar plain.tar.gz plain.tar.zst; do
        WHERRY_LAYER_MAX=$((size - 1)) run_apart wherry import -q "$file" small
        assert_refused 'grow to more than.*WHERRY_LAYER_MAX'
        assert_nothing_came
        WHERRY_LAYER_MAX=$size run_apart wherry import -q "$file" small
        assert_status 0
        wherry rmi small >/dev/null
    done
    for file in plain.archive gzip.archive; do
        WHERRY_LAYER_MAX=$((size - 1)) run_apart wherry load -q -i "$file"
        assert_refused 'grow to more than.*WHERRY_LAYER_MAX'
        WHERRY_LAYER_MAX=$size run_apart wherry load -q -i "$file"
        assert_refused 'configuration wants' # it was read to its end
        assert_nothing_came
    done
}

# PATHS files, each below DEPTH directories of its own that the tar does not list.
make_deep() { # PATHS DEPTH FILE
    python3 - "$@" <<'END'
import sys, tarfile
with tarfile.open(sys.argv[3], "w", format=tarfile.PAX_FORMAT) as tar:
    for i in range(int(sys.argv[1])):
        tar.addfile(tarfile.TarInfo("%d/" % i + "d/" * int(sys.argv[2]) + "f"))
END
}

@test "directories that a layer does not list are bounded by its entries" {
    make_deep 40 2000 deep.tar
    run_apart wherry import -q deep.tar deep
    assert_refused 'too many directories that it does not list'
    assert_nothing_came
    make_deep 20 2000 deep.tar
    wherry import -q deep.tar deep
    make_deep 20000 7 wide.tar
    wherry import -q wide.tar wide
}
