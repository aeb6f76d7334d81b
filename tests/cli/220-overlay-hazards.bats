#!/usr/bin/env bats
# SPDX-License-Identifier: Apache-2.0
# The hazards of an overlay in user space: what has gone wrong in others, one test each. What a file
# does without a name, a mapping after the last close and names that begin with ".wh." are cases of
# 200-overlay-posix.bats.

load helpers
load overlay

test_setup() {
    hazard=$WHERRY_TEST_TOOLS/overlay-hazard
    mkdir layer
}

# A file of so many blocks of one byte.
letters() { # LETTER BLOCKS
    head -c $((4096 * $2)) /dev/zero | tr '\0' "$1"
}

# --- listings --------------------------------------------------------------------------------

# Runs a command in a directory whose names come from the upper directory and two layers.
in_mixed_directory() { # COMMAND
    mkdir -p layer/d layer2/d
    "$hazard" fill layer/d 700
    (cd layer/d && for i in {0..299}; do mv "stay$i" "../../layer2/d/"; done)
    add_layer layer
    add_layer layer2
    # shellcheck disable=SC2016
    on_overlay bash -c '
        cd mnt/d && for i in {700..999}; do : >"stay$i"; done && cd ../.. && "$1" "$2" mnt/d' \
        bash "$hazard" "$1"
}

@test "a listing has every name once while others come and go" {
    in_mixed_directory list
}

@test "a place in a listing stays that of its name" {
    in_mixed_directory seek
}

@test "a listing ends for who renames what it reads" {
    mkdir layer/d
    "$hazard" fill layer/d 1200
    add_layer layer
    on_overlay "$hazard" move mnt/d 1200
    on_overlay bash -c 'ls mnt/d | wc -l' >count
    assert_equal "$(<count)" 1200
}

@test "a large directory takes no more time for an entry than a small one" {
    mkdir layer/small layer/large
    "$hazard" fill layer/small 5000
    "$hazard" fill layer/large 100000
    add_layer layer
    on_overlay "$hazard" linear mnt/small mnt/large
    # And so when it is all above.
    # shellcheck disable=SC2016
    on_overlay bash -c 'mkdir mnt/small2 mnt/large2 && "$1" fill mnt/small2 2000 &&
        "$1" fill mnt/large2 40000 && "$1" linear mnt/small2 mnt/large2' bash "$hazard"
}

# --- copy-up ---------------------------------------------------------------------------------

@test "readers and mappings see a file whole while it is copied up" {
    letters a 8192 >layer/file
    add_layer layer
    on_overlay "$hazard" readers mnt/file
    on_overlay head -c 4097 mnt/file | tr -d a >found
    assert_equal "$(<found)" bb
}

@test "the names of a file stay one file, also for who mounts it next" {
    mkdir layer/d
    echo before >layer/a
    ln layer/a layer/b
    ln layer/a layer/d/c
    add_layer layer
    on_overlay bash -c 'echo after >mnt/d/c'
    on_overlay bash -c 'cat mnt/a mnt/b; stat -c "%h %i" mnt/a mnt/b mnt/d/c | uniq | wc -l; rm mnt/b
        stat -c %h mnt/a' >found
    assert_equal "$(<found)" $'after\nafter\n1\n2'
    on_overlay bash -c 'stat -c %h mnt/a mnt/d/c; chmod 600 mnt/a; stat -c %a mnt/d/c' >found
    assert_equal "$(<found)" $'2\n2\n600'
}

@test "names of a file that a crash left without the copy get it" {
    mkdir layer/d layer/e && echo old >layer/d/a && ln layer/d/a layer/e/b && ln layer/d/a layer/c
    add_layer layer
    on_overlay chmod 600 mnt/d/a
    rm upper/e/b upper/c
    on_overlay bash -c 'cd mnt && stat -c "%i %a" e/b c d/a | uniq | wc -l
        echo new >>e/b && cat d/a && stat -c %h c'
    # Whichever name comes first.
    rm upper/e/b upper/c
    on_overlay bash -c 'cd mnt && echo newer >>d/a && cat c e/b' >out
    printf 'old\nnew\nnewer\nold\nnew\nnewer\n' | diff - out
    [[ upper/e/b -ef upper/d/a && upper/c -ef upper/d/a ]]
}

@test "a link of a layer keeps its number when it is moved, also for who mounts it next" {
    mkdir layer/d layer/d/e && ln -s x layer/d/link && ln -s y layer/d/e/link
    add_layer layer
    on_overlay stat -c "%i %N" mnt/d/link mnt/d/e/link | sed "s,mnt/d/,," >before
    on_overlay bash -c "mv mnt/d/link mnt/d/e mnt && cd mnt && touch -h -d @1 link && stat -c '%i %N' link e/link" >after
    sed "s,mnt/d/,," before | diff - after
    on_overlay bash -c "cd mnt && stat -c '%i %N' link e/link && readlink link e/link" >after
    { cat before && printf "x\ny\n"; } | diff - after
}

@test "a link that gets another number has it in listings as well" {
    on_overlay "$hazard" number mnt
}

@test "only the attributes of a large file are copied up, its data with the first write" {
    letters a 2560 >layer/file
    add_layer layer
    on_overlay bash -c 'chmod 600 mnt/file; cat mnt/file' | cmp - layer/file
    (($(stat -c %b upper/file) < 100))
    on_overlay bash -c 'printf b | dd of=mnt/file conv=notrunc status=none; cat mnt/file' >found
    letters a 2560 | sed '1s/^a/b/' | cmp - found
    (($(stat -c %b upper/file) >= 20480))
}

@test "a file that is written long before its data leaves keeps its time" {
    # Made and written within a tick of the clock, closed later: then the data goes to the server.
    # shellcheck disable=SC2016
    on_overlay bash -c '
        for i in {1..100}; do exec {fd[i]}>"mnt/f$i" && echo text >&"${fd[i]}"; done
        stat -c "%n %.9Y" mnt/f* >before
        for i in {1..100}; do exec {fd[i]}>&-; done
        sync mnt/f1
        stat -c "%n %.9Y" mnt/f* | diff before -'
    on_overlay bash -c 'stat -c "%n %.9Y" mnt/f*' | diff before -
}

@test "a file that stays open shows the blocks it has" {
    # shellcheck disable=SC2016
    on_overlay bash -c '
        blocks() { (($(stat -c %b "$1") > 0)); }
        exec 3>mnt/synced && head -c 100000 /dev/zero >&3 && stat mnt/synced >/dev/null
        sync mnt/synced && blocks mnt/synced || exit 1
        head -c 8192 /dev/zero >mnt/old && blocks mnt/old'
}

# Runs a command on an upper directory of so many bytes, which the command can read at small/.
on_small_upper() { # SIZE COMMAND...
    mkdir -p small
    local size=$1
    shift
    # shellcheck disable=SC2016
    unshare --user --map-root-user --mount bash -c '
        mount -t tmpfs -o size="$1" none small && mkdir small/upper small/work || exit 99
        shift
        "$@"' bash "$size" "$@"
}

# Where no tmpfs takes user attributes such an upper directory cannot be had.
on_small_overlay() { # SCRIPT
    "$WHERRY_TEST_TOOLS/overlay-mount" "${layers[@]}" --upper small/upper --work small/work mnt -- \
        bash -c "$1"
}

@test "no space left for a copy: the lower file stays, and nothing half-made" {
    letters a 1024 >layer/file
    mkdir mnt
    add_layer layer
    full_disk() {
        on_small_overlay '
            if printf b | dd of=mnt/file conv=notrunc,fsync status=none; then exit 10; fi 2>message
            cat message'
        grep -q 'No space left' message
        # Its attributes may have been copied, as a whole; no data.
        find small/upper small/work/tmp -type f -printf '%b %p\n' | grep -v '^0 ' >left || true
        on_small_overlay 'cat mnt/file' >again
        # There is room for small things all the same.
        on_small_overlay 'chmod 600 mnt/file && echo text >mnt/new && cat mnt/new && stat -c %a mnt/file'
    }
    export -f full_disk on_small_overlay
    export WHERRY_TEST_TOOLS layer_words="${layers[*]}"
    on_small_upper 1m bash -ec "layers=($layer_words); full_disk" >found
    tail -n 2 found >last
    assert_equal "$(<last)" $'text\n600'
    cmp again layer/file
    assert_equal "$(<left)" ''
}

# --- owners ----------------------------------------------------------------------------------

@test "a second server on one upper directory is refused" {
    mkdir layer2 mnt2
    echo text >layer/file
    add_layer layer
    # shellcheck disable=SC2016
    run on_overlay bash -c '"$@"; echo "status $?"; cat mnt/file' bash \
        "$WHERRY_TEST_TOOLS/overlay-mount" "${layers[@]}" --upper upper --work work mnt2 -- true
    assert_match "$output" 'in use by another overlay'
    assert_match "$output" 'status [1-9]'
    assert_match "$output" 'text$'
    on_overlay cat mnt/file
}

@test "what was synced is there after the server was killed" {
    echo lower >layer/file
    echo lower >layer/other
    add_layer layer
    # shellcheck disable=SC2016
    run on_overlay bash -c '
        echo synced >mnt/file
        echo new >mnt/new
        mkdir mnt/dir && echo deep >mnt/dir/deep
        rm mnt/other
        sync mnt/file mnt/new mnt/dir mnt/dir/deep mnt
        echo lost >mnt/lost
        kill -KILL "$OVERLAY_SERVER_PID"
        # what the kernel knows it may still tell; a name it was never asked for it cannot
        for ((n = 0; n < 100000; n++)); do
            [[ $(stat "mnt/unknown$n" 2>&1) == *"No such file"* ]] || break
        done
        stat "mnt/unknown$n"'
    [[ $status != 0 ]]
    assert_match "$output" 'not connected|Transport endpoint|aborted'
    on_overlay bash -c 'cat mnt/file mnt/new mnt/dir/deep; ls mnt/other' >found 2>message || true
    assert_equal "$(<found)" $'synced\nnew\ndeep'
    assert_match "$(<message)" 'No such file'
    assert_equal "$(ls work/tmp 2>/dev/null)" ''
}

@test "a copy-up that the server did not survive leaves the lower file" {
    letters a 4096 >layer/file
    add_layer layer
    # shellcheck disable=SC2016
    run on_overlay bash -c '
        (printf b | dd of=mnt/file conv=notrunc,fsync status=none) &
        until compgen -G "work/tmp/*" >/dev/null || [[ -s upper/file ]]; do :; done
        kill -KILL "$OVERLAY_SERVER_PID"
        wait'
    on_overlay cat mnt/file >found
    cmp found layer/file || cmp found <(letters a 4096 | sed '1s/^a/b/')
    assert_equal "$(ls work/tmp 2>/dev/null)" ''
}

@test "the mount may lie over its own layers and upper directory" {
    mkdir all all/layer
    echo text >all/layer/file
    (
        cd all || exit
        add_layer layer
        mkdir upper work
        # shellcheck disable=SC2016
        "$WHERRY_TEST_TOOLS/overlay-mount" "${layers[@]}" --upper upper --work work "$PWD" -- \
            bash -c 'cd "$1" && cat file && echo more >>file && sync file && cat file' bash "$PWD"
    ) >found
    assert_equal "$(<found)" $'text\ntext\nmore'
    assert_equal "$(<all/upper/file)" $'text\nmore'
}

# --- memory, descriptors ---------------------------------------------------------------------

@test "what is forgotten leaves no memory" {
    local count=8000
    [[ ! ${WHERRY_TEST_LONG:-} ]] || count=1000000
    add_layer layer
    # shellcheck disable=SC2016
    on_overlay bash -c '"$1" forget mnt "$2" "$OVERLAY_SERVER_PID"' bash "$hazard" "$count"
}

@test "thousands of open files without a name" {
    local count=3000 limit
    limit=$(ulimit -Hn)
    [[ $limit == unlimited ]] || ((limit > count + 100)) || count=$((limit - 100))
    on_overlay "$hazard" pin mnt "$count"
}

# --- programs --------------------------------------------------------------------------------

@test "a database of 100 MB in a layer, written by two processes through a log" {
    sqlite3 layer/db >/dev/null <<'END'
PRAGMA journal_mode = WAL;
PRAGMA synchronous = OFF;
CREATE TABLE t (id INTEGER PRIMARY KEY, who INTEGER, text BLOB);
WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 25000)
INSERT INTO t SELECT i, 0, randomblob(4000) FROM n;
CREATE INDEX by_who ON t (who);
PRAGMA wal_checkpoint(TRUNCATE);
END
    (($(stat -c %s layer/db) > 100000000))
    add_layer layer
    rm -r layer
    cat >work.sh <<'END'
for i in {0..59}; do
    echo "PRAGMA busy_timeout = 60000; PRAGMA synchronous = NORMAL; BEGIN IMMEDIATE;
        UPDATE t SET who = $1, text = randomblob(4000) WHERE id % 60 = $i AND id % 2 = $1 - 1
            AND length(text) = 4000;
        INSERT INTO t (who, text) VALUES ($1, zeroblob(100)); COMMIT;"
done | sqlite3 mnt/db >/dev/null
END
    # shellcheck disable=SC2016
    on_overlay bash -c 'bash work.sh 1 & first=$!; bash work.sh 2 && wait "$first" &&
        sqlite3 mnt/db "SELECT who, count(*) FROM t GROUP BY who"' >before
    assert_equal "$(<before)" $'1|12560\n2|12560'
    on_overlay sqlite3 mnt/db 'PRAGMA integrity_check; SELECT who, count(*) FROM t GROUP BY who' >after
    assert_equal "$(<after)" $'ok\n1|12560\n2|12560'
}

@test "programs run whose pages and unwritten data the server has to move while they are executed" {
    mkdir layer/d
    add_layer layer
    on_overlay timeout 60 "$hazard" exec mnt/d 400
}
