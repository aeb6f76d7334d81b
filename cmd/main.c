/* SPDX-License-Identifier: Apache-2.0 */
/* main() of wherry and of wherry-image: from argv to a command, from its end to an exit status.
 *
 * Theory of operation. Options before the command are the programs' own. Then one or two words name
 * a command (commands.c); its table parses the rest. A command that lives in wherry-image is handed
 * over by exec with argv as it came, so that program goes the same way again. Only this file prints
 * errors, and it ends with 125 unless the error says otherwise. */
#include "base/alloc.h"
#include "base/log.h"
#include "base/proc.h"
#include "cmd/commands.h"

#include <fcntl.h>
#include <locale.h>
#include <malloc.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* What main() knows while it goes on. */
struct program {
    char **argv; /* as it came */
    struct global_values globals;
    char *path; /* the command as help calls it: "run", "container ls", "container" */
};

/* A descriptor 0, 1 or 2 that is closed would be the next file that is opened. These fail when they
 * are used, as closed ones do. */
static void fill_standard_fds(void)
{
    for (int fd = 0; fd <= 2; fd++)
        if (fcntl(fd, F_GETFD) < 0 && open("/dev/null", fd == 0 ? O_WRONLY : O_RDONLY) != fd)
            abort();
}

/* We live for milliseconds and end: what is freed need not be tidied up for other sizes, nor given
 * back. A list of 1,000 containers (jansson: hundreds of small blocks each) takes a tenth less. */
static void tune_malloc(void)
{
    mallopt(M_MXFAST, 160); /* in bytes, the most that glibc allows: jansson's tables are 128 */
    mallopt(M_TOP_PAD, 1 << 20);
}

static void prepare(int argc, char **argv)
{
    tune_malloc();
    fill_standard_fds();
    signal(SIGPIPE, SIG_DFL);
    /* Only for characters and their widths; numbers and messages stay as they are. */
    if (!setlocale(LC_CTYPE, "") || MB_CUR_MAX == 1)
        setlocale(LC_CTYPE, "C.UTF-8");
    proc_title_init(argc, argv);
}

static int set_log_level(const char *name, struct err *err)
{
    static const char *const others[][2] = {
        {"trace", "debug"}, {"warning", "warn"}, {"fatal", "error"}, {"panic", "error"}};
    const char *level = name;
    for (size_t i = 0; i < sizeof(others) / sizeof(*others); i++)
        if (strcmp(others[i][0], name) == 0)
            level = others[i][1];
    if (!log_set_level(level))
        return err_set(err, -EINVAL,
                       "log level \"%s\" is not supported, choose from: error, warn, info, debug",
                       name);
    return 0;
}

/* Text that stdout takes late (a full disk) is an error of the command as much as any other. */
static int flush_output(struct err *err)
{
    errno = 0;
    if (fflush(stdout) != 0 || ferror(stdout))
        return err_errno(err, errno ? -errno : -EIO, "write to standard output");
    return 0;
}

static int print_help(const struct buf *text)
{
    fputs(buf_str(text), stdout);
    return 0;
}

static void print_warning(const char *text)
{
    fflush(stdout);
    fprintf(stderr, "Warning: %s\n", text);
}

/* Opens what the command needs, runs it, closes it. */
static int run_parsed(struct program *p, const struct command *cmd, void *values,
                      struct opt_result *res, int *ret_status, struct err *err)
{
    struct engine engine = {0};
    struct invocation in = {.argv = p->argv, .table = cmd->opts, .res = res};
    struct engine_options o = {.root = p->globals.root,
                               .runroot = p->globals.runroot,
                               .image_stores = &p->globals.image_stores,
                               .name_candidates = commands.name_candidates};
    if (!cmd->no_engine) {
        int r = engine_open(&o, &engine, err);
        if (r < 0)
            return r;
        engine.warn = print_warning;
        in.engine = &engine;
    }
    int r = cmd->run(&in, values, &res->args, err);
    if (in.engine)
        engine_close(&engine);
    if (r == 0)
        r = flush_output(err);
    if (r == 0)
        *ret_status = in.exit_status;
    return r;
}

static int run_row(struct program *p, const struct command_row *row, int argc, char **argv,
                   int *ret_status, struct err *err)
{
    const struct command *cmd = row->cmd;
    if (!cmd)
        return command_hand_over(&commands, p->argv, err);
    struct opt_result res;
    auto_buf help = {0};
    auto_free void *values = xcalloc(1, cmd->values_size);
    int r = opt_parse(cmd->opts, cmd->stop_at_argument, argc, argv, values, &res, err);
    if (r == 0 && res.help) {
        command_help_row(row, &help);
        r = print_help(&help);
    } else if (r == 0) {
        r = command_check_args(cmd, p->path, res.args.len, err);
        if (r == 0)
            r = run_parsed(p, cmd, values, &res, ret_status, err);
    }
    opt_values_done(cmd->opts, values);
    opt_result_done(&res);
    return r;
}

/* A group without a command: its help, asked for or not. */
static int run_group(const struct command_group *group, int argc, char **argv, struct err *err)
{
    struct opt_result res;
    auto_buf text = {0};
    int r = opt_parse(NULL, false, argc, argv, NULL, &res, err);
    bool asked = res.help;
    opt_result_done(&res);
    if (r < 0)
        return r;
    command_help_group(&commands, group, &text);
    print_help(&text);
    return asked ? 0 : err_set(err, -EINVAL, "missing command 'wherry %s COMMAND'", group->name);
}

/* What the program does without a command. */
static int run_alone(const struct program *p, bool help, struct err *err)
{
    auto_buf text = {0};
    if (p->globals.version) {
        printf("wherry version %s\n", WHERRY_VERSION);
        return 0;
    }
    command_help_top(&commands, &text);
    print_help(&text);
    return help ? 0 : err_set(err, -EINVAL, "missing command 'wherry COMMAND'");
}

static int run_words(struct program *p, int argc, char **argv, int *ret_status, struct err *err)
{
    struct command_match m;
    int r = command_find(&commands, (size_t)argc, argv, &m, err);
    if (r < 0)
        return r;
    p->path = m.words > 1 ? xasprintf("%s %s", argv[0], argv[1]) : xstrdup(argv[0]);
    argc -= (int)m.words;
    argv += m.words;
    return m.row ? run_row(p, m.row, argc, argv, ret_status, err)
                 : run_group(m.group, argc, argv, err);
}

static int run_program(struct program *p, int argc, char **argv, int *ret_status, struct err *err)
{
    struct opt_result res;
    int r = opt_parse(commands.globals, true, argc, argv, &p->globals, &res, err);
    if (r == 0 && p->globals.log_level)
        r = set_log_level(p->globals.log_level, err);
    if (r == 0 && (res.help || p->globals.version || !res.args.len))
        r = run_alone(p, res.help, err);
    else if (r == 0)
        r = run_words(p, (int)res.args.len, strv_argv(&res.args), ret_status, err);
    opt_result_done(&res);
    return r;
}

static void print_error(const struct program *p, const struct err *err)
{
    if (!err->message[0])
        return;
    fprintf(stderr, "Error: %s\n", err->message);
    if (err->kind == ERR_USAGE)
        fprintf(stderr, "See 'wherry %s%s--help'\n", p->path ? p->path : "", p->path ? " " : "");
}

int main(int argc, char **argv)
{
    struct program p = {.argv = argv};
    struct err err = {0}, flushed = {0};
    int status = 0;
    prepare(argc, argv);
    int r = run_program(&p, argc ? argc - 1 : 0, argv + (argc != 0), &status, &err);
    int f = flush_output(&flushed);
    if (r < 0) {
        print_error(&p, &err);
        status = command_exit_status(&err);
    } else if (f < 0) {
        print_error(&p, &flushed);
        status = command_exit_status(&flushed);
    }
    opt_values_done(commands.globals, &p.globals);
    free(p.path);
    return status;
}
