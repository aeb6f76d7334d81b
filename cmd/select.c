/* SPDX-License-Identifier: Apache-2.0 */
/* Which containers a command is about. */
#include "cmd/select.h"

#include "base/file.h"
#include "base/json.h"
#include "cmd/each.h"
#include "engine/container.h"

#include <fcntl.h>
#include <string.h>

#define CIDFILE_MAX 4096

static int read_cidfile(const char *path, bool ignore_missing, struct strv *ret, struct err *err)
{
    auto_buf text = {0};
    struct err failed = {0};
    int r = file_read_at(AT_FDCWD, path, CIDFILE_MAX, &text, &failed);
    if (r == -ENOENT && ignore_missing)
        return 0;
    if (r < 0) {
        *err = failed;
        return err_wrap(err, "reading CIDFile");
    }
    strv_addf(ret, "%.*s", (int)strcspn(buf_str(&text), "\n"), buf_str(&text));
    return 0;
}

static int check(const struct select_values *v, size_t n_args, struct err *err)
{
    bool named = n_args || v->cidfiles.len;
    if (v->all && v->latest)
        return err_kind(err, ERR_USAGE, -EINVAL, "--all and --latest cannot be used together");
    if (v->latest && v->filters.len)
        return err_kind(err, ERR_USAGE, -EINVAL, "--latest and --filter cannot be used together");
    if (named && (v->all || v->latest || v->filters.len))
        return err_kind(err, ERR_USAGE, -EINVAL, "no arguments are needed with --%s",
                        v->all      ? "all"
                        : v->latest ? "latest"
                                    : "filter");
    if (!named && !v->all && !v->latest && !v->filters.len)
        return err_kind(err, ERR_USAGE, -EINVAL, "you must provide at least one name or id");
    return 0;
}

static int select_matching(struct invocation *in, const struct select_values *v, unsigned states,
                           struct strv *ret, struct err *err)
{
    struct container_list_options o = {.all = true, .states = states, .filters = &v->filters};
    auto_json json_t *rows = NULL;
    int r = container_list(in->engine, &o, &rows, err);
    size_t i;
    json_t *row;
    json_array_foreach (rows, i, row)
        strv_add(ret, json_get_string(row, "Id", ""));
    return r;
}

int select_containers(struct invocation *in, const struct select_values *v, const struct strv *args,
                      unsigned states, bool ignore_missing, struct strv *ret, struct err *err)
{
    int r = check(v, args->len, err);
    if (r == 0 && v->latest)
        return each_latest(in, ret, err);
    if (r == 0 && (v->all || v->filters.len))
        return select_matching(in, v, states, ret, err);
    for (size_t i = 0; r == 0 && i < v->cidfiles.len; i++)
        r = read_cidfile(v->cidfiles.v[i], ignore_missing, ret, err);
    if (r == 0)
        strv_extend(ret, args);
    return r;
}
