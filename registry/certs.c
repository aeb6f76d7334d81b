/* SPDX-License-Identifier: Apache-2.0 */
/* Certificates of one registry. */
#include "registry/certs.h"

#include "base/alloc.h"
#include "base/file.h"

#include <curl/curl.h>
#include <fcntl.h>
#include <string.h>

#define CERT_MAX   (4u << 20)
#define BUNDLE_MAX (16u << 20)

static bool has_ending(const char *name, const char *ending)
{
    size_t n = strlen(name), m = strlen(ending);
    return n > m && strcmp(name + n - m, ending) == 0;
}

static char *find_dir(const char *registry)
{
    const char *home = getenv("HOME");
    auto_strv places = {0};
    if (home && *home)
        strv_addf(&places, "%s/.config/containers/certs.d/%s", home, registry);
    strv_addf(&places, "/etc/containers/certs.d/%s", registry);
    strv_addf(&places, "/etc/docker/certs.d/%s", registry);
    strv_foreach (&places, place)
        if (exists_at(AT_FDCWD, place))
            return xstrdup(place);
    return NULL;
}

/* Where libcurl has no directory of the system's authorities its bundle is taken along. */
static int add_system(struct buf *ca, struct err *err)
{
    const curl_version_info_data *v = curl_version_info(CURLVERSION_NOW);
    if (v->capath || !v->cainfo)
        return 0;
    int r = file_read_at(AT_FDCWD, v->cainfo, BUNDLE_MAX, ca, err);
    buf_add_char(ca, '\n');
    return r;
}

/* NAME.cert with NAME.key. */
static int add_client(const char *dir, const char *name, struct http_config *config,
                      struct err *err)
{
    bool is_key = has_ending(name, ".key");
    auto_free char *stem = xstrndup(name, strlen(name) - (is_key ? 4 : 5));
    auto_free char *cert = xasprintf("%s/%s.cert", dir, stem);
    auto_free char *key = xasprintf("%s/%s.key", dir, stem);
    const char *missing = is_key ? cert : key;
    if (!exists_at(AT_FDCWD, missing))
        return err_set(err, -ENOENT, "%s/%s has no %s beside it", dir, name, missing);
    if (config->cert) /* the first one counts */
        return 0;
    config->cert = take_ptr(cert);
    config->key = take_ptr(key);
    return 0;
}

static int add_file(const char *dir, const char *name, struct http_config *config, struct err *err)
{
    if (has_ending(name, ".cert") || has_ending(name, ".key"))
        return add_client(dir, name, config, err);
    if (!has_ending(name, ".crt"))
        return 0;
    auto_free char *path = xasprintf("%s/%s", dir, name);
    int r = config->ca.len ? 0 : add_system(&config->ca, err);
    if (r == 0)
        r = file_read_at(AT_FDCWD, path, CERT_MAX, &config->ca, err);
    buf_add_char(&config->ca, '\n');
    return r;
}

int certs_load(const char *dir, const char *registry, struct http_config *config, struct err *err)
{
    auto_free char *found = dir ? xstrdup(dir) : find_dir(registry);
    auto_strv names = {0};
    if (!found)
        return 0;
    int r = list_dir_at(AT_FDCWD, found, &names, err);
    if (r == -EACCES && !dir)
        return 0; /* somebody else's */
    strv_foreach (&names, name)
        r = r < 0 ? r : add_file(found, name, config, err);
    return r < 0 && err ? err_wrap(err, "certificates in %s", found) : r;
}
