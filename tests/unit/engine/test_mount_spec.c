/* SPDX-License-Identifier: Apache-2.0 */
/* The words of -v, --mount and --tmpfs. */
#include "base/alloc.h"
#include "engine/mount_spec.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

typedef int (*parse_fn)(const char *text, struct mount_spec *ret, struct err *err);

struct row {
    const char *text;
    const char
        *expected; /* "TYPE SOURCE TARGET ro|rw PROPAGATION LABEL OPTIONS", or "error: PART" */
};

static char *describe(const struct mount_spec *s)
{
    static const char *const types[] = {"bind", "volume", "tmpfs", "image"};
    auto_free char *options = strv_join(&s->options, ",");
    return xasprintf("%s %s %s%s%s %s %s %s %s", types[s->type], s->source ? s->source : "-",
                     s->target, s->subpath ? " in " : "", s->subpath ? s->subpath : "",
                     s->read_only ? "ro" : "rw", s->propagation ? s->propagation : "-",
                     s->label ? s->label : "-", options);
}

static void check(const struct row *rows, size_t n, parse_fn parse)
{
    for (size_t i = 0; i < n; i++) {
        auto_done(mount_spec) struct mount_spec spec = {0};
        struct err err = {0};
        int r = parse(rows[i].text, &spec, &err);
        auto_free char *found = r < 0 ? xasprintf("error: %s", err.message) : describe(&spec);
        bool error = strncmp(rows[i].expected, "error: ", 7) == 0;
        bool same = error ? r < 0 && strstr(err.message, rows[i].expected + 7)
                          : strcmp(found, rows[i].expected) == 0;
        if (!same)
            fail_msg("%s\n  found    %s\n  expected %s", rows[i].text, found, rows[i].expected);
    }
}

#define CHECK(rows, parse) check(rows, sizeof(rows) / sizeof(*(rows)), parse)

static void volumes(void **state)
{
    static const struct row rows[] = {
        {"/a:/b", "bind /a /b rw rprivate - rbind"},
        {"./a:/b/../c/", "bind ./a /c rw rprivate - rbind"},
        {"/a:/b:ro", "bind /a /b ro rprivate - rbind"},
        {"/a:/b:rw,noexec,nosuid,nodev", "bind /a /b rw rprivate - noexec,nosuid,nodev,rbind"},
        {"/a:/b:bind,rslave,z,U", "bind /a /b rw rslave z bind,U"},
        {"/a:/b:cached", "bind /a /b rw rprivate - rbind"},
        {"name:/b", "volume name /b rw rprivate - nosuid,nodev,rbind"},
        {"name:/b:suid,dev,nocopy,Z", "volume name /b rw rprivate Z suid,dev,nocopy,rbind"},
        {"/b", "volume - /b rw rprivate - nosuid,nodev,rbind"},
        {"", "error: incorrect volume format"},
        {"a:b:c:d", "error: a:b:c:d: incorrect volume format, should be"},
        {":/b", "error: host directory cannot be empty"},
        {"x", "error: invalid container path \"x\", must be an absolute path"},
        {"x:y", "error: invalid container path \"y\""},
        {"/a:/", "error: over the root"},
        {"/a:/b/..", "error: over the root"},
        {"/a:/b:foo", "error: invalid option type \"foo\""},
        {"/a:/b:", "bind /a /b rw rprivate - rbind"},
        {"/a:/b:ro,rw", "error: can only specify 1 'rw' or 'ro' option"},
        {"/a:/b:exec,noexec", "error: can only specify 1 'exec' or 'noexec' option"},
        {"/a:/b:shared,rslave", "error: can only specify 1 '[r]shared'"},
        {"/a:/b:z,Z", "error: can only specify 1 'z'"},
        {"/a:/b:nocopy", "error: invalid option type \"nocopy\""},
        {"/a:/b:size=1m", "error: invalid option type"},
        {"/a:/b:O", "bind /a /b rw rprivate - O,rbind"},
        {"/a:/b:O,O", "error: can only specify 1 'O' option"},
        {"/a:/b:idmap", "error: only for root"},
        {"/a:/b:idmap=uids=0-1-2", "error: only for root"},
    };
    CHECK(rows, mount_spec_volume);
}

static void tmpfs(void **state)
{
    static const struct row rows[] = {
        {"/t", "tmpfs - /t rw rprivate - nosuid,nodev,tmpcopyup"},
        {"/t:size=2m,mode=700,ro",
         "tmpfs - /t ro rprivate - size=2m,mode=700,nosuid,nodev,tmpcopyup"},
        {"/t:exec,suid,dev,notmpcopyup", "tmpfs - /t rw rprivate - exec,suid,dev,notmpcopyup"},
        {"t", "error: must be an absolute path"},
        {"/t:foo", "error: unknown mount option \"foo\": invalid mount option"},
        {"/t:size=", "error: unknown mount option"},
        {"/t:rbind", "error: unknown mount option"},
    };
    CHECK(rows, mount_spec_tmpfs);
}

static void mounts(void **state)
{
    static const struct row rows[] = {
        {"type=bind,src=/a,dst=/b", "bind /a /b rw rprivate - rbind"},
        {"source=/a,type=bind,destination=/b,readonly", "bind /a /b ro rprivate - rbind"},
        {"type=bind,source=/a,target=/b,ro=true,bind-propagation=rshared",
         "bind /a /b ro rshared - rbind"},
        {"type=bind,src=/a,dst=/b,ro=false", "bind /a /b rw rprivate - rbind"},
        {"type=bind,src=/a,dst=/b,rw=false", "bind /a /b ro rprivate - rbind"},
        {"type=bind,src=/a,dst=/b,bind-nonrecursive,relabel=shared",
         "bind /a /b rw rprivate z bind"},
        {"type=bind,dst=/b", "bind /b /b rw rprivate - rbind"},
        {"type=bind,\"src=/a,b\",dst=/b", "bind /a,b /b rw rprivate - rbind"},
        {"type=bind,\"src=/a\"\"b\",dst=/b", "bind /a\"b /b rw rprivate - rbind"},
        {"type=bind,src=/a,dst=/b,U=true,noexec", "bind /a /b rw rprivate - U,noexec,rbind"},
        {"type=volume,src=v,dst=/b,subpath=x/y",
         "volume v /b in x/y rw rprivate - nosuid,nodev,rbind"},
        {"type=volume,dst=/b,volume-nocopy", "volume - /b rw rprivate - nocopy,nosuid,nodev,rbind"},
        {"type=tmpfs,dst=/b,tmpfs-size=1m,tmpfs-mode=1770",
         "tmpfs - /b rw rprivate - size=1m,mode=1770,nosuid,nodev,tmpcopyup"},
        {"type=tmpfs,dst=/b,notmpcopyup,chown",
         "tmpfs - /b rw rprivate - notmpcopyup,U,nosuid,nodev"},
        {"type=image,src=i,dst=/b", "image i /b ro - - "},
        {"type=image,src=i,dst=/b,rw=false", "image i /b ro - - "},
        {"type=image,src=i,dst=/b,rw=true", "image i /b rw - - "},
        {"type=image,dst=/b", "error: must set source"},
        {"type=foo,dst=/b", "error: invalid filesystem type \"foo\""},
        {"type=devpts,dst=/b", "error: devpts"},
        {"src=/a,dst=/b", "error: incorrect mount format"},
        {"type=bind,src=/a", "error: must set volume destination"},
        {"type=bind,src,dst=/b", "error: src: must provide an argument"},
        {"type=bind,src=,dst=/b", "error: host directory cannot be empty"},
        {"type=bind,src=/a,dst=/b,foo=1", "error: foo: invalid mount option"},
        {"type=bind,src=/a,dst=/b,foo", "error: foo: invalid mount option"},
        {"type=bind,src=/a,dst=/b,ro=maybe", "error: must be true or false"},
        {"type=bind,src=/a,dst=/b,bind-propagation=noexec", "error: must be one of"},
        {"type=bind,src=/a,dst=/b,subpath=x", "error: subpath: invalid mount option"},
        {"type=tmpfs,src=/a,dst=/b", "error: src: invalid mount option"},
        {"type=bind,\"src=/a", "error: quote"},
        {"type=bind,\"src=/a\"x,dst=/b", "error: quote"},
        {"type=bind,src=/a,dst=/b,idmap", "error: only for root"},
        {"", "error: incorrect mount format"},
    };
    CHECK(rows, mount_spec_mount);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(volumes),
        cmocka_unit_test(tmpfs),
        cmocka_unit_test(mounts),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
