/* SPDX-License-Identifier: Apache-2.0 */
/* The options of `run` and `create` for ports. */
#include "cmd/port_options.h"

#include <stdio.h>
#include <string.h>

static bool publishes(const char *network)
{
    return !network || (strcmp(network, "none") != 0 && strcmp(network, "host") != 0 &&
                        strncmp(network, "container:", 10) != 0 && strncmp(network, "ns:", 3) != 0);
}

const struct port_options *port_options(const struct port_options *v, const char *network)
{
    static const struct port_options nothing = {0};
    if (publishes(network))
        return v;
    if (v->publish.len || v->publish_all)
        fputs("Warning: Port mappings have been discarded as one of the Host, Container, and None "
              "network modes are in use\n",
              stderr);
    return &nothing;
}
