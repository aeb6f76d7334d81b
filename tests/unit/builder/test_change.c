/* SPDX-License-Identifier: Apache-2.0 */
/* --change: one instruction on a configuration. */
#include "base/alloc.h"
#include "base/json.h"
#include "builder/build.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

/* What the "config" object is after the change, or the error. */
static const struct {
    const char *change, *want;
} cases[] = {
    {"CMD [\"echo\", \"a b\"]", "{\"Cmd\":[\"echo\",\"a b\"],\"Entrypoint\":[\"/e\"],"
                                "\"Env\":[\"A=1\"],\"Labels\":{\"l\":\"1\"}}"},
    {"cmd run it", "{\"Cmd\":[\"/bin/sh\",\"-c\",\"run it\"],\"Entrypoint\":[\"/e\"],"
                   "\"Env\":[\"A=1\"],\"Labels\":{\"l\":\"1\"}}"},
    {"ENV B=x${A} A=2", "{\"Cmd\":[\"old\"],\"Entrypoint\":[\"/e\"],\"Env\":[\"A=2\",\"B=x1\"],"
                        "\"Labels\":{\"l\":\"1\"}}"},
    {"LABEL m=\"two words\"", "{\"Cmd\":[\"old\"],\"Entrypoint\":[\"/e\"],\"Env\":[\"A=1\"],"
                              "\"Labels\":{\"l\":\"1\",\"m\":\"two words\"}}"},
    {"USER games", "{\"Cmd\":[\"old\"],\"Entrypoint\":[\"/e\"],\"Env\":[\"A=1\"],"
                   "\"Labels\":{\"l\":\"1\"},\"User\":\"games\"}"},
    {"USER=games", "{\"Cmd\":[\"old\"],\"Entrypoint\":[\"/e\"],\"Env\":[\"A=1\"],"
                   "\"Labels\":{\"l\":\"1\"},\"User\":\"games\"}"},
    {"LABEL=m=1=2", "{\"Cmd\":[\"old\"],\"Entrypoint\":[\"/e\"],\"Env\":[\"A=1\"],"
                    "\"Labels\":{\"l\":\"1\",\"m\":\"1=2\"}}"},
    {"WORKDIR /w", "{\"Cmd\":[\"old\"],\"Entrypoint\":[\"/e\"],\"Env\":[\"A=1\"],"
                   "\"Labels\":{\"l\":\"1\"},\"WorkingDir\":\"/w\"}"},
    {"EXPOSE 80", "{\"Cmd\":[\"old\"],\"Entrypoint\":[\"/e\"],\"Env\":[\"A=1\"],"
                  "\"ExposedPorts\":{\"80/tcp\":{}},\"Labels\":{\"l\":\"1\"}}"},
    {"HEALTHCHECK --interval=1m --retries=2 CMD curl $A",
     "{\"Cmd\":[\"old\"],\"Entrypoint\":[\"/e\"],\"Env\":[\"A=1\"],"
     "\"Healthcheck\":{\"Interval\":60000000000,\"Retries\":2,"
     "\"Test\":[\"CMD-SHELL\",\"curl $A\"]},\"Labels\":{\"l\":\"1\"}}"},
    {"HEALTHCHECK --timeout=1.5s --start-period=20ms --start-interval=0 CMD [\"a\", \"b c\"]",
     "{\"Cmd\":[\"old\"],\"Entrypoint\":[\"/e\"],\"Env\":[\"A=1\"],"
     "\"Healthcheck\":{\"StartPeriod\":20000000,\"Test\":[\"CMD\",\"a\",\"b c\"],"
     "\"Timeout\":1500000000},\"Labels\":{\"l\":\"1\"}}"},
    {"HEALTHCHECK NONE", "{\"Cmd\":[\"old\"],\"Entrypoint\":[\"/e\"],\"Env\":[\"A=1\"],"
                         "\"Healthcheck\":{\"Test\":[\"NONE\"]},\"Labels\":{\"l\":\"1\"}}"},
    {"HEALTHCHECK --interval=1 CMD x", "--change \"HEALTHCHECK --interval=1 CMD x\": invalid "
                                       "duration \"1\" for --interval"},
    {"HEALTHCHECK --timeout=1us CMD x", "--change \"HEALTHCHECK --timeout=1us CMD x\": --timeout "
                                        "cannot be less than 1ms"},
    {"HEALTHCHECK --retries=-1 CMD x", "--change \"HEALTHCHECK --retries=-1 CMD x\": invalid "
                                       "number \"-1\" for --retries"},
    {"RUN true", "--change \"RUN true\": RUN is not a valid change command"},
    {"FROM debian", "--change \"FROM debian\": FROM is not a valid change command"},
    {"COPY a /b", "--change \"COPY a /b\": COPY is not a valid change command"},
    {"XYZZY bar", "--change \"XYZZY bar\": unknown instruction: XYZZY"},
    {"", "--change \"\": one instruction is expected"},
    {"# only a comment", "--change \"# only a comment\": one instruction is expected"},
    {"USER a\nUSER b", "--change \"USER a\nUSER b\": one instruction is expected"},
    {"STOPSIGNAL nonsense", "--change \"STOPSIGNAL nonsense\": invalid signal: nonsense"},
    {"EXPOSE 80/xyz", "--change \"EXPOSE 80/xyz\": invalid proto: xyz"},
};

static void init(struct image_config *c)
{
    image_config_init(c);
    strv_add(&c->run.env, "A=1");
    strv_add(&c->run.cmd, "old");
    strv_add(&c->run.entrypoint, "/e");
    c->run.has_cmd = c->run.has_entrypoint = true;
    json_put_string(c->run.labels, "l", "1");
}

static void test_changes(void **state)
{
    for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
        auto_done(image_config) struct image_config c = {0};
        struct err err = {0};
        init(&c);
        int r = build_change(&c, cases[i].change, &err);
        auto_json json_t *json = image_config_json(&c);
        auto_free char *config =
            json_dumps(json_object_get(json, "config"), JSON_COMPACT | JSON_SORT_KEYS);
        const char *got = r < 0 ? err.message : config;
        if (strcmp(got, cases[i].want) != 0)
            fail_msg("%s\n   gave: %s\n wanted: %s", cases[i].change, got, cases[i].want);
        if (r < 0)
            assert_int_equal(err.kind, ERR_USAGE);
        assert_int_equal(c.n_history, 0);
        assert_int_equal(c.run.cmd.len > 0, true);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_changes)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
