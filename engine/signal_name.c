/* SPDX-License-Identifier: Apache-2.0 */
/* Signals as people write them. */
#include "engine/signal_name.h"

#include <ctype.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

/* SIGRTMIN, SIGRTMIN+n, SIGRTMAX, SIGRTMAX-n. */
static int realtime_signal(const char *name)
{
    char *end;
    if (strncasecmp(name, "RTMIN", 5) == 0) {
        long n = name[5] == '+' ? strtol(name + 6, &end, 10) : (end = (char *)name + 5, 0);
        return *end == 0 && n >= 0 && n <= SIGRTMAX - SIGRTMIN ? SIGRTMIN + (int)n : -1;
    }
    if (strncasecmp(name, "RTMAX", 5) == 0) {
        long n = name[5] == '-' ? strtol(name + 6, &end, 10) : (end = (char *)name + 5, 0);
        return *end == 0 && n >= 0 && n <= SIGRTMAX - SIGRTMIN ? SIGRTMAX - (int)n : -1;
    }
    return -1;
}

int signal_number(const char *name)
{
    if (isdigit((unsigned char)*name)) {
        char *end;
        long n = strtol(name, &end, 10);
        return *end == 0 && n >= 1 && n <= SIGRTMAX ? (int)n : -1;
    }
    if (strncasecmp(name, "SIG", 3) == 0)
        name += 3;
    for (int i = 1; i < NSIG; i++) {
        const char *abbreviation = sigabbrev_np(i);
        if (abbreviation && strcasecmp(abbreviation, name) == 0)
            return i;
    }
    return realtime_signal(name);
}
