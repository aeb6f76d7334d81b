/* SPDX-License-Identifier: Apache-2.0 */
/* Fuzz target: ports, as people, images and config.json write them. */
#include "base/buf.h"
#include "spec/port.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void must(bool yes)
{
    if (!yes)
        abort();
}

/* What was parsed, printed again, is the same. */
static void check(const struct port_mapping *m)
{
    char text[128], host[16] = "";
    struct port_mapping again;
    must(m->count >= 1 && m->container_port >= 1 && m->container_port + m->count <= 65536);
    must(m->host_port + m->count <= 65536);
    unsigned more = m->count - 1u;
    if (m->host_port)
        snprintf(host, sizeof(host), "%u-%u", m->host_port, m->host_port + more);
    bool v6 = strchr(m->host_ip, ':') != NULL;
    snprintf(text, sizeof(text), "%s%s%s%s:%u-%u/%s", v6 ? "[" : "",
             *m->host_ip ? m->host_ip : "0.0.0.0", v6 ? "]:" : ":", host, m->container_port,
             m->container_port + more, port_protocol_name(m->protocol));
    must(port_mapping_parse(text, &again, NULL) == 0);
    must(strcmp(again.host_ip, m->host_ip) == 0);
    must(again.host_port == m->host_port && again.container_port == m->container_port &&
         again.count == m->count && again.protocol == m->protocol);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    auto_buf text = {0};
    struct port_mapping m;
    buf_add(&text, data, size);
    if (port_mapping_parse(buf_str(&text), &m, NULL) == 0)
        check(&m);
    if (port_expose_parse(buf_str(&text), &m, NULL) == 0)
        check(&m);
    return 0;
}
