/* SPDX-License-Identifier: Apache-2.0 */
/* Ports of containers. The rules of what is valid are podman's. */
#include "spec/port.h"

#include "base/alloc.h"
#include "base/cleanup.h"
#include "base/strv.h"

#include <arpa/inet.h>
#include <ctype.h>
#include <string.h>

static int invalid(struct err *err, const char *why)
{
    return err_kind(err, ERR_USAGE, -EINVAL, "invalid port format - %s", why);
}

const char *port_protocol_name(enum port_protocol protocol)
{
    return protocol == PORT_UDP ? "udp" : "tcp";
}

static int protocol_parse(const char *name, enum port_protocol *ret, struct err *err)
{
    if (strcasecmp(name, "tcp") == 0 || strcasecmp(name, "udp") == 0) {
        *ret = tolower((unsigned char)*name) == 'u' ? PORT_UDP : PORT_TCP;
        return 0;
    }
    if (strcasecmp(name, "sctp") == 0)
        return err_kind(err, ERR_USAGE, -EPROTONOSUPPORT,
                        "ports of sctp are not supported: tcp and udp are");
    return err_kind(err, ERR_USAGE, -EINVAL, "unrecognized protocol \"%s\" in port mapping", name);
}

static int number_parse(const char *text, size_t n, uint16_t *ret, struct err *err)
{
    unsigned v = 0;
    for (size_t i = 0; i < n && v <= UINT16_MAX; i++) {
        if (!isdigit((unsigned char)text[i]))
            return err_kind(err, ERR_USAGE, -EINVAL, "invalid port number \"%.*s\"", (int)n, text);
        v = v * 10 + (unsigned)(text[i] - '0');
    }
    if (n == 0)
        return invalid(err, "must provide a non-empty port");
    if (v < 1 || v > UINT16_MAX)
        return err_kind(err, ERR_USAGE, -EINVAL,
                        "port numbers must be between 1 and 65535 (inclusive), got %.*s", (int)n,
                        text);
    *ret = (uint16_t)v;
    return 0;
}

static int range_parse(const char *text, uint16_t *ret_first, uint16_t *ret_count, struct err *err)
{
    const char *dash = strchr(text, '-');
    uint16_t first, last;
    int r = number_parse(text, dash ? (size_t)(dash - text) : strlen(text), &first, err);
    if (r < 0)
        return r;
    last = first;
    if (dash && (r = number_parse(dash + 1, strlen(dash + 1), &last, err)) < 0)
        return r;
    if (last < first)
        return err_kind(err, ERR_USAGE, -EINVAL,
                        "the end port of a range cannot be less than the start port - got %s",
                        text);
    if (last - first == UINT16_MAX)
        return invalid(err, "too many ports");
    *ret_first = first;
    *ret_count = (uint16_t)(last - first + 1);
    return 0;
}

static int address_parse(const char *text, char out[INET6_ADDRSTRLEN], struct err *err)
{
    struct in6_addr a;
    int family = strchr(text, ':') ? AF_INET6 : AF_INET;
    if (!*text)
        return invalid(err, "must provide a non-empty container host IP to publish");
    if (inet_pton(family, text, &a) != 1)
        return err_kind(err, ERR_USAGE, -EINVAL, "cannot parse \"%s\" as an IP address", text);
    if (strcmp(text, "0.0.0.0") == 0)
        *out = '\0';
    else
        inet_ntop(family, &a, out, INET6_ADDRSTRLEN);
    return 0;
}

/* Takes "[v6]:" from the front. Returns the rest, NULL after an error. */
static const char *take_bracketed(const char *text, char out[INET6_ADDRSTRLEN], struct err *err)
{
    char address[INET6_ADDRSTRLEN] = "";
    const char *end = strchr(text, ']');
    if (*text != '[' || !end || strchr(end + 1, ']')) {
        invalid(err, "IPv6 addresses must be enclosed by []");
        return NULL;
    }
    if (end[1] != ':') {
        invalid(err, "IPv6 address must be followed by a colon (':')");
        return NULL;
    }
    size_t n = (size_t)(end - text - 1);
    memcpy(address, text + 1, n < sizeof(address) ? n : 0);
    if (!strchr(address, ':')) {
        err_kind(err, ERR_USAGE, -EINVAL, "cannot parse \"%.*s\" as an IPv6 address", (int)n,
                 text + 1);
        return NULL;
    }
    return address_parse(address, out, err) < 0 ? NULL : end + 2;
}

/* The parts between the colons: [address, host,] container; `m` has the address of brackets. */
static int parts_parse(const struct strv *parts, bool bracketed, struct port_mapping *m,
                       struct err *err)
{
    uint16_t host_count;
    if (bracketed && parts->len != 2)
        return invalid(err, "with an IPv6 address it is [address]:hostPort:containerPort");
    if (parts->len > 3)
        return invalid(err, "format is [[hostIP:]hostPort:]containerPort");
    int r = range_parse(parts->v[parts->len - 1], &m->container_port, &m->count, err);
    if (r == 0 && parts->len == 3)
        r = address_parse(parts->v[0], m->host_ip, err);
    const char *host = parts->len > 1 ? parts->v[parts->len - 2] : "";
    if (r < 0 || !*host)
        return r;
    r = range_parse(host, &m->host_port, &host_count, err);
    if (r == 0 && host_count != m->count)
        r = err_kind(err, ERR_USAGE, -EINVAL,
                     "host and container port ranges have different lengths: %u vs %u", host_count,
                     m->count);
    return r;
}

/* Cuts "/PROTOCOL" off. */
static int take_protocol(char *text, enum port_protocol *ret, struct err *err)
{
    char *slash = strchr(text, '/');
    *ret = PORT_TCP;
    if (!slash)
        return 0;
    *slash++ = '\0';
    if (strchr(slash, '/'))
        return invalid(err, "protocol can only be specified once");
    if (!*slash)
        return invalid(err, "must provide a non-empty protocol to publish");
    return protocol_parse(slash, ret, err);
}

int port_mapping_parse(const char *text, struct port_mapping *ret, struct err *err)
{
    struct port_mapping m = {0};
    auto_strv parts = {0};
    auto_free char *copy = xstrdup(text);
    int r = take_protocol(copy, &m.protocol, err);
    if (r < 0)
        return r;
    bool bracketed = strpbrk(copy, "[]") != NULL;
    const char *rest = bracketed ? take_bracketed(copy, m.host_ip, err) : copy;
    if (!rest)
        return -EINVAL;
    if (!*rest)
        return invalid(err, "must provide a non-empty port");
    strv_split(&parts, rest, ':');
    r = parts_parse(&parts, bracketed, &m, err);
    if (r == 0)
        *ret = m;
    return r;
}

int port_expose_parse(const char *text, struct port_mapping *ret, struct err *err)
{
    if (strpbrk(text, ":[]"))
        return invalid(err, "exposed ports have no host part");
    return port_mapping_parse(text, ret, err);
}

static bool overlap(uint16_t a, uint16_t n_a, uint16_t b, uint16_t n_b)
{
    return a && b && a < b + n_b && b < a + n_a;
}

bool port_mappings_conflict(const struct port_mapping *a, const struct port_mapping *b)
{
    return a->protocol == b->protocol && overlap(a->host_port, a->count, b->host_port, b->count) &&
           (!*a->host_ip || !*b->host_ip || strcmp(a->host_ip, b->host_ip) == 0);
}
