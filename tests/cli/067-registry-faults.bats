#!/usr/bin/env bats
# SPDX-License-Identifier: Apache-2.0
# A registry that breaks, lies or leads astray: what can be mended is, and nothing else is visible.
# shellcheck disable=SC2030,SC2031 # each test is a shell of its own

load helpers
load registry

test_setup() {
    need_registry
    own_home
}

# A repository noise:latest with one layer of SIZE bytes of noise. Sets `registry`, `layer`,
# `config` and the image's `id`.
prepare() { # SIZE
    start_registry
    make_noise noise "$1"
    id=$(wherry images -q --no-trunc)
    id=${id#sha256:} config=$id
    wherry push -q --tls-verify=false --digestfile digest noise "$registry/noise"
    layer=$(python3 "$tool" layer "http://$registry/v2/noise/manifests/latest")
    layer=${layer#sha256:}
    wherry rmi noise >/dev/null
}

# Pulls it through a proxy with these rules.
pull_through() { # PROXY-ARGUMENT...
    start_proxy "$@"
    run_apart wherry pull -q --tls-verify=false --retry-delay 1s "$proxy/noise"
}

assert_pulled() {
    assert_status 0
    assert_output "$id"
    assert_equal "$(wherry image inspect --format '{{.Id}}' "$proxy/noise")" "$id"
}

# Refused with this error, and nothing of it is there.
assert_nothing_pulled() { # REGEX
    assert_status 125
    assert_error "$1"
    wait_for no_temporary_files
    assert_store_empty
}

@test "a connection that breaks in a layer: it goes on where it was" {
    prepare 3000000
    pull_through "1 GET.*$layer cut 1000000" "1 GET.*$layer cut 500000"
    assert_pulled
    assert_equal "$(request_headers "^GET .*$layer" range | sed 's/=[0-9]*/=N/')" $'-\nbytes=N-\nbytes=N-'
    assert_match "$(request_headers "^GET .*$layer" range | tail -1)" 'bytes=1[4-5][0-9]{5}-'
}

@test "the same with a server that knows no ranges, and with one that lies about them" {
    prepare 3000000
    pull_through "1 GET.*$layer cut 1000000" "1 GET.*$layer norange"
    assert_pulled
    wherry rmi -f "$id" >/dev/null
    pull_through "1 GET.*$layer cut 1000000" "1 GET.*$layer wrongrange"
    assert_nothing_pulled 'another range'
}

@test "429 with Retry-After, 503 and 500 are tried again, each kind of request" {
    prepare 10000
    pull_through '1 GET.*/manifests/ status 429 Retry-After:1' "1 GET.*$config status 503" \
        "2 GET.*$layer status 500"
    assert_pulled
    assert_equal "$(requests ' (429|503|500)$')" 4
}

@test "as often as --retry says, and not what cannot pass" {
    prepare 10000
    pull_through '0 GET.*/manifests/ status 503'
    assert_nothing_pulled 'status 503'
    assert_equal "$(requests ' 503$')" 4
    start_proxy '0 GET.*/manifests/ status 503'
    run_apart wherry pull -q --tls-verify=false --retry 0 "$proxy/noise"
    assert_nothing_pulled 'status 503'
    assert_equal "$(requests ' 503$')" 1
    pull_through '0 GET.*/manifests/ status 403'
    assert_nothing_pulled 'denies access'
    assert_equal "$(requests ' 403$')" 1
    pull_through '0 GET.*/manifests/ status 429 Retry-After:0'
    assert_nothing_pulled 'too many requests'
}

@test "a silent server does not hold us for ever" {
    prepare 3000000
    export WHERRY_REGISTRY_TIMEOUT=1
    start_proxy "0 GET.*$layer stall 100000"
    run_apart wherry pull -q --tls-verify=false --retry 1 "$proxy/noise"
    assert_nothing_pulled 'nothing came for 1 seconds'
    start_proxy '0 GET.*/manifests/ stall 0'
    run_apart wherry pull -q --tls-verify=false --retry 0 "$proxy/noise"
    assert_nothing_pulled 'nothing came'
    # One that only stumbles is no reason to give up.
    pull_through "1 GET.*$layer stall 1000000"
    assert_pulled
}

@test "a wrong byte anywhere: manifest, configuration, layer" {
    prepare 300000
    pull_through '0 GET.*/manifests/ flip 3'
    assert_nothing_pulled 'digest'
    pull_through "0 GET.*$config flip 10"
    assert_nothing_pulled 'digest'
    pull_through "0 GET.*$layer flip 200000"
    assert_nothing_pulled 'layer'
    start_proxy '0 GET.*/manifests/ flip 3'
    run_apart wherry pull -q --tls-verify=false "$proxy/noise@$(<digest)"
    assert_nothing_pulled 'digest'
}

@test "less or more than it should be" {
    prepare 300000
    pull_through "0 GET.*$layer short 1000"
    assert_nothing_pulled 'layer|bytes'
    pull_through "0 GET.*$layer long 1"
    assert_nothing_pulled 'more than'
    pull_through "0 GET.*$config long 1"
    assert_nothing_pulled 'more than'
    pull_through "0 GET.*$config short 1"
    assert_nothing_pulled 'bytes'
}

@test "documents that are too large or no documents" {
    prepare 1000
    head -c 5000000 /dev/zero | tr '\0' ' ' >large
    echo '{"schemaVersion": 1, "fsLayers": []}' >schema1
    echo 'no JSON' >nothing
    printf '[%.0s' {1..100000} >deep
    pull_through "0 GET.*/manifests/ body $PWD/large application/json"
    assert_nothing_pulled 'more than 4194304 bytes'
    pull_through "0 GET.*/manifests/ body $PWD/schema1 application/vnd.docker.distribution.manifest.v1+prettyjws"
    assert_nothing_pulled 'schema 1'
    pull_through "0 GET.*/manifests/ body $PWD/nothing"
    assert_nothing_pulled 'JSON'
    pull_through "0 GET.*/manifests/ body $PWD/deep"
    assert_nothing_pulled 'JSON'
}

# A manifest in which one thing is changed by a line of python, where m is the manifest.
bad_manifest() { # NAME CODE
    python3 - "$1" "$2" <<END
import json, sys, urllib.request
request = urllib.request.Request("http://$registry/v2/noise/manifests/latest",
    headers={"Accept": "application/vnd.oci.image.manifest.v1+json"})
m = json.load(urllib.request.urlopen(request))
exec(sys.argv[2])
json.dump(m, open(sys.argv[1], "w"))
END
}

@test "manifests that say what cannot be" {
    local type=application/vnd.oci.image.manifest.v1+json
    prepare 1000
    local -a cases=(
        'm["manifests"] = []' 'neither'
        'm["layers"][0]["digest"] = "sha256:../../x"' 'digest'
        'm["layers"][0]["digest"] = "sha512:" + "0" * 128' 'digest'
        'm["layers"][0]["size"] = -1' 'size'
        'm["layers"][0]["size"] = 1' 'more than'
        'm["layers"] = m["layers"] * 2' '2 layers, the configuration 1'
        'm["layers"] = m["layers"] * 2000' 'more than 1000 layers'
        'm["config"]["size"] = 1 << 40' 'limit'
        'm["config"]["mediaType"] = "application/vnd.cncf.helm.config.v1+json"' 'no container image'
        'm["mediaType"] = "application/vnd.oci.image.index.v1+json"' 'media type'
        'm["layers"][0]["mediaType"] += "+encrypted"' 'encrypted'
        'm["config"] = m["layers"][0] | {"mediaType": m["config"]["mediaType"]}' 'JSON'
    )
    local at
    start_proxy "0 GET.*/manifests/ body $PWD/bad $type"
    for ((at = 0; at < ${#cases[@]}; at += 2)); do
        echo "${cases[at]}"
        bad_manifest bad "${cases[at]}"
        run_apart wherry pull -q --tls-verify=false "$proxy/noise"
        assert_nothing_pulled "${cases[at + 1]}"
    done
    # Outside it says one thing, inside another.
    bad_manifest bad 'm.pop("mediaType", None)'
    pull_through "0 GET.*/manifests/ body $PWD/bad application/vnd.oci.image.index.v1+json"
    assert_nothing_pulled 'media type'
}

@test "a redirect carries no authorization to another port or host" {
    prepare 10000
    allow_plain 127.0.0.1
    start_proxy
    local storage=$proxy storage_log=$proxy_log
    start_proxy --tokens 100 --user user:password "0 GET.*$layer redirect http://$storage"
    run_apart wherry pull -q --tls-verify=false --creds user:password "$proxy/noise"
    assert_pulled
    assert_match "$(request_headers "^GET .*$layer" authorization)" 'Bearer tok-1'
    assert_match "$(request_headers '^GET /token' authorization)" 'Basic '
    proxy_log=$storage_log
    assert_equal "$(request_headers "^GET .*$layer" authorization)" -
}

@test "a challenge from where a redirect led gets neither a password nor a token" {
    prepare 10000
    start_proxy --tokens 100 --user user:password
    local storage=$proxy storage_log=$proxy_log
    start_proxy --tokens 100 --user user:password "0 GET.*$layer redirect http://$storage"
    run_apart wherry pull -q --tls-verify=false --creds user:password "$proxy/noise"
    assert_nothing_pulled "blob sha256:$layer.*user that is logged in"
    proxy_log=$storage_log
    assert_equal "$(requests '^GET /token')" 0
    assert_equal "$(request_headers "^GET .*$layer" authorization)" -
}

@test "a redirect from https to http, or in a circle" {
    prepare 10000
    make_certificate good
    mkdir certs
    cp good-ca.crt certs/ca.crt
    start_proxy --cert good.crt --key good.key "0 GET.*$layer redirect http://$registry"
    run_apart wherry pull -q --cert-dir certs "$proxy/noise"
    assert_nothing_pulled 'from https to http'
    start_proxy "0 GET.*$layer loop"
    run_apart wherry pull -q --tls-verify=false "$proxy/noise"
    assert_nothing_pulled 'more than 10 redirects'
    start_proxy "0 GET.*$layer status 302 Location:file:///etc/passwd"
    run_apart wherry pull -q --tls-verify=false "$proxy/noise"
    assert_nothing_pulled 'without a valid location'
}

@test "tokens: anonymous ones, ones that expire on the way, a wrong password" {
    prepare 300000
    pull_through --tokens 1
    assert_pulled
    assert_equal "$(requests '^GET /token.*scope=repository%3anoise%3apull.* 200')" 3
    start_proxy --tokens 2 --user user:password
    run_apart wherry push -q --tls-verify=false --creds user:password "$id" "$proxy/copy"
    assert_status 0
    run_apart wherry push -q --tls-verify=false --creds user:wrong "$id" "$proxy/again"
    assert_status 125
    assert_error 'does not accept the user name or the password'
    run_apart wherry push -q --tls-verify=false "$id" "$proxy/again"
    assert_status 125
    assert_error "wherry login $proxy"
    run_apart wherry login --tls-verify=false -u user -p wrong "$proxy"
    assert_status 125
    run_apart wherry login --tls-verify=false -u user -p password "$proxy"
    assert_status 0
    run_apart wherry push -q --tls-verify=false "$id" "$proxy/again"
    assert_status 0
}

@test "a token that would break the header, and a token server without TLS" {
    prepare 1000
    start_proxy --tokens 1
    local realm="http://$proxy/token"
    make_certificate good
    mkdir certs
    cp good-ca.crt certs/ca.crt
    start_proxy --cert good.crt --key good.key --realm "$realm" --tokens 1
    run_apart wherry pull -q --cert-dir certs --creds user:password "$proxy/noise"
    assert_nothing_pulled 'without TLS'
    start_proxy --realm "http://127.0.0.1:1/token" --tokens 1
    run_apart wherry pull -q --tls-verify=false "$proxy/noise"
    assert_nothing_pulled 'refused'
    start_proxy --evil-token --tokens 1
    run_apart wherry pull -q --tls-verify=false "$proxy/noise"
    assert_nothing_pulled 'no valid token'
}

@test "layers that are no layers: cut gzip, noise, a bomb" {
    local name
    start_registry
    make_noise noise 300000
    gzip -c noise.tar | head -c 200000 >cut.gz
    head -c 100000 /dev/urandom >random
    wherry push -q --tls-verify=false noise "$registry/noise"
    wherry rmi noise >/dev/null
    for name in cut.gz random; do
        bad_layer "$name"
        run_apart wherry pull -q --tls-verify=false "$registry/noise:bad"
        assert_nothing_pulled 'layer'
    done
    head -c 3000000 /dev/zero >noise/zeros
    tar -C noise -cf - . | gzip >bomb
    bad_layer bomb
    WHERRY_LAYER_MAX=1000000 run_apart wherry pull -q --tls-verify=false "$registry/noise:bad"
    assert_nothing_pulled 'layer.*WHERRY_LAYER_MAX'
}

@test "a push over a bad line: it begins again, and the registry has a whole layer" {
    prepare 300000
    wherry pull -q --tls-verify=false "$registry/noise"
    start_proxy '1 POST.*/uploads status 503' '1 PATCH status 500' '1 PUT.*/blobs status 502' \
        '1 PUT.*/manifests status 429 Retry-After:0'
    run_apart wherry push -q --tls-verify=false --compression-format zstd "$registry/noise" "$proxy/copy"
    assert_status 0
    assert_equal "$(requests '(POST|PATCH|PUT) .* (503|500|502|429)$')" 4
    wherry rmi "$registry/noise" >/dev/null
    run_apart wherry pull -q --tls-verify=false "$registry/copy"
    assert_output "$id"
    start_proxy '0 PATCH status 500'
    run_apart wherry push -q --tls-verify=false --retry 1 --compression-format gzip "$registry/copy" "$proxy/other"
    assert_status 125
    assert_error 'status 500'
    start_proxy '0 HEAD.*/blobs status 404' '0 PATCH status 403'
    run_apart wherry push -q --tls-verify=false "$registry/copy" "$proxy/third"
    assert_status 125
    assert_error 'denies access'
}

# The last push went well, and what arrived is the image.
assert_pushed() {
    assert_status 0
    wherry rmi "$registry/noise" >/dev/null
    run_apart wherry pull -q --tls-verify=false "$proxy/copy"
    assert_output "$id"
    wherry tag "$id" "$registry/noise"
    wherry rmi "$proxy/copy" >/dev/null
}

# A registry that has nothing of the image yet.
push_through() { # PROXY-ARGUMENT...
    start_proxy "$@" '1 HEAD.*/blobs status 404' '0 POST.*mount= status 404'
    run_apart wherry push -q --tls-verify=false --retry-delay 1s "$registry/noise" "$proxy/copy"
}

assert_ranges() { # REGEX: Content-Range of each piece
    assert_match "$(request_headers '^PATCH' content-range | tr '\n' ' ')" "^$1 \$"
}

@test "a push that breaks in a layer goes on where the registry says" {
    prepare 12000000
    wherry pull -q --tls-verify=false "$registry/noise"
    push_through '1 PATCH take 1300000'
    assert_pushed
    assert_ranges '- 1300000-9688607 9688608-12[0-9]{6}'
    # Broken again in what follows, which libcurl tries to send once more by itself.
    push_through '1 PATCH take 1300000' '1 PATCH take 700000'
    assert_pushed
    assert_ranges '- (1300000-9688607 ){1,2}2000000-10388607 10388608-12[0-9]{6}'
    # All of it is there, but the answer got lost.
    push_through '1 PATCH take 20000000'
    assert_pushed
    assert_ranges -
    # The registry has something, and then cannot go on with that.
    push_through '1 PATCH take 1300000' '1 PATCH status 416' '2 HEAD.*/blobs status 404'
    assert_pushed
    assert_ranges '- 1300000-9688607 1300000-9688607 9688608-12[0-9]{6}'
    push_through '1 PATCH take 1300000' '1 GET.*/uploads/ status 404' '2 HEAD.*/blobs status 404'
    assert_pushed
    assert_ranges '- -'
    # It says to have what was never sent.
    push_through '1 PATCH take 1300000' '1 GET.*/uploads/ header Range 0-99999999' \
        '2 HEAD.*/blobs status 404'
    assert_pushed
    assert_ranges '- -'
}

@test "a registry that names a least length of chunks gets such" {
    prepare 12000000
    wherry pull -q --tls-verify=false "$registry/noise"
    push_through '0 POST.*/uploads/$ header OCI-Chunk-Min-Length 10000000'
    assert_pushed
    assert_ranges '0-9999999 10000000-12[0-9]{6}'
    assert_equal "$(request_headers '^PATCH' content-length | head -1)" 10000000
    push_through '0 POST.*/uploads/$ header OCI-Chunk-Min-Length 5000' '1 PATCH status 503'
    assert_pushed
    assert_ranges '0-8388607 0-8388607 8388608-12[0-9]{6}'
    # Longer than what is kept in memory: all of it is one.
    push_through '0 POST.*/uploads/$ header OCI-Chunk-Min-Length 9000000000000000000'
    assert_pushed
    assert_ranges -
}

@test "a push of which only the last answer is lost sends nothing twice" {
    prepare 300000
    wherry pull -q --tls-verify=false "$registry/noise"
    push_through '1 PUT.*/blobs drop'
    assert_pushed
    assert_ranges -
}

@test "a registry that calls an upload done which has not begun" {
    prepare 10000
    wherry pull -q --tls-verify=false "$registry/noise"
    push_through '0 POST.*/uploads/$ status 201'
    assert_refused 'blob for .*201'
    start_proxy '1 HEAD.*/blobs status 404' "0 HEAD.*$config status 404" '0 POST.*mount= status 404' \
        '2 POST.*/uploads/$ status 201'
    run_apart wherry push -q --tls-verify=false "$registry/noise" "$proxy/other"
    assert_refused 'blob for .*201'
}

@test "when a mirror gives a bad layer the next place is asked" {
    prepare 300000
    start_proxy "0 GET.*$layer flip 100000"
    cat >"$HOME/.config/containers/registries.conf" <<END
[[registry]]
prefix = "example.com/team"
location = "$registry"
insecure = true
[[registry.mirror]]
location = "$proxy"
insecure = true
END
    run_apart wherry pull -q example.com/team/noise
    assert_status 0
    assert_output "$id"
    assert_equal "$(requests "^GET .*$layer")" 1
}
