/* SPDX-License-Identifier: Apache-2.0 */
/* --restart: its words, and when a container that ended starts again. */
#include "base/alloc.h"
#include "base/json.h"
#include "engine/restart_policy.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

static void words(void **state)
{
    static const struct {
        const char *text, *expected; /* "NAME TIMES", or "error: PART" */
    } rows[] = {
        {"no", "no 0"},
        {"always", "always 0"},
        {"unless-stopped", "unless-stopped 0"},
        {"on-failure", "on-failure 0"},
        {"on-failure:0", "on-failure 0"},
        {"on-failure:3", "on-failure 3"},
        {"on-failure:999999999", "on-failure 999999999"},
        {"on-failure:007", "on-failure 7"},
        {"on-failure:1000000000", "error: invalid restart policy"},
        {"on-failure:", "error: invalid restart policy"},
        {"on-failure:-1", "error: invalid restart policy"},
        {"on-failure:+1", "error: invalid restart policy"},
        {"on-failure:1x", "error: invalid restart policy"},
        {"on-failure:1:2", "error: invalid restart policy"},
        {"on-failure: 1", "error: invalid restart policy"},
        {"always:3", "error: only be specified with on-failure"},
        {"no:", "error: only be specified with on-failure"},
        {"sometimes:3", "error: invalid restart policy"},
        {"Always", "error: invalid restart policy"},
        {"", "error: invalid restart policy"},
        {":", "error: invalid restart policy"},
    };
    for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++) {
        auto_json json_t *policy = NULL;
        struct err err = {0};
        int r = restart_policy_parse(rows[i].text, &policy, &err);
        auto_free char *found = r < 0 ? xasprintf("error: %s", err.message)
                                      : xasprintf("%s %lld", json_get_string(policy, "Name", "?"),
                                                  (long long)json_integer_value(json_object_get(
                                                      policy, "MaximumRetryCount")));
        bool error = strncmp(rows[i].expected, "error: ", 7) == 0;
        if (error ? r >= 0 || err.kind != ERR_USAGE || !strstr(err.message, rows[i].expected + 7)
                  : strcmp(found, rows[i].expected) != 0)
            fail_msg("%s\n  found    %s\n  expected %s", rows[i].text, found, rows[i].expected);
    }
}

/* Ends, one after the other: "CODE/LIVED-MS" each, and the delays that follow. */
static void ends(void **state)
{
    static const struct {
        const char *policy;
        struct {
            int code;
            int64_t lived, delay;
        } steps[6];
    } rows[] = {
        {"no", {{1, 0, -1}}},
        {"always", {{0, 0, 100}, {1, 0, 200}, {0, 9999, 400}, {0, 10000, 100}, {0, 5, 200}}},
        {"unless-stopped", {{0, 0, 100}, {137, 0, 200}}},
        {"on-failure", {{1, 0, 100}, {1, 0, 200}, {0, 0, -1}}},
        {"on-failure:2", {{1, 0, 100}, {2, 0, 200}, {3, 0, -1}}},
    };
    for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++) {
        auto_json json_t *policy = NULL;
        struct restart_history h = {0};
        assert_int_equal(restart_policy_parse(rows[i].policy, &policy, NULL), 0);
        for (size_t j = 0; j < 6 && rows[i].steps[j].delay; j++)
            assert_int_equal(
                restart_policy_next(policy, rows[i].steps[j].code, rows[i].steps[j].lived, &h),
                rows[i].steps[j].delay);
    }
}

static void delay_has_a_limit(void **state)
{
    auto_json json_t *policy = NULL;
    struct restart_history h = {0};
    int64_t last = 0;
    assert_int_equal(restart_policy_parse("always", &policy, NULL), 0);
    for (int i = 0; i < 100; i++)
        last = restart_policy_next(policy, 0, 0, &h);
    assert_int_equal(last, 60000);
    assert_int_equal(h.count, 100);
}

/* What config.json may hold when somebody wrote it: nothing starts again by mistake. */
static void damaged(void **state)
{
    static const char *const texts[] = {"{}", "{\"Name\": 3}", "{\"Name\": \"\"}", "[]"};
    for (size_t i = 0; i < sizeof(texts) / sizeof(*texts); i++) {
        auto_json json_t *policy = NULL;
        struct restart_history h = {0};
        assert_int_equal(json_parse(texts[i], strlen(texts[i]), &policy, NULL), 0);
        assert_int_equal(restart_policy_next(policy, 1, 0, &h), -1);
    }
    struct restart_history h = {0};
    assert_int_equal(restart_policy_next(NULL, 1, 0, &h), -1);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(words),
        cmocka_unit_test(ends),
        cmocka_unit_test(delay_has_a_limit),
        cmocka_unit_test(damaged),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
