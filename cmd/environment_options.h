/* SPDX-License-Identifier: Apache-2.0 */
/* The options of `run` and `create` for what the container finds around it. */
#pragma once

#include "engine/create_environment.h"

/* For the member `environment`, a struct environment_options, of struct container_values. */
#define ENVIRONMENT_OPTION_ROWS                                                                    \
    OPT_LIST_ROW(0, "add-host", container_values, environment.add_hosts, "NAME:ADDRESS",           \
                 "Add a line to /etc/hosts"),                                                      \
        OPT_LIST_ROW(0, "annotation", container_values, environment.annotations, "NAME=VALUE",     \
                     "Set an annotation"),                                                         \
        OPT_CSV_ROW(0, "dns", container_values, environment.dns, "ADDRESS",                        \
                    "Use this name server (none: leave the image's resolv.conf)"),                 \
        OPT_LIST_ROW(0, "dns-option", container_values, environment.dns_options, "OPTION",         \
                     "Set an option of resolv.conf"),                                              \
        {.type = OPT_LIST,                                                                         \
         .name = "dns-opt",                                                                        \
         .offset = offsetof(struct container_values, environment.dns_options),                     \
         .value = "OPTION",                                                                        \
         .help = "As --dns-option",                                                                \
         .hidden = true},                                                                          \
        OPT_CSV_ROW(0, "dns-search", container_values, environment.dns_search, "DOMAIN",           \
                    "Search names in this domain (.: in none)"),                                   \
        OPT_BOOL_ROW(0, "env-host", container_values, environment.env_host,                        \
                     "Give the container all variables that we have"),                             \
        OPT_LIST_ROW(0, "env-merge", container_values, environment.env_merge, "NAME=VALUE",        \
                     "Set a variable; $NAME and ${NAME} in it are the image's"),                   \
        OPT_STRING_ROW(0, "group-entry", container_values, environment.group_entry, "LINE",        \
                       "Line of /etc/group for a group that the image does not know"),             \
        OPT_LIST_ROW(0, "hostuser", container_values, environment.host_users, "NAME",              \
                     "Add this user of the machine to /etc/passwd"),                               \
        OPT_SWITCH_ROW(0, "http-proxy", container_values, environment.http_proxy,                  \
                       "Pass http_proxy, no_proxy... on (default true)"),                          \
        OPT_BOOL_ROW(0, "no-hosts", container_values, environment.no_hosts,                        \
                     "Leave the image's /etc/hosts"),                                              \
        OPT_SWITCH_ROW(0, "passwd", container_values, environment.passwd,                          \
                       "Add the user to /etc/passwd when it is not there (default true)"),         \
        OPT_STRING_ROW(0, "passwd-entry", container_values, environment.passwd_entry, "LINE",      \
                       "Line of /etc/passwd for a user that the image does not know"),             \
        OPT_STRING_ROW(0, "tz", container_values, environment.tz, "ZONE",                          \
                       "Set the time zone (local: ours)"),                                         \
        OPT_LIST_ROW(0, "unsetenv", container_values, environment.unset_env, "NAME",               \
                     "Leave out a variable that the image or wherry sets"),                        \
        OPT_BOOL_ROW(0, "unsetenv-all", container_values, environment.unset_env_all,               \
                     "Leave all variables out that the image or wherry sets")
