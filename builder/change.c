/* SPDX-License-Identifier: Apache-2.0 */
/* One instruction on a configuration, without a build: --change of commit and import. */
#include "base/alloc.h"
#include "builder/build.h"
#include "builder/lexer.h"
#include "builder/parse.h"
#include "builder/state.h"

#include <ctype.h>
#include <string.h>

#define FILE_NAME "--change"

/* docker's list; the others would have to change files. */
static bool is_allowed(enum instr_kind kind)
{
    static const enum instr_kind kinds[] = {
        INSTR_CMD,    INSTR_ENTRYPOINT, INSTR_ENV,        INSTR_EXPOSE,
        INSTR_LABEL,  INSTR_ONBUILD,    INSTR_STOPSIGNAL, INSTR_USER,
        INSTR_VOLUME, INSTR_WORKDIR,    INSTR_SHELL,      INSTR_HEALTHCHECK,
    };
    for (size_t i = 0; i < sizeof(kinds) / sizeof(*kinds); i++)
        if (kinds[i] == kind)
            return true;
    return false;
}

static int no_dir(void *ctx, struct build_image *image, const char *path, const char *user,
                  bool *ret_changed, struct err *err)
{
    return 0; /* the runtime makes a working directory that is missing */
}

static void no_event(void *ctx, const struct build_event *ev)
{
}

/* Applies it to a copy, whose history goes: nothing is one step of it. */
static int apply(const struct ast_instr *in, char escape, struct image_config *config,
                 struct err *err)
{
    const struct build_ops ops = {.make_dir = no_dir, .event = no_event};
    const struct build_options o = {.file_name = FILE_NAME};
    struct build b = {.o = &o, .ops = &ops, .file = {.escape = escape}};
    struct stage s = {.has_image = true, .parent = -1};
    image_config_copy(config, &s.image.config);
    int r = inst_is_fs(in->kind) ? inst_fs(&b, &s, in, err) : inst_config(&b, &s, in, err);
    if (r == 0) {
        struct image_run_config changed = s.image.config.run;
        s.image.config.run = config->run;
        config->run = changed;
    }
    strv_done(&b.unset);
    stage_done(&s);
    return r;
}

/* The parser's message without the place, which is no place in a file here. */
static const char *without_place(char *message)
{
    message[strcspn(message, "\n")] = 0;
    const char *text =
        strncmp(message, FILE_NAME ":", strlen(FILE_NAME) + 1) == 0 ? strstr(message, ": ") : NULL;
    return text ? text + 2 : message;
}

/* docker and podman take CMD=/bin/sh as well as CMD /bin/sh. */
static char *as_dockerfile(const char *instruction)
{
    char *text = xasprintf("FROM scratch\n%s\n", instruction);
    char *word = strchr(text, '\n') + 1;
    while (isalpha((unsigned char)*word))
        word++;
    if (*word == '=')
        *word = ' ';
    return text;
}

int build_change(struct image_config *config, const char *instruction, struct err *err)
{
    struct err said = {0};
    auto_done(ast_file) struct ast_file file = {0};
    auto_free char *text = as_dockerfile(instruction);
    int r = parse_dockerfile(FILE_NAME, text, strlen(text), &file, &said);
    const struct ast_instr *in = r == 0 && file.n_instrs == 2 ? &file.instrs[1] : NULL;
    if (r == 0 && !in)
        r = err_set(&said, -EINVAL, "one instruction is expected");
    else if (r == 0 && !is_allowed(in->kind))
        r = err_set(&said, -EINVAL, "%s is not a valid change command", instr_name(in->kind));
    else if (r == 0 && in->unsupported)
        r = err_set(&said, -ENOTSUP, "%s is not supported yet", in->unsupported);
    if (r == 0)
        r = apply(in, file.escape, config, &said);
    if (r < 0)
        err_kind(err, ERR_USAGE, r, "--change \"%.200s\": %s", instruction,
                 without_place(said.message));
    return r;
}
