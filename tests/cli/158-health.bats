#!/usr/bin/env bats
# SPDX-License-Identifier: Apache-2.0
# Health checks: their flags, when they are made, what they find and what follows.

load helpers

test_setup() {
    need_image debian
}

# A container that is checked every 50 ms by `test -e /ok`, or by the last --health-cmd given.
start_checked() { # NAME [OPTION...]
    wherry run -d --name "$1" --health-cmd 'echo looked; test -e /ok' --health-interval 50ms \
        --health-retries 2 "${@:2}" debian sh -c 'trap "exit 0" TERM; sleep 1000 & wait'
    wait_for catches_term "$1"
}

health_of() {
    wherry inspect --format '{{.State.Health.Status}}' "$1"
}

health_is() { # CONTAINER HEALTH
    [[ $(health_of "$1") == "$2" ]]
}

checks_of() {
    wherry inspect --format '{{len .State.Health.Log}}' "$1"
}

last_check() { # CONTAINER FIELD
    wherry inspect --format "{{range .State.Health.Log}}{{.$2}}|{{end}}" "$1" | awk -F'|' '{ print $(NF - 1) }'
}

# Processes of checks that this test's containers have.
is_checking() { # CONTAINER
    [[ $(wherry inspect --format '{{len .ExecIDs}}' "$1") != 0 ]]
}

@test "it becomes unhealthy, then healthy: ps, wait, inspect, events" {
    start_checked c
    run_apart timeout 20 "$WHERRY" wait --condition=unhealthy c
    assert_status 0
    wherry ps --format '{{.Status}}' | grep -q '^Up .* (unhealthy)$'
    assert_equal "$(last_check c Output)" looked
    assert_equal "$(last_check c ExitCode)" 1
    wherry exec c touch /ok
    run_apart timeout 20 "$WHERRY" wait --condition=healthy c
    assert_status 0
    assert_equal "$(wherry inspect --format '{{.State.Health.Status}} {{.State.Health.FailingStreak}}' c)" 'healthy 0'
    assert_equal "$(wherry ps --filter health=healthy --format '{{.Names}}')" c
    assert_equal "$(wherry ps --filter health=unhealthy --format '{{.Names}}')" ''
    assert_equal "$(wherry events --stream=false --filter event=health_status --format '{{.HealthStatus}}')" \
        $'unhealthy\nhealthy'
    # No more than five are kept.
    wait_for bash -c '(($("$1" inspect --format "{{len .State.Health.Log}}" c) == 5))' bash "$WHERRY"
    wherry stop c
    run_apart wherry ps -a --format '{{.Status}}'
    refute_match "$output" healthy
    # A start begins anew.
    assert_equal "$(health_of c)" healthy
    wherry start c
    wait_for health_is c healthy
    assert_equal "$(wherry events --stream=false --filter event=health_status --format '{{.HealthStatus}}')" \
        $'unhealthy\nhealthy\nhealthy'
    wherry rm -f -t 0 c
}

@test "healthcheck run: 0, 1, and 125 where there is nothing to run" {
    wherry run -d --name c --health-cmd '["test", "-e", "/ok"]' --health-interval disable debian sleep 1000
    run_apart wherry healthcheck run c
    assert_status 1
    assert_output unhealthy
    wherry exec c touch /ok
    run_apart wherry healthcheck run c
    assert_status 0
    assert_output ''
    # Nobody else checked it.
    assert_equal "$(checks_of c)" 2
    wherry rm -f -t 0 c
    wherry create --name c --health-cmd true debian true
    run_apart wherry healthcheck run c
    assert_refused 'is not running'
    wherry run -d --name n debian sleep 1000
    run_apart wherry healthcheck run n
    assert_refused 'has no defined healthcheck'
    run_apart wherry healthcheck run nobody
    assert_refused 'no such container'
    # A command that is not there is a failure that says so.
    wherry run -d --name m --health-interval disable --health-cmd '["CMD", "/nonesuch"]' debian sleep 1000
    run_apart wherry healthcheck run m
    assert_status 1
    assert_equal "$(last_check m ExitCode)" 127
    assert_match "$(last_check m Output)" nonesuch
    wherry rm -f -t 0 n m
}

@test "what is asked for and what cannot be" {
    inspect_check() {
        wherry inspect --format '{{json .Config.Healthcheck}}' c
    }
    wherry create --name c --health-cmd 'CMD curl -f x' --health-interval 1m --health-timeout 2s \
        --health-start-period 3s --health-retries 4 debian true
    assert_equal "$(inspect_check)" \
        '{"Interval":60000000000,"Retries":4,"StartPeriod":3000000000,"Test":["CMD","curl","-f","x"],"Timeout":2000000000}'
    wherry create --name c --replace --health-cmd 'curl x' --health-interval disable debian true
    assert_equal "$(inspect_check)" '{"Retries":3,"Test":["CMD-SHELL","curl x"],"Timeout":30000000000}'
    wherry create --name c --replace --no-healthcheck debian true
    assert_equal "$(inspect_check)" '{"Test":["NONE"]}'
    assert_equal "$(health_of c)" ''
    local -a bad=(
        '--health-interval 5s|there is no health check to change'
        '--health-on-failure kill|cannot set on-failure action to kill without a health check'
        '--health-cmd none --health-on-failure stop|without a health check'
        '--no-healthcheck --health-cmd true|cannot specify both'
        '--health-cmd true --health-interval 5|invalid healthcheck-interval'
        '--health-cmd true --health-timeout 0s|healthcheck-timeout must be at least'
        '--health-cmd true --health-start-period -1s|invalid healthcheck-start-period'
        '--health-cmd true --health-retries 0|health-retries'
        '--health-cmd true --health-on-failure sing|health-on-failure'
        '--health-cmd CMD|there is no command'
        '--health-startup-cmd true|without a health check'
        '--health-cmd true --health-startup-retries 3|there is no startup health check'
    )
    local row
    for row in "${bad[@]}"; do
        # shellcheck disable=SC2086 # words
        run_apart wherry create ${row%|*} debian true
        assert_refused "${row#*|}"
    done
}

@test "an image's check runs, its flags change it, NONE ends it" {
    wherry run --name made debian true
    wherry commit -q -c 'HEALTHCHECK --interval=50ms --retries=1 CMD ["test", "-e", "/ok"]' made checked
    wherry rm made
    wherry run -d --name c checked sleep 1000
    run_apart timeout 20 "$WHERRY" wait --condition=unhealthy c
    assert_status 0
    wherry create --name d --health-retries 7 checked true
    assert_equal "$(wherry inspect --format '{{.Config.Healthcheck.Retries}} {{.Config.Healthcheck.Interval}}' d)" \
        '7 50000000'
    wherry run -d --name e --no-healthcheck checked sleep 1000
    assert_equal "$(health_of e)" ''
    printf 'FROM checked\nHEALTHCHECK NONE\n' >"$BATS_TEST_TMPDIR/Dockerfile"
    wherry build -q -t unchecked "$BATS_TEST_TMPDIR"
    wherry run -d --name f unchecked sleep 1000
    assert_equal "$(health_of f)" ''
    wherry rm -f -t 0 c d e f
}

@test "the start period, and a startup check" {
    start_checked c --health-start-period 10m
    wait_for bash -c '(($("$1" inspect --format "{{len .State.Health.Log}}" c) >= 3))' bash "$WHERRY"
    assert_equal "$(wherry inspect --format '{{.State.Health.Status}} {{.State.Health.FailingStreak}}' c)" 'starting 0'
    run_apart wherry healthcheck run c
    assert_status 1
    assert_output starting
    wherry exec c touch /ok
    wait_for health_is c healthy
    wherry rm -f -t 0 c
    # A startup check comes first; the others begin when it succeeds.
    start_checked c --health-startup-cmd 'test -e /up' --health-startup-interval 50ms \
        --health-startup-success 2
    wherry exec c touch /ok
    wait_for bash -c '(($("$1" inspect --format "{{len .State.Health.Log}}" c) >= 3))' bash "$WHERRY"
    assert_equal "$(health_of c)" starting
    wherry exec c touch /up
    wait_for health_is c healthy
    wherry rm -f -t 0 c
}

@test "on failure: kill, stop and restart" {
    start_checked k --health-on-failure kill --restart always
    wait_for container_is k exited
    assert_equal "$(wherry inspect --format '{{.State.ExitCode}} {{.State.Health.Status}}' k)" '137 unhealthy'
    start_checked s --health-on-failure stop
    wait_for container_is s exited
    assert_equal "$(wherry inspect --format '{{.State.ExitCode}} {{.RestartCount}}' s)" '0 0'
    start_checked r --health-on-failure restart
    wait_for bash -c '(($("$1" inspect --format "{{.RestartCount}}" r) >= 1))' bash "$WHERRY"
    wherry stop -t 0 r
    container_is r exited
    start_checked u --health-startup-cmd false --health-startup-interval 20ms --health-startup-retries 2
    wait_for bash -c '(($("$1" inspect --format "{{.RestartCount}}" u) >= 1))' bash "$WHERRY"
    wherry rm -f -t 0 u
    # One that does not hear its stop signal is killed.
    wherry run -d --name d --health-cmd false --health-interval 20ms --health-retries 1 --stop-timeout 0 \
        --health-on-failure stop debian sleep 1000
    wait_for container_is d exited
    assert_equal "$(wherry inspect --format '{{.State.ExitCode}}' d)" 137
}

@test "a check that hangs is killed in its time, with all that it started" {
    # They leave the session, the group and the parent, and hear no SIGTERM.
    wherry run -d --name c --health-interval disable --health-timeout 300ms --health-cmd \
        'trap "" TERM; (setsid sh -c "trap \"\" TERM HUP; sleep 771 & sleep 772" &) ; setsid -f sleep 773; sleep 774' \
        debian sleep 1000
    run_apart timeout 20 "$WHERRY" healthcheck run c
    assert_status 1
    assert_equal "$(last_check c ExitCode)" -1
    assert_match "$(last_check c Output)" 'exceeded timeout of 300ms'
    run_apart wherry top c args
    refute_match "$output" 'sleep 77'
    assert_match "$output" 'sleep 1000'
    wherry rm -f -t 0 c
}

@test "output is bounded, whatever it is" {
    wherry run -d --name c --health-interval disable --health-timeout 1s --health-cmd 'yes flood; exit 1' debian sleep 1000
    run_apart timeout 20 "$WHERRY" healthcheck run c
    assert_status 1
    wherry run -d --name d --health-interval disable \
        --health-cmd 'head -c 100000 /dev/zero | tr "\0" x; printf "\377\001"' debian sleep 1000
    run_apart wherry healthcheck run d
    assert_status 0
    assert_equal "$(last_check d Output)" "$(printf 'x%.0s' {1..500})"
    (($(stat -c %s "$(wherry inspect --format '{{.StaticDir}}' c)/health.json") < 4096))
    wherry run -d --name e --health-interval disable --health-cmd 'printf "a\0b\377c"' debian sleep 1000
    run_apart wherry healthcheck run e
    assert_status 0
    assert_match "$(last_check e Output)" '^a.*'
    # A container that floods is checked all the same.
    wherry run -d --name f --log-opt max-size=1m --health-cmd true --health-interval 10ms debian yes
    wait_for health_is f healthy
    wherry rm -f -t 0 c d e f
}

@test "who is paused is not checked, and what a check finds in a pause does not count" {
    wherry run -d --name c --health-interval 20ms --health-timeout 10m --health-retries 1 \
        --health-cmd 'test -e /slow || exit 0; test -e /bad && exit 1; touch /began; sleep 776' debian sleep 1000
    wait_for health_is c healthy
    wherry exec c touch /slow
    wait_for wherry exec c test -e /began
    wherry exec c touch /bad # for the check after the pause
    wherry pause c
    run_apart wherry healthcheck run c
    assert_refused 'is not running'
    # The check ends meanwhile, as a failure.
    wherry top c hpid args | awk '/sleep 776/ { print $1 }' | xargs kill -KILL
    not_checking() { ! is_checking c; }
    wait_for not_checking
    assert_equal "$(wherry inspect --format '{{.State.Health.Status}} {{.State.Health.FailingStreak}}' c)" 'healthy 0'
    wherry unpause c
    wait_for health_is c unhealthy
    wherry rm -f -t 0 c
}

@test "stop, rm, the end and the monitor's death during a check leave nothing" {
    # The common teardown looks for processes and mounts.
    local c
    for c in s r k m; do
        wherry run -d --name $c --health-interval 10ms --health-cmd 'sleep 775' debian sleep 1000
    done
    wherry run -d --rm --name gone --health-interval 10ms --health-cmd 'sleep 775' debian sleep 0.5
    for c in s r k m; do
        wait_for is_checking $c
    done
    kill -KILL "$(wherry inspect --format '{{.State.ConmonPid}}' m)"
    wherry stop -t 0 s
    wherry rm -f -t 0 r
    wherry kill k
    wait_for no_processes
    container_is m exited
    run_apart wherry container exists gone
    assert_status 1
}
