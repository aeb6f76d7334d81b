/* SPDX-License-Identifier: Apache-2.0 */
/* Reading the builder's test data. */
#include "cases.h"

#include "base/alloc.h"
#include "base/buf.h"
#include "base/err.h"
#include "base/file.h"

#include <fcntl.h>
#include <string.h>

static char *read_data(const char *file)
{
    struct buf b = {0};
    struct err err;
    auto_free char *path = xasprintf("%s/%s", DATA_DIR, file);
    if (file_read_at(AT_FDCWD, path, 8 << 20, &b, &err) < 0) {
        fprintf(stderr, "%s\n", err.message);
        abort();
    }
    return buf_take(&b);
}

size_t cases_read(const char *file, struct test_case **ret)
{
    char *p = read_data(file);
    size_t n = 0, cap = 0;
    struct test_case *v = NULL;
    while (p && strncmp(p, "=== ", 4) == 0) {
        char *eol = strchr(p, '\n'), *next = strstr(eol, "\n=== ");
        if (next)
            *next++ = 0;
        char *mid = strstr(eol, "\n---\n");
        if (!mid) {
            fprintf(stderr, "%s: no --- in %.40s\n", file, p);
            abort();
        }
        *eol = 0;
        mid[1] = 0; /* the input keeps its last newline */
        grow_array(v, n, cap);
        v[n++] = (struct test_case){p + 4, eol + 1, mid + 5};
        size_t len = strlen(mid + 5);
        while (len > 0 && mid[4 + len] == '\n')
            mid[4 + len--] = 0;
        p = next;
    }
    *ret = v;
    return n;
}

/* All texts are parts of the file's, which begins with the first one's "=== ". */
void cases_free(struct test_case *v, size_t n)
{
    if (n)
        free(v[0].name - 4);
    free(v);
}

static char *unescape(const char *s)
{
    struct buf b = {0};
    for (; *s; s++) {
        if (*s != '\\' || !strchr("ntre\\", s[1]))
            buf_add_char(&b, *s);
        else if (*++s != 'e')
            buf_add_char(&b, *s == 'n' ? '\n' : *s == 't' ? '\t' : *s == 'r' ? '\r' : '\\');
    }
    return buf_take(&b);
}

size_t rows_read(const char *file, size_t fields, struct strv **ret)
{
    struct strv *rows = NULL;
    size_t n = 0, cap = 0;
    auto_free char *text = read_data(file);
    char *p = text;
    for (char *line; (line = strsep(&p, "\n"));) {
        if (!*line || *line == '#')
            continue;
        grow_array(rows, n, cap);
        rows[n] = (struct strv){0};
        for (char *field; (field = strsep(&line, "\t"));)
            strv_add_owned(&rows[n], unescape(field));
        if (rows[n].len != fields) {
            fprintf(stderr, "%s: a row of %zu fields: %s\n", file, rows[n].len, rows[n].v[0]);
            abort();
        }
        n++;
    }
    *ret = rows;
    return n;
}

void rows_free(struct strv *rows, size_t n)
{
    for (size_t i = 0; i < n; i++)
        strv_done(&rows[i]);
    free(rows);
}

int differs(const char *name, const char *got, const char *expected)
{
    if (strcmp(got, expected) == 0)
        return 0;
    fprintf(stderr, "--- %s\nexpected:\n%s\ngot:\n%s\n", name, expected, got);
    return 1;
}
