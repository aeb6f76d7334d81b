/* SPDX-License-Identifier: Apache-2.0 */
/* Tars as layers are: owners that we could not make, and names that ustar has no room for. */
#include "posix.h"

#include <stdio.h>
#include <string.h>

struct header {
    char name[100], mode[8], uid[8], gid[8], size[12], mtime[12], sum[8], type, link[100];
    char magic[8], rest[247];
};

static void octal(char *at, size_t size, unsigned long long value)
{
    char text[24];
    snprintf(text, sizeof(text), "%0*llo", (int)size - 1, value);
    memcpy(at, text, size);
}

static void pad(FILE *f, size_t len)
{
    static const char zeros[512];
    if (len % 512)
        fwrite(zeros, 1, 512 - len % 512, f);
}

static void copy(char *to, size_t size, const char *from)
{
    size_t len = strlen(from);
    memcpy(to, from, len < size ? len : size);
}

static void block(FILE *f, const struct tar_entry *e, const char *data, size_t len)
{
    struct header h = {.type = e->type};
    copy(h.name, sizeof(h.name), e->path);
    if (e->target)
        copy(h.link, sizeof(h.link), e->target);
    octal(h.mode, sizeof(h.mode), e->mode & 07777);
    octal(h.uid, sizeof(h.uid), e->uid);
    octal(h.gid, sizeof(h.gid), e->gid);
    octal(h.size, sizeof(h.size), len);
    octal(h.mtime, sizeof(h.mtime), FIXTURE_TIME);
    memcpy(h.magic, "ustar\00000", 8);
    memset(h.sum, ' ', sizeof(h.sum));
    unsigned sum = 0;
    for (size_t i = 0; i < sizeof(h); i++)
        sum += ((const unsigned char *)&h)[i];
    octal(h.sum, 7, sum);
    fwrite(&h, 1, sizeof(h), f);
    pad(f, sizeof(h));
    fwrite(data, 1, len, f);
    pad(f, len);
}

/* One "LEN KEY=VALUE\n"; LEN counts itself. */
static void record(struct buf *b, const char *key, const char *value)
{
    size_t rest = strlen(key) + strlen(value) + 3, len = rest + 1;
    while (len != rest + (size_t)snprintf(NULL, 0, "%zu", len))
        len++;
    buf_printf(b, "%zu %s=%s\n", len, key, value);
}

void tar_add(FILE *f, const struct tar_entry *e)
{
    auto_buf pax = {0};
    if (strlen(e->path) > 100)
        record(&pax, "path", e->path);
    if (e->target && strlen(e->target) > 100)
        record(&pax, "linkpath", e->target);
    if (pax.len) {
        struct tar_entry x = {.type = 'x', .mode = 0644, .path = "pax"};
        block(f, &x, pax.data, pax.len);
    }
    block(f, e, e->text ? e->text : "", e->text ? strlen(e->text) : 0);
}

void tar_end(FILE *f)
{
    static const char zeros[1024];
    fwrite(zeros, 1, sizeof(zeros), f);
}
