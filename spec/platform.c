/* SPDX-License-Identifier: Apache-2.0 */
/* The platform's names in OCI terms, which are Go's. */
#include "spec/platform.h"

#include "base/alloc.h"

#include <ctype.h>
#include <string.h>
#include <sys/utsname.h>

static const struct {
    const char *machine; /* uname -m, or Debian's name */
    const char *architecture;
    const char *variant;
} names[] = {
    {"x86_64", "amd64"},
    {"aarch64", "arm64", "v8"},
    {"arm64", "arm64", "v8"},
    {"armv7l", "arm", "v7"},
    {"armv6l", "arm", "v6"},
    {"armv8l", "arm", "v8"},
    {"armhf", "arm", "v7"},
    {"armel", "arm", "v6"},
    {"i686", "386"},
    {"i586", "386"},
    {"i486", "386"},
    {"i386", "386"},
    {"ppc64le", "ppc64le"},
    {"ppc64el", "ppc64le"},
    {"ppc64", "ppc64"},
    {"s390x", "s390x"},
    {"riscv64", "riscv64"},
    {"mips64", "mips64le"},
    {"loongarch64", "loong64"},
};

#define N_NAMES (sizeof(names) / sizeof(*names))

static size_t find_machine(const char *machine)
{
    size_t i = 0;
    while (i < N_NAMES && strcmp(machine, names[i].machine) != 0)
        i++;
    return i;
}

const char *platform_architecture(void)
{
    struct utsname u;
    size_t i = uname(&u) == 0 ? find_machine(u.machine) : N_NAMES;
    return i < N_NAMES ? names[i].architecture : "unknown";
}

void platform_done(struct platform *p)
{
    free(p->os);
    free(p->architecture);
    free(p->variant);
    *p = (struct platform){0};
}

void platform_host(struct platform *ret)
{
    struct utsname u;
    size_t i = uname(&u) == 0 ? find_machine(u.machine) : N_NAMES;
    *ret = (struct platform){
        .os = xstrdup("linux"),
        .architecture = xstrdup(i < N_NAMES ? names[i].architecture : "unknown"),
        .variant = i < N_NAMES ? strdup_or_null(names[i].variant) : NULL,
    };
}

void platform_set_architecture(struct platform *p, const char *architecture)
{
    size_t i = find_machine(architecture);
    const char *name = i < N_NAMES ? names[i].architecture : architecture;
    bool same = p->architecture && strcmp(p->architecture, name) == 0;
    char *next = xstrdup(name);
    free(p->architecture);
    p->architecture = next;
    if (same)
        return;
    free(p->variant);
    p->variant = i < N_NAMES ? strdup_or_null(names[i].variant) : NULL;
}

static bool word_valid(const char *s)
{
    return *s && strspn(s, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789._-") ==
                     strlen(s);
}

/* The names are in lower case. */
static void lower(char *s)
{
    for (; *s; s++)
        *s = (char)tolower((unsigned char)*s);
}

int platform_parse(const char *s, struct platform *ret, struct err *err)
{
    auto_strv words = {0};
    strv_split(&words, s, '/');
    strv_foreach (&words, word)
        lower(word);
    bool ok = words.len >= 1 && words.len <= 3;
    strv_foreach (&words, word)
        ok = ok && word_valid(word);
    if (!ok)
        return err_kind(err, ERR_USAGE, -EINVAL,
                        "invalid platform \"%.200s\": must be OS/ARCHITECTURE[/VARIANT], as "
                        "linux/arm64",
                        s);
    platform_host(ret);
    if (words.len == 1 && strcmp(words.v[0], ret->os) == 0)
        return 0;
    if (words.len > 1) {
        free(ret->os);
        ret->os = xstrdup(words.v[0]);
    }
    platform_set_architecture(ret, words.v[words.len > 1]);
    if (words.len > 2) {
        free(ret->variant);
        ret->variant = xstrdup(words.v[2]);
    }
    return 0;
}

char *platform_string(const struct platform *p)
{
    bool variant = p->variant && *p->variant;
    return xasprintf("%s/%s%s%s", p->os ? p->os : "unknown",
                     p->architecture ? p->architecture : "unknown", variant ? "/" : "",
                     variant ? p->variant : "");
}

void platform_put(const struct platform *p, struct image_config *config)
{
    bool implied =
        p->variant && strcmp(p->architecture, "arm64") == 0 && strcmp(p->variant, "v8") == 0;
    free(config->os);
    free(config->architecture);
    free(config->variant);
    config->os = xstrdup(p->os);
    config->architecture = xstrdup(p->architecture);
    config->variant = implied ? NULL : strdup_or_null(p->variant);
}

/* "v7" is 7; 0 when it is no such thing. */
static int variant_number(const char *v)
{
    return v && v[0] == 'v' && v[1] >= '1' && v[1] <= '9' && !v[2] ? v[1] - '0' : 0;
}

/* A 32-bit ARM runs what is made for its own and earlier ones, the newest best; everywhere else the
 * same variant is best, none at all is as good as the first one. */
int platform_match(const struct platform *want, const struct platform *has)
{
    if (!has->os || !has->architecture || strcmp(want->os, has->os) != 0 ||
        strcmp(want->architecture, has->architecture) != 0)
        return 0;
    const char *w = want->variant ? want->variant : "", *h = has->variant ? has->variant : "";
    if (strcmp(w, h) == 0)
        return 10;
    if (strcmp(want->architecture, "arm") == 0 && *h)
        return variant_number(h) && (!*w || variant_number(h) < variant_number(w))
                   ? variant_number(h)
                   : 0;
    if (!*h)
        return 9;
    return !*w && variant_number(h) <= 1 ? 8 : 0;
}
