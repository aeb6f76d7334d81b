/* SPDX-License-Identifier: Apache-2.0 */
/* Which ports a new container exposes and publishes. */
#include "engine/create_ports.h"

#include "base/alloc.h"
#include "base/json.h"
#include "engine/ports.h"

#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

/* Ports of the host that were chosen: each is held until all are, so that none is chosen twice. */
struct choice {
    int *held;
    size_t n, cap;
};

static void choice_done(struct choice *c)
{
    for (size_t i = 0; i < c->n; i++)
        close(c->held[i]);
    free(c->held);
}

DEFINE_AUTO(choice, choice_done)

static int choose_port(struct choice *c, const struct port_mapping *m, uint16_t *ret,
                       struct err *err)
{
    struct sockaddr_storage address;
    socklen_t len = port_address(m, 0, &address);
    int kind = m->protocol == PORT_UDP ? SOCK_DGRAM : SOCK_STREAM;
    int fd = socket(address.ss_family, kind | SOCK_CLOEXEC, 0);
    if (fd < 0)
        return err_errno(err, -errno, "choose a port of the host");
    grow_array(c->held, c->n, c->cap);
    c->held[c->n++] = fd;
    if (bind(fd, (struct sockaddr *)&address, len) < 0 ||
        getsockname(fd, (struct sockaddr *)&address, &len) < 0)
        return err_errno(err, -errno, "choose a port of %s", *m->host_ip ? m->host_ip : "the host");
    *ret = ntohs(((struct sockaddr_in *)&address)->sin_port); /* at one place in both families */
    return 0;
}

static void put_binding(json_t *bindings, const struct port_mapping *m, uint16_t i, uint16_t host)
{
    char key[16], port[8];
    size_t at;
    json_t *have;
    port_key(m, i, key);
    snprintf(port, sizeof(port), "%u", host);
    json_t *list = json_object_get(bindings, key);
    if (!list)
        json_put(bindings, key, list = json_array());
    json_array_foreach (list, at, have)
        if (strcmp(json_get_string(have, "HostPort", ""), port) == 0 &&
            strcmp(json_get_string(have, "HostIp", ""), m->host_ip) == 0)
            return;
    json_array_append_new(list, json_pack("{s:s, s:s}", "HostIp", m->host_ip, "HostPort", port));
}

static int publish(struct choice *c, const struct port_mapping *m, json_t *bindings,
                   struct err *err)
{
    for (unsigned i = 0; i < m->count; i++) {
        uint16_t host = (uint16_t)(m->host_port + i);
        int r = m->host_port ? 0 : choose_port(c, m, &host, err);
        if (r < 0)
            return r;
        put_binding(bindings, m, (uint16_t)i, host);
    }
    return 0;
}

/* The same mapping twice is one; two that want a port of the host for different ports cannot be. */
static int check_conflict(const struct port_mapping *all, size_t n, struct err *err)
{
    const struct port_mapping *m = &all[n];
    for (size_t i = 0; i < n; i++)
        if (port_mappings_conflict(&all[i], m) &&
            all[i].container_port - all[i].host_port != m->container_port - m->host_port)
            return err_kind(err, ERR_USAGE, -EINVAL,
                            "conflicting port mappings for host port %u (protocol %s)",
                            m->host_port, port_protocol_name(m->protocol));
    return 0;
}

static int publish_given(struct choice *c, const struct strv *given, json_t *bindings,
                         struct err *err)
{
    auto_free struct port_mapping *all = xcalloc(given->len + 1, sizeof(*all));
    for (size_t i = 0; i < given->len; i++) {
        int r = port_mapping_parse(given->v[i], &all[i], err);
        if (r == 0)
            r = check_conflict(all, i, err);
        if (r == 0 && all[i].host_port)
            r = publish(c, &all[i], bindings, err);
        if (r < 0)
            return r;
    }
    for (size_t i = 0; i < given->len; i++) { /* those that are to be chosen, last */
        int r = all[i].host_port ? 0 : publish(c, &all[i], bindings, err);
        if (r < 0)
            return r;
    }
    return 0;
}

/* `strict`: a mistake is an error, not something of the image that is left out. */
static int expose(const struct strv *ports, bool strict, json_t *exposed, struct err *err)
{
    for (size_t p = 0; p < ports->len; p++) {
        struct port_mapping m;
        int r = port_expose_parse(ports->v[p], &m, strict ? err : NULL);
        if (r < 0 && strict)
            return r;
        for (unsigned i = 0; r == 0 && i < m.count; i++) {
            char key[16];
            port_key(&m, (uint16_t)i, key);
            json_put(exposed, key, json_object());
        }
    }
    return 0;
}

static int publish_exposed(struct choice *c, const json_t *exposed, json_t *bindings,
                           struct err *err)
{
    const char *key;
    json_t *value;
    json_object_foreach ((json_t *)exposed, key, value) {
        struct port_mapping m;
        int r = json_object_get(bindings, key) ? 1 : port_expose_parse(key, &m, err);
        if (r == 0)
            r = publish(c, &m, bindings, err);
        if (r < 0)
            return r;
    }
    return 0;
}

int create_ports(const struct port_options *o, const struct strv *image_ports, json_t *document,
                 struct err *err)
{
    auto_json json_t *exposed = json_object(), *bindings = json_object();
    auto_done(choice) struct choice choice = {0};
    json_t *host = json_object_get(document, "HostConfig");
    int r = expose(image_ports, false, exposed, err);
    if (r == 0)
        r = expose(&o->expose, true, exposed, err);
    if (r == 0)
        r = publish_given(&choice, &o->publish, bindings, err);
    if (r == 0 && o->publish_all)
        r = publish_exposed(&choice, exposed, bindings, err);
    if (r < 0)
        return r;
    if (json_object_size(bindings) && strcmp(json_get_string(host, "NetworkMode", ""), "none") == 0)
        return err_kind(err, ERR_USAGE, -EINVAL,
                        "ports cannot be published without a network of the container's own");
    if (json_object_size(exposed))
        json_put(json_object_get(document, "Config"), "ExposedPorts", take_ptr(exposed));
    if (json_object_size(bindings))
        json_put(host, "PortBindings", take_ptr(bindings));
    if (o->publish_all)
        json_put(host, "PublishAllPorts", json_true());
    return 0;
}
