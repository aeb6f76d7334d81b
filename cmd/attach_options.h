/* SPDX-License-Identifier: Apache-2.0 */
/* Following a container in the foreground, as `run`, `start -a` and `attach` do. */
#pragma once

#include "cmd/command.h"
#include "engine/container.h"
#include "store/store.h"

#define DETACH_KEYS_DEFAULT "ctrl-p,ctrl-q"

/* What the option --detach-keys means (NULL: not given). */
static inline const char *attach_keys(const char *detach_keys)
{
    return detach_keys ? detach_keys : DETACH_KEYS_DEFAULT;
}

#define DETACH_KEYS_ROW(holder)                                                                    \
    OPT_STRING_ROW(0, "detach-keys", holder, detach_keys, "KEYS",                                  \
                   "Keys that leave the container running (default ctrl-p,ctrl-q; empty: none)")
#define SIG_PROXY_ROW(holder)                                                                      \
    OPT_SWITCH_ROW(0, "sig-proxy", holder, sig_proxy,                                              \
                   "Pass signals on to the container (default true)")

/* Copies between our terminal and the container until it ends or the user detaches; sets
 * in->exit_status. Takes the channel over. */
int attach_foreground(struct invocation *in, const struct store_container *c, int channel,
                      const struct container_attach_options *o, struct err *err);
