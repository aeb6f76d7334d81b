/* SPDX-License-Identifier: Apache-2.0 */
/* The published ports of a container, as its config.json has them (HostConfig.PortBindings). */
#pragma once

#include "spec/port.h"

#include <jansson.h>
#include <sys/socket.h>

/* "80/tcp": the container's port `i` of the mapping. */
void port_key(const struct port_mapping *m, uint16_t i, char out[static 16]);

/* Where port `i` of the mapping is on the host; host_port 0 stays 0. "" is :: in a form that takes
 * IPv4 too, or 0.0.0.0 where the machine has no IPv6. Returns the length. */
socklen_t port_address(const struct port_mapping *m, uint16_t i, struct sockaddr_storage *ret);

/* All that is published, in the order of protocol, container port and host port, with neighbours
 * joined to ranges. The caller frees *ret. What is malformed is left out. */
void ports_read(const json_t *document, struct port_mapping **ret, size_t *ret_n);

/* For ps: podman's objects (host_ip, container_port, host_port, range, protocol). New reference. */
json_t *ports_list(const json_t *document);
/* For ps, in words: "0.0.0.0:8080->80/tcp" each; `list` is of ports_list(). New reference. */
json_t *ports_in_words(const json_t *list);
/* For inspect: {"80/tcp": [{HostIp, HostPort}], "81/tcp": null}; null: exposed, not published. New
 * reference. */
json_t *ports_inspect(const json_t *document);

/* Whether the container publishes (or, with `exposed`, at least exposes) a port of PORT[-PORT]
 * [/PROTOCOL], by the container's number or the host's; ERR_USAGE. For filters of ps. */
int ports_match(const json_t *document, const char *text, bool exposed, struct err *err);
