/* SPDX-License-Identifier: Apache-2.0 */
/* main(): which command a line runs, what is said when none, and the exit status. The program is
 * main.c with a table of its own (stub_commands.c); argv[1] is its path. */
#include "base/buf.h"
#include "base/proc.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

static const char *program;

/* `want`: all of the output, or a part of it when it begins with "...". */
static const struct {
    const char *line;
    int status;
    const char *want;
} cases[] = {
    {"run -te A --name x img -t --foo", 7,
     "tty=1 name=x env=1 given=1 engine=1 args=img -t --foo\nclosed\n"},
    {"container run img", 7, "tty=0 name=- env=0 given=0 engine=1 args=img\nclosed\n"},
    {"--root /x --log-level=warning run img", 7, "...args=img\nclosed\n"},
    {"--root /bad run img", 125, "Error: open the store in /bad\n"},
    {"--root /bad images", 0, "IMAGE ID      NAME\n0123456789ab  x\n"},
    {"image ls", 0, "...0123456789ab  x\n"},
    {"image list", 0, "...0123456789ab  x\n"},
    {"volume ls", 0, "...0123456789ab  x\n"},
    {"fail 0", 125, "before\nError: failed\n"},
    {"fail 1", 125, "before\nError: failed\nSee 'wherry fail --help'\n"},
    {"container fail 1", 125, "before\nError: failed\nSee 'wherry container fail --help'\n"},
    {"fail 2", 125, "before\nError: failed\n"},
    {"fail 5", 126, "before\nError: failed\n"},
    {"fail 6", 127, "before\nError: failed\n"},
    {"fail 7", 3, "before\n"},
    {"fail 7 words", 3, "before\nError: words\n"},
    {"fail", 125, "Error: requires at least 1 arg(s), only received 0\nSee 'wherry fail --help'\n"},
    {"images a b c", 125,
     "Error: accepts at most 1 arg(s), received 3\nSee 'wherry images --help'\n"},
    {"volume ls a", 125,
     "Error: `wherry volume ls` takes no arguments\nSee 'wherry volume ls --help'\n"},
    {"rename a", 125, "Error: accepts 2 arg(s), received 1\nSee 'wherry rename --help'\n"},
    {"run --foo", 125, "Error: unknown flag: --foo\nSee 'wherry run --help'\n"},
    {"container run --name", 125,
     "Error: flag needs an argument: --name\nSee 'wherry container run --help'\n"},
    {"--foo run", 125, "Error: unknown flag: --foo\nSee 'wherry --help'\n"},
    {"-z", 125, "Error: unknown shorthand flag: 'z' in -z\nSee 'wherry --help'\n"},
    {"--log-level loud images", 125, "...log level \"loud\" is not supported"},
    {"xyzzy", 125,
     "Error: unrecognized command `wherry xyzzy`\nTry 'wherry --help' for more information\n"},
    {"imagse", 125,
     "Error: unrecognized command `wherry imagse`\n\nDid you mean this?\n\timage\n\timages\n\n"
     "Try 'wherry --help' for more information\n"},
    {"container rum", 125,
     "Error: unrecognized command `wherry container rum`\n\nDid you mean this?\n\trun\n\n"
     "Try 'wherry container --help' for more information\n"},
    {"volume l", 125, "...Did you mean this?\n\tls\n\nTry 'wherry volume --help'"},
    {"container images", 125, "...unrecognized command `wherry container images`\n"},
    {"ls", 125, "...unrecognized command `wherry ls`\n"},
    {"'volume ls'", 125, "...unrecognized command `wherry volume ls`\n"},
    {"''", 125, "...unrecognized command `wherry `\n"},
    {"", 125, "...Error: missing command 'wherry COMMAND'\n"},
    {"", 125, "...\nAvailable Commands:\n  container  Manage containers\n  fail       Fail\n"},
    {"image", 125, "...Error: missing command 'wherry image COMMAND'\n"},
    {"image", 125,
     "Manage images\n\nUsage:\n  wherry image [command]\n\nAvailable Commands:\n"
     "  ls    List images\n  pull  Pull an image\n"
     "Error: missing command 'wherry image COMMAND'\n"},
    {"image --help", 0,
     "Manage images\n\nUsage:\n  wherry image [command]\n\nAvailable Commands:\n"
     "  ls    List images\n  pull  Pull an image\n"},
    {"volume -h", 0, "...\nAvailable Commands:\n  ls  List volumes\n"},
    {"image --foo", 125, "Error: unknown flag: --foo\nSee 'wherry image --help'\n"},
    {"--help", 0, "...\nOptions:\n      --imagestore DIR"},
    {"-h", 0, "...Usage:\n  wherry [options] [command]\n"},
    {"run --help", 0,
     "Run a command in a new container\n\nUsage:\n"
     "  wherry run [options] IMAGE [COMMAND [ARG...]]\n\n"
     "Aliases:\n  wherry container run\n\nExamples:\n  wherry run debian ls\n\n"
     "Options:\n  -e, --env stringArray   Set a variable\n"
     "      --name NAME         Name of the container\n"
     "  -t, --tty               Allocate a terminal\n"},
    {"run -h", 0, "...Run a command in a new container\n"},
    {"help run", 0, "...Run a command in a new container\n"},
    {"help container run", 0, "...Run a command in a new container\n"},
    {"images --help", 0, "...Aliases:\n  wherry image ls, wherry image list\n"},
    {"help volume ls", 0, "...Usage:\n  wherry volume ls\n"},
    {"help image", 0, "...Manage images\n"},
    {"help", 0, "...Available Commands:\n"},
    {"help xyzzy", 125, "...unrecognized command `wherry xyzzy`\n"},
    {"--version", 0, "wherry version " WHERRY_VERSION "\n"},
    {"-v", 0, "wherry version " WHERRY_VERSION "\n"},
    {"version", 0, "...\nVersion:      " WHERRY_VERSION "\n"},
    {"version --format '{{.Client.Version}} {{.Version}}'", 0,
     WHERRY_VERSION " " WHERRY_VERSION "\n"},
    {"version -f json", 0, "...{\"Client\":{\"APIVersion\":"},
    {"version --format '{{.Foo}}'", 125, "...can't evaluate field Foo\n"},
    {"version --format '{{foo}}'", 125,
     "Error: template: 1:3: function \"foo\" not defined\nSee 'wherry version --help'\n"},
    {"pull x", 125, "...the program wherry-image is missing"},
    {"image pull x", 125, "...the program wherry-image is missing"},
    {"version >/dev/full", 125, "Error: write to standard output: No space left on device\n"},
    {"--help >/dev/full", 125, "Error: write to standard output: No space left on device\n"},
    {"version >&-", 125, "Error: write to standard output: Bad file descriptor\n"},
    {"--root /x version <&-", 0, "...Version:"},
    {"version --help 2>&-", 0, "...Usage:"},
};

static bool holds(const char *got, const char *want)
{
    return strncmp(want, "...", 3) == 0 ? strstr(got, want + 3) != NULL : strcmp(got, want) == 0;
}

static void test_lines(void **state)
{
    for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
        auto_buf line = {0}, got = {0};
        char part[4096];
        size_t n;
        buf_printf(&line, "exec 2>&1; '%s' %s", program, cases[i].line);
        FILE *f = popen(buf_str(&line), "re");
        assert_non_null(f);
        while ((n = fread(part, 1, sizeof(part), f)) > 0)
            buf_add(&got, part, n);
        int status = proc_exit_code(pclose(f));
        if (status != cases[i].status || !holds(buf_str(&got), cases[i].want))
            fail_msg("wherry %s\n   gave %d: %s\n wanted %d: %s", cases[i].line, status,
                     buf_str(&got), cases[i].status, cases[i].want);
    }
}

int main(int argc, char **argv)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_lines)};
    program = argc > 1 ? argv[1] : "";
    return argc == 2 ? cmocka_run_group_tests(tests, NULL, NULL) : 1;
}
