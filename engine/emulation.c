/* SPDX-License-Identifier: Apache-2.0 */
/* What --root-emulation means. */
#include "engine/emulation.h"

#include "engine/userns.h"
#include "runtime/emulate.h"

#include <string.h>

int emulation_put(const char *word, json_t *document, struct err *err)
{
    struct id_maps ids = {0};
    enum root_emulation how;
    int r = userns_read(document, &ids, err);
    if (r == 0)
        r = emulation_choose(word, &ids, &how, err);
    if (r == 0)
        json_put_string(json_object_get(document, "HostConfig"), "RootEmulation", word);
    return r;
}

int emulation_choose(const char *word, const struct id_maps *ids, enum root_emulation *ret,
                     struct err *err)
{
    static const struct {
        const char *word;
        enum root_emulation value;
    } words[] = {
        {"", EMULATE_AUTO},       {"record", EMULATE_RECORD}, {"consistent", EMULATE_CONSISTENT},
        {"fixed", EMULATE_FIXED}, {"none", EMULATE_NONE},
    };
    size_t i = 0;
    while (i < sizeof(words) / sizeof(*words) && strcmp(words[i].word, word ? word : "") != 0)
        i++;
    if (i == sizeof(words) / sizeof(*words))
        return err_kind(err, ERR_USAGE, -EINVAL, "invalid root emulation \"%s\"", word);
    if (!emulate_possible(ids) && words[i].value != EMULATE_AUTO && words[i].value != EMULATE_NONE)
        return err_kind(err, ERR_USAGE, -EINVAL,
                        "--root-emulation=%s is for containers whose only id is root's%s", word,
                        ids->single ? ""
                                    : ", and this one has subordinate ids (WHERRY_SINGLE_ID=1 "
                                      "leaves them out)");
    *ret = words[i].value;
    return 0;
}
