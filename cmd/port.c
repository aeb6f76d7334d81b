/* SPDX-License-Identifier: Apache-2.0 */
/* wherry port: which ports of the machine lead to a container. */
#include "base/buf.h"
#include "base/id.h"
#include "base/json.h"
#include "cmd/commands.h"
#include "cmd/each.h"
#include "engine/container.h"
#include "engine/ports.h"

#include <stdio.h>
#include <string.h>

struct values {
    bool all, latest;
};

static const struct opt opts[] = {
    OPT_BOOL_ROW('a', "all", values, all, "The ports of all containers that run"),
    OPT_BOOL_ROW('l', "latest", values, latest, "Use the newest container"),
    {0},
};

static void print_place(struct buf *out, const struct port_mapping *m, unsigned i)
{
    bool v6 = strchr(m->host_ip, ':') != NULL;
    buf_printf(out, "%s%s%s:%u\n", v6 ? "[" : "", *m->host_ip ? m->host_ip : "0.0.0.0",
               v6 ? "]" : "", m->host_port + i);
}

static void print_all(const json_t *document, const char *prefix)
{
    auto_free struct port_mapping *ports = NULL;
    auto_buf out = {0};
    size_t n = 0;
    ports_read(document, &ports, &n);
    for (size_t p = 0; p < n; p++)
        for (unsigned i = 0; i < ports[p].count; i++) {
            buf_printf(&out, "%s%u/%s -> ", prefix, ports[p].container_port + i,
                       port_protocol_name(ports[p].protocol));
            print_place(&out, &ports[p], i);
        }
    fputs(buf_str(&out), stdout);
}

static int print_one(const json_t *document, const char *text, struct err *err)
{
    auto_free struct port_mapping *ports = NULL;
    struct port_mapping wanted;
    auto_buf out = {0};
    size_t n = 0;
    int r = port_expose_parse(text, &wanted, err);
    if (r < 0)
        return r;
    ports_read(document, &ports, &n);
    for (size_t p = 0; p < n; p++)
        if (ports[p].protocol == wanted.protocol &&
            ports[p].container_port <= wanted.container_port &&
            wanted.container_port < ports[p].container_port + ports[p].count)
            print_place(&out, &ports[p], wanted.container_port - ports[p].container_port);
    if (out.len == 0)
        return err_kind(err, ERR_NOT_FOUND, -ENOENT, "failed to find published port \"%s\"", text);
    fputs(buf_str(&out), stdout);
    return 0;
}

static int print_running(struct invocation *in, struct err *err)
{
    auto_json json_t *rows = NULL;
    struct container_list_options o = {.states = STATUS_BIT(CONTAINER_RUNNING)};
    size_t i;
    json_t *row;
    int r = container_list(in->engine, &o, &rows, err);
    json_array_foreach (rows, i, row) {
        auto_done(store_container) struct store_container c = {0};
        char prefix[ID_SHORT_LEN + 2];
        const char *id = json_string_value(json_object_get(row, "Id"));
        if (store_container_find(&in->engine->store, id, &c, NULL) < 0)
            continue; /* it ended meanwhile */
        snprintf(prefix, sizeof(prefix), "%.*s\t", ID_SHORT_LEN, id);
        print_all(c.config, prefix);
    }
    return r;
}

static int check(const struct values *v, const struct strv *args, struct err *err)
{
    if (v->all && (v->latest || args->len))
        return err_kind(err, ERR_USAGE, -EINVAL, "--all takes no container and no port");
    if (!v->all && !v->latest && args->len == 0)
        return err_kind(err, ERR_USAGE, -EINVAL, "you must supply a running container name or id");
    if (args->len > (v->latest ? 1u : 2u))
        return err_kind(err, ERR_USAGE, -EINVAL, "there is one port at most");
    return 0;
}

static int run(struct invocation *in, void *values, struct strv *args, struct err *err)
{
    const struct values *v = values;
    auto_done(store_container) struct store_container c = {0};
    auto_strv names = {0};
    int r = check(v, args, err);
    if (r < 0)
        return r;
    if (v->all)
        return print_running(in, err);
    if (v->latest)
        r = each_latest(in, &names, err);
    else
        strv_add(&names, args->v[0]);
    if (r == 0)
        r = store_container_find(&in->engine->store, names.v[0], &c, err);
    if (r < 0)
        return r;
    if (args->len > (v->latest ? 0u : 1u))
        return print_one(c.config, args->v[v->latest ? 0 : 1], err);
    print_all(c.config, "");
    return 0;
}

const struct command cmd_port = {
    .name = "port",
    .usage = "[options] [CONTAINER [PORT[/PROTOCOL]]]",
    .summary = "Show which ports of the machine lead to a container",
    .details = "Examples:\n"
               "  wherry port web\n"
               "  wherry port web 80\n"
               "  wherry port --all\n",
    .opts = opts,
    .values_size = sizeof(struct values),
    .min_args = 0,
    .max_args = -1,
    .run = run,
};
