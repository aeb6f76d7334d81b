/* SPDX-License-Identifier: Apache-2.0 */
/* The files that stand in for the image's. */
#include "engine/network_files.h"

#include "base/cleanup.h"
#include "base/file.h"
#include "base/strv.h"

#include <arpa/inet.h>
#include <fcntl.h>
#include <string.h>

#define FILE_MAX (1 << 20)

const struct network_file network_files[NETWORK_FILES] = {
    {"hosts", "/etc/hosts"},
    {"resolv.conf", "/etc/resolv.conf"},
    {"hostname", "/etc/hostname"},
    {"containerenv", "/run/.containerenv"},
};

/* The file `name` of the container in `shared`, or the machine's `path`: false. */
static bool base_file(int shared, const char *name, const char *path, struct buf *out)
{
    auto_buf text = {0};
    bool is_shared = shared >= 0 && file_read_at(shared, name, FILE_MAX, &text, NULL) == 0;
    if (!is_shared) {
        buf_truncate(&text, 0);
        file_read_at(AT_FDCWD, path, FILE_MAX, &text, NULL); /* without one: an empty file */
    }
    buf_add(out, text.data, text.len);
    if (text.len && text.data[text.len - 1] != '\n')
        buf_add_char(out, '\n');
    return is_shared;
}

/* By which address the container reaches the machine; "": by none. With the loopback closed that is
 * the address from which the machine itself would go out. */
static void host_address(const struct netns_config *network, char ret[static INET_ADDRSTRLEN])
{
    struct sockaddr_in a = {.sin_family = AF_INET, .sin_port = htons(9)};
    socklen_t len = sizeof(a);
    *ret = 0;
    if (!network || network->allow_host_loopback) {
        inet_ntop(AF_INET, network ? &network->gateway : &(struct in_addr){htonl(INADDR_LOOPBACK)},
                  ret, INET_ADDRSTRLEN);
        return;
    }
    auto_close int sock = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
    inet_pton(AF_INET, "192.0.2.1", &a.sin_addr); /* sends nothing */
    if (sock >= 0 && connect(sock, (struct sockaddr *)&a, sizeof(a)) == 0 &&
        getsockname(sock, (struct sockaddr *)&a, &len) == 0)
        inet_ntop(AF_INET, &a.sin_addr, ret, INET_ADDRSTRLEN);
}

/* The container's own name and the machine's, as podman writes them. */
static void own_names(const struct netns_config *network, const char *gateway, const char *hostname,
                      const char *alias, struct buf *out)
{
    char own[INET_ADDRSTRLEN] = "127.0.0.1";
    if (network)
        inet_ntop(AF_INET, &network->address, own, sizeof(own));
    if (network && *gateway)
        buf_printf(out, "%s\thost.containers.internal host.docker.internal\n", gateway);
    buf_printf(out, "%s\t%s %s\n", own, hostname, alias);
}

/* --add-host: NAME[;NAME...]:ADDRESS, as create checked it. They come first, as in podman. */
static void add_hosts(const json_t *host, const char *gateway, struct buf *out)
{
    const json_t *all = json_object_get(host, "ExtraHosts");
    for (size_t i = 0; i < json_array_size(all); i++) {
        const char *given = json_string_value(json_array_get(all, i));
        const char *colon = given ? strchr(given, ':') : NULL;
        if (!colon)
            continue;
        bool is_gateway = strcmp(colon + 1, "host-gateway") == 0;
        buf_printf(out, "%s\t", is_gateway ? gateway : colon + 1);
        for (const char *p = given; p < colon; p++)
            buf_add_char(out, *p == ';' ? ' ' : *p);
        buf_add_char(out, '\n');
    }
}

static const json_t *words(const json_t *host, const char *key)
{
    const json_t *list = json_object_get(host, key);
    return json_array_size(list) ? list : NULL;
}

/* --dns=none: the image's file is used, so ours is only there for those who share the network. */
static bool is_none(const json_t *servers)
{
    const char *first = json_string_value(json_array_get(servers, 0));
    return first && strcmp(first, "none") == 0;
}

static void add_words(const json_t *list, const char *first, const char *separator, const char *end,
                      struct buf *out)
{
    for (size_t i = 0; i < json_array_size(list); i++)
        buf_printf(out, "%s%s", i ? separator : first, json_string_value(json_array_get(list, i)));
    buf_add_str(out, json_array_size(list) ? end : "");
}

/* Whether the line sets something that a flag sets too. */
static bool is_replaced(const char *line, const json_t *servers, const json_t *search,
                        const json_t *options)
{
    return (servers && strncmp(line, "nameserver", 10) == 0) ||
           (search && (strncmp(line, "search", 6) == 0 || strncmp(line, "domain", 6) == 0)) ||
           (options && strncmp(line, "options", 7) == 0);
}

static bool is_server_line(const char *line)
{
    return strncmp(line, "nameserver", 10) == 0 && (line[10] == ' ' || line[10] == '\t');
}

/* A line that names no server stays. Not within reach are the machine itself, in all spellings, and
 * what has a meaning on its links only. */
static bool is_within_reach(const char *line, const struct netns_config *network)
{
    if (!is_server_line(line))
        return true;
    char text[INET6_ADDRSTRLEN] = "";
    struct in6_addr a6;
    struct in_addr a;
    sscanf(line + 10, " %45[^ \t%%]", text);
    if (inet_pton(AF_INET, text, &a) == 1)
        return ntohl(a.s_addr) >> 24 != IN_LOOPBACKNET && a.s_addr != INADDR_ANY;
    return network->ipv6 && inet_pton(AF_INET6, text, &a6) == 1 && !IN6_IS_ADDR_LOOPBACK(&a6) &&
           !IN6_IS_ADDR_UNSPECIFIED(&a6) && !IN6_IS_ADDR_LINKLOCAL(&a6) &&
           !IN6_IS_ADDR_V4MAPPED(&a6);
}

/* The network's own name server, which is the machine's whatever that is, goes first; then those of
 * the machine's that can be reached from inside. */
static void network_servers(const struct netns_config *network, struct buf *text)
{
    auto_strv lines = {0};
    char dns[INET_ADDRSTRLEN], dns6[INET6_ADDRSTRLEN];
    bool any = false, any4 = false;
    strv_split(&lines, buf_str(text), '\n');
    strv_foreach (&lines, line)
        if (is_server_line(line)) {
            any = true;
            any4 |= !strchr(line, ':');
        }
    buf_truncate(text, 0);
    inet_ntop(AF_INET, &network->dns, dns, sizeof(dns));
    inet_ntop(AF_INET6, &network->dns6, dns6, sizeof(dns6));
    buf_printf(text, "nameserver %s\n", any && !any4 && network->ipv6 ? dns6 : dns);
    strv_foreach (&lines, line) {
        if (*line && is_within_reach(line, network))
            buf_printf(text, "%s\n", line);
    }
}

/* The machine's, with what --dns, --dns-search ("." is none) and --dns-option say instead. */
static void resolv_conf(const json_t *host, const struct netns_config *network, int shared,
                        struct buf *out)
{
    const json_t *servers = words(host, "Dns"), *search = words(host, "DnsSearch");
    const json_t *options = words(host, "DnsOptions");
    servers = is_none(servers) ? NULL : servers;
    if (!base_file(shared, "resolv.conf", "/etc/resolv.conf", out) && network)
        network_servers(network, out);
    if (!servers && !search && !options)
        return;
    auto_strv lines = {0};
    strv_split(&lines, buf_str(out), '\n');
    buf_truncate(out, 0);
    const char *first = search ? json_string_value(json_array_get(search, 0)) : NULL;
    if (first && strcmp(first, ".") != 0)
        add_words(search, "search ", " ", "\n", out);
    strv_foreach (&lines, line)
        if (*line && !is_replaced(line, servers, search, options))
            buf_printf(out, "%s\n", line);
    add_words(servers, "nameserver ", "\nnameserver ", "\n", out);
    add_words(options, "options ", " ", "\n", out);
}

bool network_file_wanted(size_t i, const json_t *host)
{
    if (strcmp(network_files[i].name, "hosts") == 0)
        return !json_is_true(json_object_get(host, "UseImageHosts"));
    return strcmp(network_files[i].name, "resolv.conf") != 0 || !is_none(words(host, "Dns"));
}

int network_files_write(int dirfd, const char *hostname, const char *alias, const json_t *host,
                        const struct netns_config *network, int shared, struct err *err)
{
    auto_buf hosts = {0}, resolv = {0}, name = {0}, env = {0};
    char gateway[INET_ADDRSTRLEN];
    host_address(network, gateway);
    add_hosts(host, gateway, &hosts);
    if (base_file(shared, "hosts", "/etc/hosts", &hosts))
        own_names(network, "", hostname, alias, &hosts);
    else
        own_names(network, gateway, hostname, alias, &hosts);
    resolv_conf(host, network, shared, &resolv);
    buf_printf(&name, "%s\n", hostname);
    buf_printf(&env, "engine=\"wherry-%s\"\nname=\"%s\"\n", WHERRY_VERSION, alias);
    const struct buf *texts[NETWORK_FILES] = {&hosts, &resolv, &name, &env};
    for (size_t i = 0; i < NETWORK_FILES; i++) {
        int r = file_write_at(dirfd, network_files[i].name, buf_str(texts[i]), texts[i]->len, 0644,
                              0, err);
        if (r < 0)
            return r;
    }
    return 0;
}
