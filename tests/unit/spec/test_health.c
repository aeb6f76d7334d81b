/* SPDX-License-Identifier: Apache-2.0 */
/* spec/health.h: what is said of a health check, by images and on the command line. */
#include "spec/health.h"

#include "base/alloc.h"
#include "base/json.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

/* Words with '|' between. */
static const struct {
    const char *text, *test, *command; /* test NULL: refused; command NULL: there is none */
} forms[] = {
    {"curl -f http://x", "CMD-SHELL|curl -f http://x", "/bin/sh|-c|curl -f http://x"},
    {"true", "CMD-SHELL|true", "/bin/sh|-c|true"},
    {"[\"true\"]", "CMD-SHELL|true", "/bin/sh|-c|true"},
    {"[\"test\", \"-e\", \"/a b\"]", "CMD|test|-e|/a b", "test|-e|/a b"},
    {"[\"CMD\", \"true\"]", "CMD|true", "true"},
    {"[\"cmd-shell\", \"exit 1\"]", "CMD-SHELL|exit 1", "/bin/sh|-c|exit 1"},
    {"CMD test  -e /x", "CMD|test|-e|/x", "test|-e|/x"},
    {"CMD-SHELL exit  1 || true", "CMD-SHELL|exit  1 || true", "/bin/sh|-c|exit  1 || true"},
    {"none", "NONE", NULL},
    {"NONE", "NONE", NULL},
    {"[\"NONE\"]", "NONE", NULL},
    {"[\"NONE\", \"x\"]", "NONE", NULL},
    {"nonesuch", "CMD-SHELL|nonesuch", "/bin/sh|-c|nonesuch"},
    {"[1, 2]", "CMD-SHELL|[1, 2]", "/bin/sh|-c|[1, 2]"},
    {"[ -e /x ]", "CMD-SHELL|[ -e /x ]", "/bin/sh|-c|[ -e /x ]"},
    {"[]", NULL, NULL},
    {"", NULL, NULL},
    {"CMD", NULL, NULL},
    {"CMD   ", NULL, NULL},
    {"CMD-SHELL", NULL, NULL},
    {"[\"CMD\"]", NULL, NULL},
    {"[\"\"]", NULL, NULL},
    {"[\"\", \"x\"]", NULL, NULL},
};

static void test_forms(void **state)
{
    for (size_t i = 0; i < sizeof(forms) / sizeof(*forms); i++) {
        auto_strv test = {0}, command = {0};
        struct err err = {0};
        int r = health_test_parse(forms[i].text, &test, &err);
        auto_free char *got = strv_join(&test, "|");
        if ((r < 0) != !forms[i].test || strcmp(got, forms[i].test ? forms[i].test : "") != 0)
            fail_msg("\"%s\": %d %s", forms[i].text, r, got);
        if (r < 0) {
            assert_int_equal(err.kind, ERR_USAGE);
            continue;
        }
        r = health_test_command(&test, &command);
        auto_free char *words = strv_join(&command, "|");
        if ((r < 0) != !forms[i].command || strcmp(words, forms[i].command ?: "") != 0)
            fail_msg("\"%s\": %d %s", forms[i].text, r, words);
    }
}

/* What other tools write, and what nobody should. */
static const struct {
    const char *json, *want, *command; /* want NULL: refused */
} documents[] = {
    {"{}", "{}", NULL},
    {"{\"Test\":null}", "{}", NULL},
    {"{\"Test\":[]}", "{}", NULL},
    {"{\"Test\":[\"CMD-SHELL\",\"a\",\"b\"],\"Interval\":5,\"Timeout\":6,\"StartPeriod\":7,"
     "\"StartInterval\":8,\"Retries\":9,\"Other\":1}",
     "{\"Interval\":5,\"Retries\":9,\"StartInterval\":8,\"StartPeriod\":7,"
     "\"Test\":[\"CMD-SHELL\",\"a\",\"b\"],\"Timeout\":6}",
     "/bin/sh|-c|a b"},
    {"{\"Test\":[\"curl\",\"x\"]}", "{\"Test\":[\"curl\",\"x\"]}", "curl|x"},
    {"{\"Test\":[\"\"]}", "{\"Test\":[\"\"]}", NULL},
    {"[]", NULL, NULL},
    {"\"CMD x\"", NULL, NULL},
    {"{\"Test\":\"CMD x\"}", NULL, NULL},
    {"{\"Test\":[1]}", NULL, NULL},
    {"{\"Test\":[\"CMD\",\"x\"],\"Interval\":\"5s\"}", NULL, NULL},
    {"{\"Test\":[\"CMD\",\"x\"],\"Interval\":-1}", NULL, NULL},
    {"{\"Test\":[\"CMD\",\"x\"],\"Retries\":-1}", NULL, NULL},
};

static void test_documents(void **state)
{
    for (size_t i = 0; i < sizeof(documents) / sizeof(*documents); i++) {
        auto_json json_t *json = json_loads(documents[i].json, JSON_DECODE_ANY, NULL);
        auto_done(health_check) struct health_check h = {0};
        auto_strv command = {0};
        struct err err = {0};
        int r = health_check_parse(json, &h, &err);
        if ((r < 0) != !documents[i].want)
            fail_msg("%s: %d %s", documents[i].json, r, err.message);
        if (r < 0)
            continue;
        auto_json json_t *again = health_check_json(&h);
        auto_free char *text = json_text(again);
        if (strcmp(text, documents[i].want) != 0)
            fail_msg("%s\n   gave: %s", documents[i].json, text);
        r = health_test_command(&h.test, &command);
        auto_free char *words = strv_join(&command, "|");
        if ((r < 0) != !documents[i].command || strcmp(words, documents[i].command ?: "") != 0)
            fail_msg("%s: %d %s", documents[i].json, r, words);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_forms),
        cmocka_unit_test(test_documents),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
