/* SPDX-License-Identifier: Apache-2.0 */
/* Image references.
 *
 * Theory of operation. The grammar is distribution/reference's:
 *   reference  = name [":" tag] ["@" digest]
 *   name       = [registry "/"] component *("/" component)
 *   registry   = host [":" port]; host is a domain name, an IPv4 or a bracketed IPv6 address
 *   component  = 1*(a-z 0-9), groups separated by ".", "_", "__" or any number of "-"
 *   tag        = 1 to 128 of (a-z A-Z 0-9 _ . -), not beginning with "." or "-"
 * What stands before the first "/" is a registry when it has a "." or ":", is "localhost" or has an
 * upper-case letter (which no repository may have); else everything belongs to docker.io, and there
 * a single component belongs to library/. The string is cut from its end: digest, tag, registry. */
#include "spec/reference.h"

#include "base/alloc.h"
#include "spec/digest.h"

#include <stdlib.h>
#include <string.h>

#define NAME_LIMIT 255 /* distribution's NameTotalLengthMax */
#define TAG_LIMIT  128

#define LOWER "abcdefghijklmnopqrstuvwxyz"
#define UPPER "ABCDEFGHIJKLMNOPQRSTUVWXYZ"
#define DIGIT "0123456789"

/* Length of the component's longest valid start; it is valid when that is all of it. */
static size_t component_span(const char *s)
{
    size_t n = strspn(s, LOWER DIGIT);
    if (n == 0)
        return 0;
    for (;;) {
        size_t sep = 0;
        if (s[n] == '.')
            sep = 1;
        else if (s[n] == '_')
            sep = s[n + 1] == '_' ? 2 : 1;
        else if (s[n] == '-')
            sep = strspn(s + n, "-");
        size_t more = sep ? strspn(s + n + sep, LOWER DIGIT) : 0;
        if (more == 0)
            return n;
        n += sep + more;
    }
}

static bool repository_valid(const char *s)
{
    for (;;) {
        size_t n = component_span(s);
        if (n == 0)
            return false;
        if (s[n] == 0)
            return true;
        if (s[n] != '/')
            return false;
        s += n + 1;
    }
}

static bool tag_valid(const char *s)
{
    size_t n = strspn(s, LOWER UPPER DIGIT "_.-");
    return n > 0 && n <= TAG_LIMIT && s[n] == 0 && *s != '.' && *s != '-';
}

/* A domain name or IPv4 address at the start of `s`: its length, 0 when there is none. */
static size_t domain_span(const char *s)
{
    size_t n = 0;
    for (;;) {
        size_t label = strspn(s + n, LOWER UPPER DIGIT "-");
        if (label == 0 || s[n] == '-' || s[n + label - 1] == '-')
            return 0;
        n += label;
        if (s[n] != '.')
            return n;
        n++;
    }
}

static bool registry_valid(const char *s)
{
    size_t n;
    if (*s == '[') {
        size_t inner = strspn(s + 1, DIGIT "abcdefABCDEF:.");
        n = inner && s[1 + inner] == ']' ? inner + 2 : 0;
    } else {
        n = domain_span(s);
    }
    if (n == 0)
        return false;
    if (s[n] == 0)
        return true;
    size_t digits = s[n] == ':' ? strspn(s + n + 1, DIGIT) : 0;
    return digits > 0 && digits <= 5 && s[n + 1 + digits] == 0 && atoi(s + n + 1) <= 65535;
}

static bool is_registry(const char *first)
{
    return strpbrk(first, ".:" UPPER) || strcmp(first, "localhost") == 0;
}

static int invalid(const char *s, const char *why, struct err *err)
{
    return err_kind(err, ERR_USAGE, -EINVAL, "invalid reference \"%.300s\": %s", s, why);
}

/* Cuts "@digest" and ":tag" off `rest`. */
static const char *cut_version(char *rest, struct image_ref *ref)
{
    char *at = strchr(rest, '@');
    if (at) {
        if (!digest_valid(at + 1))
            return "the digest must be sha256: and 64 lower-case hexadecimal digits";
        ref->digest = xstrdup(at + 1);
        *at = 0;
    }
    char *slash = strrchr(rest, '/');
    char *colon = strchr(slash ? slash : rest, ':');
    if (colon) {
        if (!tag_valid(colon + 1))
            return "the tag must be 1 to 128 letters, digits, \"_\", \".\" or \"-\", and begin "
                   "with a letter, digit or \"_\"";
        ref->tag = xstrdup(colon + 1);
        *colon = 0;
    }
    return NULL;
}

/* Splits the name into registry and repository. */
static const char *cut_name(char *rest, struct image_ref *ref)
{
    char *slash = strchr(rest, '/');
    char *repository = rest;
    if (slash)
        *slash = 0;
    if (slash && is_registry(rest)) {
        if (!registry_valid(rest))
            return "the registry is no host name or address with an optional port";
        ref->registry = xstrdup(strcmp(rest, "index.docker.io") == 0 ? "docker.io" : rest);
        repository = slash + 1;
    } else {
        if (slash)
            *slash = '/';
        ref->short_name = true;
        ref->registry = xstrdup("docker.io");
    }
    if (strpbrk(repository, UPPER))
        return "repository name must be lowercase";
    if (!repository_valid(repository))
        return "the repository must be lower-case letters and digits, separated by \".\", \"_\", "
               "\"__\", \"-\" or \"/\"";
    bool library = strcmp(ref->registry, "docker.io") == 0 && !strchr(repository, '/');
    ref->repository = library ? xasprintf("library/%s", repository) : xstrdup(repository);
    if (strlen(ref->registry) + 1 + strlen(ref->repository) > NAME_LIMIT)
        return "the name is longer than 255 characters";
    return NULL;
}

int image_ref_parse(const char *s, struct image_ref *ret, struct err *err)
{
    if (!*s)
        return invalid(s, "it is empty", err);
    if (strlen(s) > NAME_LIMIT + 1 + TAG_LIMIT + 1 + DIGEST_LEN)
        return invalid(s, "it is too long", err);
    if (strstr(s, "://"))
        return invalid(s, "an image is named without a scheme such as https://", err);
    if (strspn(s, DIGIT "abcdef") == DIGEST_HEX_LEN && s[DIGEST_HEX_LEN] == 0)
        return invalid(s, "64 hexadecimal digits are an image's id, not a name", err);

    auto_done(image_ref) struct image_ref ref = {0};
    auto_free char *rest = xstrdup(s);
    const char *why = cut_version(rest, &ref);
    if (!why)
        why = cut_name(rest, &ref);
    if (why)
        return invalid(s, why, err);
    if (!ref.tag && !ref.digest)
        ref.tag = xstrdup("latest");
    *ret = ref;
    ref = (struct image_ref){0};
    return 0;
}

void image_ref_done(struct image_ref *ref)
{
    free(ref->registry);
    free(ref->repository);
    free(ref->tag);
    free(ref->digest);
    *ref = (struct image_ref){0};
}

char *image_ref_string(const struct image_ref *ref)
{
    return xasprintf("%s/%s%s%s%s%s", ref->registry, ref->repository, ref->tag ? ":" : "",
                     ref->tag ? ref->tag : "", ref->digest ? "@" : "",
                     ref->digest ? ref->digest : "");
}

char *image_ref_repository(const struct image_ref *ref)
{
    return xasprintf("%s/%s", ref->registry, ref->repository);
}
