#!/usr/bin/env bats
# SPDX-License-Identifier: Apache-2.0
# A crash, a power failure or a full disk at every moment of import, load and commit.

load helpers
load faults

test_setup() {
    need_kill_at
    need_image hello
    mkdir rootfs
    cp "$BATS_RUN_TMPDIR/hello/hello" rootfs/
    head -c 600000 /dev/urandom >rootfs/data
    tar -C rootfs --owner=0 --group=0 -cf small.tar .
    gzip -k small.tar
    printf 'FROM hello\nCOPY small.tar.gz /one\n' >Dockerfile
    wherry build -q -t two .
    wherry save -o two.tar two
    wherry save --format oci-archive -o two.oci two
    wherry rmi two >/dev/null
    wherry create --name c hello >/dev/null
    echo changed >"$WHERRY_ROOT/containers/$(wherry inspect --format '{{.Id}}' c)/upper/new"
    keep_template
}

# The image `new` is there, and then its container runs, or it is not; what was there is there.
whole_or_not() { # WHAT
    wherry inspect hello >/dev/null || return
    if wherry image exists "$new"; then
        wherry save "$new" >/dev/null || return
        [[ $(wherry run --rm "$new" /hello) == Hello* ]]
    fi
}

all_kinds() { # COMMAND...
    local kind
    for kind in kill power power-loose; do
        fault_loop "$kind" wherry whole_or_not "$@"
    done
}

@test "import killed, and without power, at every call" {
    new=small
    all_kinds import -q -c 'CMD ["/hello"]' small.tar.gz small
}

@test "load killed, and without power, at every call" {
    new=two
    all_kinds load -q -i two.tar
    fault_loop kill wherry whole_or_not load -q -i two.oci
}

@test "commit killed, and without power, at every call" {
    new=made
    all_kinds commit -q c made
    fault_loop kill wherry whole_or_not commit -q --squash c made
}

@test "import, load and commit on a full disk, with I/O errors and without descriptors" {
    local kind
    for kind in enospc eio emfile; do
        new=small
        fault_loop "$kind" wherry whole_or_not import -q -c 'CMD ["/hello"]' small.tar.gz small
        new=two
        fault_loop "$kind" wherry whole_or_not load -q -i two.oci
        new=made
        fault_loop "$kind" wherry whole_or_not commit -q c made
    done
}

# What save leaves is a whole archive or none, and the store as it was.
archive_or_none() { # WHAT
    local left
    left=$(find . -maxdepth 1 -name 'out*')
    [[ ! $left || $left == ./out.tar ]] || return
    [[ ! $left || $(tar tf out.tar 2>/dev/null) ]] || return
    rm -rf out*
}

@test "save and export killed, and on a full disk" {
    fault_loop kill wherry archive_or_none save -q -o out.tar hello
    fault_loop enospc wherry archive_or_none save -q --format oci-archive -o out.tar hello
    fault_loop kill wherry archive_or_none export -o out.tar c
    fault_loop enospc wherry archive_or_none export -o out.tar c
}
