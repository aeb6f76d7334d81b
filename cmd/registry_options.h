/* SPDX-License-Identifier: Apache-2.0 */
/* The options that pull, push, login and search share. */
#pragma once

#include "cmd/command.h"
#include "engine/pull.h"

#define PULL_POLICIES "always|missing|newer|never"
/* One of these, or NULL: the default. */
enum pull_policy pull_policy_from(const char *name, enum pull_policy standard);

/* First member of a command's values, so that the rows below fit. */
struct registry_values {
    char *authfile, *creds, *cert_dir, *tls_verify, *retry_delay, *registries_conf;
    int64_t retry;
};

#define REGISTRIES_CONF_ROW                                                                        \
    {                                                                                              \
        .type = OPT_STRING, .name = "registries-conf",                                             \
        .offset = offsetof(struct registry_values, registries_conf), .value = "FILE",              \
        .help = "Use this registries.conf", .hidden = true                                         \
    }

#define REGISTRY_ACCESS_ROWS                                                                       \
    OPT_STRING_ROW(0, "authfile", registry_values, authfile, "FILE",                               \
                   "Credentials file (default: $REGISTRY_AUTH_FILE, or "                           \
                   "$XDG_RUNTIME_DIR/containers/auth.json)"),                                      \
        OPT_STRING_ROW(0, "cert-dir", registry_values, cert_dir, "DIR",                            \
                       "Directory of the registry's authority and client certificates"),           \
        REGISTRIES_CONF_ROW,                                                                       \
        OPT_SWITCH_ROW(                                                                            \
            0, "tls-verify", registry_values, tls_verify,                                          \
            "Whether certificates must be right (default: as registries.conf says, true)")

#define REGISTRY_TRANSFER_ROWS                                                                     \
    OPT_STRING_ROW(0, "creds", registry_values, creds, "USER[:PASSWORD]",                          \
                   "Log in with these for this command only"),                                     \
        OPT_INT_ROW(0, "retry", registry_values, retry, "N",                                       \
                    "Tries after a failure that may pass (default 3)"),                            \
        OPT_STRING_ROW(0, "retry-delay", registry_values, retry_delay, "TIME",                     \
                       "Pause before the first of these, doubled each time (default 1s)")

/* Fills *ret, which borrows from `v`. Asks at the terminal for the password that --creds lacks:
 * *ret_secret, which the caller frees when the access is no longer used, is what it is kept in. */
int registry_access_from(const struct invocation *in, const struct registry_values *v,
                         struct registry_access *ret, char **ret_secret, struct err *err);
