# SPDX-License-Identifier: Apache-2.0
# shellcheck shell=bash
# Crashes, power failures and full disks at every moment of a command (tests/tools/kill-at.c).

kill_at=${WHERRY_TEST_TOOLS:-$(dirname "$WHERRY")/../tests/tools}/kill-at.so

need_kill_at() {
    [[ -e $kill_at ]] || skip 'built without tests/tools'
    # A sanitizer's run-time wants to be the first library.
    ! ldd "$WHERRY" | grep -q libasan || skip 'not with AddressSanitizer'
}

# What a crash may leave is garbage; nothing is wrong, and a repair takes it away.
store_is_sound() {
    local found=''
    if ! found=$(wherry system check 2>&1); then
        echo "after $*: $found"
        return 1
    fi
    [[ $found == *garbage* ]] || return 0
    wherry system check --repair >/dev/null
    found=$(wherry system check)
    if [[ $found == *garbage* ]]; then
        echo "after $*, and a repair: $found"
        return 1
    fi
}

# What a test had in memory goes with it.
eval "usual_$(declare -f teardown)"
teardown() {
    local status=0
    usual_teardown || status=1
    if [[ -f $BATS_TEST_TMPDIR/in-memory ]]; then
        rm -rf "$(<"$BATS_TEST_TMPDIR/in-memory")" 2>/dev/null ||
            unshare --map-auto --map-root-user rm -rf "$(<"$BATS_TEST_TMPDIR/in-memory")" || status=1
    fi
    return $status
}

# Keeps the store as it is for fresh_store. Its copies are in memory where there is such a place:
# they are made and removed many hundred times, and the faults are kill-at's on any file system.
keep_template() {
    local dir=$PWD
    if [[ -w /dev/shm && $(df --output=avail -k /dev/shm | tail -1) -gt 65536 ]]; then
        dir=$(mktemp -d /dev/shm/wherry-faults-XXXXXX)
        echo "$dir" >"$BATS_TEST_TMPDIR/in-memory"
    fi
    cp -a "$WHERRY_ROOT" "$dir/template"
    mkdir "$dir/saved"
    rm -rf "$WHERRY_ROOT"
    template=$dir/template saved=$dir/saved WHERRY_ROOT=$dir/root
}

# A fresh copy of the template (not linked: a power failure truncates files).
fresh_store() { # KIND
    rm -rf "$WHERRY_ROOT"
    cp -a "$template" "$WHERRY_ROOT"
    [[ $1 != power* ]] || rm -f "$saved"/*
}

# Whether the command that got through had less than N calls that could fail. Where children count,
# some may call when it has ended: then the last is behind it after many that got through.
is_behind_the_last() { # N
    if [[ ${KILL_CHILDREN:-} ]]; then
        ((++through >= 30 / stride))
    else
        (($(<calls) < $1))
    fi
}

# Runs a command with a fault of this kind at its first, second... change on disk until it gets
# through; after each fault the store must be sound, and then `after` (a function) is called.
# FAULT_STRIDE: only at every so manieth change. Without it, errors of the disk come at every third,
# and with --long at every one; crashes and power failures at every one always.
fault_loop() { # KIND PROGRAM after COMMAND...
    local kind=$1 program=$2 after=$3 n got said stride=${FAULT_STRIDE:-1}
    shift 3
    [[ $kind != e* || ${FAULT_STRIDE:-} || ${WHERRY_TEST_LONG:-} ]] || stride=3
    local through=0
    for ((n = 1; n < 500; n += stride)); do
        fresh_store "$kind"
        : >calls
        run env LD_PRELOAD="$kill_at" KILL_AT=$n KILL_HOW="$kind" KILL_PROGRAM="$program" \
            KILL_SAVE="$saved" KILL_COUNT="$PWD/calls" "$WHERRY" "$@"
        got=$status said=$output
        store_is_sound "$kind $n of $*" || return
        "$after" "$kind $n of $*" || return
        # When a child was killed, its parent may still have said so.
        if [[ $got == 137 || ($got != 0 && $kind == kill && ${KILL_CHILDREN:-}) ]]; then
            continue
        elif [[ $got != 0 && $said == *Error:* && $kind == e* ]]; then
            through=0
        elif [[ $got != 0 ]]; then
            echo "$kind $n of $*: status $got: $said"
            return 1
        elif [[ $kind != e* ]] || is_behind_the_last "$n"; then
            break
        fi
    done
    ((n > 1 && n < 500))
}
