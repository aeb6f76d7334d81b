/* SPDX-License-Identifier: Apache-2.0 */
/* Fuzz target: frames of a container, as libslirp's guard reads them, and answers them. */
#include "netns/frame_policy.h"
#include "netns/frame_refusal.h"

#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* What passes with the loopback closed must pass with it open; and never to a 127.0.0.0/8. */
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct netns_config closed, open;
    netns_config_init(&closed);
    open = closed;
    open.allow_host_loopback = true;
    uint8_t *frame = malloc(size ? size : 1); /* of its own, so that a read behind it is seen */
    if (!frame)
        return 0;
    memcpy(frame, data, size);
    bool passes = frame_allowed(&closed, frame, size);
    if (passes && !frame_allowed(&open, frame, size))
        abort();
    if (passes && frame[12] == 8 && frame[13] == 0 && frame[30] == 127)
        abort();
    uint8_t answer[FRAME_REFUSAL_MAX];
    size_t n = frame_refusal(&closed, frame, size, answer);
    if (n > sizeof(answer) || (n && memcmp(answer, frame + 6, 6) != 0))
        abort();
    free(frame);
    return 0;
}
