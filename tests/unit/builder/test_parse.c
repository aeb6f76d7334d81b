/* SPDX-License-Identifier: Apache-2.0 */
/* Lexer and parser: parse.txt has Dockerfiles and what is read from them; json.tsv what is a JSON
 * form; fail.txt Dockerfiles that must be refused, each with its message. */
#include "cases.h"

#include "base/alloc.h"
#include "base/buf.h"
#include "builder/lexer.h"
#include "builder/parse.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

static void dump_text(struct buf *out, const char *s)
{
    for (; *s; s++) {
        if (*s == '\n')
            buf_add_str(out, "\\n");
        else if (*s == '\t')
            buf_add_str(out, "\\t");
        else
            buf_add_char(out, *s);
    }
}

static void dump_flag(struct buf *out, const char *name, const char *value)
{
    if (value)
        buf_printf(out, " --%s=%s", name, value);
}

/* "3-4 RUN json --from=x <word> <word> NAME=value <<EOF:data" */
static void dump(const struct ast_instr *in, struct buf *out)
{
    buf_printf(out, "%u", in->line);
    if (in->line_end != in->line)
        buf_printf(out, "-%u", in->line_end);
    buf_printf(out, " %s%s", instr_name(in->kind), in->json ? " json" : "");
    dump_flag(out, "from", in->from);
    dump_flag(out, "chown", in->chown);
    dump_flag(out, "chmod", in->chmod);
    dump_flag(out, "platform", in->platform);
    dump_flag(out, "as", in->stage_name);
    dump_flag(out, "interval", in->interval);
    dump_flag(out, "timeout", in->timeout);
    dump_flag(out, "start-period", in->start_period);
    dump_flag(out, "start-interval", in->start_interval);
    dump_flag(out, "retries", in->retries);
    if (in->no_unpack)
        buf_add_str(out, " no-unpack");
    if (in->unsupported)
        buf_printf(out, " unsupported(%s)", in->unsupported);
    for (size_t i = 0; i < in->words.len; i++) {
        buf_add_str(out, " <");
        dump_text(out, in->words.v[i]);
        buf_add_char(out, '>');
    }
    for (size_t i = 0; i < in->n_pairs; i++) {
        buf_printf(out, " %s", in->pairs[i].name);
        if (in->pairs[i].value)
            buf_printf(out, "=%s", in->pairs[i].value);
    }
    for (size_t i = 0; i < in->n_heredocs; i++) {
        const struct ast_heredoc *h = &in->heredocs[i];
        buf_printf(out, " <<%s%s%s:", h->strip_tabs ? "-" : "", h->name, h->expand ? "" : "'");
        dump_text(out, h->data);
    }
    buf_add_char(out, '\n');
}

static char *parse_and_dump(const char *text)
{
    auto_done(ast_file) struct ast_file f = {0};
    struct err err = {0};
    auto_buf out = {0};
    if (parse_dockerfile("Dockerfile", text, strlen(text), &f, &err) < 0) {
        buf_printf(&out, "error: %s", err.message);
        return buf_take(&out);
    }
    for (size_t i = 0; i < f.n_instrs; i++)
        dump(&f.instrs[i], &out);
    for (size_t i = 0; i < f.n_warnings; i++)
        buf_printf(&out, "%u warning %s\n", f.warnings[i].line, f.warnings[i].rule);
    while (out.len > 0 && out.data[out.len - 1] == '\n')
        buf_truncate(&out, out.len - 1);
    return buf_take(&out);
}

static void check_cases(const char *file, size_t at_least)
{
    struct test_case *v;
    size_t n = cases_read(file, &v);
    int bad = 0;
    assert_true(n >= at_least);
    for (size_t i = 0; i < n; i++) {
        auto_free char *got = parse_and_dump(v[i].input);
        bad += differs(v[i].name, got, v[i].expected);
    }
    cases_free(v, n);
    assert_int_equal(bad, 0);
}

static void test_parse(void **state)
{
    check_cases("parse.txt", 30);
}

static void test_fail(void **state)
{
    check_cases("fail.txt", 40);
}

static void test_json(void **state)
{
    struct strv *rows;
    size_t n = rows_read("json.tsv", 2, &rows);
    int bad = 0;
    for (size_t i = 0; i < n; i++) {
        auto_strv words = {0};
        bool json = parse_json_form(rows[i].v[0], &words);
        auto_free char *joined = strv_join(&words, "|");
        auto_free char *got = json ? xasprintf("json %zu %s", words.len, joined) : xstrdup("shell");
        bad += differs(rows[i].v[0], got, rows[i].v[1]);
    }
    rows_free(rows, n);
    assert_int_equal(bad, 0);
}

/* What cannot stand in a text file of cases. */
static void test_bytes(void **state)
{
    auto_done(ast_file) struct ast_file f = {0};
    struct err err = {0};
    static const char bom[] = "\xef\xbb\xbf# escape=`\r\nFROM a `\r\n AS b\r\n";
    assert_int_equal(parse_dockerfile("D", bom, sizeof(bom) - 1, &f, &err), 0);
    assert_int_equal(f.n_instrs, 1);
    assert_int_equal(f.escape, '`');
    assert_string_equal(f.instrs[0].stage_name, "b");
    assert_string_equal(f.instrs[0].text, "FROM a  AS b");

    struct ast_file none;
    static const char nul[] = "FROM a\0b\n";
    assert_int_equal(parse_dockerfile("D", nul, sizeof(nul) - 1, &none, &err), -EINVAL);
    assert_non_null(strstr(err.message, "NUL"));
    assert_int_equal(parse_dockerfile("D", NULL, 0, &none, &err), -EINVAL);
    assert_string_equal(err.message, "D: the file has no instructions");

    auto_buf big = {0};
    buf_add_str(&big, "FROM a\nENV A=");
    while (big.len < 7 + LEXER_LINE_MAX)
        buf_add_char(&big, 'x');
    auto_done(ast_file) struct ast_file fits = {0};
    assert_int_equal(parse_dockerfile("D", big.data, big.len, &fits, &err), 0);
    buf_add_char(&big, 'x');
    assert_int_equal(parse_dockerfile("D", big.data, big.len, &none, &err), -EINVAL);
    assert_true(strncmp(err.message, "D:2: the line is longer than 65535 bytes", 40) == 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_parse),
        cmocka_unit_test(test_fail),
        cmocka_unit_test(test_json),
        cmocka_unit_test(test_bytes),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
