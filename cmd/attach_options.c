/* SPDX-License-Identifier: Apache-2.0 */
/* Following a container in the foreground. */
#include "cmd/attach_options.h"

#include "base/cleanup.h"

int attach_foreground(struct invocation *in, const struct store_container *c, int channel,
                      const struct container_attach_options *o, struct err *err)
{
    auto_close int owned = channel;
    int code = 0;
    int r = container_attach(c, owned, o, &code, err);
    if (r == 0 && code >= 0)
        in->exit_status = code;
    return r;
}
