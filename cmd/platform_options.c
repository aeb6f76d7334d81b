/* SPDX-License-Identifier: Apache-2.0 */
/* --arch, --os, --platform and --variant: which of an image's platforms is meant. */
#include "cmd/platform_options.h"

#include "base/alloc.h"

static void replace(char **at, const char *value)
{
    free(*at);
    *at = xstrdup(value);
}

int platform_from_values(const struct platform_values *v, struct platform *ret, struct err *err)
{
    bool parts = v->arch || v->os || v->variant;
    if (v->platform && parts)
        return err_kind(err, ERR_USAGE, -EINVAL,
                        "--platform cannot be used together with --arch, --os and --variant");
    if (v->platform)
        return platform_parse(v->platform, ret, err);
    if (!parts)
        return 0;
    platform_host(ret);
    if (v->os)
        replace(&ret->os, v->os);
    if (v->arch)
        platform_set_architecture(ret, v->arch);
    if (v->variant)
        replace(&ret->variant, v->variant);
    return 0;
}
