#!/usr/bin/env bats
# SPDX-License-Identifier: Apache-2.0
# kill, wait, rename, restart, container exists and prune, and how containers are chosen.

load helpers

test_setup() {
    need_image debian
}

exit_code() {
    wherry inspect --format '{{.State.ExitCode}}' "$1"
}

@test "kill ends it, and says who" {
    start_sleeper k
    run_apart wherry kill k
    assert_status 0
    assert_output k
    # It is recorded when kill returns.
    container_is k exited
    assert_equal "$(exit_code k)" 137
}

@test "kill -s sends any signal" {
    wherry run -d --name k debian sh -c 'trap "echo got" USR1; trap "exit 3" TERM; echo ready; while :; do sleep 0.1; done'
    wait_for bash -c '"$1" logs k | grep -q ready' bash "$WHERRY"
    wherry kill -s SIGUSR1 k
    wait_for bash -c '"$1" logs k | grep -q got' bash "$WHERRY"
    wherry kill --signal=15 k
    wait_for container_is k exited
    assert_equal "$(exit_code k)" 3
    run_apart wherry kill -s NOSUCH k
    assert_refused 'invalid signal: NOSUCH'
}

@test "kill of what does not run is refused, -a takes all that run" {
    wherry create --name c debian true
    run_apart wherry kill c
    assert_refused 'can only kill running containers\. [0-9a-f]{64} is in state created: container state improper'
    start_sleeper a
    start_sleeper b
    run_apart wherry kill -a
    assert_status 0
    assert_equal "${#lines[@]}" 2
    container_is a exited
    container_is b exited
    run_apart wherry kill
    assert_refused 'you must provide at least one name or id'
    run_apart wherry kill -a c
    assert_refused 'no arguments are needed with --all'
}

@test "wait tells the exit code, of several in their order" {
    wherry run -d --name w1 debian sh -c 'sleep 0.5; exit 4'
    wherry run -d --name w2 debian sh -c 'exit 5'
    run_apart timeout 20 "$WHERRY" wait w1 w2
    assert_status 0
    assert_output $'4\n5'
    run_apart wherry wait missing
    assert_refused 'no container with name or ID "missing" found: no such container'
    run_apart wherry wait --ignore missing w1
    assert_status 0
    assert_output $'-1\n4'
}

@test "wait --condition: until it runs, and while its monitor is killed" {
    wherry create --name w debian sleep 1000
    timeout 20 "$WHERRY" wait --condition=running w >out 3>&- &
    local waiter=$!
    wherry start w
    wait "$waiter"
    "$WHERRY" wait w >out 3>&- & # not below timeout(1), which would live on in its place
    waiter=$!
    wait_for is_waiting "$waiter"
    kill_processes "$waiter"
    wait "$waiter"
    assert_equal "$(<out)" -1 # nobody recorded how it ended
    container_is w exited
    run_apart wherry wait --condition=sleeping w
    assert_refused 'unknown container state: sleeping'
}

@test "--replace: a name that is also the start of several ids" {
    local n start
    for ((n = 0; n < 17; n++)); do
        wherry create debian true >>ids
    done
    start=$(cut -c1 ids | sort | uniq -d | head -n 1)
    wherry create --replace --name "$start" debian true
    wherry create --replace --name "$start" debian true
    assert_equal "$(wherry ps -aq | wc -l)" 18
}

@test "rename: the name leads to it, the old one is free" {
    local id
    id=$(wherry create --name old debian true)
    wherry create --name other debian true
    run_apart wherry rename old new
    assert_status 0
    assert_output ''
    assert_equal "$(wherry inspect --format '{{.Id}} {{.Name}}' new)" "$id new"
    run_apart wherry rename new other
    assert_refused 'name "other" is already in use'
    run_apart wherry rename new '../x'
    assert_refused 'invalid'
    wherry rename new new
    # The order of lists is that of the making.
    assert_equal "$(wherry ps -a --format '{{.Names}}')" $'other\nnew'
    wherry create --name old debian true
    assert_equal "$(find "$WHERRY_ROOT/names" -type l | wc -l)" 3
}

@test "a running --rm container that was renamed leaves no name" {
    start_sleeper a --rm
    wherry rename a b
    wherry stop b
    wait_for bash -c '[[ ! $("$1" ps -aq) ]]' bash "$WHERRY"
    assert_equal "$(find "$WHERRY_ROOT/names" -type l | wc -l)" 0
}

@test "a rename that was killed leaves a name that is free" {
    local id
    id=$(wherry create --name real debian true)
    ln -s "../containers/$id" "$WHERRY_ROOT/names/ghost"
    run_apart wherry inspect ghost
    assert_status 125
    wherry create --name ghost debian true
    assert_equal "$(wherry inspect --format '{{.Name}}' ghost)" ghost
    assert_equal "$(wherry inspect --format '{{.Id}}' real)" "$id"
}

@test "restart: another process, the same container" {
    start_sleeper r
    local before after
    before=$(wherry inspect --format '{{.State.Pid}}' r)
    run_apart wherry restart -t 3 r
    assert_status 0
    assert_output r
    container_is r running
    after=$(wherry inspect --format '{{.State.Pid}}' r)
    [[ $before != "$after" ]]
    wherry create --name idle debian true
    # --running leaves the other alone.
    assert_equal "$(wherry restart --running | wc -l)" 1
    container_is idle created
    wherry rm -f r
}

@test "container exists" {
    wherry create --name e debian true
    run wherry container exists e
    assert_status 0
    run wherry container exists missing
    assert_status 1
    assert_output ''
}

@test "container prune takes what does not run" {
    start_sleeper up
    wherry create --name made debian true
    wherry create --name kept --label keep=1 debian true
    run_apart wherry container prune -f --filter 'label!=keep'
    assert_status 0
    assert_match "$output" '^[0-9a-f]{64}$'
    assert_equal "$(wherry ps -a --format '{{.Names}}' | sort)" $'kept\nup'
    wherry rm -fa
}

@test "--latest, --cidfile and --filter choose" {
    wherry create --name a --label x=1 --cidfile "$PWD/cid" debian true
    wherry create --name b --label x=2 debian true
    wherry create --name c debian true
    wherry rm -l
    assert_equal "$(wherry ps -a --format '{{.Names}}' | sort)" $'a\nb'
    wherry rm --filter label=x=2
    wherry rm --cidfile "$PWD/cid"
    assert_equal "$(wherry ps -aq)" ''
    run_apart wherry rm --cidfile "$PWD/none"
    assert_status 125
    wherry rm -i --cidfile "$PWD/none"
}

@test "run -a: only these streams" {
    run_apart wherry run --rm -a stdout debian sh -c 'echo out; echo err >&2'
    assert_equal "$output|$stderr" 'out|'
    run_apart wherry run --rm -a stderr -a stdin -i debian sh -c 'cat; cat >&2' <<<input
    assert_equal "$output|$stderr" '|'
    run_apart wherry run --rm -i -a stdin,stderr debian sh -c 'cat >&2' <<<input
    assert_equal "$output|$stderr" '|input'
    # Nothing of our standard input goes there: it is left for who comes next.
    run_apart bash -c '{ "$1" run --rm -i -a stdout debian echo end; cat; } <<<input' bash "$WHERRY"
    assert_output $'end\ninput'
    run_apart wherry run --rm -a what debian true
    assert_refused 'invalid stream "what" for --attach'
    run_apart wherry run -d -a stdout debian true
    assert_refused 'exclude each other'
}

@test "--pidfile and --conmon-pidfile" {
    wherry run -d --name c --pidfile pid --conmon-pidfile "$PWD/monitor" debian sleep 1000
    assert_equal "$(cat pid) $(cat monitor)" "$(wherry inspect --format '{{.State.Pid}} {{.State.ConmonPid}}' c)"
    assert_equal "$(wherry inspect --format '{{.PidFile}}' c)" "$PWD/pid"
    wherry rm -f -t 0 c
    run_apart wherry run --rm --pidfile "$PWD/missing/pid" debian true
    assert_refused 'missing'
}

@test "inspect --latest and --size" {
    wherry run --name a debian sh -c 'head -c 100000 /dev/zero >/big'
    wherry create --name b debian true
    assert_equal "$(wherry inspect -l --format '{{.Name}}')" b
    (($(wherry container inspect -s --format '{{.SizeRw}}' a) >= 100000))
    (($(wherry inspect --size --format '{{.SizeRootFs}}' a) > 50000000))
    refute_match "$(wherry inspect a)" SizeRw
    run_apart wherry inspect -l a
    assert_refused 'cannot be used together'
    run_apart wherry inspect
    assert_refused 'must be given'
    run_apart wherry inspect -t image -l
    assert_refused 'latest is not supported for type "image"'
    run_apart wherry inspect -t volume -s v
    assert_refused 'size is not supported for type "volume"'
}
