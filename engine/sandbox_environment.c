/* SPDX-License-Identifier: Apache-2.0 */
/* From Config and HostConfig to what a container finds around it. */
#include "engine/sandbox_environment.h"

#include "base/alloc.h"
#include "base/json.h"

#include <pwd.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static int add_zone(struct sandbox_config *config, const char *zone, struct err *err)
{
    auto_free char *named = xasprintf("/usr/share/zoneinfo/%s", zone);
    char *path = realpath(strcmp(zone, "local") == 0 ? "/etc/localtime" : named, NULL);
    if (!path)
        return err_errno(err, -errno, "time zone %s", zone);
    sandbox_config_add_mount(config,
                             &(struct sandbox_mount){.kind = MOUNT_BIND,
                                                     .source = sandbox_config_own(config, path),
                                                     .target = "/etc/localtime",
                                                     .read_only = true,
                                                     .no_exec = true,
                                                     .no_suid = true,
                                                     .no_dev = true});
    return 0;
}

/* With keep-id the user of the container is the one of the machine, by name too. */
static void name_user(struct sandbox_config *config, const json_t *host)
{
    struct users *u = &config->sandbox.users;
    struct passwd *pw = NULL;
    if (strncmp(json_get_string(host, "UsernsMode", ""), "keep-id", 7) == 0)
        pw = getpwuid(geteuid());
    if (pw && !strpbrk(pw->pw_name, ":\n") && !strpbrk(pw->pw_gecos, ":\n")) {
        u->name = sandbox_config_own(config, xstrdup(pw->pw_name));
        u->full_name = sandbox_config_own(config, xstrdup(pw->pw_gecos));
    }
}

int sandbox_environment_read(struct sandbox_config *config, const json_t *document, struct err *err)
{
    const json_t *conf = json_object_get(document, "Config");
    const json_t *host = json_object_get(document, "HostConfig");
    const char *zone = json_get_string(conf, "Timezone", NULL);
    struct sandbox *sb = &config->sandbox;
    sb->users.untouched = json_is_false(json_object_get(conf, "Passwd"));
    sb->users.passwd_entry = json_get_string(conf, "PasswdEntry", NULL);
    sb->users.group_entry = json_get_string(conf, "GroupEntry", NULL);
    name_user(config, host);
    int r = json_want_strv(conf, "HostUsers", &sb->users.lines, err);
    if (r == 0)
        r = json_want_strv(conf, "UnsetEnv", &sb->unset_env, err);
    if (r == 0)
        r = json_want_bool(conf, "UnsetEnvAll", &sb->unset_env_all, err);
    if (r == 0 && zone)
        r = add_zone(config, zone, err);
    return r;
}
