/* SPDX-License-Identifier: Apache-2.0 */
/* What the parsers of manifests and indexes share. Nothing outside spec/ includes this. */
#pragma once

#include "spec/image.h"

void descriptor_done(struct descriptor *d);
/* `urls` and `data` are not read: content comes by its digest or not at all. `what` is the member's
 * name, for messages. On an error *ret may be half filled: release it. */
int descriptor_parse(const json_t *j, const char *what, struct descriptor *ret, struct err *err);
