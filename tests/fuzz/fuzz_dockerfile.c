/* SPDX-License-Identifier: Apache-2.0 */
/* Fuzzes the Dockerfile language: the first byte chooses between a whole build on operations that
 * do nothing, an expansion, an ignore file and a glob; the rest is its text. */
#include "base/alloc.h"
#include "base/cleanup.h"
#include "builder/build.h"
#include "builder/dockerignore.h"
#include "builder/expand.h"
#include "builder/glob.h"

#include <stdint.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static int no_base(void *ctx, const char *ref, const struct platform *platform,
                   struct build_image *ret, struct err *err)
{
    image_config_init(&ret->config);
    strv_add(&ret->config.run.env, "BASE=a/b.c*d");
    return 0;
}

static int no_run(void *ctx, struct build_image *image, const struct build_run *run,
                  bool *ret_changed, struct err *err)
{
    if (run->args.len == 0 || run->work_dir[0] != '/')
        abort();
    return 0;
}

static int no_copy(void *ctx, struct build_image *image, const struct build_copy *copy,
                   bool *ret_changed, struct err *err)
{
    if (copy->dest[0] != '/' || copy->sources->len + copy->n_inlines == 0)
        abort();
    return 0;
}

static int no_dir(void *ctx, struct build_image *image, const char *path, const char *user,
                  bool *ret_changed, struct err *err)
{
    if (path[0] != '/')
        abort();
    return 0;
}

static int no_finish(void *ctx, const struct build_image *image, const struct strv *names,
                     char **ret_id, struct err *err)
{
    *ret_id = xstrdup("id");
    return 0;
}

static void no_event(void *ctx, const struct build_event *ev)
{
}

static void fuzz_build(const char *text, size_t size)
{
    static const struct build_ops ops = {
        .base = no_base,
        .run = no_run,
        .copy = no_copy,
        .make_dir = no_dir,
        .finish = no_finish,
        .event = no_event,
    };
    struct build_options o = {.file_name = "D", .text = text, .text_len = size};
    struct err err;
    auto_free char *id = NULL;
    int r = build_run(&o, &ops, &id, &err);
    if (r > 0 || (r < 0 && (id || !err.message[0])) || (r == 0 && !id))
        abort();
}

static void fuzz_expand(const char *text, int flags)
{
    auto_strv env = {0}, words = {0}, unset = {0};
    strv_add(&env, "A=a/b.c*d");
    strv_add(&env, "B=x y");
    struct expand x = {.escape = '\\', .flags = flags & 31, .env = &env, .unset = &unset};
    auto_free char *word = NULL;
    struct err err;
    if (expand_word(&x, text, &word, &err) == 0 && strlen(word) > 2 * EXPAND_LIMIT)
        abort();
    expand_words(&x, text, &words, &err);
}

static void fuzz_ignore(const char *text, size_t size)
{
    auto_done(ignore_list) struct ignore_list l = {0};
    struct err err;
    if (ignore_parse("f", text, size, &l, &err) == 0 && ignore_prune(&l, "a/b\xc3\xa9.c/d") &&
        !ignore_match(&l, "a/b\xc3\xa9.c/d"))
        abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    if (size == 0)
        return 0;
    auto_free char *text = xstrndup((const char *)data + 1, size - 1);
    bool yes;
    switch (data[0] & 3) {
    case 0: fuzz_build((const char *)data + 1, size - 1); break;
    case 1: fuzz_expand(text, data[0] >> 2); break;
    case 2: fuzz_ignore((const char *)data + 1, size - 1); break;
    case 3: glob_match(text, "a/b\xc3\xa9.c/d", &yes, NULL); break;
    }
    return 0;
}
