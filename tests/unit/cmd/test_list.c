/* SPDX-License-Identifier: Apache-2.0 */
/* Lists and inspects: the same rows in all the forms there are. */
#include "base/json.h"
#include "cmd/list.h"

#include <locale.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

static const struct list_column columns[] = {
    {"ID", "CONTAINER ID"}, {"Image", "IMAGE"}, {"Names", "NAMES"}, {0}};
static const struct list_view view = {
    .columns = columns,
    .standard = "table {{.ID}}\t{{.Image}}\t{{.Names}}",
    .id_field = "ID",
    .indent = 2,
};

/* The second row is hostile: what an image may put into a label or a name. */
static const char data[] =
    "[{\"Id\":\"05f8f0fc4092\",\"Image\":\"hello\",\"Names\":[\"c1\"],\"Labels\":{\"a\":\"x\"},"
    "\"_template\":{\"Names\":\"c1\"}},"
    "{\"Id\":\"1111\",\"Image\":\"a\\tb\\u001b[2J\\u009b\\n\",\"Names\":[\"c2\",\"d\"],"
    "\"Labels\":{},\"_template\":{\"Names\":\"c2,d\"}}]";

#define JSON_FORM                                                                                  \
    "[\n  {\n    \"Id\": \"05f8f0fc4092\",\n    \"Image\": \"hello\",\n    \"Names\": [\n"         \
    "      \"c1\"\n    ],\n    \"Labels\": {\n      \"a\": \"x\"\n    }\n  },\n"

static const struct {
    const char *format;
    bool quiet, no_heading;
    const char *want; /* "! ..." an error; "..." at the end: the beginning is enough */
} cases[] = {
    {NULL, false, false,
     "CONTAINER ID  IMAGE       NAMES\n"
     "05f8f0fc4092  hello       c1\n"
     "1111          a b [2J     c2,d\n"},
    {NULL, false, true, "05f8f0fc4092  hello       c1\n1111          a b [2J     c2,d\n"},
    {"", false, true, "05f8f0fc4092  hello       c1\n1111          a b [2J     c2,d\n"},
    {"table", false, true, "05f8f0fc4092  hello       c1\n1111          a b [2J     c2,d\n"},
    {NULL, true, false, "05f8f0fc4092\n1111\n"},
    {"{{.Names}}", true, false, "c1\nc2,d\n"},
    {"{{.Names}}", false, false, "c1\nc2,d\n"},
    {"{{.ID}}\\n", false, false, "05f8f0fc4092\n1111\n"},
    {"{{.ID}}\n", false, false, "05f8f0fc4092\n1111\n"},
    {"{{.ID}}\\t{{len .Labels}}", false, false, "05f8f0fc4092\t1\n1111\t0\n"},
    {"{{.Labels.a}}", false, false, "x\n<no value>\n"},
    {"{{.Image}}", false, false, "hello\na\tb\x1b[2J\xc2\x9b\n\n"},
    {"{{range .}}{{.ID}};{{end}}", false, false, "05f8f0fc4092;1111;\n"},
    {"{{- range $i, $e := . }}{{$i}}{{end}}", false, false, "01\n"},
    {"table {{.ID}}\\t{{.Size}}", false, false, "! can't evaluate field Size"},
    {"table {{.ID}}\\t{{.Labels}}", false, false,
     "CONTAINER ID  LABELS\n05f8f0fc4092  map[a:x]\n1111          map[]\n"},
    {"table {{.Names}} {{.ID}}", false, false, "NAMES CONTAINER ID\nc1 05f8f0fc4092\nc2,d 1111\n"},
    {"table {{.Names}}", false, true, "c1\nc2,d\n"},
    {"table  {{upper .Image}}\\tx", false, false, "IMAGE       x\nHELLO       x\nA B [2J     x\n"},
    {"tables", false, false, "tables\ntables\n"},
    {"json", false, false, JSON_FORM "..."},
    {"json", true, false, JSON_FORM "..."},
    {"{{json .Labels}}", false, false, "{\"a\":\"x\"}\n{}\n"},
    {"{{.Nope}}", false, false, "! can't evaluate field Nope"},
    {"{{.ID", false, false, "! unclosed action"},
    {"table {{nope}}", false, false, "! function \"nope\" not defined"},
};

static int print_to_text(char **ret, size_t i, const json_t *rows, struct err *err)
{
    size_t len;
    struct list_options o = {cases[i].format, cases[i].quiet, cases[i].no_heading};
    FILE *f = open_memstream(ret, &len);
    int r = list_print(f, rows, &view, &o, err);
    fclose(f);
    return r;
}

static bool holds(const char *got, const char *want)
{
    size_t n = strlen(want);
    if (n > 3 && strcmp(want + n - 3, "...") == 0)
        return strncmp(got, want, n - 3) == 0;
    return strcmp(got, want) == 0;
}

static void test_lists(void **state)
{
    auto_json json_t *rows = NULL;
    assert_int_equal(json_parse(data, sizeof(data) - 1, &rows, NULL), 0);
    for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
        auto_free char *got = NULL;
        struct err err = {0};
        int r = print_to_text(&got, i, rows, &err);
        const char *format = cases[i].format ? cases[i].format : "(none)";
        if (strncmp(cases[i].want, "! ", 2) == 0) {
            if (r >= 0 || !strstr(err.message, cases[i].want + 2))
                fail_msg("%s: wanted %s, gave %d %s", format, cases[i].want, r, err.message);
            assert_string_equal(got, "");
        } else if (r < 0 || !holds(got, cases[i].want)) {
            fail_msg("%s\n   gave: %s%s\n wanted: %s", format, got, err.message, cases[i].want);
        }
    }
    /* JSON shows what the row is, not what templates see; and the rows are as they were. */
    assert_non_null(json_object_get(json_array_get(rows, 0), LIST_TEMPLATE_FIELDS));
}

static void test_empty(void **state)
{
    static const struct {
        const char *format, *want;
    } empty[] = {{NULL, "CONTAINER ID  IMAGE       NAMES\n"}, {"json", "[]\n"}, {"{{.ID}}", ""}};
    auto_json json_t *rows = json_array();
    for (size_t i = 0; i < sizeof(empty) / sizeof(*empty); i++) {
        auto_free char *got = NULL;
        size_t len;
        FILE *f = open_memstream(&got, &len);
        struct list_options o = {.format = empty[i].format};
        assert_int_equal(list_print(f, rows, &view, &o, NULL), 0);
        fclose(f);
        assert_string_equal(got, empty[i].want);
    }
}

static void test_inspect(void **state)
{
    static const struct {
        const char *format, *want;
    } forms[] = {
        {NULL, "[\n     {\n          \"Id\": \"a\"\n     },\n     {\n          \"Id\": \"b\"\n"
               "     }\n]\n"},
        {"json", "[\n     {\n          \"Id\": \"a\"\n     },\n     {\n          \"Id\": \"b\"\n"
                 "     }\n]\n"},
        {"{{.Id}}", "a\nb\n"},
        {"{{.ID}}\\n", "a\nb\n"},
    };
    auto_json json_t *array = json_pack("[{s:s},{s:s}]", "Id", "a", "Id", "b");
    for (size_t i = 0; i < sizeof(forms) / sizeof(*forms); i++) {
        auto_free char *got = NULL;
        size_t len;
        FILE *f = open_memstream(&got, &len);
        assert_int_equal(inspect_print(f, array, forms[i].format, NULL), 0);
        fclose(f);
        assert_string_equal(got, forms[i].want);
    }
    struct err err = {0};
    assert_int_equal(inspect_print(stdout, array, "{{.Id", &err), -EINVAL);
    assert_int_equal(err.kind, ERR_USAGE);
}

/* A list longer than the stream's buffer meets the full disk while it is written. */
static void test_full_disk(void **state)
{
    auto_json json_t *rows = json_array();
    struct err err = {0};
    for (int i = 0; i < 5000; i++)
        json_array_append_new(rows, json_pack("{s:s}", "ID", "0123456789ab"));
    FILE *f = fopen("/dev/full", "we");
    assert_non_null(f);
    struct list_options o = {.format = "{{.ID}}"};
    assert_int_equal(list_print(f, rows, &view, &o, &err), -ENOSPC);
    assert_string_equal(err.message, "write: No space left on device");
    fclose(f);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_lists),
        cmocka_unit_test(test_empty),
        cmocka_unit_test(test_inspect),
        cmocka_unit_test(test_full_disk),
    };
    return setlocale(LC_CTYPE, "C.UTF-8") ? cmocka_run_group_tests(tests, NULL, NULL) : 1;
}
