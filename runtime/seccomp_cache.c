/* SPDX-License-Identifier: Apache-2.0 */
/* Compiled seccomp programs on the disk.
 *
 * Theory of operation. A file is named by a hash of what its program was made from, and begins
 * with all of that, so a hash that is met twice costs a compilation and nothing else:
 *
 *   struct head, the key's bytes (machine, versions, capabilities, profile), the program
 *
 * Should: compile when anything is not as it should be. Mustn't: take a program that others could
 * have written. */
#include "runtime/seccomp_custom.h"

#include "base/alloc.h"
#include "base/buf.h"
#include "base/cleanup.h"
#include "base/file.h"
#include "runtime/seccomp_default.h"
#include "runtime/seccomp_profile.h"

#include <fcntl.h>
#include <inttypes.h>
#include <seccomp.h>
#include <stdio.h>
#include <string.h>
#include <sys/utsname.h>
#include <unistd.h>

#define FILE_LIMIT (8u << 20)

struct head {
    char magic[8];
    uint64_t key_len, n_filters, sum; /* sum: of the program's bytes, against damage */
};

static const char magic[8] = "WRRYSC01";

/* FNV-1a. */
static uint64_t hash(const void *data, size_t len)
{
    const unsigned char *p = data;
    uint64_t h = UINT64_C(0xcbf29ce484222325);
    for (size_t i = 0; i < len; i++)
        h = (h ^ p[i]) * UINT64_C(0x100000001b3);
    return h;
}

static void make_key(const char *profile, uint64_t caps, struct buf *key)
{
    struct utsname un = {0};
    uname(&un);
    const struct scmp_version *v = seccomp_version();
    /* The built program stands for our own tables: a change of them shows in it. */
    buf_printf(key, "%s %s %s %u.%u.%u %016" PRIx64 " %016" PRIx64 "\n", WHERRY_VERSION, un.machine,
               un.release, v->major, v->minor, v->micro, caps,
               hash(seccomp_default, sizeof(seccomp_default)));
    buf_add(key, profile ? profile : "", profile ? strlen(profile) : 0);
}

/* True when the file is whole, ours and made from this key. */
static bool load(int dirfd, const char *name, const struct buf *key, struct sock_filter **ret,
                 size_t *ret_len)
{
    struct stat st;
    struct head h;
    auto_buf text = {0};
    auto_close int fd = openat(dirfd, name, O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC);
    if (fd < 0 || fstat(fd, &st) < 0 || !S_ISREG(st.st_mode) || st.st_uid != geteuid() ||
        (st.st_mode & 022) || file_read_fd(fd, FILE_LIMIT, &text, NULL) < 0 || text.len < sizeof(h))
        return false;
    memcpy(&h, text.data, sizeof(h));
    size_t rest = text.len - sizeof(h);
    if (memcmp(h.magic, magic, sizeof(magic)) != 0 || h.key_len != key->len || rest < key->len ||
        h.n_filters == 0 || h.n_filters > BPF_MAXINSNS ||
        rest - key->len != h.n_filters * sizeof(struct sock_filter) ||
        memcmp(text.data + sizeof(h), key->data, key->len) != 0)
        return false;
    const char *program = text.data + sizeof(h) + key->len;
    size_t size = rest - key->len;
    if (hash(program, size) != h.sum)
        return false;
    *ret = xmemdup(program, size);
    *ret_len = h.n_filters;
    return true;
}

static void save(int dirfd, const char *name, const struct buf *key,
                 const struct sock_filter *program, size_t len)
{
    struct head h = {.key_len = key->len, .n_filters = len};
    memcpy(h.magic, magic, sizeof(magic));
    h.sum = hash(program, len * sizeof(*program));
    auto_buf text = {0};
    buf_add(&text, &h, sizeof(h));
    buf_add(&text, key->data, key->len);
    buf_add(&text, program, len * sizeof(*program));
    if (text.len <= FILE_LIMIT) /* a failure costs the next start 15 ms */
        file_write_at(dirfd, name, text.data, text.len, 0600, 0, NULL);
}

int seccomp_custom_program(int cache_fd, const char *profile, uint64_t caps,
                           struct sock_filter **ret, size_t *ret_len, struct err *err)
{
    struct utsname un = {0};
    char name[20];
    auto_buf key = {0};
    make_key(profile, caps, &key);
    snprintf(name, sizeof(name), "%016" PRIx64, hash(key.data, key.len));
    if (cache_fd >= 0 && load(cache_fd, name, &key, ret, ret_len))
        return 0;
    uname(&un);
    int r = profile ? seccomp_custom_compile(profile, caps, ret, ret_len, err)
                    : seccomp_profile_compile(un.machine, caps, ret, ret_len, err);
    if (r == 0 && cache_fd >= 0)
        save(cache_fd, name, &key, *ret, *ret_len);
    return r;
}
