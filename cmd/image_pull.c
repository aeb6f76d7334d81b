/* SPDX-License-Identifier: Apache-2.0 */
/* The image of `run` and `create`: here, or pulled first.
 *
 * `wherry` has no client for registries in it, so it starts `wherry-image pull` and reads the
 * image's id from it. That program's stderr is ours: progress and errors are seen there. */
#include "cmd/image_pull.h"

#include "base/alloc.h"
#include "base/log.h"
#include "engine/image_program.h"

#include <string.h>

static void add_option(struct strv *argv, const char *name, const char *value)
{
    if (value)
        strv_addf(argv, "--%s=%s", name, value);
}

static void build_argv(const struct invocation *in, const struct image_pull_values *v,
                       const char *image, struct strv *argv)
{
    image_program_argv(&in->engine->store, argv);
    if (log_enabled(LOG_LEVEL_DEBUG))
        add_option(argv, "log-level", "debug");
    strv_add(argv, "pull");
    add_option(argv, "policy", v->policy ? v->policy : "missing");
    add_option(argv, "platform", v->platform.platform);
    add_option(argv, "arch", v->platform.arch);
    add_option(argv, "os", v->platform.os);
    add_option(argv, "variant", v->platform.variant);
    add_option(argv, "authfile", v->authfile);
    add_option(argv, "tls-verify", v->tls_verify);
    if (v->quiet)
        strv_add(argv, "--quiet");
    strv_add(argv, "--");
    strv_add(argv, image);
}

/* Without a look into the registry nothing can be said when the platform is stated or when it may
 * have something newer. */
static bool must_ask(const struct image_pull_values *v)
{
    const struct platform_values *p = &v->platform;
    return p->platform || p->arch || p->os || p->variant ||
           (v->policy && strcmp(v->policy, "missing") != 0 && strcmp(v->policy, "never") != 0);
}

int image_pull_wanted(struct invocation *in, const struct image_pull_values *v, const char *image,
                      struct store_image *ret, struct err *err)
{
    auto_strv argv = {0};
    auto_buf output = {0};
    if (!must_ask(v)) {
        int r = store_image_find(&in->engine->store, image, ret, err);
        /* Also when nothing may be pulled: registries.conf may know the name of one that is here.
         */
        if (r == 0 || err->kind != ERR_NOT_FOUND)
            return r;
        err_clear(err);
    }
    build_argv(in, v, image, &argv);
    int r = image_program_run(&argv, false, &output, err);
    if (r < 0)
        return r;
    auto_free char *id = xstrndup(buf_str(&output), strcspn(buf_str(&output), "\n"));
    return store_image_find(&in->engine->store, id, ret, err);
}
