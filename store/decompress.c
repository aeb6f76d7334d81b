/* SPDX-License-Identifier: Apache-2.0 */
/* Decompression of a stream that comes in pieces.
 *
 * Theory of operation. Each compression is a small table of functions over the library that knows
 * it, all in the same form: bytes in, bytes out, and whether a unit (gzip member, zstd frame, xz or
 * bzip2 stream) has ended. Units may follow each other, as parallel compressors and zstd:chunked
 * write them; what follows and is no unit of the same kind is an error, as a digest over it would
 * vouch for bytes that nobody has looked at.
 *
 * gzip goes through ISA-L: a Debian layer of 170 MB (60 MB compressed) takes 0.20 s on a Xeon of
 * 2023, zlib needs 0.48 s. libdeflate is as fast, and cannot stream. */
#include "store/decompress.h"

#include "base/alloc.h"
#include "spec/limits.h"

#include <bzlib.h>
#include <errno.h>
#include <isa-l/igzip_lib.h>
#include <lzma.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <zstd.h>
#include <zstd_errors.h>

/* How much the window may take that the data names itself: up to zstd --ultra -20 and xz -8. What
 * tools write by themselves (buildkit, podman, zstd -19, xz) takes 8 MiB. */
static uint64_t memory_limit(void)
{
    const char *text = getenv("WHERRY_DECOMPRESS_MEMORY");
    char *end;
    if (!text || *text < '0' || *text > '9')
        return DECOMPRESS_MEMORY;
    errno = 0;
    unsigned long long n = strtoull(text, &end, 10);
    return errno || *end || n == 0 ? DECOMPRESS_MEMORY : n;
}

struct piece {
    const unsigned char *in;
    size_t in_len;
    unsigned char *out;
    size_t out_len;
};

struct kind {
    const char *name;
    const char *magic;
    size_t magic_len;
    int (*begin)(struct decompress *d);
    void (*end)(struct decompress *d);
    /* Moves *p on. 1: a unit has ended; 0: it goes on; or what is wrong, as text in d->said. */
    int (*step)(struct decompress *d, struct piece *p);
    /* Makes ready for the next unit. */
    int (*again)(struct decompress *d);
};

struct decompress {
    const struct kind *kind;
    bool between; /* no unit is under way */
    const char *said;
    char room[160]; /* for what it says */
    union {
        struct inflate_state *gzip;
        ZSTD_DStream *zstd;
        lzma_stream xz;
        bz_stream bzip2;
    } s;
};

static int wrong(struct decompress *d, const char *what)
{
    d->said = what;
    return -EINVAL;
}

static int wants_memory(struct decompress *d)
{
    snprintf(d->room, sizeof(d->room),
             "it takes more than %llu MiB of memory to decompress; WHERRY_DECOMPRESS_MEMORY, in "
             "bytes, allows more",
             (unsigned long long)(memory_limit() >> 20));
    return wrong(d, d->room);
}

/* --- gzip --------------------------------------------------------------------------------- */

static int gzip_again(struct decompress *d)
{
    isal_inflate_reset(d->s.gzip);
    d->s.gzip->crc_flag = ISAL_GZIP; /* the trailer's checksum and size are compared */
    return 0;
}

static int gzip_begin(struct decompress *d)
{
    d->s.gzip = new0(struct inflate_state);
    isal_inflate_init(d->s.gzip);
    return gzip_again(d);
}

static void gzip_end(struct decompress *d)
{
    free(d->s.gzip);
}

static int gzip_step(struct decompress *d, struct piece *p)
{
    struct inflate_state *z = d->s.gzip;
    z->next_in = (unsigned char *)p->in;
    z->avail_in = (uint32_t)p->in_len;
    z->next_out = p->out;
    z->avail_out = (uint32_t)p->out_len;
    int r = isal_inflate(z);
    p->in = z->next_in;
    p->in_len = z->avail_in;
    p->out = z->next_out;
    p->out_len = z->avail_out;
    switch (r) {
    case ISAL_DECOMP_OK:
    case ISAL_END_INPUT: return z->block_state == ISAL_BLOCK_FINISH;
    case ISAL_INCORRECT_CHECKSUM: return wrong(d, "the checksum does not match");
    case ISAL_INVALID_WRAPPER: return wrong(d, "the header is damaged");
    case ISAL_UNSUPPORTED_METHOD: return wrong(d, "the method is unknown");
    default: return wrong(d, "damaged");
    }
}

/* --- zstd --------------------------------------------------------------------------------- */

static int zstd_again(struct decompress *d)
{
    return ZSTD_isError(ZSTD_DCtx_reset(d->s.zstd, ZSTD_reset_session_only)) ? -ENOMEM : 0;
}

/* The greatest power of two below the limit that the library can have. */
static int zstd_window_log(void)
{
    ZSTD_bounds b = ZSTD_dParam_getBounds(ZSTD_d_windowLogMax);
    int log = b.lowerBound;
    while (log < b.upperBound && UINT64_C(1) << (log + 1) <= memory_limit())
        log++;
    return log;
}

static int zstd_begin(struct decompress *d)
{
    d->s.zstd = ZSTD_createDStream();
    if (!d->s.zstd ||
        ZSTD_isError(ZSTD_DCtx_setParameter(d->s.zstd, ZSTD_d_windowLogMax, zstd_window_log())))
        return -ENOMEM;
    return 0;
}

static void zstd_end(struct decompress *d)
{
    ZSTD_freeDStream(d->s.zstd);
}

static int zstd_step(struct decompress *d, struct piece *p)
{
    ZSTD_inBuffer in = {p->in, p->in_len, 0};
    ZSTD_outBuffer out = {p->out, p->out_len, 0};
    size_t r = ZSTD_decompressStream(d->s.zstd, &out, &in);
    p->in += in.pos;
    p->in_len -= in.pos;
    p->out += out.pos;
    p->out_len -= out.pos;
    if (ZSTD_getErrorCode(r) == ZSTD_error_frameParameter_windowTooLarge)
        return wants_memory(d);
    return ZSTD_isError(r) ? wrong(d, ZSTD_getErrorName(r)) : r == 0;
}

/* --- xz ----------------------------------------------------------------------------------- */

static int xz_begin(struct decompress *d)
{
    d->s.xz = (lzma_stream)LZMA_STREAM_INIT;
    return lzma_stream_decoder(&d->s.xz, memory_limit(), 0) == LZMA_OK ? 0 : -ENOMEM;
}

static int xz_again(struct decompress *d)
{
    return lzma_stream_decoder(&d->s.xz, memory_limit(), 0) == LZMA_OK ? 0 : -ENOMEM;
}

static void xz_end(struct decompress *d)
{
    lzma_end(&d->s.xz);
}

static int xz_step(struct decompress *d, struct piece *p)
{
    lzma_stream *z = &d->s.xz;
    z->next_in = p->in;
    z->avail_in = p->in_len;
    z->next_out = p->out;
    z->avail_out = p->out_len;
    lzma_ret r = lzma_code(z, LZMA_RUN);
    p->in = z->next_in;
    p->in_len = z->avail_in;
    p->out = z->next_out;
    p->out_len = z->avail_out;
    switch (r) {
    case LZMA_OK:
    case LZMA_BUF_ERROR: return 0;
    case LZMA_STREAM_END: return 1;
    case LZMA_MEMLIMIT_ERROR: return wants_memory(d);
    case LZMA_OPTIONS_ERROR: return wrong(d, "the options are unknown");
    default: return wrong(d, "damaged");
    }
}

/* --- bzip2 -------------------------------------------------------------------------------- */

static int bzip2_begin(struct decompress *d)
{
    d->s.bzip2 = (bz_stream){0};
    return BZ2_bzDecompressInit(&d->s.bzip2, 0, 0) == BZ_OK ? 0 : -ENOMEM;
}

static void bzip2_end(struct decompress *d)
{
    BZ2_bzDecompressEnd(&d->s.bzip2);
}

static int bzip2_again(struct decompress *d)
{
    bzip2_end(d);
    return bzip2_begin(d);
}

static int bzip2_step(struct decompress *d, struct piece *p)
{
    bz_stream *z = &d->s.bzip2;
    z->next_in = (char *)p->in;
    z->avail_in = (unsigned)p->in_len;
    z->next_out = (char *)p->out;
    z->avail_out = (unsigned)p->out_len;
    int r = BZ2_bzDecompress(z);
    p->in = (unsigned char *)z->next_in;
    p->in_len = z->avail_in;
    p->out = (unsigned char *)z->next_out;
    p->out_len = z->avail_out;
    switch (r) {
    case BZ_OK: return 0;
    case BZ_STREAM_END: return 1;
    default: return wrong(d, "damaged");
    }
}

/* ------------------------------------------------------------------------------------------ */

static const struct kind kinds[] = {
    {"gzip", "\x1f\x8b", 2, gzip_begin, gzip_end, gzip_step, gzip_again},
    {"zstd", "\x28\xb5\x2f\xfd", 4, zstd_begin, zstd_end, zstd_step, zstd_again},
    {"xz", "\xfd\x37\x7a\x58\x5a\x00", 6, xz_begin, xz_end, xz_step, xz_again},
    {"bzip2", "BZh", 3, bzip2_begin, bzip2_end, bzip2_step, bzip2_again},
};

/* A skippable frame at the start: 0x184D2A50 to 5F, little-endian. */
static bool is_skippable(const unsigned char *head, size_t len)
{
    return len >= 4 && (head[0] & 0xf0) == 0x50 && memcmp(head + 1, "\x2a\x4d\x18", 3) == 0;
}

static const struct kind *find_kind(const void *head, size_t len)
{
    for (size_t i = 0; i < sizeof(kinds) / sizeof(*kinds); i++)
        if (len >= kinds[i].magic_len && memcmp(head, kinds[i].magic, kinds[i].magic_len) == 0)
            return &kinds[i];
    return is_skippable(head, len) ? &kinds[1] : NULL;
}

bool decompress_known(const void *head, size_t len)
{
    return find_kind(head, len);
}

int decompress_new(const void *head, size_t len, struct decompress **ret, struct err *err)
{
    const struct kind *k = find_kind(head, len);
    if (!k) {
        *ret = NULL;
        return 0;
    }
    struct decompress *d = new0(struct decompress);
    d->kind = k;
    d->between = true;
    int r = k->begin(d);
    if (r < 0) {
        decompress_free(d);
        return err_errno(err, r, "decompress %s data", k->name);
    }
    *ret = d;
    return 0;
}

void decompress_free(struct decompress *d)
{
    d->kind->end(d);
    free(d);
}

const char *decompress_name(const struct decompress *d)
{
    return d->kind->name;
}

bool decompress_at_end(const struct decompress *d)
{
    return d->between;
}

/* Of a magic that is cut by the end of a piece only the first byte is looked at: the library finds
 * the rest. */
static bool begins_unit(const struct decompress *d, const unsigned char *in, size_t len)
{
    if (d->kind == find_kind(in, len))
        return true;
    if (len >= d->kind->magic_len)
        return false;
    bool skippable = d->kind->step == zstd_step && (*in & 0xf0) == 0x50;
    return skippable || *in == (unsigned char)*d->kind->magic;
}

int decompress_some(struct decompress *d, const void **data, size_t *len, void *out, size_t room,
                    size_t *ret_made, struct err *err)
{
    struct piece p = {*data, *len, out, room};
    while (p.out_len && (p.in_len || !d->between)) {
        if (d->between && !begins_unit(d, p.in, p.in_len))
            return err_set(err, -EINVAL, "%s data: something else follows its end", d->kind->name);
        size_t in_before = p.in_len, out_before = p.out_len;
        d->between = false;
        int r = d->kind->step(d, &p);
        if (r < 0)
            return err_set(err, r, "%s data: %s", d->kind->name, d->said);
        if (r > 0) {
            d->between = true;
            if (d->kind->again(d) < 0)
                return err_set(err, -ENOMEM, "%s data: out of memory", d->kind->name);
        } else if (p.in_len == in_before && p.out_len == out_before) {
            if (p.in_len) /* who asks again would ask for ever */
                return err_set(err, -EINVAL, "%s data: damaged", d->kind->name);
            break;
        }
    }
    *data = p.in;
    *len = p.in_len;
    *ret_made = room - p.out_len;
    return 0;
}
