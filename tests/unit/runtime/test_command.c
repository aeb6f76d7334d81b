/* SPDX-License-Identifier: Apache-2.0 */
/* Environment defaults, PATH search, script heads. */
#include "runtime/command.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <stdlib.h>
#include <string.h>

static void env_defaults(void **state)
{
    static const struct {
        bool tty;
        const char *given; /* separated by | */
        const char *home;
        const char *want;
    } rows[] = {
        {false, "", "", "PATH=" COMMAND_DEFAULT_PATH "|container=wherry|HOSTNAME=h|HOME=/"},
        {true, "", "/root",
         "PATH=" COMMAND_DEFAULT_PATH "|TERM=xterm|container=wherry|HOSTNAME=h|HOME=/root"},
        {true, "PATH=/x|TERM=vt100|A=b=c", "/root",
         "PATH=/x|TERM=vt100|container=wherry|A=b=c|HOSTNAME=h|HOME=/root"},
        {false, "HOME=/own|HOSTNAME=other|container=mine|novalue|E=", "/root",
         "PATH=" COMMAND_DEFAULT_PATH "|container=mine|HOME=/own|HOSTNAME=other|E="},
        {false, "A=1|A=2", "/",
         "PATH=" COMMAND_DEFAULT_PATH "|container=wherry|A=2|HOSTNAME=h|"
         "HOME=/"},
    };
    for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++) {
        struct sandbox sb = {.hostname = "h", .tty = rows[i].tty};
        auto_strv env = {0};
        strv_split(&sb.env, rows[i].given, '|');
        command_env(&sb, rows[i].home, &env);
        auto_free char *got = strv_join(&env, "|");
        assert_string_equal(got, rows[i].want);
        strv_done(&sb.env);
    }
}

static void path_search(void **state)
{
    static const struct {
        const char *name, *path, *want;
    } rows[] = {
        {"sh", "/usr/bin:/bin", "/usr/bin/sh|/bin/sh"},
        {"./x", "/bin", "./x"},
        {"/x", "/bin", "/x"},
        {"sh", "", ""},
        {"sh", ":/bin::", "/bin/sh"},
        {"a/b", "/bin", "a/b"},
    };
    for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++) {
        auto_strv files = {0};
        command_candidates(rows[i].name, rows[i].path, &files);
        auto_free char *got = strv_join(&files, "|");
        assert_string_equal(got ? got : "", rows[i].want);
    }
}

static void script_heads(void **state)
{
    static const struct {
        const char *head, *want, *arg;
    } rows[] = {
        {"#!/bin/sh\n", "/bin/sh", ""},
        {"#!/bin/sh -e\nexit\n", "/bin/sh", "-e"},
        {"#!/usr/bin/env  -S  perl -w \t\n", "/usr/bin/env", "-S  perl -w"},
        {"#! \t/bin/sh", "/bin/sh", ""},
        {"#!\n", NULL, ""},
        {"#!   \n", NULL, ""},
        {"\x7f"
         "ELF",
         NULL, ""},
        {"#", NULL, ""},
        {"", NULL, ""},
        {" #!/bin/sh", NULL, ""},
        {"#!/proc/self/exe", "/proc/self/exe", ""},
    };
    for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++) {
        char *got = NULL, *arg = NULL;
        bool is = command_interpreter(rows[i].head, strlen(rows[i].head), &got, &arg);
        assert_int_equal(is, rows[i].want != NULL);
        if (is)
            assert_string_equal(got, rows[i].want);
        assert_string_equal(arg ? arg : "", rows[i].arg);
        free(got);
        free(arg);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(env_defaults),
        cmocka_unit_test(path_search),
        cmocka_unit_test(script_heads),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
