/* SPDX-License-Identifier: Apache-2.0 */
/* The published ports of a container. */
#include "engine/ports.h"

#include "base/alloc.h"
#include "base/json.h"

#include <arpa/inet.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

void port_key(const struct port_mapping *m, uint16_t i, char out[static 16])
{
    snprintf(out, 16, "%u/%s", (uint16_t)(m->container_port + i), port_protocol_name(m->protocol));
}

socklen_t port_address(const struct port_mapping *m, uint16_t i, struct sockaddr_storage *ret)
{
    memset(ret, 0, sizeof(*ret));
    struct sockaddr_in *v4 = (struct sockaddr_in *)ret;
    struct sockaddr_in6 *v6 = (struct sockaddr_in6 *)ret;
    in_port_t port = htons(m->host_port ? (uint16_t)(m->host_port + i) : 0);
    bool any = !*m->host_ip;
    if (any ? access("/proc/net/if_inet6", F_OK) == 0 : strchr(m->host_ip, ':') != NULL) {
        v6->sin6_family = AF_INET6;
        v6->sin6_port = port;
        if (!any)
            inet_pton(AF_INET6, m->host_ip, &v6->sin6_addr);
        return sizeof(*v6);
    }
    v4->sin_family = AF_INET;
    v4->sin_port = port;
    if (!any)
        inet_pton(AF_INET, m->host_ip, &v4->sin_addr);
    return sizeof(*v4);
}

/* One binding back to what --publish was given; false when somebody else wrote it and it is wrong.
 */
static bool read_one(const char *key, const json_t *binding, struct port_mapping *ret)
{
    const char *ip = json_get_string(binding, "HostIp", "");
    const char *port = json_get_string(binding, "HostPort", "");
    bool v6 = strchr(ip, ':') != NULL;
    auto_free char *text =
        xasprintf("%s%s%s:%s:%s", v6 ? "[" : "", *ip ? ip : "0.0.0.0", v6 ? "]" : "", port, key);
    return port_mapping_parse(text, ret, NULL) == 0 && ret->count == 1 && ret->host_port;
}

static int by_place(const void *a, const void *b)
{
    const struct port_mapping *x = a, *y = b;
    int d = (int)x->protocol - (int)y->protocol;
    if (!d)
        d = strcmp(x->host_ip, y->host_ip);
    if (!d)
        d = x->container_port - y->container_port;
    return d ? d : x->host_port - y->host_port;
}

/* Joins what follows each other on both sides. Returns how many are left. */
static size_t join_neighbours(struct port_mapping *all, size_t n)
{
    size_t kept = 0;
    for (size_t i = 0; i < n; i++) {
        struct port_mapping *last = kept ? &all[kept - 1] : NULL;
        if (last && last->protocol == all[i].protocol &&
            strcmp(last->host_ip, all[i].host_ip) == 0 &&
            last->container_port + last->count == all[i].container_port &&
            last->host_port + last->count == all[i].host_port)
            last->count++;
        else
            all[kept++] = all[i];
    }
    return kept;
}

void ports_read(const json_t *document, struct port_mapping **ret, size_t *ret_n)
{
    json_t *bindings = json_object_get(json_object_get(document, "HostConfig"), "PortBindings");
    struct port_mapping *all = NULL;
    size_t n = 0, cap = 0, i;
    const char *key;
    json_t *list, *one;
    json_object_foreach (bindings, key, list)
        json_array_foreach (list, i, one) {
            grow_array(all, n, cap);
            n += read_one(key, one, &all[n]);
        }
    if (n)
        qsort(all, n, sizeof(*all), by_place);
    *ret_n = join_neighbours(all, n);
    *ret = all;
}

json_t *ports_list(const json_t *document)
{
    auto_free struct port_mapping *all = NULL;
    size_t n = 0;
    json_t *list = json_array();
    if (json_object_get(json_object_get(document, "HostConfig"), "PortBindings"))
        ports_read(document, &all, &n);
    for (size_t i = 0; i < n; i++)
        json_array_append_new(list,
                              json_pack("{s:s, s:i, s:i, s:i, s:s}", "host_ip", all[i].host_ip,
                                        "container_port", all[i].container_port, "host_port",
                                        all[i].host_port, "range", all[i].count, "protocol",
                                        port_protocol_name(all[i].protocol)));
    return list;
}

static int member(const json_t *port, const char *key)
{
    return (int)json_integer_value(json_object_get(port, key));
}

json_t *ports_in_words(const json_t *list)
{
    json_t *words = json_array(), *port;
    size_t i;
    json_array_foreach ((json_t *)list, i, port) {
        int host = member(port, "host_port"), own = member(port, "container_port");
        int more = member(port, "range") - 1;
        const char *ip = json_get_string(port, "host_ip", ""), *protocol;
        protocol = json_get_string(port, "protocol", "tcp");
        bool v6 = strchr(ip, ':') != NULL;
        auto_free char *place =
            xasprintf("%s%s%s", v6 ? "[" : "", *ip ? ip : "0.0.0.0", v6 ? "]" : "");
        json_array_append_new(words,
                              more ? json_sprintf("%s:%d-%d->%d-%d/%s", place, host, host + more,
                                                  own, own + more, protocol)
                                   : json_sprintf("%s:%d->%d/%s", place, host, own, protocol));
    }
    return words;
}

json_t *ports_inspect(const json_t *document)
{
    json_t *exposed = json_object_get(json_object_get(document, "Config"), "ExposedPorts");
    json_t *bindings = json_object_get(json_object_get(document, "HostConfig"), "PortBindings");
    json_t *ports = json_object(), *value;
    const char *key;
    json_object_foreach (exposed, key, value)
        json_put(ports, key, json_null());
    if (bindings)
        json_object_update(ports, bindings);
    return ports;
}

static bool in_range(int port, const struct port_mapping *wanted)
{
    return port >= wanted->container_port && port < wanted->container_port + wanted->count;
}

int ports_match(const json_t *document, const char *text, bool exposed, struct err *err)
{
    struct port_mapping wanted, have;
    int r = port_expose_parse(text, &wanted, err);
    if (r < 0)
        return r;
    auto_json json_t *all = ports_inspect(document);
    const char *key;
    json_t *list, *one;
    size_t i;
    json_object_foreach (all, key, list) {
        if ((json_is_null(list) && !exposed) || port_expose_parse(key, &have, NULL) < 0 ||
            have.protocol != wanted.protocol)
            continue;
        if (in_range(have.container_port, &wanted))
            return 1;
        json_array_foreach (list, i, one)
            if (in_range(atoi(json_get_string(one, "HostPort", "0")), &wanted))
                return 1;
    }
    return 0;
}
