/* SPDX-License-Identifier: Apache-2.0 */
/* From HostConfig.PortBindings to what the network helper is to publish. */
#pragma once

#include "base/err.h"
#include "netns/ports.h"

#include <jansson.h>

/* The caller frees *ret. More ranges than the helper takes are an error. */
int sandbox_ports_read(const json_t *document, struct netns_port **ret, size_t *ret_n,
                       struct err *err);
