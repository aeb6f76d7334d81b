# SPDX-License-Identifier: Apache-2.0
# shellcheck shell=bash
# What all command-line tests share.
#
# Every test has a store and a run directory of its own below $BATS_TEST_TMPDIR. After it no mount,
# no process and no temporary file of wherry's may be left: teardown() checks. An image is made once
# a run and then linked into the test's store, which is safe because nothing in a store is changed in
# place. scripts/test says through the environment what to test: WHERRY (the program),
# WHERRY_TEST_ROOTFS (a Debian root file system as a tar) or why there is none
# (WHERRY_TEST_NO_ROOTFS), WHERRY_TEST_HELLO (a static program). By hand, in a built tree:
# `bats tests/cli/030-run.bats`.

bats_require_minimum_version 1.5.0

tests_dir=$(cd "$BATS_TEST_DIRNAME/.." && pwd)
: "${WHERRY:=$(cd "$tests_dir/.." && pwd)/build/cmd/wherry}"
: "${WHERRY_TEST_ROOTFS:=}"
export WHERRY

# Commands in tests say `wherry` as people do.
wherry() {
    "$WHERRY" "$@"
}

# Runs the rest until it succeeds, at most 20 seconds: for what another process is about to do.
wait_for() {
    local end=$((SECONDS + 20))
    until "$@"; do
        if ((SECONDS > end)); then
            echo "still not so after 20 seconds: $*" >&2
            return 1
        fi
        sleep 0.05
    done
}

# --- id modes --------------------------------------------------------------------------------

has_subordinate_ids() {
    command -v newuidmap >/dev/null && command -v newgidmap >/dev/null &&
        grep -qE "^($(id -un)|$(id -u)):" /etc/subuid &&
        grep -qE "^($(id -un)|$(id -u)):" /etc/subgid
}

need_subordinate_ids() {
    has_subordinate_ids || skip 'needs subordinate ids'
}

need_single_id() {
    ! has_subordinate_ids || skip 'only with a single id'
}

# A private network. The file may be there, and its driver not.
need_tun() {
    { : <>/dev/net/tun; } 2>/dev/null || skip 'needs /dev/net/tun'
}

# --- images ----------------------------------------------------------------------------------

make_hello() {
    mkdir -p "$1"
    if [[ ${WHERRY_TEST_HELLO:-} ]]; then
        cp "$WHERRY_TEST_HELLO" "$1/hello"
    else
        cc -O2 -static -o "$1/hello" "$tests_dir/data/hello/hello.c"
    fi
    cp "$tests_dir/data/hello/Dockerfile" "$1/"
}

# Fills an empty store with the images named: hello, debian.
fill_store() { # ROOT IMAGE...
    local root=$1 image
    shift
    for image in "$@"; do
        case $image in
        hello)
            make_hello "$BATS_RUN_TMPDIR/hello"
            WHERRY_ROOT=$root wherry build -t hello "$BATS_RUN_TMPDIR/hello" || return
            ;;
        debian) WHERRY_ROOT=$root wherry import "$WHERRY_TEST_ROOTFS" debian || return ;;
        esac
    done
}

# The test's store has these images.
need_image() {
    local template=$BATS_RUN_TMPDIR/store-${*// /-}
    if [[ " $* " == *' debian '* && ! $WHERRY_TEST_ROOTFS ]]; then
        skip "${WHERRY_TEST_NO_ROOTFS:-no Debian root file system: set WHERRY_TEST_ROOTFS}"
    fi
    if [[ ! -d $template ]]; then
        rm -rf "$template.new"
        mkdir -m 0700 "$template.new"
        fill_store "$template.new" "$@" 2>&1
        rm -f "$template.new"/events.log* # the one file of a store that is written in place
        mv "$template.new" "$template"
    fi
    rm -rf "$WHERRY_ROOT"
    cp -al "$template" "$WHERRY_ROOT"
}

# --- assertions ------------------------------------------------------------------------------

# All print what was found, which bats shows when the test fails.
assert_status() {
    if [[ $status != "$1" ]]; then
        echo "status $status instead of $1; output: $output ${stderr:-}"
        return 1
    fi
}

assert_equal() {
    if [[ $1 != "$2" ]]; then
        printf 'found:    %s\nexpected: %s\n' "$1" "$2"
        return 1
    fi
}

assert_output() {
    assert_equal "$output" "$1"
}

assert_match() { # STRING REGEX
    if [[ ! $1 =~ $2 ]]; then
        printf 'found:    %s\nexpected: %s\n' "$1" "$2"
        return 1
    fi
}

refute_match() { # STRING REGEX
    if [[ $1 =~ $2 ]]; then
        printf 'found:        %s\nnot expected: %s\n' "$1" "$2"
        return 1
    fi
}

# One line of stderr is an error with this text; others may stand before it.
assert_error() { # REGEX
    if ! grep -qE "^Error: .*$1" <<<"$stderr"; then
        printf 'found:    %s\nexpected: Error: ...%s\n' "$stderr" "$1"
        return 1
    fi
}

# `run` with stdout and stderr apart, without the new lines of one mixing with the other's.
run_apart() {
    run --separate-stderr "$@"
}

# A usage or engine failure: status 125, nothing on stdout, an error with this text on stderr.
assert_refused() { # REGEX
    assert_status 125
    assert_output ''
    assert_match "$stderr" "$1"
    assert_match "$stderr" '^Error: '
}

container_is() { # CONTAINER STATUS
    [[ $(wherry inspect --format '{{.State.Status}}' "$1" 2>/dev/null) == "$2" ]]
}

# A background container that stays until it is told to end, at once on SIGTERM.
start_sleeper() { # NAME [OPTION...]
    wherry run -d --name "$1" "${@:2}" debian sh -c 'trap "exit 0" TERM; sleep 1000 & wait'
    # Before its trap a process 1 hears no SIGTERM at all.
    wait_for catches_term "$1"
}

catches_term() { # CONTAINER
    local pid mask
    pid=$(wherry inspect --format '{{.State.Pid}}' "$1")
    mask=$(awk '/^SigCgt:/ { print $2 }' "/proc/$pid/status") || return
    (((0x$mask >> 14) & 1))
}

# A `wherry wait` that watches its container.
is_waiting() { # PID
    [[ $(find "/proc/$1/fd" -lname 'anon_inode:inotify' 2>/dev/null) ]]
}

# --- what is left ----------------------------------------------------------------------------

# Whether a process names this test's directory: by its arguments, environment, working directory,
# open files or mounts. A monitor's title lies over its environment, and a container's processes know
# the directory by what is mounted in it, without what is before it on its file system.
names_this_test() { # PID
    local dir=/proc/$1 mark=${BATS_TEST_TMPDIR#"${BATS_RUN_TMPDIR%/*}/"}
    {
        cat "$dir/cmdline" "$dir/environ" "$dir/mountinfo"
        readlink "$dir/cwd" "$dir"/fd/*
    } 2>/dev/null | grep -qaE "${mark//./\\.}([^0-9]|\$)"
}

# Pids of ours that belong to wherry and to this test, and are younger than it: in a nested pid
# namespace (a container's) or called as our programs are, and naming the test's directory, or
# children of one that does. /proc/PID/status is what everybody may read of a process that changed
# its ids or capabilities. Zombies are gone. The same user may run the same tests elsewhere: what
# they started is left alone.
wherry_processes() {
    local dir key value name state uid parent pids start self=/proc/self/status range low=0 n=0
    local -a depth
    range=$(awk -F: -v u="$(id -un)" '$1 == u { print $2, $3; exit }' /etc/subuid 2>/dev/null || true)
    read -r low n <<<"${range:-0 0}"
    read -r -a depth < <(sed -n 's/^NSpid:[[:space:]]*//p' "$self")
    for dir in /proc/[0-9]*; do
        name='' state='' uid='' parent=1 pids=()
        while read -r key value; do
            case $key in
            Name:) name=$value ;;
            PPid:) parent=$value ;;
            State:) state=${value%% *} ;;
            Uid:) uid=${value%%[[:space:]]*} ;;
            NSpid:) read -r -a pids <<<"$value" ;;
            esac
        done 2>/dev/null <"$dir/status" || continue
        [[ $state != [ZX] && $uid ]] || continue
        ((uid == EUID || (n > 0 && uid >= low && uid < low + n))) || continue
        ((${#pids[@]} > ${#depth[@]})) || [[ $name == wherry* || $name == overlay* ]] || continue
        start=$(stat_start "${dir#/proc/}") || continue
        ((start >= WHERRY_TEST_START)) || continue
        names_this_test "${dir#/proc/}" || { ((parent > 1)) && names_this_test "$parent"; } ||
            continue
        echo "${dir#/proc/} $name"
    done
}

# Start time of a process in clock ticks since boot.
stat_start() {
    local line
    { read -r line <"/proc/$1/stat"; } 2>/dev/null || return 1
    line=${line##*) }
    # shellcheck disable=SC2086 # fields
    set -- $line
    echo "${20}"
}

# All of them die at once, monitors before what they watch, as with the machine. BUT: this one stays.
# shellcheck disable=SC2120 # tests pass it
kill_processes() { # [BUT-PID]
    local pid
    while read -r pid _; do
        [[ $pid == "${1:-}" ]] || kill -KILL "$pid" 2>/dev/null || true
    done < <(wherry_processes | sort -n)
}

no_processes() {
    [[ -z $(wherry_processes) ]]
}

no_temporary_files() {
    [[ ! -d $WHERRY_ROOT/tmp || -z $(find "$WHERRY_ROOT/tmp" -mindepth 1 -print -quit) ]]
}

setup() {
    export WHERRY_ROOT=$BATS_TEST_TMPDIR/root WHERRY_RUNROOT=$BATS_TEST_TMPDIR/runroot
    WHERRY_TEST_START=$(stat_start self)
    cd "$BATS_TEST_TMPDIR" || return
    if declare -F test_setup >/dev/null; then
        test_setup
    fi
}

# Files in volumes that belong to subordinate ids: bats could not remove them.
remove_foreign_files() {
    [[ -z $(find "$BATS_TEST_TMPDIR" ! -user "$EUID" -print -quit 2>/dev/null) ]] ||
        unshare --map-auto --map-root-user find "$BATS_TEST_TMPDIR" -path '*/volumes/*' -delete
}

teardown() {
    local left=''
    # A test that failed half-way left what it left; only a test that passed is asked to be clean.
    # Nobody else's processes are ended, those of another run of the tests neither.
    if [[ ! ${BATS_TEST_COMPLETED:-} ]]; then
        kill_processes ''
        chmod -R u+rwX "$BATS_TEST_TMPDIR" 2>/dev/null || true
        remove_foreign_files || true
        return 0
    fi
    wait_for no_processes || left+="processes: $(wherry_processes)"$'\n'
    wait_for no_temporary_files || left+="temporary files: $(find "$WHERRY_ROOT/tmp" -mindepth 1)"$'\n'
    if grep -F "$BATS_TEST_TMPDIR" /proc/self/mountinfo; then
        left+='mounts'$'\n'
    fi
    # bats removes the directory itself and would stumble over a container's unreadable ones.
    chmod -R u+rwX "$BATS_TEST_TMPDIR" 2>/dev/null || true
    remove_foreign_files || true
    if [[ $left ]]; then
        echo "left behind: $left"
        return 1
    fi
}
