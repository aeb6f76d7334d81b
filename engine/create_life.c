/* SPDX-License-Identifier: Apache-2.0 */
/* How long a new container lives and what becomes of its output. */
#include "engine/create_life.h"

#include "base/cleanup.h"
#include "base/json.h"
#include "base/safepath.h"
#include "base/size.h"
#include "engine/restart_policy.h"

#include <string.h>

static int log_option(json_t *log, const char *driver, const char *option, struct err *err)
{
    const char *value = strchr(option, '=');
    uint64_t max;
    if (!value || !value[1])
        return err_kind(err, ERR_USAGE, -EINVAL, "invalid log option \"%s\"", option);
    value++;
    if (strcmp(driver, "k8s-file") != 0 && strcmp(driver, "json-file") != 0)
        return err_kind(err, ERR_USAGE, -EINVAL, "log driver %s has no options", driver);
    if (strncmp(option, "tag=", 4) == 0) {
        json_put(log, "Tag", json_from_string(value));
        return 0;
    }
    if (strncmp(option, "max-size=", 9) == 0) {
        if (size_parse(value, &max) < 0 || max == 0 || max > INT64_MAX / 2)
            return err_kind(err, ERR_USAGE, -EINVAL, "invalid log option \"%s\"", option);
        json_put(log, "MaxSize", json_integer((json_int_t)max));
        json_put_string(log, "Size", value);
        return 0;
    }
    if (strncmp(option, "path=", 5) != 0)
        return err_kind(err, ERR_USAGE, -EINVAL,
                        "log option \"%s\" is not supported (max-size, path and tag are)", option);
    if (*value != '/' || value[strlen(value) - 1] == '/')
        return err_kind(err, ERR_USAGE, -EINVAL,
                        "log path \"%s\" must be the absolute path of a file", value);
    json_put(log, "Path", json_from_string(value));
    return 0;
}

static int log_config(const struct life_options *o, bool tty, json_t **ret, struct err *err)
{
    const char *driver = o->log_driver ? o->log_driver : "k8s-file";
    auto_json json_t *log = json_pack("{s:s, s:n, s:s, s:s, s:s}", "Type", driver, "Config", "Path",
                                      "", "Tag", "", "Size", "0B");
    if (strcmp(driver, "journald") == 0)
        return err_kind(err, ERR_USAGE, -EINVAL,
                        "log driver journald is not supported: wherry links no journal");
    static const char *const known[] = {"k8s-file", "json-file", "none", "passthrough",
                                        "passthrough-tty"};
    bool ok = false;
    for (size_t i = 0; i < sizeof(known) / sizeof(*known); i++)
        ok |= strcmp(driver, known[i]) == 0;
    if (!ok)
        return err_kind(err, ERR_USAGE, -EINVAL, "invalid log driver \"%s\"", driver);
    if (tty && strncmp(driver, "passthrough", 11) == 0)
        return err_kind(err, ERR_USAGE, -EINVAL,
                        "--tty makes a terminal, which log driver %s would pass by", driver);
    for (size_t i = 0; i < o->log_options.len; i++) {
        int r = log_option(log, driver, o->log_options.v[i], err);
        if (r < 0)
            return r;
    }
    *ret = take_ptr(log);
    return 0;
}

/* The monitor stands in another directory. */
static int put_path(json_t *document, const char *key, const char *path, struct err *err)
{
    if (!path)
        return 0;
    auto_free char *full = NULL;
    int r = path_absolute(path, &full, err);
    if (r == 0)
        json_put(document, key, json_from_string(full));
    return r;
}

int create_life(const struct life_options *o, json_t *document, struct err *err)
{
    json_t *host = json_object_get(document, "HostConfig"), *policy = NULL;
    int r = put_path(document, "PidFile", o->pid_file, err);
    if (r == 0)
        r = put_path(document, "ConmonPidFile", o->monitor_pid_file, err);
    if (r == 0)
        r = restart_policy_parse(o->restart ? o->restart : "no", &policy, err);
    if (r < 0)
        return r;
    bool restarts = strcmp(json_get_string(policy, "Name", ""), "no") != 0;
    json_put(host, "RestartPolicy", policy);
    if (restarts && json_is_true(json_object_get(host, "AutoRemove")))
        return err_kind(err, ERR_USAGE, -EINVAL,
                        "the --rm option conflicts with --restart, when the restartPolicy is not "
                        "\"\" and \"no\"");
    json_put(json_object_get(document, "Config"), "Timeout", json_integer(o->timeout));
    json_t *log = NULL;
    bool tty = json_is_true(json_object_get(json_object_get(document, "Config"), "Tty"));
    r = log_config(o, tty, &log, err);
    if (r == 0)
        json_put(host, "LogConfig", log);
    return r;
}
