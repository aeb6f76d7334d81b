/* SPDX-License-Identifier: Apache-2.0 */
/* Option tables: what a command line turns into, and what --help says. */
#include "base/opt.h"

#include "base/alloc.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>

#include <cmocka.h>

struct values {
    bool interactive, tty, all;
    char *name, *sort, *pull;
    struct strv env, publish, caps;
    int64_t num, port;
};

static const struct opt table[] = {
    OPT_BOOL_ROW('i', "interactive", values, interactive, "Keep stdin open"),
    OPT_BOOL_ROW('t', "tty", values, tty, "Allocate a terminal"),
    OPT_BOOL_ROW('a', "all", values, all, "All of them"),
    OPT_STRING_ROW('n', "name", values, name, "NAME", "The name"),
    OPT_LIST_ROW('e', "env", values, env, "NAME=VALUE", "Set a variable"),
    OPT_LIST_ROW('p', "publish", values, publish, NULL, "Publish a port"),
    OPT_INT_ROW(0, "num", values, num, NULL, "A number"),
    {.type = OPT_INT,
     .letter = 'q',
     .name = "port",
     .offset = offsetof(struct values, port),
     .help = "A port",
     .min = 1,
     .max = 65535},
    OPT_CHOICE_ROW('s', "sort", values, sort, NULL, "Order", "id|name|size"),
    OPT_CSV_ROW(0, "cap-add", values, caps, NULL, "Add capabilities"),
    {.type = OPT_STRING,
     .name = "pull",
     .offset = offsetof(struct values, pull),
     .help = "Pull first",
     .implied = "always"},
    {.type = OPT_STRING,
     .name = "old-name",
     .offset = offsetof(struct values, name),
     .help = "Not shown",
     .hidden = true},
    {0},
};

static void show_list(struct buf *b, const char *key, const struct strv *sv)
{
    if (!sv->len)
        return;
    auto_free char *all = strv_join(sv, ";");
    buf_printf(b, "%s=[%s] ", key, all);
}

/* The values that are not at their default, as text. */
static void show(struct buf *b, const struct values *v, const struct opt_result *res)
{
    if (v->interactive)
        buf_add_str(b, "i ");
    if (v->tty)
        buf_add_str(b, "t ");
    if (v->all)
        buf_add_str(b, "a ");
    if (v->name)
        buf_printf(b, "name=%s ", v->name);
    show_list(b, "env", &v->env);
    show_list(b, "publish", &v->publish);
    show_list(b, "caps", &v->caps);
    if (v->num)
        buf_printf(b, "num=%lld ", (long long)v->num);
    if (v->port)
        buf_printf(b, "port=%lld ", (long long)v->port);
    if (v->sort)
        buf_printf(b, "sort=%s ", v->sort);
    if (v->pull)
        buf_printf(b, "pull=%s ", v->pull);
    if (res->help)
        buf_add_str(b, "help ");
    buf_add_str(b, "|");
    for (size_t i = 0; i < res->args.len; i++)
        buf_printf(b, " %s", res->args.v[i]);
}

/* `line` is split at spaces; "_" stands for an empty word. `want` is what show() says, or what the
 * error says behind "! ". `stop`: flags end at the first argument. */
static const struct {
    const char *line, *want;
    bool stop;
} cases[] = {
    {"", "|"},
    {"a b", "| a b"},
    {"-i", "i |"},
    {"-it", "i t |"},
    {"-ita", "i t a |"},
    {"-i -t", "i t |"},
    {"--interactive --tty", "i t |"},
    {"-itn x", "i t name=x |"},
    {"-itnx", "i t name=x |"},
    {"-p80:80", "publish=[80:80] |"},
    {"-p 80:80", "publish=[80:80] |"},
    {"-p=80:80", "publish=[80:80] |"},
    {"-p80:80 -p 81:81 --publish=82:82 --publish 83:83", "publish=[80:80;81:81;82:82;83:83] |"},
    {"-e A=1 -eB=2", "env=[A=1;B=2] |"},
    {"-e=A=1", "env=[A=1] |"},
    {"-e A,B", "env=[A,B] |"},
    {"--env=A=1=2", "env=[A=1=2] |"},
    {"--env A", "env=[A] |"},
    {"--env= x", "env=[] | x"},
    {"-e _", "env=[] |"},
    {"--cap-add a,b --cap-add c", "caps=[a;b;c] |"},
    {"--name=x", "name=x |"},
    {"--name x", "name=x |"},
    {"--name x --name y", "name=y |"},
    {"--name --tty", "name=--tty |"},
    {"-n --tty", "name=--tty |"},
    {"--name -- x", "name=-- | x"},
    {"--name=", "name= |"},
    {"-n _", "name= |"},
    {"--old-name x", "name=x |"},
    {"--old-name x --name y", "name=y |"},
    {"--interactive=false", "|"},
    {"-i --interactive=false", "|"},
    {"-i=false", "|"},
    {"-i=true -t=0 -a=1", "i a |"},
    {"-ti=false", "t |"},
    {"--interactive=T", "i |"},
    {"--interactive=F", "|"},
    {"--interactive=TRUE --tty=True", "i t |"},
    {"--interactive false", "i | false"},
    {"--num 5", "num=5 |"},
    {"--num=-5", "num=-5 |"},
    {"--num -5", "num=-5 |"},
    {"--num 0x1f", "num=31 |"},
    {"--num 017", "num=15 |"},
    {"--num 9223372036854775807", "num=9223372036854775807 |"},
    {"--num=-9223372036854775808", "num=-9223372036854775808 |"},
    {"--port 1", "port=1 |"},
    {"-q65535", "port=65535 |"},
    {"--sort id", "sort=id |"},
    {"-ssize", "sort=size |"},
    {"-s size -s name", "sort=name |"},
    {"--pull", "pull=always |"},
    {"--pull x", "pull=always | x"},
    {"--pull=never x", "pull=never | x"},
    {"--", "|"},
    {"-- -i --foo", "| -i --foo"},
    {"-i -- -t", "i | -t"},
    {"a -- b -- c", "| a b -- c"},
    {"-", "| -"},
    {"- -i", "i | -"},
    {"a -i b -t c", "i t | a b c"},
    {"a --name x b", "name=x | a b"},
    {"_ -i", "i | "},
    {"a -i b -t c", "| a -i b -t c", true},
    {"-i a -t --foo -xyz", "i | a -t --foo -xyz", true},
    {"-i --name x a --name y", "i name=x | a --name y", true},
    {"-i -- a -- b", "i | a -- b", true},
    {"image -- x", "| image -- x", true},
    {"image --help", "| image --help", true},
    {"- -i", "| - -i", true},
    {"--help", "help |"},
    {"-h", "help |"},
    {"-ih", "i help |"},
    {"--help=false", "|"},
    {"a --help b", "help | a b"},
    {"--help --foo", "! unknown flag: --foo"},
    {"--help=maybe", "! invalid argument \"maybe\" for \"--help\" flag: invalid syntax"},
    {"--foo", "! unknown flag: --foo"},
    {"--foo=bar", "! unknown flag: --foo"},
    {"--nam x", "! unknown flag: --nam"},
    {"--names x", "! unknown flag: --names"},
    {"-x", "! unknown shorthand flag: 'x' in -x"},
    {"-xyz", "! unknown shorthand flag: 'x' in -xyz"},
    {"-ixyz", "! unknown shorthand flag: 'x' in -xyz"},
    {"-i0", "! unknown shorthand flag: '0' in -0"},
    {"--name", "! flag needs an argument: --name"},
    {"-n", "! flag needs an argument: 'n' in -n"},
    {"-in", "! flag needs an argument: 'n' in -n"},
    {"--num", "! flag needs an argument: --num"},
    {"--num x", "! invalid argument \"x\" for \"--num\" flag: invalid syntax"},
    {"--num _", "! invalid argument \"\" for \"--num\" flag: invalid syntax"},
    {"--num 5x", "! invalid argument \"5x\" for \"--num\" flag: invalid syntax"},
    {"--num 1.5", "! invalid argument \"1.5\" for \"--num\" flag: invalid syntax"},
    {"--num --", "! invalid argument \"--\" for \"--num\" flag: invalid syntax"},
    {"--num 9223372036854775808",
     "! invalid argument \"9223372036854775808\" for \"--num\" flag: value out of range"},
    {"--port 0", "! invalid argument \"0\" for \"-q, --port\" flag: value out of range"},
    {"--port 65536", "! invalid argument \"65536\" for \"-q, --port\" flag: value out of range"},
    {"-q -1", "! invalid argument \"-1\" for \"-q, --port\" flag: value out of range"},
    {"--tty=maybe", "! invalid argument \"maybe\" for \"-t, --tty\" flag: invalid syntax"},
    {"--tty=", "! invalid argument \"\" for \"-t, --tty\" flag: invalid syntax"},
    {"-t=x", "! invalid argument \"x\" for \"-t, --tty\" flag: invalid syntax"},
    {"--sort foo", "! invalid argument \"foo\" for \"-s, --sort\" flag: "
                   "choose from id, name, size"},
    {"--sort nam", "! invalid argument \"nam\" for \"-s, --sort\" flag: "
                   "choose from id, name, size"},
    {"--sort _", "! invalid argument \"\" for \"-s, --sort\" flag: choose from id, name, size"},
    {"--sort id|name", "! invalid argument \"id|name\" for \"-s, --sort\" flag: "
                       "choose from id, name, size"},
    {"--=x", "! bad flag syntax: --=x"},
    {"---name", "! bad flag syntax: ---name"},
    {"-i --foo a -e", "! unknown flag: --foo"},
};

static void check(size_t i)
{
    auto_strv words = {0};
    strv_split(&words, cases[i].line, ' ');
    for (size_t k = 0; k < words.len; k++)
        if (strcmp(words.v[k], "_") == 0)
            words.v[k][0] = 0;
    struct values v = {0};
    struct opt_result res;
    struct err err = {0};
    int r = opt_parse(table, cases[i].stop, (int)words.len, strv_argv(&words), &v, &res, &err);
    auto_buf got = {0};
    if (r < 0) {
        assert_int_equal(err.kind, ERR_USAGE);
        assert_int_equal(err.code, r);
        buf_printf(&got, "! %s", err.message);
    } else {
        show(&got, &v, &res);
    }
    if (strcmp(buf_str(&got), cases[i].want) != 0)
        fail_msg("\"%s\"\n   gave: %s\n wanted: %s", cases[i].line, buf_str(&got), cases[i].want);
    opt_values_done(table, &v);
    opt_result_done(&res);
    assert_null(v.name);
    assert_null(v.env.v);
}

static void test_lines(void **state)
{
    for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++)
        check(i);
}

static void test_given(void **state)
{
    char *argv[] = {"-i=false", "--old-name", "x", "--sort=id"};
    struct values v = {0};
    struct opt_result res;
    assert_int_equal(opt_parse(table, false, 4, argv, &v, &res, NULL), 0);
    assert_true(opt_given(table, &res, "interactive"));
    assert_true(opt_given(table, &res, "name")); /* through its other spelling */
    assert_true(opt_given(table, &res, "old-name"));
    assert_true(opt_given(table, &res, "sort"));
    assert_false(opt_given(table, &res, "tty"));
    assert_false(opt_given(table, &res, "num"));
    assert_false(opt_given(table, &res, "no-such-flag"));
    opt_values_done(table, &v);
    opt_result_done(&res);
}

/* The 64th row and those behind it count as well: run has more flags than a word has bits. */
static void test_many_rows(void **state)
{
    enum { N = 100 };
    static struct opt many[N + 1];
    static char names[N][8];
    bool values[N] = {0};
    for (size_t i = 0; i < N; i++) {
        snprintf(names[i], sizeof(names[i]), "f%zu", i);
        many[i] = (struct opt){.type = OPT_BOOL, .name = names[i], .offset = i * sizeof(bool)};
    }
    char *argv[] = {"--f0", "--f63", "--f64", "--f99"};
    struct opt_result res;
    assert_int_equal(opt_parse(many, false, 4, argv, values, &res, NULL), 0);
    size_t n = 0;
    for (size_t i = 0; i < N; i++) {
        assert_int_equal(opt_given(many, &res, names[i]), values[i]);
        n += values[i];
    }
    assert_int_equal(n, 4);
    opt_result_done(&res);
}

static void test_no_table(void **state)
{
    char *argv[] = {"a", "-x"};
    struct opt_result res;
    struct err err = {0};
    assert_int_equal(opt_parse(NULL, false, 2, argv, NULL, &res, &err), -EINVAL);
    assert_string_equal(err.message, "unknown shorthand flag: 'x' in -x");
    opt_result_done(&res);
    assert_int_equal(opt_parse(NULL, true, 2, argv, NULL, &res, &err), 0);
    assert_int_equal(res.args.len, 2);
    opt_result_done(&res);
    auto_buf b = {0};
    opt_help(NULL, &b);
    assert_int_equal(b.len, 0);
}

static void test_default_kept(void **state)
{
    struct values v = {.name = xstrdup("default"), .num = 7};
    struct opt_result res;
    assert_int_equal(opt_parse(table, false, 0, NULL, &v, &res, NULL), 0);
    assert_string_equal(v.name, "default");
    assert_int_equal(v.num, 7);
    opt_values_done(table, &v);
    opt_result_done(&res);
}

static void test_help(void **state)
{
    auto_buf b = {0};
    opt_help(table, &b);
    assert_string_equal(buf_str(&b), "  -a, --all                   All of them\n"
                                     "      --cap-add strings       Add capabilities\n"
                                     "  -e, --env NAME=VALUE        Set a variable\n"
                                     "  -i, --interactive           Keep stdin open\n"
                                     "  -n, --name NAME             The name\n"
                                     "      --num int               A number\n"
                                     "  -q, --port int              A port\n"
                                     "  -p, --publish stringArray   Publish a port\n"
                                     "      --pull string           Pull first\n"
                                     "  -s, --sort choice           Order\n"
                                     "  -t, --tty                   Allocate a terminal\n");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_lines),        cmocka_unit_test(test_given),
        cmocka_unit_test(test_many_rows),    cmocka_unit_test(test_no_table),
        cmocka_unit_test(test_default_kept), cmocka_unit_test(test_help),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
