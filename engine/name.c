/* SPDX-License-Identifier: Apache-2.0 */
/* Names for containers that were given none: an adjective and a boat. */
#include "engine/name.h"

#include "base/alloc.h"

#include <stdint.h>
#include <sys/random.h>

static const char *const adjectives[] = {
    "able",  "amber",  "ample",  "bold",    "brave",  "breezy", "bright", "brisk",
    "busy",  "calm",   "candid", "clever",  "cosy",   "crisp",  "deft",   "eager",
    "early", "easy",   "fair",   "fleet",   "fond",   "frank",  "fresh",  "gentle",
    "glad",  "golden", "grand",  "happy",   "hardy",  "honest", "jolly",  "keen",
    "kind",  "lively", "lucid",  "lucky",   "mellow", "merry",  "mighty", "modest",
    "neat",  "nimble", "noble",  "patient", "placid", "plucky", "polite", "proud",
    "quick", "quiet",  "ready",  "rosy",    "serene", "sharp",  "silver", "smart",
    "snug",  "sober",  "steady", "sunny",   "swift",  "tidy",   "vivid",  "witty",
};

static const char *const boats[] = {
    "barge",    "bark",     "brig",     "canoe",     "caravel", "catboat", "clipper",  "coble",
    "cog",      "coracle",  "corvette", "currach",   "cutter",  "dhow",    "dinghy",   "dory",
    "dugout",   "felucca",  "ferry",    "frigate",   "galleon", "galley",  "gig",      "gondola",
    "houario",  "junk",     "kayak",    "keelboat",  "ketch",   "knarr",   "launch",   "lighter",
    "longship", "lugger",   "nao",      "outrigger", "packet",  "pilot",   "pinnace",  "pirogue",
    "pontoon",  "pram",     "proa",     "punt",      "raft",    "sampan",  "schooner", "scow",
    "shallop",  "skiff",    "sloop",    "smack",     "snow",    "tartane", "tender",   "tjalk",
    "trawler",  "trimaran", "tug",      "umiak",     "wherry",  "xebec",   "yacht",    "yawl",
};

char *name_generate(void)
{
    uint8_t r[2] = {0};
    if (getrandom(r, sizeof(r), 0) != (ssize_t)sizeof(r))
        r[0] = r[1] = 0; /* any name will do: a taken one is tried again */
    return xasprintf("%s_%s", adjectives[r[0] % (sizeof(adjectives) / sizeof(*adjectives))],
                     boats[r[1] % (sizeof(boats) / sizeof(*boats))]);
}
