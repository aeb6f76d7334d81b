/* SPDX-License-Identifier: Apache-2.0 */
/* --env-file and --label-file. */
#include "cmd/env_file.h"

#include "base/file.h"

#include <string.h>

#define ENV_FILE_MAX (1u << 20)

/* A line NAME=VALUE or NAME; blank lines and those that begin with '#' say nothing. */
static int read_file(const char *flag, const char *path, struct strv *ret, struct err *err)
{
    auto_buf text = {0};
    auto_strv lines = {0};
    int r = file_read_named(path, ENV_FILE_MAX, &text, err);
    if (r < 0)
        return err_wrap(err, "--%s", flag);
    strv_split(&lines, buf_str(&text), '\n');
    strv_foreach (&lines, line) {
        const char *start = line + strspn(line, " \t");
        if (*start && *start != '#')
            strv_add(ret, start);
    }
    return 0;
}

int env_collect(const char *flag, const struct strv *files, const struct strv *given,
                struct strv *ret, struct err *err)
{
    for (size_t i = 0; i < files->len; i++) {
        int r = read_file(flag, files->v[i], ret, err);
        if (r < 0)
            return r;
    }
    strv_extend(ret, given);
    return 0;
}
