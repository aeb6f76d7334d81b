/* SPDX-License-Identifier: Apache-2.0 */
/* Writing events. */
#include "engine/events.h"

#include "base/alloc.h"
#include "base/file.h"
#include "base/json.h"
#include "engine/state.h"

#include <fcntl.h>
#include <string.h>

/* Only who has the lock moves it, and only what is still too large then. */
static void rotate(struct store *s)
{
    struct stat st;
    auto_close int lock =
        openat(s->root_fd, "events.lock", O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600);
    if (lock < 0 || lock_fd(lock, true, false, NULL) < 0)
        return;
    if (fstatat(s->root_fd, "events.log", &st, AT_SYMLINK_NOFOLLOW) == 0 && st.st_size > EVENTS_MAX)
        renameat(s->root_fd, "events.log", s->root_fd, "events.log.1");
}

static void append(struct store *s, json_t *event)
{
    struct stat st;
    char now[36];
    json_put_string(event, "Time", time_format(time_now(), now));
    auto_free char *text = json_text(event);
    json_decref(event);
    if (!text)
        return;
    auto_free char *line = xasprintf("%s\n", text);
    auto_close int fd = openat(s->root_fd, "events.log",
                               O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC | O_NOFOLLOW, 0600);
    if (fd < 0 || write(fd, line, strlen(line)) < 0)
        return;
    if (fstat(fd, &st) == 0 && st.st_size > EVENTS_MAX)
        rotate(s);
}

static json_t *of_container(const struct store_container *c, const char *status, int exit_code)
{
    json_t *labels = json_object_get(json_object_get(c->config, "Config"), "Labels");
    json_t *event =
        json_pack("{s:s, s:s, s:s}", "Type", "container", "Status", status, "ID", c->id);
    json_put_string(event, "Name", c->name);
    json_put_string(event, "Image", json_get_string(c->config, "ImageName", ""));
    if (exit_code >= 0)
        json_put(event, "ContainerExitCode", json_integer(exit_code));
    json_put(event, "Attributes", json_is_object(labels) ? json_incref(labels) : json_object());
    return event;
}

void event_container(struct store *s, const struct store_container *c, const char *status,
                     int exit_code)
{
    append(s, of_container(c, status, exit_code));
}

void event_health(struct store *s, const struct store_container *c, const char *health)
{
    json_t *event = of_container(c, "health_status", -1);
    json_put_string(event, "HealthStatus", health);
    append(s, event);
}

void event_exec(struct store *s, const struct store_container *c, const char *status,
                const char *exec_id, int exit_code)
{
    json_t *event = of_container(c, status, exit_code);
    json_t *attributes = json_copy(json_object_get(event, "Attributes")); /* not the container's */
    json_put_string(attributes, "execID", exec_id);
    json_put(event, "Attributes", attributes);
    append(s, event);
}

void event_image(struct store *s, const char *status, const char *id, const char *name)
{
    json_t *event = json_pack("{s:s, s:s}", "Type", "image", "Status", status);
    json_put_string(event, "ID", id);
    if (name)
        json_put(event, "Name", json_from_string(name));
    append(s, event);
}

void event_secret(struct store *s, const char *status, const char *id)
{
    json_t *event = json_pack("{s:s, s:s}", "Type", "secret", "Status", status);
    json_put_string(event, "ID", id);
    append(s, event);
}

void event_volume(struct store *s, const char *status, const char *name)
{
    json_t *event = json_pack("{s:s, s:s}", "Type", "volume", "Status", status);
    json_put(event, "Name", json_from_string(name));
    append(s, event);
}
