/* SPDX-License-Identifier: Apache-2.0 */
/* policy.json: what is accepted, what is rejected, what is no policy. */
#include "base/json.h"
#include "spec/policy.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#define ACCEPT "[{\"type\":\"insecureAcceptAnything\"}]"
#define REJECT "[{\"type\":\"reject\"}]"
#define SIGNED "[{\"type\":\"signedBy\",\"keyType\":\"GPGKeys\",\"keyPath\":\"/x\"}]"
#define HEX    "0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef"

static int load(const char *text, struct policy *ret, struct err *err)
{
    auto_json json_t *json = NULL;
    int r = json_parse(text, strlen(text), &json, err);
    return r < 0 ? r : policy_parse(json, ret, err);
}

static void test_check(void **state)
{
    static const char text[] =
        "{\"default\":" REJECT ",\"transports\":{\"docker-archive\":{\"\":" REJECT "},\"docker\":{"
        "\"docker.io/library\":" ACCEPT ",\"docker.io/library/debian\":" REJECT
        ",\"docker.io/library/debian:12\":" ACCEPT ",\"docker.io/library/x@sha256:" HEX "\":" REJECT
        ",\"signed.example\":" SIGNED ",\"*.good.example\":" ACCEPT
        ",\"*.bad.good.example\":" REJECT ",\"host.example:5000\":" ACCEPT
        ",\"both.example\":[{\"type\":\"insecureAcceptAnything\"},{\"type\":\"reject\"}]"
        ",\"key.example\":[{\"type\":\"sigstoreSigned\",\"keyPath\":\"/y\"}]}}}";
    static const struct {
        const char *name, *says; /* NULL: accepted */
    } table[] = {
        {"docker.io/library/hello", NULL},
        {"hello:1", NULL},
        {"docker.io/library/debian:11", "rejected"},
        {"docker.io/library/debian:12", NULL},
        {"docker.io/library/debian@sha256:" HEX, "rejected"},
        {"docker.io/library/debian-more", NULL}, /* another name, not one below */
        {"docker.io/library/x@sha256:" HEX, "rejected"},
        {"docker.io/library/x:1", NULL},
        {"docker.io/other/x", "rejected"},
        {"signed.example/a/b", "asks for a signature (signedBy)"},
        {"key.example/a", "asks for a signature (sigstoreSigned)"},
        {"a.good.example/x", NULL},
        {"a.good.example:5000/x", NULL},
        {"good.example/x", "rejected"},
        {"a.bad.good.example/x", "rejected"},
        {"host.example:5000/x", NULL},
        {"host.example/x", "rejected"},
        {"both.example/x", "rejected"},
        {"else.example/x", "rejected"},
    };
    auto_done(policy) struct policy p = {0};
    assert_int_equal(load(text, &p, NULL), 0);
    for (size_t i = 0; i < sizeof(table) / sizeof(*table); i++) {
        auto_done(image_ref) struct image_ref ref = {0};
        struct err err = {0};
        assert_int_equal(image_ref_parse(table[i].name, &ref, NULL), 0);
        int r = policy_check(&p, &ref, &err);
        if (r != (table[i].says ? -EACCES : 0) ||
            (table[i].says && !strstr(err.message, table[i].says)))
            fail_msg("%s: %d %s", table[i].name, r, err.message);
    }
}

/* "" is for what no scope of the transport names, and comes before the default. */
static void test_fallbacks(void **state)
{
    static const struct {
        const char *text;
        int want;
    } table[] = {
        {"{\"default\":" ACCEPT "}", 0},
        {"{\"default\":" REJECT "}", -EACCES},
        {"{\"default\":" SIGNED "}", -EACCES},
        {"{\"default\":" ACCEPT ",\"transports\":{\"docker\":{\"\":" REJECT "}}}", -EACCES},
        {"{\"default\":" REJECT ",\"transports\":{\"docker\":{\"\":" ACCEPT "}}}", 0},
        {"{\"default\":" ACCEPT ",\"transports\":{\"dir\":{\"\":" REJECT "}}}", 0},
        {"{\"default\":" REJECT ",\"transports\":{\"docker\":{\"x.example\":" ACCEPT "}}}",
         -EACCES},
    };
    auto_done(image_ref) struct image_ref ref = {0};
    assert_int_equal(image_ref_parse("a.example/b:c", &ref, NULL), 0);
    for (size_t i = 0; i < sizeof(table) / sizeof(*table); i++) {
        auto_done(policy) struct policy p = {0};
        assert_int_equal(load(table[i].text, &p, NULL), 0);
        if (policy_check(&p, &ref, NULL) != table[i].want)
            fail_msg("%s", table[i].text);
    }
    const struct policy none = {0};
    assert_int_equal(policy_check(&none, &ref, NULL), 0);
}

static void test_refused(void **state)
{
    static const char *const table[] = {
        "[]",
        "{}",
        "{\"default\":[]}",
        "{\"default\":{}}",
        "{\"default\":[{\"type\":\"accept\"}]}",
        "{\"default\":[{}]}",
        "{\"default\":[\"reject\"]}",
        "{\"default\":[{\"type\":\"reject\",\"more\":1}]}",
        "{\"default\":" ACCEPT ",\"transport\":{}}",
        "{\"default\":" ACCEPT ",\"transports\":[]}",
        "{\"default\":" ACCEPT ",\"transports\":{\"docker\":[]}}",
        "{\"default\":" ACCEPT ",\"transports\":{\"docker\":{\"x.example\":[]}}}",
        "{\"default\":" ACCEPT
        ",\"transports\":{\"docker\":{\"x.example\":[{\"type\":\"rejct\"}]}}}",
    };
    for (size_t i = 0; i < sizeof(table) / sizeof(*table); i++) {
        struct policy p = {0};
        if (load(table[i], &p, NULL) != -EINVAL)
            fail_msg("accepted: %s", table[i]);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_check),
        cmocka_unit_test(test_fallbacks),
        cmocka_unit_test(test_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
