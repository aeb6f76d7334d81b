/* SPDX-License-Identifier: Apache-2.0 */
/* The end of a copy that is a tar: `cp - CONTAINER:DIR` and `cp CONTAINER:PATH -`. */
#pragma once

#include "base/err.h"

/* Sends what the tar, plain or compressed, holds. A name that climbs is an error; the error is
 * sent too. */
int copy_send_tar(int out, int tar, struct err *err);

/* Writes what is received as a tar, plain. */
int copy_receive_tar(int in, int tar, struct err *err);
