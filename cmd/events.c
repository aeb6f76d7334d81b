/* SPDX-License-Identifier: Apache-2.0 */
/* wherry events: shows what happens, and what happened. */
#include "engine/events.h"
#include "base/alloc.h"
#include "base/buf.h"
#include "base/file.h"
#include "base/json.h"
#include "base/when.h"
#include "cmd/commands.h"
#include "cmd/template.h"

#include <stdio.h>
#include <string.h>

struct values {
    struct strv filters;
    char *format, *since, *until, *stream;
};

static const struct opt opts[] = {
    OPT_LIST_ROW('f', "filter", values, filters, "KEY=VALUE",
                 "Only those that match (container, event, image, label, secret, type, volume)"),
    OPT_STRING_ROW(0, "format", values, format, "TEMPLATE", "Print by a Go template, or json"),
    OPT_STRING_ROW(0, "since", values, since, "TIME", "From this time on (default: now)"),
    OPT_SWITCH_ROW(
        0, "stream", values, stream,
        "Go on with what happens next; false: all that is known, and end (default true)"),
    OPT_STRING_ROW(0, "until", values, until, "TIME", "End at this time"),
    {0},
};

DEFINE_AUTO_PTR(template, template_free)

/* "2026-11-25 11:10:01.123456789 +0000 UTC", as Go prints a time. */
static json_t *go_time(const json_t *event)
{
    const char *time = json_get_string(event, "Time", "");
    size_t date = strcspn(time, "T"), clock = strcspn(time, "Z");
    return clock > date ? json_sprintf("%.*s %.*s +0000 UTC", (int)date, time,
                                       (int)(clock - date - 1), time + date + 1)
                        : json_string(time);
}

static int print_template(const struct template *t, json_t *event, struct err *err)
{
    static const char *const texts[] = {"ID",   "Name",    "Image",       "Status",
                                        "Type", "Network", "HealthStatus"};
    auto_json json_t *row = json_deep_copy(event);
    auto_buf text = {0};
    json_put(row, "Time", go_time(event));
    for (size_t i = 0; i < sizeof(texts) / sizeof(*texts); i++)
        if (!json_object_get(row, texts[i]))
            json_put_string(row, texts[i], "");
    if (!json_object_get(row, "ContainerExitCode"))
        json_put(row, "ContainerExitCode", json_integer(0));
    if (!json_object_get(row, "Attributes"))
        json_put(row, "Attributes", json_object());
    int r = template_run(t, row, &text, err);
    if (r == 0)
        puts(buf_str(&text));
    return r;
}

static void print_words(json_t *event)
{
    const char *type = json_get_string(event, "Type", ""), *key;
    auto_json json_t *time = go_time(event);
    auto_buf line = {0};
    json_t *value;
    buf_printf(&line, "%s %s %s", json_string_value(time), type,
               json_get_string(event, "Status", ""));
    if (strcmp(type, "volume") != 0)
        buf_printf(&line, " %s", json_get_string(event, "ID", ""));
    if (strcmp(type, "container") != 0) {
        buf_printf(&line, " %s", json_get_string(event, "Name", ""));
    } else {
        buf_printf(&line, " (image=%s, name=%s", json_get_string(event, "Image", ""),
                   json_get_string(event, "Name", ""));
        if (json_object_get(event, "HealthStatus"))
            buf_printf(&line, ", health_status=%s", json_get_string(event, "HealthStatus", ""));
        json_object_foreach (json_object_get(event, "Attributes"), key, value)
            buf_printf(&line, ", %s=%s", key,
                       json_is_string(value) ? json_string_value(value) : "");
        buf_add_char(&line, ')');
    }
    auto_buf shown = {0};
    buf_add_shown(&shown, buf_str(&line), line.len);
    puts(buf_str(&shown));
}

struct print {
    bool json;
    const struct template *t;
};

static int print_event(void *arg, json_t *event, struct err *err)
{
    const struct print *p = arg;
    int r = 0;
    if (p->json) {
        auto_free char *text = json_text(event);
        puts(text);
    } else if (p->t) {
        r = print_template(p->t, event, err);
    } else {
        print_words(event);
    }
    if (r == 0 && fflush(stdout) != 0) /* nobody reads any more */
        r = err_errno(err, -errno, "write to standard output");
    return r;
}

static int run(struct invocation *in, void *values, struct strv *args, struct err *err)
{
    const struct values *v = values;
    auto_ptr(template) struct template *t = NULL;
    struct print p = {.json = v->format && strcmp(v->format, "json") == 0};
    struct timespec now = time_now();
    struct events_options o = {.filters = &v->filters, .stream = opt_switch(v->stream, true)};
    int r = events_check_filters(&v->filters, err);
    if (r == 0 && v->format && !p.json)
        r = template_parse(v->format, &t, err);
    if (r == 0 && v->since)
        r = when_parse(v->since, now, &o.since, err);
    if (r == 0 && v->until)
        r = when_parse(v->until, now, &o.until, err);
    if (r < 0)
        return r;
    if (!v->since && !v->until && o.stream)
        o.since = now;
    p.t = t;
    return events_read(in->engine, &o, print_event, &p, err);
}

const struct command cmd_events = {
    .name = "events",
    .usage = "[options]",
    .summary = "Show what happens to containers, images and volumes",
    .opts = opts,
    .values_size = sizeof(struct values),
    .run = run,
};
