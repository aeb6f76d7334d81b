/* SPDX-License-Identifier: Apache-2.0 */
/* A line of events.log against filters and times. */
#include "base/alloc.h"
#include "base/file.h"
#include "base/json.h"
#include "engine/events.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#define ID "0123456789abcdef"
static const char container[] =
    "{\"Type\":\"container\",\"Status\":\"died\",\"Time\":\"2026-11-25T10:00:00.5Z\",\"ID\":\"" ID
    "\",\"Name\":\"web\",\"Image\":\"docker.io/library/nginx:1\",\"ContainerExitCode\":3,"
    "\"Attributes\":{\"a\":\"1\",\"b\":\"\"}}";
static const char image[] = "{\"Type\":\"image\",\"Status\":\"pull\",\"Time\":\"2026-11-25T10:00:"
                            "00Z\",\"ID\":\"" ID "\",\"Name\":\"docker.io/library/nginx:1\"}";
static const char volume[] = "{\"Type\":\"volume\",\"Status\":\"create\",\"Time\":\"2026-11-25T10:"
                             "00:00Z\",\"Name\":\"data\"}";

static bool passes(const char *line, const struct events_options *o)
{
    auto_json json_t *event = NULL;
    struct err err = {0};
    int r = events_parse(line, strlen(line), o, &event, &err);
    assert_int_equal(r, 0);
    return event != NULL;
}

static void filters(void **state)
{
    static const struct {
        const char *line, *filters; /* separated by ';' */
        bool expected;
    } rows[] = {
        {container, "", true},
        {container, "type=container", true},
        {container, "type=image", false},
        {container, "type=image;type=container", true},
        {container, "event=died", true},
        {container, "event=die", false},
        {container, "container=web", true},
        {container, "container=0123", true},
        {container, "container=we", false},
        {container, "container=", false},
        {container, "image=nginx", true},
        {container, "image=apache", false},
        {container, "image=", true},
        {container, "label=a", true},
        {container, "label=a=1", true},
        {container, "label=a=2", false},
        {container, "label=b=", true},
        {container, "label=a;label=c", false},
        {container, "label=a;label=b;event=died", true},
        {container, "volume=web", false},
        {image, "image=docker.io/library/nginx:1", true},
        {image, "image=0123", true},
        {image, "image=nginx", false},
        {image, "container=0123", false},
        {volume, "volume=data", true},
        {volume, "volume=dat", false},
        {volume, "image=data", false},
        {volume, "label=a", false},
    };
    for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++) {
        auto_strv all = {0};
        if (*rows[i].filters)
            strv_split(&all, rows[i].filters, ';');
        struct events_options o = {.filters = &all};
        if (passes(rows[i].line, &o) != rows[i].expected)
            fail_msg("row %zu: %s", i, rows[i].filters);
    }
}

static void times(void **state)
{
    static const struct {
        const char *since, *until;
        bool expected;
    } rows[] = {
        {NULL, NULL, true},
        {"2026-11-25T10:00:00.5Z", NULL, true},
        {"2026-11-25T10:00:00.6Z", NULL, false},
        {NULL, "2026-11-25T10:00:00.5Z", true},
        {NULL, "2026-11-25T10:00:00.4Z", false},
        {"2026-11-25T10:00:00Z", "2026-11-25T10:00:01Z", true},
    };
    for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++) {
        struct events_options o = {0};
        if (rows[i].since)
            time_parse(rows[i].since, &o.since);
        if (rows[i].until)
            time_parse(rows[i].until, &o.until);
        if (passes(container, &o) != rows[i].expected)
            fail_msg("row %zu", i);
    }
}

/* A full disk cuts lines off; and the file may be anybody's who can write to the store. */
static void damaged(void **state)
{
    static const char *const lines[] = {"",      "{",  "{\"Type\":", "null", "[]",
                                        "\"x\"", "\1", "{}x",        "3"};
    struct events_options none = {0};
    for (size_t i = 0; i < sizeof(lines) / sizeof(*lines); i++)
        assert_false(passes(lines[i], &none));
    static const char *const odd[] = {"{}", "{\"Type\":3,\"Time\":[],\"ID\":{},\"Attributes\":7}",
                                      "{\"Type\":\"container\",\"Attributes\":{\"a\":5}}"};
    auto_strv all = {0};
    strv_add(&all, "label=a=5");
    struct events_options o = {.filters = &all};
    for (size_t i = 0; i < sizeof(odd) / sizeof(*odd); i++) {
        assert_true(passes(odd[i], &none));
        assert_false(passes(odd[i], &o));
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(filters),
        cmocka_unit_test(times),
        cmocka_unit_test(damaged),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
