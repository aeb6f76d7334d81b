/* SPDX-License-Identifier: Apache-2.0 */
/* Trying again with growing pauses. */
#include "registry/retry.h"

#include "base/log.h"

#include <ctype.h>
#include <curl/curl.h>
#include <string.h>
#include <time.h>

void retry_init(struct retry *t, int tries, int delay, atomic_bool *cancel)
{
    delay = delay > 0 ? delay : 1;
    *t = (struct retry){
        .left = tries, .budget = tries, .delay = delay, .first_delay = delay, .cancel = cancel};
}

/* Seconds that the server asks for, -1 when it does not. */
static int retry_after(const struct http_response *response)
{
    const char *value = response ? http_header(response, "retry-after") : NULL;
    if (!value || !*value)
        return -1;
    time_t seconds;
    if (isdigit((unsigned char)*value) && strlen(value) < 10) {
        seconds = atol(value);
    } else {
        time_t then = curl_getdate(value, NULL);
        seconds = then < 0 ? -1 : then - time(NULL);
    }
    return seconds > RETRY_AFTER_MAX ? RETRY_AFTER_MAX : seconds < 0 ? -1 : (int)seconds;
}

bool retry_wait(struct retry *t, const struct http_response *response)
{
    if (t->left <= 0)
        return false;
    t->left--;
    int asked = retry_after(response), seconds = asked >= 0 ? asked : t->delay;
    if (t->delay < RETRY_AFTER_MAX / 2)
        t->delay *= 2;
    log_debug("trying again in %d seconds", seconds);
    for (int tenths = seconds * 10; tenths > 0; tenths--) {
        if (t->cancel && atomic_load(t->cancel))
            return false;
        nanosleep(&(struct timespec){.tv_nsec = 100000000}, NULL);
    }
    return !t->cancel || !atomic_load(t->cancel);
}

void retry_progress(struct retry *t)
{
    t->left = t->budget;
    t->delay = t->first_delay;
}
