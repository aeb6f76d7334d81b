#!/usr/bin/env bats
# SPDX-License-Identifier: Apache-2.0
# secret create, ls, inspect, rm, exists; --secret of run and create.

load helpers

test_setup() {
    need_image debian
    printf 'pass\nword' >file
}

@test "create, ls, inspect, exists and rm" {
    local id
    run_apart wherry secret create --label a=b pw file
    assert_status 0
    assert_match "$output" '^[0-9a-f]{25}$'
    id=$output
    run_apart wherry secret create pw file
    assert_refused 'pw: secret name in use'
    run_apart wherry secret ls
    assert_match "${lines[0]}" '^ID +NAME +DRIVER +CREATED +UPDATED *$'
    assert_match "${lines[1]}" "^$id +pw +file +.* ago +.* ago *\$"
    assert_equal "$(wherry secret inspect --format '{{.ID}} {{.Spec.Name}} {{.Spec.Driver.Name}} {{.Spec.Labels.a}}' "${id:0:8}")" "$id pw file b"
    run_apart wherry secret inspect pw
    refute_match "$output" 'cGFzcw|Data'
    assert_equal "$(wherry secret inspect --showsecret --format '{{.SecretData}}' pw)" "$(cat file)"
    assert_equal "$(stat -c %a "$WHERRY_ROOT/secrets" "$WHERRY_ROOT/secrets/pw.json" | tr '\n' ' ')" '700 600 '
    wherry secret exists pw
    run_apart wherry secret exists other
    assert_status 1
    local new
    new=$(echo other | wherry secret create --replace pw -)
    [[ $new != "$id" ]]
    export WORD=value
    wherry secret create --env more WORD
    assert_equal "$(wherry secret ls --filter name=mor --format '{{.Name}}')" more
    assert_equal "$(wherry secret ls -q | wc -l)" 2
    run_apart wherry secret rm pw missing
    assert_status 125
    assert_output "$new"
    assert_match "$stderr" 'no secret with name or id "missing": no such secret'
    wherry secret rm --all
    assert_equal "$(wherry secret ls -q)" ''
    assert_equal "$(wherry events --stream=false --filter type=secret --format '{{.Status}}' | tr '\n' ' ')" 'create create create remove remove '
}

@test "from a pipe that has nothing yet" {
    (sleep 0.2; echo one) | wherry secret create piped -
    wherry secret create named <(sleep 0.2; echo two)
    assert_equal "$(wherry secret inspect --showsecret --format '{{.SecretData}}' piped named)" $'one\n\ntwo'
    run_apart wherry run --rm --env-file <(sleep 0.2; echo A=b) debian printenv A
    assert_output b
}

@test "names and sizes that cannot be" {
    local name
    for name in '../x' 'a/b' '.a' 'a,b' 'a=b' ''; do
        run_apart wherry secret create -- "$name" file
        assert_refused 'is invalid: it must be at most 250 letters'
    done
    name=$(printf %0250d 0)
    wherry secret create "$name" file
    wherry secret rm "$name"
    run_apart wherry secret create "${name}0" file
    assert_refused 'at most 250 letters'
    : >empty
    run_apart wherry secret create x empty
    assert_refused 'larger than 0'
    head -c 600000 /dev/zero >large
    run_apart wherry secret create x large
    assert_refused 'larger than 512000 bytes'
    run_apart wherry secret create x missing
    assert_refused 'missing'
    assert_equal "$(wherry secret ls -q)" ''
}

@test "a container has it as a file, whoever it is, and keeps it" {
    wherry secret create pw file
    run_apart wherry run --name c --secret pw debian sh -c 'cat /run/secrets/pw; echo; stat -c "%u:%g %a" /run/secrets/pw; echo x >>/run/secrets/pw'
    [[ $status != 0 ]]
    assert_output $'pass\nword\n0:0 444'
    wherry secret rm pw
    run_apart wherry start -a c
    assert_match "$output" word
    assert_equal "$(wherry inspect --format '{{range .Config.Secrets}}{{.Name}} {{.Mode}}{{end}}' c)" 'pw 292'
    refute_match "$(wherry inspect c)" 'word|cGFzc'
    wherry rm c
    assert_equal "$(find "$WHERRY_ROOT" -path '*secrets/*')" ''
}

@test "type=env, target= and mode=; what cannot be" {
    wherry secret create pw file
    printf one >file
    wherry secret create word file
    run_apart wherry run --rm --read-only --secret pw,target=/etc/deep/pw,mode=0400 --secret word,type=env \
        --secret word,type=env,target=OTHER --secret word,target=w debian \
        sh -c 'stat -c %a /etc/deep/pw; echo "$word $OTHER"; cat /run/secrets/w'
    assert_status 0
    assert_output $'400\none one\none'
    local bad
    for bad in missing pw,type=x pw,mode=9 pw,what=1 pw,target= pw,uid=5 '' pw,target=/; do
        run_apart wherry create --secret "$bad" debian true
        assert_refused '.'
    done
    assert_equal "$(wherry ps -aq)" ''
}

@test "whoever root is, it can read what only root may" {
    need_subordinate_ids
    wherry secret create pw file
    local mode
    for mode in auto nomap; do
        run_apart wherry run --rm --userns=$mode --secret pw,mode=0400 --secret pw,type=env,target=A debian \
            sh -c 'stat -c "%u:%g %a" /run/secrets/pw; cat /run/secrets/pw; test "$A"'
        assert_status 0
        assert_output $'0:0 400\npass\nword'
    done
    assert_equal "$(find "$WHERRY_ROOT" -path '*secrets/*' -not -name pw.json)" ''
}

@test "a commit has neither the secret nor its name" {
    wherry secret create pw file
    # shellcheck disable=SC2016 # the container's shell
    wherry run --name c --secret pw --secret pw,target=/etc/other.conf debian sh -c ': >/etc/mine; cat /run/secrets/pw >/etc/kept'
    wherry commit -q c new
    wherry run --rm new sh -c 'test -e /etc/mine && test ! -e /run/secrets && test ! -e /etc/other.conf && grep -q word /etc/kept'
    # What is in the directory beside it stays.
    wherry rm c
    wherry run --name c --secret pw debian sh -c 'echo own >/run/secrets/own'
    wherry commit -q c new
    assert_equal "$(wherry run --rm new sh -c 'ls /run/secrets; cat /run/secrets/own')" $'own\nown'
}
