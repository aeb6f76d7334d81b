#!/usr/bin/env bats
# SPDX-License-Identifier: Apache-2.0
# What form an image goes out in: docker's schema 2 or OCI.

load helpers
load registry

docker=application/vnd.docker.distribution.manifest.v2+json
oci=application/vnd.oci.image.manifest.v1+json

test_setup() {
    need_registry
    own_home
    start_registry
    allow_plain "$registry"
    need_image hello
    wherry create --name c hello
    wherry commit -q --format docker c made
    id=$(wherry image inspect --format '{{.Id}}' made)
}

assert_form() { # IMAGE TYPE
    assert_equal "$(wherry image inspect --format '{{.Id}} {{.ManifestType}}' "$1")" "$id $2"
}

# All media types of a manifest at the registry, one a line.
media_types() { # NAME
    python3 - "http://$registry/v2/${1/:/\/manifests\/}" <<'PYTHON'
import json, sys, urllib.request
types = ["application/vnd.docker.distribution.manifest.v2+json", "application/vnd.oci.image.manifest.v1+json"]
with urllib.request.urlopen(urllib.request.Request(sys.argv[1], headers={"Accept": ", ".join(types)})) as r:
    m = json.load(r)
    print(r.headers["Content-Type"])
print(m["mediaType"], m["config"]["mediaType"], *sorted({l["mediaType"] for l in m["layers"]}), sep="\n")
PYTHON
}

@test "an image committed as docker's is pushed and saved as such, with docker's media types" {
    assert_form made $docker
    wherry push -q --digestfile one made "$registry/made:1"
    assert_equal "$(media_types made:1)" "$docker
$docker
application/vnd.docker.container.image.v1+json
application/vnd.docker.image.rootfs.diff.tar.gzip"
    wherry push -q --format oci made "$registry/made:2"
    assert_equal "$(media_types made:2 | head -3)" "$oci
$oci
application/vnd.oci.image.config.v1+json"
    wherry save -q --format docker-dir -o made.dir made
    assert_match "$(<made.dir/manifest.json)" 'docker\.distribution\.manifest\.v2\+json'
    refute_match "$(<made.dir/manifest.json)" 'vnd\.oci'
}

@test "what comes as docker's stays docker's, by the same digest; OCI stays OCI" {
    wherry push -q --digestfile one made "$registry/made:1"
    wherry push -q --format oci made "$registry/made:2"
    wherry rmi made >/dev/null
    wherry pull -q "$registry/made:1"
    assert_form "$registry/made:1" $docker
    wherry push -q --digestfile again "$registry/made:1" "$registry/other:1"
    assert_equal "$(<again)" "$(<one)"
    wherry rmi "$registry/made:1" >/dev/null
    wherry pull -q "$registry/made:2"
    assert_form "$registry/made:2" $oci
}

@test "an image that is there in one form and comes in the other stays one image" {
    wherry push -q made "$registry/made:1"
    wherry push -q --format oci made "$registry/made:2"
    wherry rmi made >/dev/null
    wherry pull -q "$registry/made:1"
    wherry pull -q "$registry/made:2"
    assert_form "$registry/made:2" $docker
    assert_equal "$(wherry image inspect --format '{{len .RepoTags}}' "$id")" 2
    assert_equal "$(wherry images --format json | grep -c "\"Id\": \"$id\"")" 1
    # Also when a lower store has it.
    run_apart env WHERRY_ROOT="$PWD/upper" WHERRY_IMAGESTORE="$WHERRY_ROOT" "$WHERRY" pull -q "$registry/made:2"
    assert_status 0
    assert_equal "$(wherry --root "$PWD/upper" images --format json | grep -c "\"Id\": \"$id\"")" 1
    run_apart wherry system check
    assert_status 0
}

@test "docker's archives and directories give docker's form, OCI's give OCI's" {
    wherry save -q -o made.tar made
    wherry save -q --format docker-dir -o made.dir made
    wherry save -q --format oci-archive -o made.oci made
    wherry rmi made >/dev/null
    wherry load -q -i made.tar
    assert_form "$id" $docker
    wherry rmi -f "$id" >/dev/null
    wherry load -q -i made.dir
    assert_form "$id" $docker
    wherry rmi -f "$id" >/dev/null
    wherry load -q -i made.oci
    assert_form "$id" $oci
}
