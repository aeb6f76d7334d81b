/* SPDX-License-Identifier: Apache-2.0 */
/* The options of `run` and `create` for the network. */
#include "cmd/network_options.h"

#include <stdio.h>

struct network_options network_options(const struct network_options *given)
{
    struct network_options o = *given;
    struct err why = {0};
    if ((o.mode && *o.mode) || o.mac_address || network_is_possible(&why))
        return o;
    fprintf(stderr,
            "Warning: no network, because of %s (--network none silences this, --network host "
            "shares the machine's)\n",
            why.message);
    o.mode = "none";
    return o;
}
