/* SPDX-License-Identifier: Apache-2.0 */
/* The attribute journal: what is written comes back, and what is not whole never counts. */
#include "overlay-fuse/journal.h"

#include "base/alloc.h"
#include "overlay-fuse/upper.h"

#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <sys/resource.h>
#include <sys/xattr.h>

#include <cmocka.h>

#include "tests/unit/base/scratch.h"

enum { UPPER = 77, HEAD = sizeof(struct journal_head) };

static struct journal *open_journal(const struct scratch *s, bool writable)
{
    struct journal *j = NULL;
    struct err err = {0};
    if (journal_open(s->fd, UPPER, writable, &j, &err) < 0)
        fail_msg("%s", err.message);
    return j;
}

static int set(struct journal *j, uint64_t ino, const char *name, const char *value)
{
    return journal_set(j, ino, name, value, strlen(value), 0);
}

/* "name=value" of the numbers 1 to 9, in the order of numbers and names. */
static void show(struct journal *j, struct buf *ret)
{
    static const char *const names[] = {"user.a", "user.b", "user.containers.override_stat"};
    buf_add_str(ret, "");
    for (uint64_t ino = 1; ino < 10; ino++)
        for (size_t i = 0; i < sizeof(names) / sizeof(*names); i++) {
            char value[256];
            ssize_t n = journal_get(j, ino, names[i], value, sizeof(value));
            if (n >= 0)
                buf_printf(ret, "%d %s=%.*s\n", (int)ino, names[i], (int)n, value);
            else
                assert_int_equal(n, -ENODATA);
        }
}

static void expect(struct journal *j, const char *text)
{
    auto_buf b = {0};
    show(j, &b);
    assert_string_equal(b.data, text);
}

static void read_file(const struct scratch *s, struct buf *ret)
{
    assert_int_equal(file_read_at(s->fd, JOURNAL_FILE, 1 << 30, ret, NULL), 0);
}

static void write_file(const struct scratch *s, const void *data, size_t len)
{
    assert_int_equal(file_write_at(s->fd, JOURNAL_FILE, data, len, 0600, 0, NULL), 0);
}

/* --- the calls ---------------------------------------------------------------------------- */

static void test_calls(void **state)
{
    const struct scratch *s = *state;
    auto_buf names = {0};
    char room[4];
    struct journal *j = open_journal(s, true);
    assert_int_equal(set(j, 1, "user.a", "one"), 0);
    assert_int_equal(journal_set(j, 1, "user.b", NULL, 0, 0), 0);
    assert_int_equal(journal_set(j, 1, "user.b", NULL, 0, 0), 0);
    assert_int_equal(set(j, 2, "user.a", "two"), 0);
    assert_int_equal(set(j, 2, "user.a", "second"), 0);
    assert_int_equal(set(j, 3, "user.a", "three"), 0);
    assert_int_equal(journal_remove(j, 3, "user.a"), 0);
    assert_int_equal(set(j, 4, "user.a", "four"), 0);
    assert_int_equal(set(j, 4, "user.b", "four"), 0);
    assert_int_equal(journal_clear(j, 4), 0);
    assert_int_equal(set(j, 4, "user.b", "again"), 0);

    assert_int_equal(journal_get(j, 1, "user.a", NULL, 0), 3);
    assert_int_equal(journal_get(j, 1, "user.a", room, 2), -ERANGE);
    assert_int_equal(journal_get(j, 1, "user.c", room, 4), -ENODATA);
    assert_int_equal(journal_remove(j, 3, "user.a"), -ENODATA);
    assert_int_equal(journal_set(j, 1, "user.a", "x", 1, XATTR_CREATE), -EEXIST);
    assert_int_equal(journal_set(j, 5, "user.a", "x", 1, XATTR_REPLACE), -ENODATA);
    assert_int_equal(set(j, 5, "", "x"), -ERANGE);
    assert_int_equal(journal_list(j, 1, &names), 0);
    assert_int_equal(names.len, 2 * sizeof("user.a"));
    for (int i = 0; i < 2; i++) {
        expect(j, "1 user.a=one\n1 user.b=\n2 user.a=second\n4 user.b=again\n");
        journal_close(j);
        j = open_journal(s, true);
    }
    journal_close(j);
}

/* What a system call would refuse is refused, and nothing is written of it. */
static void test_limits(void **state)
{
    const struct scratch *s = *state;
    char name[XATTR_NAME_MAX + 2];
    auto_free char *value = xcalloc(1, XATTR_SIZE_MAX + 1);
    memset(name, 'n', sizeof(name));
    name[XATTR_NAME_MAX + 1] = 0;
    struct journal *j = open_journal(s, true);
    assert_int_equal(set(j, 1, name, ""), -ERANGE);
    assert_int_equal(set(j, 1, name + 1, ""), 0);
    assert_int_equal(journal_set(j, 1, "a", value, XATTR_SIZE_MAX + 1, 0), -E2BIG);
    assert_int_equal(journal_set(j, 1, "a", value, XATTR_SIZE_MAX, 0), 0);
    uint64_t end = j->end;
    assert_int_equal(journal_set(j, 1, "b", value, XATTR_SIZE_MAX, 0), -ENOSPC);
    assert_int_equal(j->end, end);
    assert_int_equal(journal_set(j, 2, "b", value, XATTR_SIZE_MAX, 0), 0);
    value[0] = 1;
    assert_int_equal(journal_set(j, 1, "a", value, XATTR_SIZE_MAX, 0), 0); /* in its place */
    journal_close(j);
    j = open_journal(s, true);
    assert_int_equal(journal_get(j, 1, "a", value, XATTR_SIZE_MAX), XATTR_SIZE_MAX);
    assert_int_equal(value[0], 1);
    assert_int_equal(journal_get(j, 1, name + 1, NULL, 0), 0);
    journal_close(j);
}

/* A disk that is full: nothing has changed, and later it goes on. */
static void test_full(void **state)
{
    const struct scratch *s = *state;
    struct rlimit was, small;
    struct journal *j = open_journal(s, true);
    assert_int_equal(set(j, 1, "user.a", "one"), 0);
    assert_int_equal(getrlimit(RLIMIT_FSIZE, &was), 0);
    small = (struct rlimit){j->end + 8, was.rlim_max};
    void (*old)(int) = signal(SIGXFSZ, SIG_IGN);
    assert_int_equal(setrlimit(RLIMIT_FSIZE, &small), 0);
    int r[] = {set(j, 1, "user.a", "two"), journal_remove(j, 1, "user.a"), journal_clear(j, 1)};
    assert_int_equal(setrlimit(RLIMIT_FSIZE, &was), 0);
    signal(SIGXFSZ, old);
    for (size_t i = 0; i < sizeof(r) / sizeof(*r); i++)
        assert_int_equal(r[i], -EFBIG);
    expect(j, "1 user.a=one\n");
    assert_int_equal(set(j, 2, "user.a", "two"), 0);
    journal_close(j);
    j = open_journal(s, true);
    expect(j, "1 user.a=one\n2 user.a=two\n");
    journal_close(j);
}

/* --- damage ------------------------------------------------------------------------------- */

enum { STEPS = 7 };

struct history {
    struct buf file;
    size_t end[STEPS + 1]; /* of the file after each step */
    char *text[STEPS + 1]; /* what it shows */
};

static void step(struct journal *j, int i)
{
    const int r = i == 0   ? set(j, 1, "user.a", "1")
                  : i == 1 ? set(j, 2, "user.containers.override_stat", "1000:1000:4755")
                  : i == 2 ? set(j, 1, "user.a", "123456789")
                  : i == 3 ? journal_set(j, 3, "user.b", NULL, 0, 0)
                  : i == 4 ? journal_remove(j, 3, "user.b")
                  : i == 5 ? journal_clear(j, 2)
                           : set(j, 2, "user.b", "end");
    assert_int_equal(r, 0);
}

static void make_history(const struct scratch *s, struct history *h)
{
    struct journal *j = open_journal(s, true);
    for (int i = 0; i <= STEPS; i++) {
        auto_buf b = {0};
        if (i)
            step(j, i - 1);
        show(j, &b);
        h->text[i] = buf_take(&b);
        h->end[i] = j->end;
    }
    journal_close(j);
    read_file(s, &h->file);
    assert_int_equal(h->file.len, h->end[STEPS]);
}

static void history_done(struct history *h)
{
    buf_done(&h->file);
    for (int i = 0; i <= STEPS; i++)
        free(h->text[i]);
}

/* How many steps are whole in the first `len` bytes. */
static int whole(const struct history *h, size_t len)
{
    int n = 0;
    while (n < STEPS && h->end[n + 1] <= len)
        n++;
    return n;
}

/* What is there shows the first steps, to a reader and to a writer, which goes on behind them. */
static void expect_steps(const struct scratch *s, const struct history *h, int n)
{
    struct journal *reader = open_journal(s, false);
    expect(reader, h->text[n]);
    struct journal *j = open_journal(s, true);
    expect(j, h->text[n]);
    for (int i = n; i < STEPS; i++)
        step(j, i);
    journal_close(j);
    expect(reader, h->text[STEPS]);
    journal_close(reader);
    auto_buf b = {0};
    read_file(s, &b);
    assert_int_equal(b.len, h->file.len);
    assert_memory_equal(b.data, h->file.data, b.len);
}

static void test_torn(void **state)
{
    const struct scratch *s = *state;
    struct history h = {0};
    make_history(s, &h);
    for (size_t len = HEAD; len <= h.file.len; len++) {
        write_file(s, h.file.data, len);
        expect_steps(s, &h, whole(&h, len));
    }
    /* The size may be there and the bytes not. */
    for (size_t len = HEAD; len <= h.file.len; len++) {
        auto_buf b = {0};
        buf_add(&b, h.file.data, h.file.len);
        memset(b.data + len, 0, b.len - len);
        write_file(s, b.data, b.len);
        size_t same = len;
        while (same < b.len && b.data[same] == h.file.data[same])
            same++;
        expect_steps(s, &h, whole(&h, same));
    }
    history_done(&h);
}

static void test_flipped(void **state)
{
    const struct scratch *s = *state;
    struct history h = {0};
    make_history(s, &h);
    for (size_t i = HEAD; i < h.file.len; i++)
        for (int bit = 0; bit < 8; bit += 3) {
            auto_buf b = {0};
            buf_add(&b, h.file.data, h.file.len);
            b.data[i] ^= (char)(1 << bit);
            write_file(s, b.data, b.len);
            expect_steps(s, &h, whole(&h, i));
        }
    history_done(&h);
}

static void test_head(void **state)
{
    const struct scratch *s = *state;
    struct history h = {0};
    struct err err = {0};
    struct journal *j = NULL;
    make_history(s, &h);
    for (size_t i = 0; i < HEAD; i++) {
        auto_buf b = {0};
        buf_add(&b, h.file.data, h.file.len);
        b.data[i] ^= 1;
        write_file(s, b.data, b.len);
        for (int writable = 0; writable < 2; writable++)
            assert_int_equal(journal_open(s->fd, UPPER, writable, &j, &err),
                             i < sizeof(uint64_t) ? -EIO : -ESTALE);
        write_file(s, h.file.data, i);
        if (i) /* an empty one is made anew */
            assert_int_equal(journal_open(s->fd, UPPER, true, &j, &err), -EIO);
    }
    history_done(&h);
}

/* --- writing anew ------------------------------------------------------------------------- */

static void fill(struct journal *j, int n)
{
    char text[64];
    for (int i = 0; i < n; i++) {
        snprintf(text, sizeof(text), "%d", i);
        assert_int_equal(set(j, 1 + i % 3, "user.containers.override_stat", text), 0);
    }
}

static const char filled[] = "1 user.containers.override_stat=3999\n"
                             "2 user.containers.override_stat=3997\n"
                             "3 user.containers.override_stat=3998\n";

static void test_compact_at_open(void **state)
{
    const struct scratch *s = *state;
    auto_buf before = {0}, after = {0};
    struct journal *j = open_journal(s, true);
    fill(j, 4000);
    journal_close(j);
    read_file(s, &before);
    scratch_write(s->fd, JOURNAL_FILE ".new", "what a crash in the midst of it left");
    j = open_journal(s, true);
    expect(j, filled);
    read_file(s, &after);
    assert_true(before.len > 4000 * sizeof(struct journal_record));
    assert_int_equal(after.len, HEAD + j->live);
    assert_false(exists_at(s->fd, JOURNAL_FILE ".new"));
    assert_int_equal(set(j, 4, "user.a", "more"), 0);
    journal_close(j);
    j = open_journal(s, false);
    expect(j, "1 user.containers.override_stat=3999\n"
              "2 user.containers.override_stat=3997\n"
              "3 user.containers.override_stat=3998\n"
              "4 user.a=more\n");
    journal_close(j);
}

/* An owner that runs for long does not grow it without end, and a reader finds its way. */
static void test_compact_meanwhile(void **state)
{
    const struct scratch *s = *state;
    struct journal *j = open_journal(s, true), *reader = open_journal(s, false);
    struct stat st, now;
    j->slack = 50000;
    fill(j, 10);
    expect(reader, "1 user.containers.override_stat=9\n"
                   "2 user.containers.override_stat=7\n"
                   "3 user.containers.override_stat=8\n");
    assert_int_equal(fstatat(s->fd, JOURNAL_FILE, &st, 0), 0);
    fill(j, 4000);
    assert_int_equal(fstatat(s->fd, JOURNAL_FILE, &now, 0), 0);
    assert_true(now.st_ino != st.st_ino);
    assert_in_range(now.st_size, HEAD, 51000);
    expect(reader, filled);
    expect(j, filled);
    assert_int_equal(set(j, 3, "user.containers.override_stat", "last"), 0);
    expect(reader, "1 user.containers.override_stat=3999\n"
                   "2 user.containers.override_stat=3997\n"
                   "3 user.containers.override_stat=last\n");
    journal_close(j);
    journal_close(reader);
}

/* Many objects: more than is read or written at a time. */
static void test_many(void **state)
{
    enum { N = 30000 };
    const struct scratch *s = *state;
    char text[32];
    struct journal *j = open_journal(s, true);
    for (uint64_t i = 1; i <= N; i++) {
        snprintf(text, sizeof(text), "value of %d", (int)i);
        assert_int_equal(set(j, i << 32, "user.a", "first"), 0);
        assert_int_equal(set(j, i << 32, "user.a", text), 0);
    }
    for (int round = 0; round < 2; round++) {
        uint64_t end = j->end;
        journal_close(j);
        j = open_journal(s, true); /* the first time it is read, and written anew */
        if (round == 0)
            j->slack = 0;
        assert_int_equal(j->by_ino.n_keys, N);
        assert_true(j->end <= end);
        for (uint64_t i = 1; i <= N; i++) {
            int len = snprintf(text, sizeof(text), "value of %d", (int)i);
            char value[32];
            assert_int_equal(journal_get(j, i << 32, "user.a", value, sizeof(value)), len);
            assert_memory_equal(value, text, len);
            if (round == 0 && i % 2) {
                assert_int_equal(journal_clear(j, i << 32), 0);
                assert_int_equal(set(j, i << 32, "user.a", text), 0);
            }
        }
    }
    journal_close(j);
}

/* --- readers and numbers ------------------------------------------------------------------ */

static void test_reader(void **state)
{
    const struct scratch *s = *state;
    struct journal *reader = open_journal(s, false); /* before there is one */
    expect(reader, "");
    struct journal *j = open_journal(s, true);
    expect(reader, "");
    assert_int_equal(set(j, 1, "user.a", "one"), 0);
    expect(reader, "1 user.a=one\n");
    assert_int_equal(set(j, 2, "user.a", "two"), 0);
    uint64_t before = reader->end;

    /* The second record, as far as it is there yet. */
    auto_buf whole = {0};
    read_file(s, &whole);
    auto_close int fd = openat(s->fd, JOURNAL_FILE, O_WRONLY | O_CLOEXEC);
    assert_int_equal(ftruncate(fd, (off_t)before + 30), 0);
    expect(reader, "1 user.a=one\n");
    struct stat st;
    assert_int_equal(fstat(fd, &st), 0);
    assert_int_equal(st.st_size, before + 30); /* a reader cuts nothing */
    assert_int_equal(pwrite(fd, whole.data, whole.len, 0), whole.len);
    expect(reader, "1 user.a=one\n2 user.a=two\n");
    journal_close(j);
    journal_close(reader);
}

/* An object that was just made has nothing of an earlier one of its number. */
static void test_reuse(void **state)
{
    const struct scratch *s = *state;
    static const struct vattr v = {.mode = S_IFREG | 0644};
    struct journal *j = open_journal(s, true);
    struct upath p;
    struct stat st;
    struct upper_object o;
    scratch_write(s->fd, "x", "");
    upath_at(&p, s->fd, "x", j);
    assert_int_equal(upath_stat(&p, &st), 0);
    assert_int_equal(set(j, st.st_ino, UPPER_OVERRIDE, "5:6:4755"), 0);
    assert_int_equal(set(j, st.st_ino, UPPER_META, ""), 0);
    assert_int_equal(upper_read(&p, UPPER_VIRTUAL, &o), 0);
    assert_true(o.meta && o.v.uid == 5);
    assert_int_equal(journal_sync(j, false), 0);
    assert_false(j->cleared);
    assert_int_equal(upper_set_new_attr(&p, &v, UPPER_VIRTUAL, false, &st), 0);
    assert_int_equal(upper_read(&p, UPPER_VIRTUAL, &o), 0);
    assert_false(o.meta || o.has_override || o.v.uid);
    assert_true(j->cleared && j->dirty); /* to be synced before it gets its name */
    assert_int_equal(journal_sync(j, true), 0);
    assert_false(j->cleared || j->dirty);
    uint64_t end = j->end;
    assert_int_equal(upper_set_new_attr(&p, &v, UPPER_VIRTUAL, false, &st), 0);
    assert_int_equal(j->end, end); /* what has nothing costs nothing */
    journal_close(j);
    j = open_journal(s, true);
    assert_int_equal(j->by_ino.n_keys, 0);
    journal_close(j);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        scratch_test(test_calls),
        scratch_test(test_limits),
        scratch_test(test_full),
        scratch_test(test_torn),
        scratch_test(test_flipped),
        scratch_test(test_head),
        scratch_test(test_compact_at_open),
        scratch_test(test_compact_meanwhile),
        scratch_test(test_many),
        scratch_test(test_reader),
        scratch_test(test_reuse),
    };
    return cmocka_run_group_tests_name("overlay-fuse/journal", tests, NULL, NULL);
}
