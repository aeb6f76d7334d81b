/* SPDX-License-Identifier: Apache-2.0 */
/* History entries in BuildKit's words. */
#include "base/alloc.h"
#include "base/buf.h"
#include "builder/state.h"

void history_add(struct build *b, struct build_image *image, char *created_by, bool empty_layer)
{
    auto_free char *by = created_by;
    struct image_history h = {
        .created = b->created,
        .created_by = by,
        .comment = (char *)"wherry",
        .empty_layer = empty_layer,
    };
    image_config_add_history(&image->config, &h);
}

void history_quote_list(const struct strv *v, struct buf *out)
{
    buf_add_char(out, '[');
    for (size_t i = 0; i < v->len; i++) {
        buf_add_str(out, i ? " \"" : "\"");
        for (const char *c = v->v[i]; *c; c++) {
            if (*c == '"' || *c == '\\')
                buf_printf(out, "\\%c", *c);
            else if (*c == '\n')
                buf_add_str(out, "\\n");
            else if (*c == '\t')
                buf_add_str(out, "\\t");
            else if ((unsigned char)*c < ' ' || *c == 127)
                buf_printf(out, "\\x%02x", (unsigned char)*c);
            else
                buf_add_char(out, *c);
        }
        buf_add_char(out, '"');
    }
    buf_add_char(out, ']');
}
