/* SPDX-License-Identifier: Apache-2.0 */
/* What a new container finds around it. */
#include "engine/create_environment.h"

#include "base/alloc.h"
#include "base/json.h"
#include "engine/sandbox_network.h"

#include <arpa/inet.h>
#include <pwd.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define ZONES "/usr/share/zoneinfo"

/* --- variables ------------------------------------------------------------------------------- */

static const char *const proxies[] = {"http_proxy", "https_proxy", "ftp_proxy", "no_proxy",
                                      "HTTP_PROXY", "HTTPS_PROXY", "FTP_PROXY", "NO_PROXY"};

void environment_defaults(const struct environment_options *o, const struct strv *image,
                          struct strv *ret)
{
    auto_strv all = {0};
    for (char **e = environ; o->env_host && *e; e++)
        strv_add(&all, *e);
    for (size_t i = 0; i < image->len; i++)
        strv_env_set(&all, image->v[i]);
    for (size_t i = 0; i < sizeof(proxies) / sizeof(*proxies); i++) {
        const char *value = o->http_proxy && *o->http_proxy == 'f' ? NULL : getenv(proxies[i]);
        if (value && *value) {
            auto_free char *pair = xasprintf("%s=%s", proxies[i], value);
            strv_env_set(&all, pair);
        }
    }
    for (size_t i = 0; i < all.len && !o->unset_env_all; i++) {
        auto_free char *name = xstrndup(all.v[i], strcspn(all.v[i], "="));
        if (!strv_contains(&o->unset_env, name))
            strv_add(ret, all.v[i]);
    }
}

/* --- hosts ----------------------------------------------------------------------------------- */

static bool is_address(const char *text)
{
    unsigned char buf[16];
    return inet_pton(AF_INET, text, buf) == 1 || inet_pton(AF_INET6, text, buf) == 1;
}

static bool is_word(const char *text)
{
    for (const char *p = text; *p; p++)
        if ((unsigned char)*p <= ' ' || *p == 0x7f)
            return false;
    return *text;
}

/* NAME[;NAME...]:ADDRESS */
static int check_host(const char *given, const json_t *host, struct err *err)
{
    const char *colon = strchr(given, ':');
    auto_free char *names = xstrndup(given, colon ? (size_t)(colon - given) : strlen(given));
    if (!colon || !is_word(names))
        return err_kind(err, ERR_USAGE, -EINVAL,
                        "invalid host \"%s\": must be NAME[;NAME...]:ADDRESS", given);
    if (strcmp(colon + 1, "host-gateway") == 0) {
        if (network_reaches_host(host))
            return 0;
        return err_set(err, -EINVAL, "--add-host %s: this network has no way to the host", given);
    }
    return is_address(colon + 1)
               ? 0
               : err_kind(err, ERR_USAGE, -EINVAL, "invalid IP address \"%s\" in add-host \"%s\"",
                          colon + 1, given);
}

static int put_hosts(const struct environment_options *o, json_t *host, struct err *err)
{
    if (o->no_hosts && o->add_hosts.len)
        return err_kind(err, ERR_USAGE, -EINVAL,
                        "--no-hosts and --add-host cannot be set together");
    for (size_t i = 0; i < o->add_hosts.len; i++) {
        int r = check_host(o->add_hosts.v[i], host, err);
        if (r < 0)
            return r;
    }
    if (o->add_hosts.len)
        json_put(host, "ExtraHosts", json_from_strv(&o->add_hosts));
    if (o->no_hosts)
        json_put(host, "UseImageHosts", json_true());
    return 0;
}

static int put_words(json_t *host, const char *key, const char *flag, const struct strv *words,
                     struct err *err)
{
    for (size_t i = 0; i < words->len; i++)
        if (!is_word(words->v[i]))
            return err_kind(err, ERR_USAGE, -EINVAL, "invalid --%s \"%s\"", flag, words->v[i]);
    if (words->len)
        json_put(host, key, json_from_strv(words));
    return 0;
}

static int put_dns(const struct environment_options *o, json_t *host, struct err *err)
{
    bool none = strv_contains(&o->dns, "none");
    if (none && (o->dns.len > 1 || o->dns_options.len || o->dns_search.len))
        return err_kind(err, ERR_USAGE, -EINVAL,
                        "cannot use other dns settings together with --dns=none");
    for (size_t i = 0; i < o->dns.len && !none; i++)
        if (!is_address(o->dns.v[i]))
            return err_kind(err, ERR_USAGE, -EINVAL, "%s is not an ip address", o->dns.v[i]);
    int r = put_words(host, "Dns", "dns", &o->dns, err);
    if (r == 0)
        r = put_words(host, "DnsOptions", "dns-option", &o->dns_options, err);
    if (r == 0)
        r = put_words(host, "DnsSearch", "dns-search", &o->dns_search, err);
    return r;
}

/* --- time zone, annotations ------------------------------------------------------------------ */

static int put_zone(const char *zone, json_t *config, struct err *err)
{
    struct stat st;
    if (!zone)
        return 0;
    auto_free char *path =
        strcmp(zone, "local") == 0 ? xstrdup("/etc/localtime") : xasprintf(ZONES "/%s", zone);
    if (!*zone || *zone == '/' || strstr(zone, "..") || stat(path, &st) < 0 || !S_ISREG(st.st_mode))
        return err_kind(err, ERR_USAGE, -EINVAL,
                        "finding timezone for container: unknown time zone %s", zone);
    json_put_string(config, "Timezone", zone);
    return 0;
}

static int put_annotations(const struct strv *annotations, json_t *config, struct err *err)
{
    auto_json json_t *all = json_object();
    for (size_t i = 0; i < annotations->len; i++) {
        const char *given = annotations->v[i], *eq = strchr(given, '=');
        if (!eq || eq == given)
            return err_kind(err, ERR_USAGE, -EINVAL,
                            "annotations must be formatted KEY=VALUE: \"%s\"", given);
        auto_free char *name = xstrndup(given, (size_t)(eq - given));
        json_put_string(all, name, eq + 1);
    }
    if (json_object_size(all))
        json_put(config, "Annotations", take_ptr(all));
    return 0;
}

/* --- users ----------------------------------------------------------------------------------- */

/* --hostuser: the machine's line of that user. */
static int put_host_users(const struct strv *names, json_t *config, struct err *err)
{
    auto_strv lines = {0};
    for (size_t i = 0; i < names->len; i++) {
        struct passwd *pw = getpwnam(names->v[i]);
        if (!pw)
            return err_set(err, -ENOENT, "--hostuser: no user \"%s\" on this machine", names->v[i]);
        strv_addf(&lines, "%s:*:%u:%u:%s:%s:%s", pw->pw_name, pw->pw_uid, pw->pw_gid, pw->pw_gecos,
                  pw->pw_dir, pw->pw_shell);
    }
    if (lines.len)
        json_put(config, "HostUsers", json_from_strv(&lines));
    return 0;
}

static int check_line(const char *flag, const char *line, struct err *err)
{
    return line && strchr(line, '\n')
               ? err_kind(err, ERR_USAGE, -EINVAL, "--%s must be one line", flag)
               : 0;
}

static int put_users(const struct environment_options *o, json_t *config, struct err *err)
{
    if (o->passwd && *o->passwd == 'f')
        json_put(config, "Passwd", json_false());
    json_put_string(config, "PasswdEntry", o->passwd_entry);
    json_put_string(config, "GroupEntry", o->group_entry);
    int r = check_line("passwd-entry", o->passwd_entry, err);
    if (r == 0)
        r = check_line("group-entry", o->group_entry, err);
    return r < 0 ? r : put_host_users(&o->host_users, config, err);
}

int create_environment(const struct environment_options *o, json_t *document, struct err *err)
{
    json_t *config = json_object_get(document, "Config");
    json_t *host = json_object_get(document, "HostConfig");
    if (o->unset_env.len)
        json_put(config, "UnsetEnv", json_from_strv(&o->unset_env));
    if (o->unset_env_all)
        json_put(config, "UnsetEnvAll", json_true());
    int r = put_hosts(o, host, err);
    if (r == 0)
        r = put_dns(o, host, err);
    if (r == 0)
        r = put_zone(o->tz, config, err);
    if (r == 0)
        r = put_annotations(&o->annotations, config, err);
    if (r == 0)
        r = put_users(o, config, err);
    return r;
}
