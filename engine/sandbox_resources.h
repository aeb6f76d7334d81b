/* SPDX-License-Identifier: Apache-2.0 */
/* From HostConfig to the container's cgroup, and what stands in where there is none.
 *
 * Theory of operation. Only a container with a limit, or one that asks (--cgroups), has a cgroup:
 * for all others nothing is looked for and nothing made. Its place is found at each start and kept
 * in state.json (CgroupDir, where it is on the host, and CgroupPath, what it is called in its
 * hierarchy); the monitor removes it with the end. */
#pragma once

#include "engine/sandbox_config.h"

/* What the limits mean for a cgroup: "FILE=VALUE" (runtime/cgroup.h), appended. `reset`: with those
 * that take an earlier limit away. A device that is not there is an error. */
int resources_settings(const json_t *host, bool reset, struct strv *ret, struct err *err);

/* What of HostConfig needs no cgroup; part of sandbox_config_read(). */
int sandbox_resources_read(struct sandbox_config *config, const json_t *host, struct err *err);

/* At a start: makes the cgroup when it takes one, and puts what stands in where it is not to be
 * had. *ret_warning (allocated, or NULL): which flags are not enforced. */
int sandbox_resources_make(struct sandbox_config *config, const struct store_container *c,
                           char **ret_warning, struct err *err);

/* For a command that joins: opens the container's cgroup, if it has one. */
int sandbox_resources_join(struct sandbox_config *config, const struct store_container *c,
                           struct err *err);

/* Where the container's cgroup is by its state; NULL: it has none. */
const char *resources_cgroup(const struct store_container *c);

/* "--memory, --cpus" for the files that could not be written; the caller frees. */
char *resources_flags(const struct strv *files);
/* The sentence with them and the reason; NULL when there are none. The caller frees. */
char *resources_warning(const struct strv *files, const struct cgroup *cg);
