/* SPDX-License-Identifier: Apache-2.0 */
/* Lists: tags, repositories, search. */
#include "registry/internal.h"

#include "base/alloc.h"
#include "base/json.h"

#include <string.h>

#define LIST_BODY_MAX (4u << 20)
#define PAGES_MAX     1000
#define DOCKER_SEARCH "https://index.docker.io"

/* The next page's URL of `Link: <URL>; rel="next"`, or NULL; the caller frees. */
static char *next_page(const char *from, const struct http_response *response)
{
    const char *link = http_header(response, "link");
    const char *open = link ? strchr(link, '<') : NULL, *close = open ? strchr(open, '>') : NULL;
    if (!close || !strstr(close, "next"))
        return NULL;
    auto_free char *reference = xstrndup(open + 1, (size_t)(close - open - 1));
    auto_free char *next = http_url_resolve(from, reference);
    return next && http_url_same_origin(from, next) ? take_ptr(next) : NULL;
}

static int read_page(struct registry *r, struct call *c, const char *key, const char *what,
                     struct strv *ret, char **ret_next, struct err *err)
{
    auto_done(http_response) struct http_response response = {0};
    auto_json json_t *json = NULL;
    int q = registry_call(r, c, &response, err);
    if (q == 0 && response.status != 200)
        return registry_refused(r, &response, what, err);
    if (q == 0)
        q = json_parse(buf_str(&response.body), response.body.len, &json, err);
    if (q == 0)
        q = json_want_strv(json, key, ret, err);
    if (q < 0)
        return err ? err_wrap(err, "%s", what) : q;
    auto_free char *from = registry_url(r, c);
    *ret_next = next_page(from, &response);
    return 0;
}

/* All pages of a list that begins at `path`. */
static int read_list(struct registry *r, const char *path, const char *scope, const char *key,
                     const char *what, struct strv *ret, struct err *err)
{
    auto_free char *url = NULL;
    for (int page = 0; page < PAGES_MAX && ret->len < REGISTRY_LIST_MAX; page++) {
        struct call c = {
            .method = "GET", .path = path, .url = url, .scope = scope, .limit = LIST_BODY_MAX};
        char *next = NULL;
        int q = read_page(r, &c, key, what, ret, &next, err);
        free(url);
        url = next;
        if (q < 0 || !url)
            return q;
    }
    return 0;
}

int registry_tags(struct registry *r, const char *repository, struct strv *ret, struct err *err)
{
    auto_free char *path = xasprintf("/v2/%s/tags/list", repository);
    auto_free char *scope = xasprintf("repository:%s:pull", repository);
    auto_free char *what = xasprintf("tags of %s/%s", r->name, repository);
    return read_list(r, path, scope, "tags", what, ret, err);
}

int registry_catalog(struct registry *r, struct strv *ret, struct err *err)
{
    auto_free char *what = xasprintf("repositories of %s", r->name);
    return read_list(r, "/v2/_catalog?n=1000", "registry:catalog:*", "repositories", what, ret,
                     err);
}

int registry_search(struct registry *r, const char *term, int limit, json_t **ret, struct err *err)
{
    auto_done(http_response) struct http_response response = {0};
    auto_free char *what = xasprintf("search in %s", r->name), *count = xasprintf("%d", limit);
    auto_json json_t *json = NULL;
    const json_t *results = NULL;
    bool hub = strcmp(r->name, "docker.io") == 0;
    char *text = xstrdup(DOCKER_SEARCH "/v1/search");
    text = http_url_add(text, "q", term);
    auto_free char *url = http_url_add(text, "n", count);
    struct call c = {.method = "GET",
                     .path = url + strlen(DOCKER_SEARCH),
                     .url = hub ? url : NULL,
                     .scope = "",
                     .limit = LIST_BODY_MAX};
    int q = registry_call(r, &c, &response, err);
    if (q < 0)
        return q;
    if (response.status == 404 || response.status == 405)
        return err_set(err, -ENOTSUP, "%s has no search", r->name);
    if (response.status != 200)
        return registry_refused(r, &response, what, err);
    q = json_parse(buf_str(&response.body), response.body.len, &json, err);
    if (q == 0)
        q = json_want_array(json, "results", &results, err);
    if (q < 0)
        return err ? err_wrap(err, "%s", what) : q;
    *ret = results ? json_incref((json_t *)results) : json_array();
    return 0;
}
