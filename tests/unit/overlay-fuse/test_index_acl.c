/* SPDX-License-Identifier: Apache-2.0 */
/* Access control lists that a tar has as text: which become attributes, and what the mode is. */
#include "base/alloc.h"
#include "overlay-fuse/acl.h"
#include "overlay-fuse/layer.h"
#include "tests/unit/overlay-fuse/tar_make.h"

#include <endian.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include "tests/unit/base/scratch.h"

static const struct acl_case {
    const char *name;
    char type;
    unsigned mode; /* in the header, as GNU tar writes it: with the mask's bits for the group */
    const char *access, *deflt, *attribute; /* attribute: the access list as the kernel has it */
    const char *want;
} cases[] = {
    {"none", '0', 0640, NULL, NULL, NULL, "640"},
    {"GNU tar: names with numbers", '0', 0650,
     "user::rw-\nuser:33:rwx\ngroup::r--\ngroup:44:r--\nmask::r-x\nother::---\n", NULL, NULL,
     "650 access u::6 u:33:7 g::4 g:44:4 m::5 o::0"},
    {"star: names and numbers behind them", '0', 0670,
     "user::rw-,user:www-data:rwx:33,group::r--,mask::rwx,other::---", NULL, NULL,
     "670 access u::6 u:33:7 g::4 m::7 o::0"},
    {"in another order", '0', 0650,
     "other::---\nmask::r-x\ngroup:9:r--\ngroup:7:r--\nuser:33:rwx\nuser:5:---\ngroup::r--\n"
     "user::rw-\n",
     NULL, NULL, "650 access u::6 u:5:0 u:33:7 g::4 g:7:4 g:9:4 m::5 o::0"},
    {"set-user-ID and sticky bits are the header's", '0', 07750,
     "user::rwx\nuser:1:r--\ngroup::---\nmask::r-x\nother::---\n", NULL, NULL,
     "7750 access u::7 u:1:4 g::0 m::5 o::0"},
    {"root is 0 everywhere", '0', 0640,
     "user::rw-\nuser:root:rw-\ngroup::---\nmask::r--\nother::---\n", NULL, NULL,
     "640 access u::6 u:0:6 g::0 m::4 o::0"},
    {"a name that the layer does not know: no list, and nobody gets more by that", '0', 0670,
     "user::rw-\nuser:www-data:---\ngroup::r--\nmask::rwx\nother::r--\n", NULL, NULL, "644"},
    {"the same, and the mask has less than the group", '0', 0640,
     "user::rw-\nuser:www-data:rwx\ngroup::rwx\nmask::r--\nother::---\n", NULL, NULL, "640"},
    {"no more than a mode", '0', 0640, "user::rw-\ngroup::r--\nother::---\n", NULL, NULL, "640"},
    {"a mask alone is a list", '0', 0640, "user::rw-\ngroup::rwx\nmask::r--\nother::---\n", NULL,
     NULL, "640 access u::6 g::7 m::4 o::0"},
    {"names without a mask: not a list", '0', 0640,
     "user::rw-\nuser:5:rwx\ngroup::r--\nother::---\n", NULL, NULL, "640"},
    {"a directory's default", '5', 0755,
     "user::rwx\nuser:5:r--\ngroup::r-x\nmask::r-x\nother::r-x\n",
     "user::rwx\nuser:33:rwx\ngroup::r-x\nmask::rwx\nother::r-x\n", NULL,
     "755 access u::7 u:5:4 g::5 m::5 o::5 default u::7 u:33:7 g::5 m::7 o::5"},
    {"a default that is no more than a mode counts", '5', 0700, NULL,
     "user::rwx\ngroup::r-x\nother::---\n", NULL, "700 default u::7 g::5 o::0"},
    {"a default without the group: not a list", '5', 0700, NULL, "user::rwx\nother::---\n", NULL,
     "700"},
    {"a file has no default", '0', 0644, NULL, "user::rwx\ngroup::r-x\nother::---\n", NULL, "644"},
    {"the attribute is exact", '0', 0670,
     "user::rw-\nuser:www-data:rwx\ngroup::r--\nmask::rwx\nother::---\n", NULL,
     "u::6 u:77:7 g::4 m::7 o::0", "670 access u::6 u:77:7 g::4 m::7 o::0"},
    {"the attribute alone", '0', 0670, NULL, NULL, "u::6 u:77:7 g::4 m::7 o::0",
     "670 access u::6 u:77:7 g::4 m::7 o::0"},
    {"rubbish", '0', 0644, "user:::::\n\xff,group\nmask:::::,,,\n", "x", NULL, "644"},
};

/* --- lists as text ------------------------------------------------------------------------- */

static const char tags[] = {[ACL_USER_OBJ] = 'u', [ACL_USER] = 'u', [ACL_GROUP_OBJ] = 'g',
                            [ACL_GROUP] = 'g',    [ACL_MASK] = 'm', [ACL_OTHER] = 'o'};

static void show_list(const char *name, const uint8_t *list, size_t len, struct buf *ret)
{
    uint32_t version;
    memcpy(&version, list, sizeof(version));
    assert_int_equal(le32toh(version), ACL_VERSION);
    const struct acl_entry *e = (const void *)(list + sizeof(version));
    buf_printf(ret, " %s", name);
    for (; (const uint8_t *)e < list + len; e++) {
        uint16_t tag = le16toh(e->tag);
        bool named = tag == ACL_USER || tag == ACL_GROUP;
        buf_printf(ret, " %c:", tags[tag]);
        if (named)
            buf_printf(ret, "%u", le32toh(e->id));
        else
            assert_int_equal(e->id, UINT32_MAX);
        buf_printf(ret, ":%u", le16toh(e->perm));
    }
}

static void parse_list(const char *text, struct buf *ret)
{
    const uint32_t version = htole32(ACL_VERSION);
    buf_add(ret, &version, sizeof(version));
    while (*text) {
        char tag = *text;
        unsigned id = UINT32_MAX, perm;
        int len = 0;
        if (sscanf(text, "%*c:%u:%u %n", &id, &perm, &len) != 2 &&
            sscanf(text, "%*c::%u %n", &perm, &len) != 1)
            fail_msg("list \"%s\"", text);
        bool named = id != UINT32_MAX;
        uint16_t t = tag == 'u'   ? named ? ACL_USER : ACL_USER_OBJ
                     : tag == 'g' ? named ? ACL_GROUP : ACL_GROUP_OBJ
                     : tag == 'm' ? ACL_MASK
                                  : ACL_OTHER;
        struct acl_entry e = {htole16(t), htole16(perm), htole32(id)};
        buf_add(ret, &e, sizeof(e));
        text += len;
    }
}

/* --- tars ----------------------------------------------------------------------------------- */

/* "LENGTH KEY=VALUE\n", where the length counts itself. */
static void add_record(struct buf *b, const char *key, const void *value, size_t len)
{
    size_t rest = strlen(key) + len + 3, total = rest + 1;
    char digits[24];
    while ((size_t)snprintf(digits, sizeof(digits), "%zu", total) + rest != total)
        total = rest + strlen(digits);
    buf_printf(b, "%zu %s=", total, key);
    buf_add(b, value, len);
    buf_add_char(b, '\n');
}

static void set_mode(char *header, unsigned mode)
{
    unsigned sum = 0;
    snprintf(header + 100, 8, "%07o", mode);
    memset(header + 148, ' ', 8);
    for (int i = 0; i < 512; i++)
        sum += (unsigned char)header[i];
    snprintf(header + 148, 8, "%06o", sum);
}

static void make_tar(const struct acl_case *c, struct buf *tar)
{
    auto_buf records = {0}, list = {0};
    if (c->access)
        add_record(&records, "SCHILY.acl.access", c->access, strlen(c->access));
    if (c->deflt)
        add_record(&records, "SCHILY.acl.default", c->deflt, strlen(c->deflt));
    if (c->attribute) {
        parse_list(c->attribute, &list);
        add_record(&records, "SCHILY.xattr." ACL_ACCESS, list.data, list.len);
    }
    if (records.len) {
        tar_header(tar, "pax", 'x', records.len, NULL);
        tar_data(tar, records.data, records.len);
    }
    size_t at = tar->len;
    tar_header(tar, "f", c->type, 0, NULL);
    set_mode(tar->data + at, c->mode);
}

/* The file "f" of the layer that a tar makes. */
static const struct index_inode *open_tar(const struct scratch *s, const struct buf *tar,
                                          struct layer *ret)
{
    struct err err = {0};
    char paths[2][128];
    snprintf(paths[0], sizeof(paths[0]), "%s/tar", s->path);
    snprintf(paths[1], sizeof(paths[1]), "%s/index", s->path);
    if (tar_save(s->fd, "tar", tar->data, tar->len) < 0 ||
        tar_index(s->fd, "tar", "index", &err) < 0 || layer_open(paths[0], paths[1], ret, &err) < 0)
        fail_msg("%s", err.message);
    const struct index_entry *e = layer_find(ret, 0, "f", 1);
    assert_non_null(e);
    return &ret->inodes[e->inode];
}

/* The mode and the lists of the file "f". */
static void show_tar(const struct scratch *s, const struct buf *tar, struct buf *ret)
{
    struct layer l;
    const struct index_inode *in = open_tar(s, tar, &l);
    buf_printf(ret, "%o", in->mode & 07777);
    for (uint32_t i = 0; i < in->n_xattrs; i++) {
        const struct index_xattr *x = &l.xattrs[in->first_xattr + i];
        auto_free char *name = xstrndup(l.heap + x->name, x->name_len);
        const char *shown = strcmp(name, ACL_ACCESS) == 0    ? "access"
                            : strcmp(name, ACL_DEFAULT) == 0 ? "default"
                                                             : name;
        show_list(shown, (const uint8_t *)l.heap + x->value, x->value_len, ret);
    }
    layer_close(&l);
}

static void test_lists(void **state)
{
    for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
        auto_buf tar = {0}, got = {0};
        make_tar(&cases[i], &tar);
        show_tar(*state, &tar, &got);
        if (strcmp(got.data, cases[i].want) != 0)
            fail_msg("%s:\n%s instead of\n%s", cases[i].name, got.data, cases[i].want);
    }
}

/* Names are those of the layer's own files, wherever in the tar they stand. */
static void test_names(void **state)
{
    static const char acl[] = "user::rw-\nuser:web:rw-\ngroup::r--\ngroup:web:r--\nmask::rw-\n"
                              "other::---\n",
                      passwd[] = "root:x:0:0::/:\nbroken\n:x:1:1\nweb:x:nobody:\nweb:x:501:1::/:\n"
                                 "web:x:7:1::/:\n",
                      group[] = "web2:x:8:\nweb:x:9";
    static const struct {
        const char *passwd, *group, *want;
        bool behind;
    } names[] = {
        {"./etc/passwd", "./etc/group", "660 access u::6 u:501:6 g::4 g:9:4 m::6 o::0", false},
        {"etc/passwd", "/etc/group", "660 access u::6 u:501:6 g::4 g:9:4 m::6 o::0", true},
        {"etc/passwd", "usr/etc/group", "640", true},
        {"etc/passwd-", "etc/group", "640", false},
    };
    for (size_t i = 0; i < sizeof(names) / sizeof(*names); i++) {
        const struct acl_case c = {.type = '0', .mode = 0660, .access = acl};
        auto_buf tar = {0}, got = {0};
        if (names[i].behind)
            make_tar(&c, &tar);
        tar_header(&tar, names[i].passwd, '0', strlen(passwd), NULL);
        tar_data(&tar, passwd, strlen(passwd));
        tar_header(&tar, names[i].group, '0', strlen(group), NULL);
        tar_data(&tar, group, strlen(group));
        if (!names[i].behind)
            make_tar(&c, &tar);
        show_tar(*state, &tar, &got);
        assert_string_equal(got.data, names[i].want);
    }
}

/* A list as long as can be, and one that is longer. */
static void test_long(void **state)
{
    const struct scratch *s = *state;
    enum { MOST = (ACL_MAX - 4) / sizeof(struct acl_entry) - 4 };
    for (int more = 0; more < 2; more++) {
        auto_buf text = {0}, records = {0}, tar = {0};
        struct layer l;
        buf_add_str(&text, "user::rw-\ngroup::r--\nmask::rwx\nother::---\n");
        for (int i = 0; i < MOST + more; i++)
            buf_printf(&text, "user:%d:r--\n", 1000 + i);
        add_record(&records, "SCHILY.acl.access", text.data, text.len);
        tar_header(&tar, "pax", 'x', records.len, NULL);
        tar_data(&tar, records.data, records.len);
        size_t at = tar.len;
        tar_header(&tar, "f", '0', 0, NULL);
        set_mode(tar.data + at, 0670);
        const struct index_inode *in = open_tar(s, &tar, &l);
        assert_int_equal(in->n_xattrs, more ? 0 : 1);
        assert_int_equal(in->mode & 07777, more ? 0640 : 0670);
        if (!more)
            assert_int_equal(l.xattrs[in->first_xattr].value_len,
                             4 + (MOST + 4) * sizeof(struct acl_entry));
        layer_close(&l);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {scratch_test(test_lists), scratch_test(test_names),
                                       scratch_test(test_long)};
    return cmocka_run_group_tests_name("overlay-fuse/index-acl", tests, NULL, NULL);
}
