/* SPDX-License-Identifier: Apache-2.0 */
/* Signals as people write them: "TERM", "SIGTERM", "term", "15". */
#pragma once

/* The signal's number, or -1. */
int signal_number(const char *name);
