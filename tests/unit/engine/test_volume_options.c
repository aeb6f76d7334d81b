/* SPDX-License-Identifier: Apache-2.0 */
/* The words of `volume create --opt`. */
#include "base/alloc.h"
#include "base/json.h"
#include "engine/volume_options.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

struct row {
    const char *words;    /* with blanks between */
    const char *expected; /* "KIND DEVICE FLAGS UID:GID DATA", or "error: PART" */
};

static char *describe(const struct volume_options *o)
{
    static const char *const kinds[] = {"plain", "tmpfs", "bind"};
    auto_free char *data = strv_join(&o->data, ",");
    return xasprintf("%s %s %s%s%s%s%s %d:%d %s", kinds[o->kind], *o->device ? o->device : "-",
                     o->read_only ? "ro" : "rw", o->no_suid ? ",nosuid" : "",
                     o->no_dev ? ",nodev" : "", o->no_exec ? ",noexec" : "",
                     o->recursive ? ",rbind" : "", (int)o->uid, (int)o->gid, data);
}

static void words(void **state)
{
    static const struct row rows[] = {
        {"", "plain - rw -1:-1 "},
        {"o=", "plain - rw -1:-1 "},
        {"o=uid=1000,gid=5", "plain - rw 1000:5 uid=1000,gid=5"},
        {"type=tmpfs", "tmpfs - rw -1:-1 "},
        {"type=tmpfs device=tmpfs o=size=1m,uid=7,mode=1770,nr_inodes=10k",
         "tmpfs tmpfs rw 7:-1 size=1m,uid=7,mode=1770,nr_inodes=10k"},
        {"type=tmpfs o=size=50%,ro,nosuid,nodev,noexec",
         "tmpfs - ro,nosuid,nodev,noexec -1:-1 size=50%"},
        {"type=none device=/srv o=bind", "bind /srv rw -1:-1 "},
        {"device=/srv o=rbind,ro", "bind /srv ro,rbind -1:-1 "},
        {"type=bind device=/srv", "bind /srv rw -1:-1 "},
        {"type=bind device=/srv o=ro,rw", "bind /srv rw -1:-1 "},
        {"type=nfs device=:/x o=addr=1.2.3.4", "error: addr=1.2.3.4"},
        {"type=nfs device=:/x", "error: volume type \"nfs\": the kernel lets only root"},
        {"type=overlay o=ro", "error: volume type \"overlay\""},
        {"type=none", "error: without o=bind"},
        {"type=none device=/x", "error: without o=bind"},
        {"type=bind", "error: absolute path"},
        {"type=bind device=x", "error: absolute path"},
        {"type=bind device=/x o=uid=1", "error: uid=1 for driver 'local'"},
        {"type=tmpfs o=bind", "error: a tmpfs binds nothing"},
        {"device=/dev/sda", "error: device"},
        {"o=size=1m", "error: this needs type=tmpfs"},
        {"o=ro", "error: without type"},
        {"type=tmpfs o=size=", "error: a size is wanted"},
        {"type=tmpfs o=size=1mm", "error: a size is wanted"},
        {"type=tmpfs o=size=-1", "error: a size is wanted"},
        {"type=tmpfs o=mode=8", "error: an octal mode"},
        {"type=tmpfs o=mode=10000", "error: an octal mode"},
        {"type=tmpfs o=nr_inodes=50%", "error: a number is wanted"},
        {"type=tmpfs o=uid=root", "error: a number is wanted"},
        {"type=tmpfs o=uid=4294967295", "error: no such id"},
        {"type=tmpfs o=gid=99999999999", "error: a number is wanted"},
        {"type=tmpfs o=huge=always", "error: not one of size, mode"},
        {"type=tmpfs o=ui=1", "error: not one of size, mode"},
        {"type=tmpfs o=suid", "error: not one of ro, rw"},
        {"type=tmpfs o=remount", "error: not one of ro, rw"},
        {"Type=tmpfs", "error: not one of type, device, o"},
        {"foo", "error: not one of type, device, o"},
    };
    for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++) {
        auto_done(volume_options) struct volume_options o = {0};
        auto_json json_t *options = json_object();
        auto_strv all = {0};
        struct err err = {0};
        strv_split(&all, rows[i].words, ' ');
        json_put_assignments(options, &all);
        int r = volume_options_parse(options, &o, &err);
        auto_free char *found = r < 0 ? xasprintf("error: %s", err.message) : describe(&o);
        bool error = strncmp(rows[i].expected, "error: ", 7) == 0;
        bool same = error ? r < 0 && strstr(err.message, rows[i].expected + 7)
                          : strcmp(found, rows[i].expected) == 0;
        if (!same)
            fail_msg("%s: %s, expected %s", rows[i].words, found, rows[i].expected);
    }
}

/* volume.json is a file that somebody may have written. */
static void other_json(void **state)
{
    auto_done(volume_options) struct volume_options o = {0};
    auto_json json_t *number = json_pack("{s:i}", "type", 3);
    struct err err = {0};
    assert_int_equal(volume_options_parse(NULL, &o, &err), 0);
    assert_int_equal(o.kind, VOLUME_PLAIN);
    assert_true(volume_options_parse(number, &o, &err) < 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(words),
        cmocka_unit_test(other_json),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
