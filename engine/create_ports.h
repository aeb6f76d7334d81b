/* SPDX-License-Identifier: Apache-2.0 */
/* Which ports a new container exposes and publishes. */
#pragma once

#include "base/err.h"
#include "base/strv.h"

#include <jansson.h>
#include <stdbool.h>

/* What the flags of the same names were given with; all empty: nothing but the image's EXPOSE. */
struct port_options {
    struct strv publish; /* [[IP:][HOSTPORT]:]PORT[/PROTOCOL] */
    struct strv expose;  /* PORT[-PORT][/PROTOCOL] */
    bool publish_all;
};

/* Checks them and puts them into Config and HostConfig of `document`, with `image_ports` ("80/tcp",
 * the image's). A host port that nobody chose is chosen here, among those that are free now, and
 * stays the container's, as with podman. */
int create_ports(const struct port_options *o, const struct strv *image_ports, json_t *document,
                 struct err *err);
