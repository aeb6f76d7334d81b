/* SPDX-License-Identifier: Apache-2.0 */
/* The key sequence that leaves a container running. */
#include "runtime/detach_keys.h"

#include <string.h>

static bool key_parse(const char *s, size_t len, char *ret)
{
    if (len == 1) {
        *ret = *s;
        return true;
    }
    if (len != 6 || strncmp(s, "ctrl-", 5) != 0)
        return false;
    char c = s[5];
    if (c >= 'A' && c <= 'Z')
        return false; /* as podman: letters are written small */
    if (c >= 'a' && c <= 'z')
        c = (char)(c - 'a' + 'A');
    if (c < '@' || c > '_')
        return false;
    *ret = (char)(c & 0x1f);
    return true;
}

int detach_keys_parse(const char *spec, struct detach_keys *ret, struct err *err)
{
    struct detach_keys k = {0};
    const char *p = spec;
    while (*spec) {
        size_t len = strcspn(p, ",");
        if (k.n == DETACH_KEYS_MAX || !key_parse(p, len, &k.keys[k.n]))
            return err_kind(err, ERR_USAGE, -EINVAL, "invalid detach keys \"%.100s\"", spec);
        k.n++;
        p += len;
        if (!*p)
            break;
        p++;
    }
    *ret = k;
    return 0;
}

/* After a mismatch the longest end of what was typed may itself be a start ("aab" in "aaab"). */
static void mismatch(struct detach_keys *k, char c, struct buf *out)
{
    char typed[DETACH_KEYS_MAX + 1];
    size_t n = k->matched;
    memcpy(typed, k->keys, n);
    typed[n++] = c;
    size_t start = 1;
    while (start < n && memcmp(typed + start, k->keys, n - start) != 0)
        start++;
    buf_add(out, typed, start);
    k->matched = n - start;
}

bool detach_keys_feed(struct detach_keys *k, const char *data, size_t len, struct buf *out)
{
    if (!k->n) {
        buf_add(out, data, len);
        return false;
    }
    for (size_t i = 0; i < len; i++) {
        if (data[i] != k->keys[k->matched]) {
            mismatch(k, data[i], out);
            continue;
        }
        if (++k->matched == k->n) {
            k->matched = 0;
            return true;
        }
    }
    return false;
}
