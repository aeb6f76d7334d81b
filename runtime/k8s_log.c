/* SPDX-License-Identifier: Apache-2.0 */
/* The container's log. */
#include "runtime/k8s_log.h"

#include "base/file.h"

#include <string.h>

void k8s_log_format(struct buf *out, struct timespec now, const char *stream, const char *data,
                    size_t len)
{
    char time[36];
    time_format(now, time);
    while (len) {
        const char *newline = memchr(data, '\n', len);
        size_t n = newline ? (size_t)(newline - data) : len;
        buf_printf(out, "%s %s %c ", time, stream, newline ? 'F' : 'P');
        buf_add(out, data, n);
        buf_add_char(out, '\n');
        n += newline ? 1 : 0;
        data += n;
        len -= n;
    }
}

/* Bytes of the UTF-8 character at p, 0: none is there (RFC 3629). */
static size_t utf8_len(const unsigned char *p, size_t len)
{
    size_t n = *p < 0x80 ? 1 : *p < 0xc2 ? 0 : *p < 0xe0 ? 2 : *p < 0xf0 ? 3 : *p < 0xf5 ? 4 : 0;
    if (n > len)
        return 0;
    for (size_t i = 1; i < n; i++)
        if ((p[i] & 0xc0) != 0x80)
            return 0;
    if ((*p == 0xe0 && p[1] < 0xa0) || (*p == 0xed && p[1] > 0x9f) || (*p == 0xf0 && p[1] < 0x90) ||
        (*p == 0xf4 && p[1] > 0x8f))
        return 0;
    return n;
}

static void add_json_text(struct buf *out, const char *data, size_t len)
{
    for (size_t i = 0; i < len;) {
        unsigned char c = (unsigned char)data[i];
        size_t n = utf8_len((const unsigned char *)data + i, len - i);
        if (n == 0)
            buf_add_str(out, "\xef\xbf\xbd");
        else if (c == '"' || c == '\\')
            buf_printf(out, "\\%c", c);
        else if (c == '\n')
            buf_add_str(out, "\\n");
        else if (c < 0x20 || c == 0x7f)
            buf_printf(out, "\\u%04x", c);
        else
            buf_add(out, data + i, n);
        i += n ? n : 1;
    }
}

void json_log_format(struct buf *out, struct timespec now, const char *stream, const char *data,
                     size_t len)
{
    char time[36];
    time_format(now, time);
    while (len) {
        const char *newline = memchr(data, '\n', len);
        size_t n = newline ? (size_t)(newline - data) + 1 : len;
        buf_add_str(out, "{\"log\":\"");
        add_json_text(out, data, n);
        buf_printf(out, "\",\"stream\":\"%s\",\"time\":\"%s\"}\n", stream, time);
        data += n;
        len -= n;
    }
}
