/* SPDX-License-Identifier: Apache-2.0 */
/* What `inspect` shows of a container's mounts. */
#include "engine/inspect_mounts.h"

#include "base/buf.h"
#include "base/json.h"

#include <string.h>

static void add_word(struct buf *out, const char *word)
{
    if (word && *word)
        buf_printf(out, "%s%s", out->len ? "," : "", word);
}

/* The options in podman's order. A tmpfs has its own in front. */
static void option_text(const json_t *m, bool tmpfs, struct buf *out)
{
    const json_t *options = json_object_get(m, "Options");
    for (int pass = tmpfs ? 0 : 1; pass < 2; pass++) {
        if (pass == 1) {
            add_word(out, json_is_false(json_object_get(m, "RW")) ? "ro" : "rw");
            add_word(out, json_get_string(m, "Propagation", ""));
        }
        for (size_t i = 0; i < json_array_size(options); i++) {
            const char *o = json_string_value(json_array_get(options, i));
            if (o && (strchr(o, '=') == NULL) == (pass == 1))
                add_word(out, o);
        }
    }
}

static json_t *bind_text(const json_t *m)
{
    auto_buf options = {0};
    const char *name = json_get_string(m, "Name", NULL);
    option_text(m, false, &options);
    return json_sprintf("%s:%s:%s", name ? name : json_get_string(m, "Source", ""),
                        json_get_string(m, "Destination", ""), buf_str(&options));
}

void inspect_mounts(struct engine *e, json_t *doc)
{
    json_t *shown = json_array(), *binds = json_array(), *tmpfs = json_object(), *m;
    json_t *host = json_object_get(doc, "HostConfig");
    size_t i;
    json_array_foreach (json_object_get(doc, "Mounts"), i, m) {
        const char *type = json_get_string(m, "Type", "");
        json_object_del(m, "Anonymous");
        json_object_del(m, "Layers");
        json_object_del(m, "ImageID");
        if (strcmp(type, "tmpfs") == 0) {
            auto_buf options = {0};
            option_text(m, true, &options);
            json_put_string(tmpfs, json_get_string(m, "Destination", ""), buf_str(&options));
            continue;
        }
        if (strcmp(type, "volume") == 0)
            json_put(
                m, "Source",
                json_sprintf("%s/volumes/%s/_data", e->store.root, json_get_string(m, "Name", "")));
        if (strcmp(type, "image") != 0)
            json_array_append_new(binds, bind_text(m));
        json_array_append(shown, m);
    }
    json_put(doc, "Mounts", shown);
    json_put(host, "Binds", binds);
    json_put(host, "Tmpfs", tmpfs);
}
