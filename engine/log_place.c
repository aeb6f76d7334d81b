/* SPDX-License-Identifier: Apache-2.0 */
/* Where and what a container's log is. */
#include "engine/log_place.h"

#include "base/alloc.h"
#include "base/file.h"
#include "base/json.h"

#include <fcntl.h>
#include <string.h>

static const char *driver_of(const struct store_container *c)
{
    const json_t *log = json_object_get(json_object_get(c->config, "HostConfig"), "LogConfig");
    return json_get_string(log, "Type", "k8s-file");
}

bool log_passes(const struct store_container *c)
{
    return strncmp(driver_of(c), "passthrough", 11) == 0;
}

int log_pass_open(const struct store_container *c, struct log_pass *ret, struct err *err)
{
    if (!log_passes(c))
        return 0;
    bool tty_too = strcmp(driver_of(c), "passthrough-tty") == 0;
    for (int i = 0; i < 3; i++)
        if (!tty_too && isatty(i))
            return err_kind(err, ERR_USAGE, -EINVAL,
                            "the '--log-driver passthrough' option cannot be used on a TTY, which "
                            "the container could control (passthrough-tty allows it)");
    ret->on = true;
    for (int i = 0; i < 3; i++)
        ret->fds[i] = fcntl(i, F_DUPFD_CLOEXEC, 3);
    return 0;
}

void log_pass_done(struct log_pass *p)
{
    for (int i = 0; i < 3; i++)
        close_fd(&p->fds[i]);
}

int log_place_open(const struct store_container *c, struct log_place *ret, struct err *err)
{
    const json_t *log = json_object_get(json_object_get(c->config, "HostConfig"), "LogConfig");
    const char *path = json_get_string(log, "Path", "");
    struct log_place p = {.dir_fd = -1, .driver = json_get_string(log, "Type", "k8s-file")};
    p.json = strcmp(p.driver, "json-file") == 0;
    p.max = json_integer_value(json_object_get(log, "MaxSize"));
    if (strcmp(p.driver, "none") == 0 || log_passes(c)) {
        *ret = p;
        return 0;
    }
    const char *slash = strrchr(path, '/');
    p.dir = slash ? xstrndup(path, slash > path ? (size_t)(slash - path) : 1) : xstrdup(c->path);
    p.name = xstrdup(slash ? slash + 1 : "log");
    p.dir_fd = slash ? open_dir_at(AT_FDCWD, p.dir, err) : open_dir_at(c->fd, ".", err);
    if (p.dir_fd < 0) {
        int r = p.dir_fd;
        log_place_done(&p);
        return r;
    }
    *ret = p;
    return 0;
}

void log_place_done(struct log_place *p)
{
    if (p->name)
        close_fd(&p->dir_fd);
    free(p->dir);
    free(p->name);
}
