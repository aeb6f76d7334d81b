/* SPDX-License-Identifier: Apache-2.0 */
/* What the files of a cgroup, and those that lead to it, say. */
#include "runtime/cgroup.h"

#include "base/alloc.h"
#include "base/file.h"

#include <string.h>

#define FILE_MAX (1 << 16)

bool cgroup_number(int fd, const char *file, uint64_t *ret)
{
    auto_buf text = {0};
    if (file_read_at(fd, file, FILE_MAX, &text, NULL) < 0)
        return false;
    const char *s = buf_str(&text);
    if (strcmp(s, "max\n") == 0) {
        *ret = UINT64_MAX;
        return true;
    }
    char *end;
    uint64_t value = strtoull(s, &end, 10);
    if (end == s)
        return false;
    *ret = value;
    return true;
}

bool cgroup_keyed(int fd, const char *file, const char *key, uint64_t *ret)
{
    auto_buf text = {0};
    const size_t len = strlen(key);
    if (file_read_at(fd, file, FILE_MAX, &text, NULL) < 0)
        return false;
    for (const char *line = buf_str(&text); *line;) {
        if (strncmp(line, key, len) == 0 && line[len] == ' ') {
            *ret = strtoull(line + len + 1, NULL, 10);
            return true;
        }
        line = strchrnul(line, '\n');
        line += *line != 0;
    }
    return false;
}

static uint64_t sum_of(const char *text, const char *name)
{
    uint64_t sum = 0;
    for (const char *at = text; (at = strstr(at, name)); at += strlen(name))
        sum += strtoull(at + strlen(name), NULL, 10);
    return sum;
}

bool cgroup_io(int fd, uint64_t *ret_read, uint64_t *ret_written)
{
    auto_buf text = {0};
    if (file_read_at(fd, "io.stat", FILE_MAX, &text, NULL) < 0)
        return false;
    *ret_read = sum_of(buf_str(&text), " rbytes=");
    *ret_written = sum_of(buf_str(&text), " wbytes=");
    return true;
}

/* ID PARENT DEVICE ROOT POINT OPTIONS [TAGS...] - TYPE SOURCE OPTIONS */
bool cgroup_parse_mount(const char *mountinfo, char **ret_point, char **ret_root)
{
    auto_strv lines = {0};
    strv_split(&lines, mountinfo, '\n');
    strv_foreach (&lines, line) {
        auto_strv words = {0};
        const char *type = strstr(line, " - ");
        /* An escape stands for a blank or the like, which no hierarchy's place has. */
        if (!type || strncmp(type + 3, "cgroup2 ", 8) != 0 || strchr(line, '\\'))
            continue;
        strv_split(&words, line, ' ');
        if (words.len < 5)
            continue;
        *ret_root = xstrdup(words.v[3]);
        *ret_point = xstrdup(words.v[4]);
        return true;
    }
    return false;
}

char *cgroup_parse_own(const char *text)
{
    auto_strv lines = {0};
    strv_split(&lines, text, '\n');
    strv_foreach (&lines, line)
        if (strncmp(line, "0::/", 4) == 0)
            return strstr(line, "/..") || strstr(line, " (deleted)") ? NULL : xstrdup(line + 3);
    return NULL;
}
