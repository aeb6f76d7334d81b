/* SPDX-License-Identifier: Apache-2.0 */
/* What the network helper gives up before it reads the first frame. */
#pragma once

#include "base/err.h"

/* Should: leave the calling process, which must have one thread, with the host's network and the
 * two directories that say who the name servers are. Mustn't: change its ids, or leave a way to a
 * file, a program, another process or a socket of the machine's programs. */
int netns_confine(struct err *err);
