/* SPDX-License-Identifier: Apache-2.0 */
/* Every list and every inspect prints through here. */
#include "cmd/list.h"

#include "base/alloc.h"
#include "base/buf.h"
#include "base/json.h"
#include "cmd/table.h"
#include "cmd/template.h"

#include <ctype.h>
#include <stdlib.h>
#include <string.h>

#define TABLE_PREFIX "table"

DEFINE_AUTO_PTR(template, template_free)

/* Writes it; the caller of the command flushes and finds out about a full disk. */
static int write_text(FILE *out, const char *s, size_t len, struct err *err)
{
    if (len && fwrite(s, 1, len, out) != len)
        return err_errno(err, errno ? -errno : -EIO, "write");
    return 0;
}

static int write_json(FILE *out, const json_t *value, size_t indent, struct err *err)
{
    char *s = json_dumps(value, JSON_INDENT(indent) | JSON_ENCODE_ANY);
    if (!s)
        return err_set(err, -EINVAL, "the result is no valid UTF-8");
    int r = write_text(out, s, strlen(s), err);
    free(s);
    return r < 0 ? r : write_text(out, "\n", 1, err);
}

/* The row as templates see it. */
static json_t *template_row(const json_t *row)
{
    json_t *seen = json_copy((json_t *)row);
    const json_t *extra = json_object_get(row, LIST_TEMPLATE_FIELDS);
    if (extra) {
        json_object_update(seen, (json_t *)extra);
        json_object_del(seen, LIST_TEMPLATE_FIELDS);
    }
    return seen;
}

static int print_json(FILE *out, const json_t *rows, const struct list_view *view, struct err *err)
{
    auto_json json_t *bare = json_array();
    for (size_t i = 0; i < json_array_size(rows); i++) {
        json_t *row = json_copy(json_array_get(rows, i));
        json_object_del(row, LIST_TEMPLATE_FIELDS);
        json_array_append_new(bare, row);
    }
    return write_json(out, bare, view->indent ? (size_t)view->indent : 4, err);
}

/* The length of the control character at `s`: 2 for C1 (U+0080 to U+009F, in UTF-8 0xc2 0x80 to
 * 0x9f), 0 when there is none. */
static size_t control_length(const unsigned char *s)
{
    if (*s < 0x20 || *s == 0x7f)
        return 1;
    return s[0] == 0xc2 && s[1] >= 0x80 && s[1] < 0xa0 ? 2 : 0;
}

static bool string_is_clean(const char *s, size_t len)
{
    for (size_t i = 0; i < len; i++)
        if (control_length((const unsigned char *)s + i))
            return false;
    return true;
}

/* Nothing in it can steer a terminal or break a table. */
static bool is_clean(const json_t *j)
{
    const char *key;
    json_t *v;
    size_t i;
    if (json_is_string(j))
        return string_is_clean(json_string_value(j), json_string_length(j));
    json_array_foreach ((json_t *)j, i, v)
        if (!is_clean(v))
            return false;
    json_object_foreach ((json_t *)j, key, v)
        if (!string_is_clean(key, strlen(key)) || !is_clean(v))
            return false;
    return true;
}

/* Control characters as blanks. */
static json_t *clean_string(const json_t *j)
{
    size_t len = json_string_length(j);
    auto_free char *s = xmemdup(json_string_value(j), len + 1);
    for (size_t i = 0; i < len;) {
        size_t n = control_length((unsigned char *)s + i);
        memset(s + i, ' ', n);
        i += n ? n : 1;
    }
    return json_stringn_nocheck(s, len);
}

/* A copy whose strings cannot steer a terminal or break a table. */
static json_t *clean(const json_t *j)
{
    if (json_is_string(j))
        return clean_string(j);
    if (json_is_array(j)) {
        json_t *copy = json_array();
        for (size_t i = 0; i < json_array_size(j); i++)
            json_array_append_new(copy, clean(json_array_get(j, i)));
        return copy;
    }
    if (!json_is_object(j))
        return json_incref((json_t *)j);
    json_t *copy = json_object();
    const char *key;
    json_t *v;
    json_object_foreach ((json_t *)j, key, v) {
        auto_json json_t *name = json_string_nocheck(key);
        auto_json json_t *clean_name = clean_string(name);
        json_object_set_new_nocheck(copy, json_string_value(clean_name), clean(v));
    }
    return copy;
}

static int add_headings(const struct template *t, const struct list_view *view, struct buf *out,
                        struct err *err)
{
    auto_json json_t *names = json_object();
    for (const struct list_column *c = view->columns; c && c->field; c++)
        json_put_string(names, c->field, c->header);
    int r = template_run_headings(t, names, out, err);
    if (r == 0)
        buf_add_char(out, '\n');
    return r;
}

static int print_table(FILE *out, const json_t *rows, const struct list_view *view,
                       const char *text, bool headings, struct err *err)
{
    auto_ptr(template) struct template *t = NULL;
    auto_buf lines = {0}, table = {0};
    int r = template_parse(text, &t, err);
    if (r == 0 && headings)
        r = add_headings(t, view, &lines, err);
    for (size_t i = 0; i < json_array_size(rows) && r == 0; i++) {
        auto_json json_t *row = template_row(json_array_get(rows, i));
        auto_json json_t *safe = is_clean(row) ? json_incref(row) : clean(row);
        r = template_run(t, safe, &lines, err);
        buf_add_char(&lines, '\n');
    }
    if (r < 0)
        return r;
    table_layout(buf_str(&lines), &table);
    return write_text(out, buf_str(&table), table.len, err);
}

static bool ends_in_new_line(const char *format)
{
    size_t n = strlen(format);
    return (n >= 1 && format[n - 1] == '\n') || (n >= 2 && strcmp(format + n - 2, "\\n") == 0);
}

/* True for a template that begins with {{range: it goes over the rows itself. */
static bool ranges_itself(const char *format)
{
    if (strncmp(format, "{{", 2) != 0)
        return false;
    format += 2;
    if (format[0] == '-' && isspace((unsigned char)format[1]))
        format++;
    format += strspn(format, " \t\n");
    return strncmp(format, "range", 5) == 0 && !isalnum((unsigned char)format[5]);
}

static int add_rows(const struct template *t, const json_t *rows, const char *format,
                    struct buf *text, struct err *err)
{
    const char *end = ends_in_new_line(format) ? "" : "\n";
    auto_json json_t *seen = json_array();
    for (size_t i = 0; i < json_array_size(rows); i++)
        json_array_append_new(seen, template_row(json_array_get(rows, i)));
    if (ranges_itself(format)) {
        int r = template_run(t, seen, text, err);
        buf_add_str(text, end);
        return r;
    }
    for (size_t i = 0; i < json_array_size(seen); i++) {
        int r = template_run(t, json_array_get(seen, i), text, err);
        if (r < 0)
            return r;
        buf_add_str(text, end);
    }
    return 0;
}

static int print_template(FILE *out, const json_t *rows, const char *format, struct err *err)
{
    auto_ptr(template) struct template *t = NULL;
    auto_buf text = {0};
    int r = template_parse(format, &t, err);
    if (r == 0)
        r = add_rows(t, rows, format, &text, err);
    return r < 0 ? r : write_text(out, buf_str(&text), text.len, err);
}

/* What stands behind "table ", or NULL when the format is no table. */
static const char *table_format(const char *format)
{
    size_t n = strlen(TABLE_PREFIX);
    if (strncmp(format, TABLE_PREFIX, n) != 0 || !isspace((unsigned char)format[n]))
        return NULL;
    return format + n + strspn(format + n, " \t");
}

int list_print(FILE *out, const json_t *rows, const struct list_view *view,
               const struct list_options *options, struct err *err)
{
    const char *format = options->format && *options->format ? options->format : NULL;
    if (!format && options->quiet) {
        auto_free char *id = xasprintf("{{.%s}}", view->id_field);
        return print_template(out, rows, id, err);
    }
    if (format && strcmp(format, "json") == 0)
        return print_json(out, rows, view, err);
    /* "table" alone is the standard table. */
    if (!format || strcmp(format, TABLE_PREFIX) == 0)
        format = view->standard;
    const char *table = table_format(format);
    return table ? print_table(out, rows, view, table, !options->no_heading, err)
                 : print_template(out, rows, format, err);
}

int list_check(bool quiet, const char *format, struct err *err)
{
    if (quiet && format)
        return err_kind(err, ERR_USAGE, -EINVAL, "quiet and format cannot be used together");
    return 0;
}

void list_put_joined(const json_t *row, json_t *shown, const char *key, const char *separator)
{
    auto_buf text = {0};
    size_t i;
    json_t *e;
    json_array_foreach (json_object_get(row, key), i, e)
        buf_printf(&text, "%s%s", i ? separator : "", json_string_value(e));
    json_put(shown, key, json_from_string(buf_str(&text)));
}

int inspect_print(FILE *out, const json_t *array, const char *format, struct err *err)
{
    if (!format || !*format || strcmp(format, "json") == 0)
        return write_json(out, array, 5, err);
    auto_ptr(template) struct template *t = NULL;
    auto_buf text = {0};
    int r = template_parse(format, &t, err);
    for (size_t i = 0; i < json_array_size(array) && r == 0; i++) {
        r = template_run(t, json_array_get(array, i), &text, err);
        buf_add_str(&text, ends_in_new_line(format) ? "" : "\n");
    }
    return r < 0 ? r : write_text(out, buf_str(&text), text.len, err);
}

int inspect_print_found(const json_t *found, const char *format, int result, struct err *err)
{
    struct err failed = {0};
    if (result < 0 && format && json_array_size(found) == 0)
        return result;
    int r = inspect_print(stdout, found, format, &failed);
    if (r < 0)
        *err = failed;
    return r < 0 ? r : result;
}
