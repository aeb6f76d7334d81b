/* SPDX-License-Identifier: Apache-2.0 */
/* Certificates of one registry: containers-certs.d(5). */
#pragma once

#include "registry/http.h"

/* Fills ca, cert and key of `config` from `dir`, or when that is NULL from the first that is there
 * of ~/.config/containers/certs.d/REGISTRY, /etc/containers/certs.d/REGISTRY,
 * /etc/docker/certs.d/REGISTRY: NAME.crt are authorities, NAME.cert and NAME.key a client's
 * certificate and key. A cert without its key, or the other way round, is an error. */
int certs_load(const char *dir, const char *registry, struct http_config *config, struct err *err);
