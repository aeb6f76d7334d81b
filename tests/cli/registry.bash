# SPDX-License-Identifier: Apache-2.0
# shellcheck shell=bash
# Registries for tests: docker-registry and a proxy in front of it. Loaded after helpers.
#
# Servers belong to a test and end with it; they listen at 127.0.0.1 on ports that were free.

tool=$tests_dir/tools/registry-tool.py

need_registry() {
    command -v docker-registry >/dev/null || skip 'docker-registry is not installed'
    command -v python3 >/dev/null || skip 'python3 is not installed'
}

# A home of the test's own: credentials and configuration are looked for there.
own_home() {
    export HOME=$BATS_TEST_TMPDIR/home XDG_RUNTIME_DIR=$BATS_TEST_TMPDIR/run-user
    unset REGISTRY_AUTH_FILE DOCKER_CONFIG CONTAINERS_REGISTRIES_CONF
    mkdir -p "$HOME/.config/containers" "$XDG_RUNTIME_DIR"
}

# A registries.conf by which this one need not speak TLS.
allow_plain() { # REGISTRY
    printf '[[registry]]\nlocation = "%s"\ninsecure = true\n' "$1" \
        >"$HOME/.config/containers/registries.conf"
}

remember_server() { # PID
    echo "$1" >>"$BATS_TEST_TMPDIR/servers"
}

listens() { # PORT
    { : >"/dev/tcp/127.0.0.1/$1"; } 2>/dev/null
}

# Starts a registry, sets `registry` to its name. Arguments are lines for its configuration: of
# "http:" those with a blank before them.
start_registry() {
    local port line pid
    for _ in 1 2 3 4 5; do
        port=$(python3 "$tool" port)
        {
            echo 'version: 0.1'
            echo "storage: {filesystem: {rootdirectory: $BATS_TEST_TMPDIR/storage}, delete: {enabled: true}}"
            echo 'log: {level: error, accesslog: {disabled: true}}'
            echo 'http:'
            echo "  addr: 127.0.0.1:$port"
            for line in "$@"; do
                [[ $line != ' '* ]] || echo "$line"
            done
            for line in "$@"; do
                [[ $line == ' '* ]] || echo "$line"
            done
        } >"$BATS_TEST_TMPDIR/registry-$port.yml"
        docker-registry serve "$BATS_TEST_TMPDIR/registry-$port.yml" \
            >"$BATS_TEST_TMPDIR/registry-$port.log" 2>&1 3>&- &
        pid=$!
        remember_server "$pid"
        # Another program may have taken the port meanwhile: then ours is gone.
        while kill -0 "$pid" 2>/dev/null && ! listens "$port"; do
            sleep 0.05
        done
        kill -0 "$pid" 2>/dev/null || continue
        registry=127.0.0.1:$port
        return
    done
    cat "$BATS_TEST_TMPDIR/registry-$port.log"
    return 1
}

# A proxy in front of $registry: sets `proxy`. Its requests are in the file $proxy_log.
start_proxy() { # ARGUMENT...
    local file
    file=$(mktemp "$BATS_TEST_TMPDIR/proxy-XXXXXX")
    rm "$file"
    proxy_log=$file.log
    python3 "$tool" proxy --port-file "$file" --log "$proxy_log" --upstream "${registry##*:}" "$@" \
        >"$file.out" 2>&1 3>&- &
    remember_server $!
    wait_for test -s "$file" || {
        cat "$file.out"
        return 1
    }
    # shellcheck disable=SC2034 # the tests' own
    proxy=127.0.0.1:$(<"$file")
}

# How many requests ("METHOD PATH STATUS") match.
requests() { # REGEX
    python3 -c '
import json, re, sys
n = 0
for line in open(sys.argv[2]):
    r = json.loads(line)
    n += bool(re.search(sys.argv[1], "%s %s %d" % (r["method"], r["path"], r["status"])))
print(n)' "$1" "$proxy_log"
}

# Values of a header in the requests that match, one a line.
request_headers() { # REGEX NAME
    python3 -c '
import json, re, sys
for line in open(sys.argv[3]):
    r = json.loads(line)
    if re.search(sys.argv[1], "%s %s %d" % (r["method"], r["path"], r["status"])):
        print(r["headers"].get(sys.argv[2], "-"))' "$1" "$2" "$proxy_log"
}

stop_servers() {
    local pid
    [[ -f $BATS_TEST_TMPDIR/servers ]] || return 0
    while read -r pid; do
        kill "$pid" 2>/dev/null || true
        wait "$pid" 2>/dev/null || true
    done <"$BATS_TEST_TMPDIR/servers"
}

eval "common_$(declare -f teardown)"
teardown() {
    stop_servers
    common_teardown
}

# An authority, and a certificate for 127.0.0.1 by it: NAME-ca.crt, NAME.crt, NAME.key.
make_certificate() { # NAME [SUBJECT-ALT-NAME [DAYS]]
    openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes -days 30 \
        -subj "/CN=$1 authority" -keyout "$1-ca.key" -out "$1-ca.crt" 2>/dev/null
    openssl req -newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes -subj "/CN=server" \
        -keyout "$1.key" -out "$1.csr" 2>/dev/null
    openssl x509 -req -in "$1.csr" -CA "$1-ca.crt" -CAkey "$1-ca.key" -CAcreateserial \
        -days "${3:-30}" -extfile <(echo "subjectAltName=${2:-IP:127.0.0.1}") -out "$1.crt" 2>/dev/null
}

# An image of one layer with SIZE bytes of noise, in the store as NAME.
make_noise() { # NAME SIZE
    mkdir -p noise
    head -c "$2" /dev/urandom >noise/data
    tar -C noise --owner=0 --group=0 --numeric-owner -cf noise.tar .
    wherry import -q noise.tar "$1"
}

# Puts noise:bad beside noise:latest in $registry; its layer is the file.
bad_layer() { # FILE
    python3 - "$1" <<END
import hashlib, http.client, json, sys, urllib.request
data = open(sys.argv[1], "rb").read()
digest = "sha256:" + hashlib.sha256(data).hexdigest()
base = "http://$registry/v2/noise/"
c = http.client.HTTPConnection("$registry")
c.request("POST", "/v2/noise/blobs/uploads/")
r = c.getresponse(); r.read()
where = r.getheader("Location")
c.request("PUT", where + ("&" if "?" in where else "?") + "digest=" + digest, body=data,
          headers={"Content-Type": "application/octet-stream"})
r = c.getresponse(); r.read()
assert r.status == 201, r.status
m = json.load(urllib.request.urlopen(urllib.request.Request(base + "manifests/latest",
    headers={"Accept": "application/vnd.oci.image.manifest.v1+json"})))
m["layers"][0].update(digest=digest, size=len(data))
c.request("PUT", "/v2/noise/manifests/bad", body=json.dumps(m),
          headers={"Content-Type": m.get("mediaType", "application/vnd.oci.image.manifest.v1+json")})
r = c.getresponse(); r.read()
assert r.status == 201, r.status
END
}

# Nothing of an image is visible: no image, no layer, no index.
assert_store_empty() {
    run_apart wherry images -q
    assert_output ''
    assert_equal "$(find "$WHERRY_ROOT" -path '*blobs*' -type f -o -path '*index/*' -type f)" ''
}
