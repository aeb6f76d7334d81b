#!/usr/bin/env bats
# SPDX-License-Identifier: Apache-2.0
# pull, push, login, logout, search against a registry of docker's.
# shellcheck disable=SC2030,SC2031 # each test is a shell of its own
# bats file_tags=main

load helpers
load registry

test_setup() {
    need_registry
    own_home
}

plain() {
    start_registry
    allow_plain "$registry"
}

@test "what is pushed comes back with the same id and layers, and runs" {
    local id layers digest
    plain
    need_image hello
    id=$(wherry images -q --no-trunc)
    layers=$(wherry image inspect --format '{{json .RootFS.Layers}}' hello)
    run_apart wherry push -q --digestfile digest hello "$registry/a/hello:v1"
    assert_status 0
    assert_output ''
    assert_equal "$stderr" ''
    digest=$(<digest)
    wherry rmi hello
    run_apart wherry pull -q "$registry/a/hello:v1"
    assert_status 0
    assert_output "${id#sha256:}"
    assert_equal "$stderr" ''
    assert_equal "$(wherry image inspect --format '{{json .RootFS.Layers}}' "$registry/a/hello:v1")" "$layers"
    assert_equal "$(wherry image inspect --format '{{json .RepoDigests}}' "$id")" "[\"$registry/a/hello@$digest\"]"
    assert_equal "$(wherry images --format '{{.Digest}}')" "$digest"
    run_apart wherry run --rm "$registry/a/hello@$digest"
    assert_status 0
    assert_match "$output" 'Hello from a container'
}

@test "an image by its digest alone" {
    plain
    need_image hello
    wherry push -q --digestfile digest hello "$registry/hello:v1"
    wherry rmi hello
    run_apart wherry pull -q "$registry/hello@$(<digest)"
    assert_status 0
    run_apart wherry run --rm --pull=never "$registry/hello@$(<digest)"
    assert_status 0
    assert_match "$output" 'Hello from a container'
    run_apart wherry images --format '{{.Repository}} {{.Tag}}'
    assert_output "$registry/hello <none>"
}

@test "run of a short name through a mirror of docker.io" {
    plain
    need_image hello
    wherry push -q hello "$registry/hub/library/centos:latest"
    wherry rmi hello
    cat >"$HOME/.config/containers/registries.conf" <<END
unqualified-search-registries = ["docker.io"]
[[registry]]
prefix = "docker.io"
location = "127.0.0.1:1"
[[registry.mirror]]
location = "$registry/hub"
insecure = true
END
    mkdir -p "$HOME/.config/containers/registries.conf.d"
    printf '[aliases]\ncentos = ""\n' >"$HOME/.config/containers/registries.conf.d/zz.conf"
    run_apart wherry run --rm centos
    assert_status 0
    assert_output 'Hello from a container with nothing in it but this program.'
    assert_match "$stderr" 'Trying to pull docker.io/library/centos:latest'
    run_apart wherry images --format '{{.Repository}}:{{.Tag}}'
    assert_output docker.io/library/centos:latest
    # Now it is here: nobody is asked.
    run_apart wherry run --rm centos
    assert_status 0
    assert_equal "$stderr" ''
}

@test "every command finds an image by an alias, podman's own list of aliases included" {
    local command words
    need_image hello
    wherry tag hello "registry.example/found:latest"
    wherry rmi hello
    printf '[aliases]\nshort = "registry.example/other"\n' \
        >>"$HOME/.config/containers/registries.conf"
    mkdir -p "$HOME/.cache/containers"
    echo 'nonsense' >"$HOME/.cache/containers/short-name-aliases.conf"
    run_apart wherry image resolve short
    assert_status 125
    assert_error 'short-name-aliases.conf'
    printf '[aliases]\nshort = "registry.example/found"\n' \
        >"$HOME/.cache/containers/short-name-aliases.conf"
    run_apart wherry image resolve short:x
    assert_status 0
    assert_output registry.example/found:x
    wherry image exists short
    run_apart wherry image exists short:x
    assert_status 1
    for command in inspect 'image inspect' history 'image tree' 'image diff'; do
        read -ra words <<<"$command"
        run_apart wherry "${words[@]}" short
        assert_status 0
        assert_equal "$stderr" ''
    done
    wherry image mount short >/dev/null
    wherry image unmount short >/dev/null
    wherry save -q -o "short.tar" short
    run_apart tar -xOf "short.tar" manifest.json
    assert_match "$output" '"registry.example/found:latest"'
    run_apart wherry images -q --filter since=short
    assert_status 0
    run_apart wherry images -n --format '{{.Repository}}' short
    assert_output registry.example/found
    wherry run --rm --mount type=image,src=short,dst=/i short
    wherry tag short another
    wherry untag short short
    run_apart wherry images -n --format '{{.Repository}}'
    assert_output docker.io/library/another
    wherry tag another registry.example/found
    # Of the two names this is the one that goes.
    run_apart wherry rmi short
    assert_status 0
    assert_output 'Untagged: registry.example/found:latest'
    run_apart wherry rmi short
    assert_status 1
    assert_error 'short: image not known'
}

@test "several registries for short names are tried in their order, aliases come first" {
    plain
    need_image hello
    wherry push -q hello "$registry/found:latest"
    wherry rmi hello
    cat >>"$HOME/.config/containers/registries.conf" <<END
[aliases]
short = "$registry/found"
END
    sed -i "1i unqualified-search-registries = [\"127.0.0.1:1\", \"$registry\"]" \
        "$HOME/.config/containers/registries.conf"
    run_apart wherry pull found
    assert_status 0
    assert_match "$stderr" 'Trying to pull 127.0.0.1:1/found:latest'
    assert_match "$stderr" "Trying to pull $registry/found:latest"
    run_apart wherry pull short
    assert_status 0
    refute_match "$stderr" '127.0.0.1:1/'
    # By its alias it is found here, too: nobody is asked.
    run_apart wherry run --rm short
    assert_status 0
    assert_equal "$stderr" ''
    run_apart wherry run --rm --pull never short
    assert_status 0
    run_apart wherry run --rm --pull never nowhere
    assert_status 125
    assert_error 'nowhere: image not known'
    run_apart wherry pull nowhere
    assert_status 125
    assert_error 'nowhere: .*refused.*not found'
    sed -i '1i short-name-mode = "enforcing"' "$HOME/.config/containers/registries.conf"
    run_apart wherry pull found
    assert_status 125
    assert_error 'write the full name'
    printf '\n[[registry]]\nlocation = "blocked.example"\nblocked = true\n' \
        >>"$HOME/.config/containers/registries.conf"
    run_apart wherry pull blocked.example/x
    assert_status 125
    assert_error 'blocked in registries.conf'
}

@test "policy.json: what it rejects, and what it wants signed, is not pulled" {
    plain
    need_image hello
    wherry push -q hello "$registry/good/hello"
    wherry push -q hello "$registry/bad/hello"
    wherry push -q hello "$registry/signed/hello"
    wherry rmi hello
    cat >"$HOME/.config/containers/policy.json" <<END
{"default": [{"type": "reject"}], "transports": {"docker": {
  "$registry": [{"type": "insecureAcceptAnything"}],
  "$registry/bad": [{"type": "reject"}],
  "$registry/signed": [{"type": "signedBy", "keyType": "GPGKeys", "keyPath": "/key"}]}}}
END
    run_apart wherry pull -q "$registry/bad/hello"
    assert_refused "bad/hello:latest is rejected by $HOME/.config/containers/policy.json"
    run_apart wherry run --rm "$registry/signed/hello"
    assert_refused 'asks for a signature \(signedBy\)'
    run_apart wherry pull -q elsewhere.example/hello
    assert_refused 'elsewhere.example/hello:latest is rejected'
    run_apart wherry pull -q "$registry/good/hello"
    assert_status 0
    echo '{"default": [{"type": "rejct"}]}' >"$HOME/.config/containers/policy.json"
    run_apart wherry pull -q "$registry/good/hello"
    assert_refused 'policy.json: default: .*"rejct" is unknown'
}

@test "a registry that speaks plain HTTP is only asked where that is allowed" {
    start_registry
    need_image hello
    run_apart wherry push hello "$registry/hello"
    assert_status 125
    assert_error 'plain HTTP.*--tls-verify=false'
    run_apart wherry push -q --tls-verify=false hello "$registry/hello"
    assert_status 0
    allow_plain "$registry"
    run_apart wherry pull -q "$registry/hello"
    assert_status 0
    run_apart wherry pull -q --tls-verify "$registry/hello"
    assert_status 125
}

# A registry with TLS and a user "user" with the password "se cret".
private() {
    make_certificate good
    htpasswd -Bbn user 'se cret' >passwords
    start_registry "  tls: {certificate: $PWD/good.crt, key: $PWD/good.key}" \
        "auth: {htpasswd: {realm: tests, path: $PWD/passwords}}"
}

trust() {
    mkdir -p "$HOME/.config/containers/certs.d/$registry"
    cp good-ca.crt "$HOME/.config/containers/certs.d/$registry/ca.crt"
}

@test "login, and what is refused without" {
    local file=$XDG_RUNTIME_DIR/containers/auth.json
    private
    trust
    need_image hello
    run_apart wherry push hello "$registry/hello"
    assert_status 125
    assert_error "wherry login $registry"
    run_apart wherry login -u user -p wrong "$registry"
    assert_status 125
    assert_error 'does not accept the user name or the password'
    refute_match "$stderr" 'wrong'
    assert_equal "$([[ -e $file ]] && cat "$file")" ''
    run_apart wherry login --get-login "$registry"
    assert_status 125
    mkdir -p "${file%/*}"
    echo '{"auths": {"other.example": {"auth": "dTpw", "mine": 1}}, "kept": [1]}' >"$file"
    chmod 0644 "$file"
    run_apart wherry login -u user --password-stdin "$registry" <<<'se cret'
    assert_status 0
    assert_output 'Login Succeeded!'
    assert_equal "$(stat -c %a "$file")" 600
    assert_equal "$(python3 -c 'import json, sys; d = json.load(open(sys.argv[1])); print(d["kept"], d["auths"]["other.example"])' "$file")" \
        "[1] {'auth': 'dTpw', 'mine': 1}"
    run_apart wherry login --get-login "$registry"
    assert_output user
    run_apart wherry login "$registry"
    assert_status 0
    assert_match "$output" 'Already logged in'
    run_apart wherry push -q hello "$registry/hello"
    assert_status 0
    wherry rmi hello
    run_apart wherry --log-level debug run --rm "$registry/hello"
    assert_status 0
    refute_match "$stderr" 'se cret|dXNlcjpzZSBjcmV0|Authorization'
    wherry rmi "$registry/hello"
    run_apart wherry logout "$registry"
    assert_status 0
    run_apart wherry pull "$registry/hello"
    assert_status 125
    assert_error 'login'
    run_apart wherry logout "$registry"
    assert_status 125
    assert_error 'not logged in'
    run_apart wherry pull -q --creds 'user:se cret' "$registry/hello"
    assert_status 0
    run_apart wherry pull -q --creds 'user:wrong' "$registry/hello"
    assert_status 125
    run_apart wherry logout --all
    assert_status 0
    assert_equal "$(python3 -c 'import json, sys; print(json.load(open(sys.argv[1]))["auths"])' "$file")" '{}'
}

@test "login at a terminal asks and shows no password" {
    private
    trust
    run expect -c "
        set timeout 20
        spawn $WHERRY login $registry
        expect Username: { send \"user\r\" }
        expect Password: { send \"se cret\r\" }
        expect Succeeded
        expect eof"
    assert_status 0
    assert_match "$output" 'Login Succeeded'
    refute_match "$output" 'se cret'
    run_apart wherry login --get-login "$registry"
    assert_output user
    run_apart wherry login -u user "$registry" </dev/null
    assert_status 125
    assert_error '--password-stdin'
}

@test "credentials of a repository win, and --authfile is what it says" {
    private
    trust
    need_image hello
    wherry login --authfile own.json -u user -p 'se cret' "$registry/team" >/dev/null
    run_apart wherry push -q --authfile own.json hello "$registry/team/hello"
    assert_status 0
    run_apart wherry push -q --authfile own.json hello "$registry/other/hello"
    assert_status 125
    run_apart wherry pull -q --authfile missing.json "$registry/team/hello"
    assert_status 125
    assert_error 'missing.json'
    run_apart env REGISTRY_AUTH_FILE="$PWD/own.json" "$WHERRY" pull -q "$registry/team/hello"
    assert_status 0
    echo '{"auths": 1}' >own.json
    run_apart wherry pull -q --authfile own.json "$registry/team/hello"
    assert_status 125
    assert_error 'own.json'
}

@test "a credential helper is asked, told and made to forget" {
    private
    trust
    mkdir bin
    cat >bin/docker-credential-test <<'END'
#!/bin/bash
# Keeps one secret in a file beside it.
store=$(dirname "$0")/secret
case $1 in
get)
    read -r server
    [[ -e $store ]] || { echo 'credentials not found in native keychain'; exit 1; }
    cat "$store"
    ;;
store) cat >"$store" ;;
erase) rm "$store" ;;
esac
END
    chmod +x bin/docker-credential-test
    mkdir -p "$XDG_RUNTIME_DIR/containers"
    printf '{"credHelpers": {"%s": "test"}}' "$registry" >"$XDG_RUNTIME_DIR/containers/auth.json"
    export PATH=$PWD/bin:$PATH
    need_image hello
    run_apart wherry push -q hello "$registry/hello"
    assert_status 125
    run_apart wherry login -u user -p 'se cret' "$registry"
    assert_status 0
    assert_match "$(<bin/secret)" '"Username":"user"'
    refute_match "$(<"$XDG_RUNTIME_DIR/containers/auth.json")" '"auth"'
    run_apart wherry push -q hello "$registry/hello"
    assert_status 0
    run_apart wherry logout "$registry"
    assert_status 0
    [[ ! -e bin/secret ]]
    printf '{"credHelpers": {"%s": "../bin/x"}}' "$registry" >"$XDG_RUNTIME_DIR/containers/auth.json"
    run_apart wherry pull -q "$registry/hello"
    assert_status 125
    assert_error 'credential helper'
}

# make_helper NAME: a helper that keeps a file a server in keys.NAME/ and notes what it is asked.
make_helper() {
    mkdir -p bin "keys.$1"
    cat >"bin/docker-credential-$1" <<END
#!/bin/bash
cd "$PWD/keys.$1" || exit
echo "$1 \$1" >>"$PWD/asked"
case \$1 in
get)
    read -r server
    [[ -e \$server ]] || { echo 'credentials not found in native keychain'; exit 1; }
    cat "\$server"
    ;;
store)
    text=\$(cat)
    server=\$(sed 's/.*"ServerURL": *"\([^"]*\)".*/\1/' <<<"\$text")
    echo "\$text" >"\$server"
    ;;
erase) read -r server; rm "\$server" ;;
list) printf '{'; for f in *; do [[ -e \$f ]] && printf '"%s":"user"' "\$f"; done; printf '}' ;;
esac
END
    chmod +x "bin/docker-credential-$1"
}

@test "credential-helpers of registries.conf are asked in their order, auth.json in its place" {
    private
    trust
    need_image hello
    make_helper one
    make_helper two
    export PATH=$PWD/bin:$PATH
    echo 'credential-helpers = ["one", "containers-auth.json", "two"]' \
        >"$HOME/.config/containers/registries.conf"
    run_apart wherry login -u user -p 'se cret' "$registry"
    assert_status 0
    [[ -e keys.one/$registry && ! -e keys.two/$registry ]]
    [[ ! -e $XDG_RUNTIME_DIR/containers/auth.json ]]
    wherry push -q hello "$registry/hello"
    # The last one knows as well; each that is asked before says that it does not.
    mv "keys.one/$registry" keys.two/
    rm asked
    wherry push -q hello "$registry/hello"
    assert_equal "$(<asked)" $'one get\ntwo get'
    # The files stand between the two.
    mv "keys.two/$registry" "keys.one/"
    mkdir -p "$XDG_RUNTIME_DIR/containers"
    printf '{"auths": {"%s": {"auth": "%s"}}}' "$registry" "$(printf 'user:wrong' | base64)" \
        >"$XDG_RUNTIME_DIR/containers/auth.json"
    wherry push -q hello "$registry/hello"
    mv "keys.one/$registry" keys.two/
    run_apart wherry push -q hello "$registry/hello"
    assert_status 125
    # A helper that fails is passed over.
    printf '#!/bin/bash\nexit 3\n' >bin/docker-credential-one
    rm "$XDG_RUNTIME_DIR/containers/auth.json"
    wherry push -q hello "$registry/hello"
    run_apart wherry login -u user -p 'se cret' "$registry/part"
    assert_status 0
    assert_match "$(<"$XDG_RUNTIME_DIR/containers/auth.json")" "$registry/part"
    make_helper one
    # All places forget.
    run_apart wherry logout --all
    assert_status 0
    [[ ! -e keys.two/$registry ]]
    refute_match "$(<"$XDG_RUNTIME_DIR/containers/auth.json")" 'part'
    run_apart wherry push -q hello "$registry/hello"
    assert_status 125
    sed -i 's/"one"/"..\/one"/' "$HOME/.config/containers/registries.conf"
    run_apart wherry pull -q "$registry/hello"
    assert_status 125
    assert_error 'is no name of a credential helper'
}

@test "certificates: another authority, another host, expired; certs.d and --cert-dir" {
    private
    need_image hello
    run_apart wherry login -u user -p 'se cret' "$registry"
    assert_status 125
    assert_error "certs.d/$registry/ca.crt"
    make_certificate wrong
    mkdir wrong right
    cp wrong-ca.crt wrong/ca.crt
    cp good-ca.crt right/ca.crt
    run_apart wherry login --cert-dir wrong -u user -p 'se cret' "$registry"
    assert_status 125
    assert_error 'not trusted'
    run_apart wherry login --cert-dir right -u user -p 'se cret' "$registry"
    assert_status 0
    run_apart wherry push -q --tls-verify=false hello "$registry/hello"
    assert_status 0
    touch right/client.key
    run_apart wherry login --cert-dir right -u user -p 'se cret' "$registry"
    assert_status 125
    assert_error 'client.cert'
    make_certificate host DNS:other.example
    make_certificate old IP:127.0.0.1 0
    sleep 1.1 # no validity of less than a second can be made
    local name
    for name in host old; do
        mkdir "$name"
        cp "$name-ca.crt" "$name/ca.crt"
        start_registry "  tls: {certificate: $PWD/$name.crt, key: $PWD/$name.key}"
        run_apart wherry pull --cert-dir "$name" "$registry/hello"
        assert_status 125
        assert_error 'not trusted'
    done
}

@test "an image that was committed as docker's is pushed as such, unless asked otherwise" {
    command -v skopeo >/dev/null || skip 'skopeo is not installed'
    plain
    need_image hello
    wherry create --name c hello
    wherry commit -q --format docker c made
    wherry push -q made "$registry/made:1"
    skopeo inspect --raw --tls-verify=false "docker://$registry/made:1" | grep -q docker.distribution.manifest.v2
    wherry push -q --format oci made "$registry/made:2"
    skopeo inspect --raw --tls-verify=false "docker://$registry/made:2" | grep -q oci.image.manifest.v1
}

@test "skopeo reads what is pushed: OCI, docker schema 2, zstd" {
    command -v skopeo >/dev/null || skip 'skopeo is not installed'
    local id kind
    plain
    need_image hello
    id=$(wherry images -q --no-trunc)
    wherry push -q hello "$registry/x:oci"
    wherry push -q --format v2s2 hello "$registry/x:docker"
    wherry push -q --compression-format zstd hello "$registry/x:zstd"
    run_apart wherry push --format v2s2 --compression-format zstd hello "$registry/x:no"
    assert_status 125
    for kind in oci docker zstd; do
        skopeo copy -q --src-tls-verify=false "docker://$registry/x:$kind" "oci:out-$kind:x"
        skopeo inspect --raw --tls-verify=false "docker://$registry/x:$kind" >"$kind.json"
        assert_equal "$(python3 -c 'import json; print(json.load(open("'"$kind"'.json"))["config"]["digest"])')" "$id"
        wherry rmi -f "$id" >/dev/null
        run_apart wherry run --rm "$registry/x:$kind"
        assert_status 0
    done
    assert_match "$(<docker.json)" 'application/vnd.docker.distribution.manifest.v2'
    assert_match "$(<zstd.json)" 'tar.zstd'
    # The store itself opens in skopeo, too.
    run_apart skopeo inspect --format '{{.Architecture}}' "oci:$WHERRY_ROOT:$registry/x:zstd"
    assert_status 0
}

@test "what skopeo pushed is pulled: OCI and docker schema 2, gzip and zstd" {
    command -v skopeo >/dev/null || skip 'skopeo is not installed'
    local id format compression
    plain
    need_image hello
    id=$(wherry images -q --no-trunc)
    cp -r "$WHERRY_ROOT" source
    for format in oci v2s2; do
        for compression in gzip zstd; do
            [[ $format$compression != v2s2zstd ]] || continue
            skopeo copy -q --dest-tls-verify=false --format "$format" \
                --dest-compress-format "$compression" --dest-compress \
                "oci:source:docker.io/library/hello:latest" "docker://$registry/s:$format-$compression"
            wherry rmi -af >/dev/null 2>&1 || wherry rmi -f "$id" >/dev/null
            run_apart wherry run --rm "$registry/s:$format-$compression"
            assert_status 0
            assert_match "$output" 'Hello from a container'
        done
    done
}

# An index of two platforms; sets `arm` to the digest of that manifest.
push_index() { # REPOSITORY
    local arch
    make_hello src
    for arch in amd64 arm64; do
        wherry import -q -c "LABEL arch=$arch" <(tar -C src --owner=0 --group=0 -cf - hello) "one-$arch" >/dev/null
        wherry push -q --digestfile "$arch.digest" "one-$arch" "$registry/$1:$arch"
        skopeo inspect --raw --tls-verify=false "docker://$registry/$1:$arch" >"$arch.json"
        wherry rmi "one-$arch" >/dev/null
    done
    python3 - <<'END' >index.json
import json, os
print(json.dumps({"schemaVersion": 2, "mediaType": "application/vnd.oci.image.index.v1+json",
    "manifests": [{"mediaType": "application/vnd.oci.image.manifest.v1+json", "size": os.path.getsize(a + ".json"),
                   "digest": open(a + ".digest").read(), "platform": {"os": "linux", "architecture": a}}
                  for a in ("arm64", "amd64")]}))
END
    assert_equal "$(python3 "$tool" put "http://$registry/v2/$1/manifests/multi" index.json \
        application/vnd.oci.image.index.v1+json)" 201
    arm=$(<arm64.digest)
}

@test "the image of a platform out of an index" {
    command -v skopeo >/dev/null || skip 'skopeo is not installed'
    local index
    plain
    push_index multi
    index=sha256:$(sha256sum index.json | cut -d ' ' -f 1)
    run_apart wherry pull -q --platform linux/arm64 "$registry/multi:multi"
    assert_status 0
    assert_equal "$(wherry image inspect --format '{{.Labels.arch}} {{.Digest}}' "$registry/multi:multi")" "arm64 $arm"
    assert_match "$(wherry image inspect --format '{{json .RepoDigests}}' "$registry/multi:multi")" "$index"
    run_apart wherry pull -q --arch x86_64 "$registry/multi:multi"
    assert_status 0
    assert_equal "$(wherry image inspect --format '{{.Labels.arch}}' "$registry/multi@$index")" amd64
    run_apart wherry pull -q --platform linux/s390x "$registry/multi:multi"
    assert_status 125
    assert_error 'no image for linux/s390x, only for: linux/arm64, linux/amd64'
    run_apart wherry pull -q --platform linux/arm64 --arch arm64 "$registry/multi:multi"
    assert_status 125
    run_apart wherry pull -q --platform 'linux/' "$registry/multi:multi"
    assert_status 125
    assert_error 'invalid platform'
}

@test "deleted in the registry it cannot be pulled; pushed again it can" {
    command -v skopeo >/dev/null || skip 'skopeo is not installed'
    plain
    need_image hello
    wherry push -q hello "$registry/hello:v1"
    skopeo delete --tls-verify=false "docker://$registry/hello:v1"
    run_apart wherry pull "$registry/hello:v1"
    assert_status 125
    assert_error 'not found'
    # What is here still runs, and is pushed again.
    wherry push -q hello "$registry/hello:v1"
    run_apart wherry pull -q "$registry/hello:v1"
    assert_status 0
}

@test "a layer is sent once: again, elsewhere in the registry, and after a pull" {
    plain
    make_noise noise 300000
    start_proxy
    run_apart wherry push --tls-verify=false --digestfile one noise "$proxy/a:1"
    assert_status 0
    assert_match "$stderr" 'done, 30[0-9] kB'
    assert_equal "$(requests '^PATCH .* 202')" 1
    run_apart wherry push --tls-verify=false --digestfile two noise "$proxy/a:2"
    assert_match "$stderr" 'already there'
    assert_equal "$(<one)" "$(<two)"
    run_apart wherry push --tls-verify=false noise "$proxy/b:1"
    assert_match "$stderr" 'taken over from another repository'
    wherry rmi noise
    wherry pull -q --tls-verify=false "$proxy/a:1"
    run_apart wherry push --tls-verify=false --digestfile three "$proxy/a:1" "$proxy/c:1"
    assert_match "$stderr" 'taken over from another repository'
    assert_equal "$(<one)" "$(<three)"
    assert_equal "$(requests '^PATCH')" 1
}

@test "a registry's word for a layer that is here puts no other blob into what is pushed" {
    plain
    make_noise noise 300000
    wherry push -q --tls-verify=false --digestfile first noise "$registry/noise"
    mkdir other
    tar -C other -czf other.tar.gz .
    bad_layer other.tar.gz # noise:bad has the same configuration
    rm -r "$WHERRY_ROOT/origins"
    wherry pull -q --tls-verify=false "$registry/noise:bad"
    wherry push -q --tls-verify=false --digestfile mine noise "$registry/mine"
    assert_equal "$(<mine)" "$(<first)"
}

@test "layers that are here are not fetched" {
    plain
    need_image hello
    wherry tag hello "$registry/base"
    mkdir context
    printf 'FROM hello\nLABEL one=two\nCOPY file /file\n' >context/Dockerfile
    echo x >context/file
    wherry build -q -t child context >/dev/null
    start_proxy
    wherry push -q --tls-verify=false child "$proxy/child"
    wherry rmi child >/dev/null
    run_apart wherry pull --tls-verify=false "$proxy/child"
    assert_status 0
    assert_match "$stderr" 'already there'
    assert_equal "$(requests '^GET .*/blobs/')" 2 # the configuration and the new layer
}

@test "when to pull: always, missing, newer, never" {
    plain
    need_image hello
    start_proxy
    allow_plain "$proxy"
    wherry push -q hello "$proxy/hello"
    wherry rmi hello >/dev/null
    run_apart wherry run --rm --pull=never "$proxy/hello"
    assert_status 125
    assert_error 'image not known'
    run_apart wherry run -q --rm "$proxy/hello"
    assert_status 0
    assert_equal "$stderr" ''
    assert_equal "$(requests '^GET .*/manifests/')" 1
    run_apart wherry run --rm --pull=missing "$proxy/hello"
    assert_equal "$(requests '^GET .*/manifests/')" 1
    run_apart wherry run -q --rm --pull=newer "$proxy/hello"
    assert_status 0
    assert_equal "$(requests '^HEAD .*/manifests/')" 1
    assert_equal "$(requests '^GET .*/manifests/')" 1
    run_apart wherry run -q --rm --pull=always "$proxy/hello"
    assert_status 0
    assert_equal "$(requests '^GET .*/manifests/')" 2
    make_noise other 1000
    wherry push -q other "$proxy/hello"
    run_apart wherry pull -q --policy newer "$proxy/hello"
    assert_output "$(wherry image inspect --format '{{.Id}}' other)"
    run_apart wherry pull -q --policy never "$proxy/missing"
    assert_status 125
}

@test "a pull at a terminal shows its layers" {
    plain
    make_noise noise 3000000
    wherry push -q noise "$registry/noise"
    wherry rmi noise >/dev/null
    layer=$(python3 "$tool" layer "http://$registry/v2/noise/manifests/latest")
    start_proxy "1 GET.*$layer delay 0.3"
    run expect -c "
        set timeout 20
        spawn $WHERRY pull --tls-verify=false $proxy/noise
        expect eof"
    assert_status 0
    assert_match "$output" "${layer:7:12}  downloading 0 B of 3 MB"
    assert_match "$output" "${layer:7:12}  done, 3 MB"
}

@test "build pulls what FROM names and is not here" {
    plain
    need_image hello
    wherry push -q hello "$registry/base"
    wherry rmi hello >/dev/null
    mkdir context
    printf 'FROM %s/base\nLABEL made=here\n' "$registry" >context/Dockerfile
    run_apart wherry build --pull=never context
    assert_status 125
    assert_error 'image not known'
    run_apart wherry build -t made context
    assert_status 0
    assert_match "$stderr" "Trying to pull $registry/base:latest"
    assert_equal "$(wherry image inspect --format '{{.Labels.made}}' made)" here
    run_apart wherry build context
    assert_status 0
    refute_match "$stderr" 'Trying'
    run_apart wherry build -q --pull context
    assert_status 0
    assert_equal "$stderr" ''
    printf 'FROM %s/nosuch\nLABEL made=here\n' "$registry" >context/Dockerfile
    run_apart wherry build context
    assert_status 125
    assert_error 'not found'
}

@test "all tags of a repository" {
    plain
    need_image hello
    wherry push -q hello "$registry/many:a"
    wherry push -q hello "$registry/many:b"
    wherry rmi hello >/dev/null
    run_apart wherry pull -q -a "$registry/many"
    assert_status 0
    run_apart wherry images --format '{{.Tag}}' --sort tag
    assert_output $'a\nb'
    run_apart wherry pull -a "$registry/many:a"
    assert_status 125
}

@test "search in a registry without docker's search, and tags" {
    plain
    need_image hello
    wherry push -q hello "$registry/team/hello:v1"
    wherry push -q hello "$registry/team/hello:v2"
    wherry push -q hello "$registry/other:v2"
    run_apart wherry search --format '{{.Name}}' "$registry/hel"
    assert_output "$registry/team/hello"
    run_apart wherry search --format '{{.Name}}' "$registry/"
    assert_output $"$registry/other
$registry/team/hello"
    run_apart wherry search --list-tags --format '{{.Tag}}' "$registry/team/hello"
    assert_output $'v1\nv2'
    run_apart wherry search --list-tags --limit 1 "$registry/team/hello"
    assert_equal "${#lines[@]}" 2
    assert_match "${lines[0]}" '^NAME +TAG'
    run_apart wherry search --filter stars=3 "$registry/hel"
    assert_match "$output" '^NAME +DESCRIPTION *$'
    run_apart wherry search --filter nonsense=3 "$registry/hel"
    assert_status 125
    run_apart wherry search --list-tags "$registry/nosuch"
    assert_status 125
    assert_error 'not found'
}

@test "docker's search" {
    plain
    echo '{"results": [{"name": "debian", "description": "A\u0007b '"$(printf 'x%.0s' {1..60})"'", "star_count": 9, "is_official": true}, {"name": "me/deb", "star_count": 1}]}' >results
    start_proxy "0 GET./v1/search body $PWD/results application/json"
    run_apart wherry search --tls-verify=false --compatible "$proxy/deb"
    assert_status 0
    assert_match "${lines[1]}" "^$proxy/debian +A b x+\.\.\. +9 +\[OK\]"
    run_apart wherry search --tls-verify=false --filter is-official=false --format '{{.Name}}' "$proxy/deb"
    assert_output "$proxy/me/deb"
    assert_match "$(request_headers '^GET /v1/search' host | tail -1)" "$proxy"
}

# A repository with one layer of noise, and a proxy; sets `layer` to the layer's digest.
noise_behind_proxy() { # SIZE RULE-FOR-THE-LAYER ("TIMES ACTION ARGUMENT...")
    plain
    make_noise noise "$1"
    wherry push -q noise "$registry/noise"
    wherry rmi noise >/dev/null
    layer=$(python3 "$tool" layer "http://$registry/v2/noise/manifests/latest")
    start_proxy "${2%% *} GET.*$layer ${2#* }"
    allow_plain "$proxy"
}

@test "two pulls of one layer fetch it once" {
    local first
    noise_behind_proxy 300000 '0 delay 1'
    wherry pull "$proxy/noise" >first 2>&1 3>&- &
    first=$!
    wait_for fetches_begun
    run_apart wherry pull "$proxy/noise"
    assert_status 0
    assert_match "$stderr" 'waiting for another pull'
    wait "$first"
    assert_equal "$(tail -1 first)" "$output"
    assert_equal "$(requests "^GET .*$layer")" 1
}

fetches_begun() {
    [[ $(find "$WHERRY_ROOT/tmp" -maxdepth 1 -name 'fetch-*' 2>/dev/null) ]]
}

@test "a pull that hangs keeps nobody waiting: readers, runs, changes, another pull" {
    local hanging begin
    noise_behind_proxy 3000000 '1 stall 1000000'
    make_hello src
    tar -C src --owner=0 --group=0 -cf hello.tar hello
    wherry import -q -c 'CMD ["/hello"]' hello.tar hello >/dev/null
    wherry push -q hello "$proxy/hello"
    "$WHERRY" pull "$proxy/noise" >first 2>&1 3>&- &
    hanging=$!
    wait_for fetches_begun
    begin=$EPOCHREALTIME
    wherry ps -a
    wherry images
    run_apart wherry run --rm hello
    assert_status 0
    wherry tag hello other
    wherry rm "$(wherry create hello)" >/dev/null
    wherry rmi other hello >/dev/null
    wherry pull -q "$proxy/hello"
    wherry image prune -f
    # All together took less than a lock is waited for, and the other one still hangs.
    ((${EPOCHREALTIME/./} - ${begin/./} < 15000000))
    kill -0 "$hanging"
    fetches_begun
    kill -KILL "$hanging"
    wait "$hanging" || true
    wherry rmi "$proxy/hello" >/dev/null
    wait_for no_temporary_files
    assert_store_empty
}

@test "a pull that is killed leaves nothing, and one that waited for it goes on" {
    local first second
    noise_behind_proxy 3000000 '1 stall 1000000'
    "$WHERRY" pull "$proxy/noise" >first 2>&1 3>&- &
    first=$!
    wait_for fetches_begun
    wherry pull -q "$proxy/noise" >second 2>&1 3>&- &
    second=$!
    sleep 0.3
    kill -KILL "$first"
    wait "$second"
    assert_match "$(tail -1 second)" '^[0-9a-f]{64}$'
    wherry rmi "$proxy/noise"
    wait_for no_temporary_files
    assert_store_empty
}
