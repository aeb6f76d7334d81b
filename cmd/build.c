/* SPDX-License-Identifier: Apache-2.0 */
/* wherry build: an image from a Dockerfile.
 *
 * What is told while it builds goes to stderr: each step with its time when it ends, its output as
 * it comes. stdout gets the image's id. */
#include "base/alloc.h"
#include "base/file.h"
#include "cmd/commands.h"
#include "cmd/emulation_options.h"
#include "cmd/network_options.h"
#include "cmd/platform_options.h"
#include "cmd/prompt.h"
#include "cmd/registry_options.h"
#include "cmd/transfer_view.h"
#include "engine/content.h"
#include "engine/image.h"

#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

struct values {
    struct registry_values registry; /* first: the rows */
    struct platform_values platform;
    char *pull;
    struct strv tags, args, labels;
    char *file, *target, *iidfile, *network, *root_emulation;
    bool quiet;
};

static const struct opt opts[] = {
    REGISTRY_ACCESS_ROWS,
    REGISTRY_TRANSFER_ROWS,
    OPT_LIST_ROW(0, "build-arg", values, args, "NAME=VALUE", "Set a variable that ARG declares"),
    OPT_STRING_ROW('f', "file", values, file, "FILE",
                   "The Dockerfile, - for standard input (default: Containerfile or Dockerfile in "
                   "the context)"),
    OPT_STRING_ROW(0, "iidfile", values, iidfile, "FILE", "Write the image's ID to FILE"),
    OPT_LIST_ROW(0, "label", values, labels, "NAME=VALUE", "Set a label on the image"),
    OPT_CHOICE_ROW(0, "network", values, network, "MODE",
                   "Network of RUN: private (the default), none or host",
                   "default|host|none|private"),
    PLATFORM_OPTION_ROWS(values, platform),
    {.type = OPT_CHOICE,
     .name = "pull",
     .offset = offsetof(struct values, pull),
     .value = "WHEN",
     .help = "Pull the images that FROM names: always, missing (the default), newer or never",
     .choices = PULL_POLICIES,
     .implied = "always"},
    OPT_BOOL_ROW('q', "quiet", values, quiet, "Print the image's ID only"),
    EMULATION_OPTION_ROW(values),
    OPT_LIST_ROW('t', "tag", values, tags, "NAME", "Name of the image"),
    OPT_STRING_ROW(0, "target", values, target, "STAGE", "Build this stage"),
    {0},
};

struct display {
    bool quiet, terminal;
    bool line_open; /* output without a new line at its end, or a step's title on a terminal */
    char *title;
    struct timespec begin, step;
    struct buf failed_output;       /* of the running step, for -q */
    struct transfer_view transfers; /* of an image that FROM names */
    int steps;
};

static double since(struct timespec t)
{
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (double)(now.tv_sec - t.tv_sec) + (double)(now.tv_nsec - t.tv_nsec) / 1e9;
}

#define TITLE_WIDTH 66

static void print_line(const struct display *d, const char *title, double seconds)
{
    fprintf(stderr, " => %-*s %5.1fs\n", TITLE_WIDTH, title, seconds);
}

static void end_open_line(struct display *d)
{
    if (d->line_open)
        fputc('\n', stderr);
    d->line_open = false;
}

static void step_begins(struct display *d, const char *title)
{
    free(d->title);
    d->title = xstrdup(title);
    clock_gettime(CLOCK_MONOTONIC, &d->step);
    buf_truncate(&d->failed_output, 0);
    d->steps++;
    if (!d->quiet && d->terminal) {
        fprintf(stderr, " => %s", title);
        d->line_open = true;
    }
}

static void step_output(struct display *d, const char *data, size_t len)
{
    if (d->quiet) {
        if (d->failed_output.len < 1 << 20)
            buf_add(&d->failed_output, data, len);
        return;
    }
    if (d->line_open && d->terminal && d->failed_output.len == 0)
        end_open_line(d);
    buf_truncate(&d->failed_output, 0);
    buf_add_char(&d->failed_output, 'x'); /* marks that the step has spoken */
    fwrite(data, 1, len, stderr);
    d->line_open = len && data[len - 1] != '\n';
}

static void step_ends(struct display *d, bool failed)
{
    if (d->quiet && failed)
        fwrite(buf_str(&d->failed_output), 1, d->failed_output.len, stderr);
    if (d->quiet)
        return;
    if (d->line_open && d->terminal && d->failed_output.len == 0)
        fputs("\r\033[K", stderr);
    else
        end_open_line(d);
    d->line_open = false;
    if (failed)
        fprintf(stderr, " => ERROR %s\n", d->title);
    else
        print_line(d, d->title, since(d->step));
}

static void on_event(void *arg, const struct build_event *ev)
{
    struct display *d = arg;
    switch (ev->kind) {
    case BUILD_STEP_BEGIN: step_begins(d, ev->text); break;
    case BUILD_STEP_OUTPUT: step_output(d, ev->text, ev->len); break;
    case BUILD_STEP_END: step_ends(d, false); break;
    case BUILD_STEP_FAILED: step_ends(d, true); break;
    case BUILD_NOTE:
        if (!d->quiet)
            fprintf(stderr, " => %s\n", ev->text);
        break;
    case BUILD_WARNING:
        if (!d->quiet) {
            end_open_line(d);
            fprintf(stderr, "Warning: %s\n", ev->text);
        }
        break;
    }
}

/* docker's closing lines: "docker.io/javaedge/vim", without the default tag. */
static void print_end(struct display *d, const char *id, const struct strv *tags)
{
    if (d->quiet)
        return;
    auto_free char *writing = xasprintf("=> writing image sha256:%s", id);
    print_line(d, "exporting to image", 0);
    print_line(d, writing, 0);
    for (size_t i = 0; i < tags->len; i++) {
        char *full;
        if (image_full_name(tags->v[i], &full, NULL) < 0)
            continue;
        size_t n = strlen(full);
        if (n > 7 && strcmp(full + n - 7, ":latest") == 0)
            full[n - 7] = 0;
        auto_free char *naming = xasprintf("=> naming to %s", full);
        print_line(d, naming, 0);
        free(full);
    }
    fprintf(stderr, "[+] Building %.1fs (%d/%d) FINISHED\n", since(d->begin), d->steps, d->steps);
}

static void on_pull(void *arg, const char *line)
{
    struct display *d = arg;
    end_open_line(d);
    fprintf(stderr, "%s\n", line);
}

static void on_transfers(void *arg, const struct transfer *all, size_t n)
{
    struct display *d = arg;
    transfer_view_update(&d->transfers, all, n);
}

static int run(struct invocation *in, void *values, struct strv *args, struct err *err)
{
    const struct values *v = values;
    struct display d = {.quiet = v->quiet, .terminal = isatty(STDERR_FILENO)};
    clock_gettime(CLOCK_MONOTONIC, &d.begin);
    transfer_view_init(&d.transfers, "downloading", v->quiet);
    struct pull_options pull = {.policy = pull_policy_from(v->pull, PULL_MISSING),
                                .watch = {.arg = &d}};
    char *secret = NULL; /* what pull.access may borrow */
    auto_done(platform) struct platform platform = {0};
    int r = platform_from_values(&v->platform, &platform, err);
    if (r == 0)
        r = registry_access_from(in, &v->registry, &pull.access, &secret, err);
    if (r < 0)
        return r;
    if (!v->quiet) {
        pull.watch.say = on_pull;
        pull.watch.watch = on_transfers;
    }
    struct network_options network = network_options(&(struct network_options){.mode = v->network});
    pull.platform = platform.os ? &platform : NULL;
    struct build_request q = {.context = args->len ? args->v[0] : ".",
                              .dockerfile = v->file,
                              .target = v->target,
                              .network = network.mode,
                              .root_emulation = v->root_emulation,
                              .tags = &v->tags,
                              .args = &v->args,
                              .labels = &v->labels,
                              .pull = &pull,
                              .quiet = v->quiet,
                              .event = on_event,
                              .event_arg = &d};
    auto_free char *id = NULL;
    r = content_build(in->engine, &q, &id, err);
    prompt_forget(secret);
    if (r == 0)
        print_end(&d, id, &v->tags);
    else
        end_open_line(&d);
    free(d.title);
    buf_done(&d.failed_output);
    transfer_view_done(&d.transfers);
    if (r == 0 && v->iidfile) { /* with the prefix, as podman and docker write it */
        auto_free char *text = xasprintf("sha256:%s", id);
        r = file_write_at(AT_FDCWD, v->iidfile, text, strlen(text), 0644, 0, err);
    }
    if (r == 0)
        puts(id);
    return r;
}

const struct command cmd_build = {
    .name = "build",
    .usage = "[options] [CONTEXT]",
    .summary = "Build an image from a Dockerfile",
    .details = "Examples:\n"
               "  wherry build -t hello .\n"
               "  wherry build -f other.Dockerfile --build-arg VERSION=2 .\n",
    .opts = opts,
    .values_size = sizeof(struct values),
    .max_args = 1,
    .run = run,
};
