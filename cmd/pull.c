/* SPDX-License-Identifier: Apache-2.0 */
/* wherry pull: an image from a registry. */
#include "base/alloc.h"
#include "cmd/commands.h"
#include "cmd/platform_options.h"
#include "cmd/prompt.h"
#include "cmd/registry_options.h"
#include "cmd/transfer_view.h"

#include <stdio.h>
#include <string.h>

struct values {
    struct registry_values registry; /* first: the rows */
    struct platform_values platform;
    char *policy;
    bool all_tags, quiet;
};

static const struct opt opts[] = {
    REGISTRY_ACCESS_ROWS,
    REGISTRY_TRANSFER_ROWS,
    OPT_BOOL_ROW('a', "all-tags", values, all_tags, "Pull all tags of the repository"),
    PLATFORM_OPTION_ROWS(values, platform),
    OPT_CHOICE_ROW(0, "policy", values, policy, "WHEN",
                   "When to pull: always (the default), missing, newer or never", PULL_POLICIES),
    OPT_BOOL_ROW('q', "quiet", values, quiet, "Print the image's ID only"),
    {0},
};

static int check_all_tags(const struct values *v, const char *name, struct err *err)
{
    const char *slash = strrchr(name, '/');
    if (v->all_tags && strpbrk(slash ? slash : name, ":@"))
        return err_kind(err, ERR_USAGE, -EINVAL,
                        "--all-tags goes with a name without tag and digest");
    return 0;
}

static int pull_all(struct invocation *in, struct pull_options *o, struct strv *names,
                    struct err *err)
{
    int r = 0;
    strv_foreach (names, name) {
        auto_strv ids = {0};
        o->name = strncmp(name, "docker://", 9) == 0 ? name + 9 : name;
        r = content_pull(in->engine, o, &ids, err);
        if (r < 0)
            break;
        strv_foreach (&ids, id)
            puts(id);
        fflush(stdout);
    }
    return r;
}

static int run(struct invocation *in, void *values, struct strv *args, struct err *err)
{
    const struct values *v = values;
    auto_done(platform) struct platform platform = {0};
    struct transfer_view view;
    char *secret = NULL;
    struct pull_options o = {.policy = pull_policy_from(v->policy, PULL_ALWAYS),
                             .all_tags = v->all_tags};
    int r = platform_from_values(&v->platform, &platform, err);
    strv_foreach (args, name)
        r = r < 0 ? r : check_all_tags(v, name, err);
    if (r == 0)
        r = registry_access_from(in, &v->registry, &o.access, &secret, err);
    if (r == 0) {
        transfer_view_init(&view, "downloading", v->quiet);
        o.platform = platform.os ? &platform : NULL;
        o.watch = transfer_view_watch(&view);
        r = pull_all(in, &o, args, err);
        transfer_view_done(&view);
    }
    prompt_forget(secret);
    return r;
}

const struct command cmd_pull = {
    .name = "pull",
    .usage = "[options] IMAGE [IMAGE...]",
    .summary = "Pull images from a registry",
    .details = "Examples:\n"
               "  wherry pull debian\n"
               "  wherry pull --platform linux/arm64 quay.io/fedora/fedora:41\n"
               "  wherry pull --tls-verify=false localhost:5000/mine\n",
    .opts = opts,
    .values_size = sizeof(struct values),
    .min_args = 1,
    .max_args = -1,
    .run = run,
};
