/* SPDX-License-Identifier: Apache-2.0 */
/* Network namespaces of containers. So far: a private one that holds only the loopback device. */
#pragma once

#include "base/err.h"

/* Brings the loopback device of the current network namespace up. Needs CAP_NET_ADMIN there. */
int netns_loopback_up(struct err *err);
