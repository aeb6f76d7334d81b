/* SPDX-License-Identifier: Apache-2.0 */
/* Tables: cells in columns of a terminal. */
#include "cmd/table.h"

#include "base/alloc.h"
#include "cmd/template_internal.h"

#include <stdlib.h>
#include <string.h>
#include <wchar.h>

#define CELL_MIN 12
#define CELL_GAP 2

size_t table_width(const char *s, size_t len)
{
    size_t width = 0;
    for (size_t i = 0; i < len;) {
        uint32_t c;
        i += template_decode(s + i, len - i, &c);
        int w = c < 0x80 ? c >= 0x20 && c != 0x7f : wcwidth((wchar_t)c);
        width += w < 0 ? 1 : (size_t)w;
    }
    return width;
}

/* The widths of all columns: of the cells that have another one behind them. */
static size_t *measure(const char *text, size_t *ret_n)
{
    size_t *widths = NULL, n = 0, cap = 0, column = 0;
    for (const char *p = text; *p;) {
        size_t len = strcspn(p, "\t\n");
        if (p[len] == '\t') {
            size_t w = table_width(p, len) + CELL_GAP;
            if (column == n) {
                grow_array(widths, n, cap);
                widths[n++] = CELL_MIN;
            }
            widths[column] = w > widths[column] ? w : widths[column];
        }
        column = p[len] == '\t' ? column + 1 : 0;
        p += len + (p[len] != 0);
    }
    *ret_n = n;
    return widths;
}

static void trim_blanks(struct buf *out, size_t start)
{
    size_t len = out->len;
    while (len > start && out->data[len - 1] == ' ')
        len--;
    buf_truncate(out, len);
}

/* Without control characters: images and registries say what they like of themselves. */
static void add_cell(struct buf *out, const char *cell, size_t len)
{
    for (size_t i = 0; i < len; i++)
        if ((unsigned char)cell[i] >= ' ' && cell[i] != 127)
            buf_add_char(out, cell[i]);
}

void table_layout(const char *text, struct buf *out)
{
    size_t n, column = 0, start = out->len;
    auto_free size_t *widths = measure(text, &n);
    for (const char *p = text; *p;) {
        size_t len = strcspn(p, "\t\n");
        add_cell(out, p, len);
        if (p[len] == '\t') {
            for (size_t w = table_width(p, len); w < widths[column]; w++)
                buf_add_char(out, ' ');
            column++;
        } else {
            trim_blanks(out, start);
            if (p[len])
                buf_add_char(out, '\n');
            start = out->len;
            column = 0;
        }
        p += len + (p[len] != 0);
    }
}
