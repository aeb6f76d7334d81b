/* SPDX-License-Identifier: Apache-2.0 */
/* `build`: the operations of a build (builder/build.h) on the store, the overlay and the sandbox.
 *
 * Theory of operation. Each step that changes files gets a staging directory with an upper and a
 * work directory over the layers so far: COPY writes into it in process, RUN runs a container on
 * it. What changed becomes a layer and the staging directory goes. A build that ends at any moment
 * leaves only staging directories without a lock holder and unlisted layers, which go as garbage
 * (sweep.h). */
#include "engine/content.h"

#include "base/alloc.h"
#include "base/channel.h"
#include "base/file.h"
#include "base/id.h"
#include "base/safepath.h"
#include "builder/dockerignore.h"
#include "engine/build_copy.h"
#include "engine/emulation.h"
#include "engine/events.h"
#include "engine/image.h"
#include "engine/network_files.h"
#include "engine/residue.h"
#include "engine/root.h"
#include "engine/sweep.h"

#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define DOCKERFILE_MAX (4u << 20)
#define TRIES          5 /* to have an image that others remove */

struct context {
    struct engine *engine;
    const struct build_request *request;
    int dir_fd;
    struct ignore_list ignore;
    int step; /* the running one, for its output */
};

/* A writable directory over an image's layers. */
struct scratch {
    struct root *root; /* first: root_monitor_ops() */
    struct root files;
    struct store *store;
    char *path;
    int lock;
    int dir_fd;
};

static void scratch_done(struct scratch *s)
{
    root_done(&s->files);
    if (s->path)
        remove_tree_at(AT_FDCWD, s->path, NULL);
    free(s->path);
    close_fd(&s->lock);
    close_fd(&s->dir_fd);
}
DEFINE_AUTO(scratch, scratch_done)

#define SCRATCH_INIT                                                                               \
    {                                                                                              \
        .lock = -1, .dir_fd = -1                                                                   \
    }

static int scratch_open(struct context *ctx, const struct build_image *image, struct scratch *ret,
                        struct err *err)
{
    ret->store = &ctx->engine->store;
    ret->root = &ret->files;
    ret->lock = store_staging_dir(ret->store, &ret->path, err);
    if (ret->lock < 0)
        return ret->lock;
    ret->dir_fd = open_dir_at(AT_FDCWD, ret->path, err);
    if (ret->dir_fd < 0)
        return ret->dir_fd;
    static const char *const names[] = {"upper", "work"};
    for (size_t i = 0; i < 2; i++)
        if (mkdirat(ret->dir_fd, names[i], 0700) < 0)
            return err_errno(err, -errno, "make %s/%s", ret->path, names[i]);
    return root_init(&ret->files, ret->store, &image->config.diff_ids, ret->path, err);
}

/* The layer of what changed, appended to the image. `ran`: by a container, which leaves mount
 * points. */
static int scratch_commit(struct scratch *s, struct build_image *image, bool ran, bool *ret_changed,
                          struct err *err)
{
    struct overlay_options overlay;
    root_overlay_options(&s->files, &overlay);
    struct content_layer layer = {0};
    bool empty = false;
    const struct content_changes changes = {.overlay = &overlay, .skip = ran ? residue_skip : NULL};
    int r = content_layer_from_changes(s->store, &changes, &layer, &empty, err);
    if (r < 0)
        return r;
    if (!empty)
        strv_add_owned(&image->config.diff_ids, layer.diff_id);
    *ret_changed = !empty;
    return 0;
}

static void emit(struct context *ctx, int kind, const char *text, size_t len)
{
    struct build_event ev = {.kind = kind, .step = ctx->step, .text = text, .len = len};
    if (ctx->request->event)
        ctx->request->event(ctx->request->event_arg, &ev);
}

static void on_event(void *arg, const struct build_event *ev)
{
    struct context *ctx = arg;
    if (ev->kind == BUILD_STEP_BEGIN)
        ctx->step = ev->step;
    if (ctx->request->event)
        ctx->request->event(ctx->request->event_arg, ev);
}

/* --- FROM ---------------------------------------------------------------------------------- */

static int use_base(struct store *s, const char *id, struct build_image *ret, struct err *err)
{
    auto_done(store_image) struct store_image image = {0};
    int r = store_image_find(s, id, &image, err);
    /* Claimed, the layers stay until the build ends, though the image be removed meanwhile. */
    for (size_t i = 0; r == 0 && i < image.layers.len; i++)
        r = store_blob_claim(s, image.layers.v[i], err);
    return r < 0 ? r : store_image_config(s, &image, &ret->config, NULL, err);
}

static bool is_there(struct store *s, const char *id)
{
    auto_done(store_image) struct store_image image = {0};
    return store_image_find(s, id, &image, NULL) == 0;
}

/* Until it is claimed a prune may take away what was found or pulled: then it is had once more. */
static int on_base(void *arg, const char *ref, const struct platform *platform,
                   struct build_image *ret, struct err *err)
{
    struct context *ctx = arg;
    struct store *s = &ctx->engine->store;
    struct pull_options pull = *ctx->request->pull;
    pull.name = ref;
    pull.platform = platform;
    for (int tries = 0;; tries++) {
        auto_strv ids = {0};
        struct err failed = {0};
        int r = content_pull_within(ctx->engine, &pull, &ids, err);
        if (r < 0)
            return r;
        r = use_base(s, ids.v[0], ret, &failed);
        if (r < 0 && tries < TRIES && !is_there(s, ids.v[0]))
            continue;
        if (r < 0 && err)
            *err = failed;
        return r;
    }
}

/* --- RUN ----------------------------------------------------------------------------------- */

static int not_recorded(void *arg, const struct proc_id *init, struct err *err)
{
    return 0;
}

static void nothing_to_clean(void *arg, int exit_code, const struct err *failure)
{
}

/* Passes the command's output on until it ends. */
static int follow_run(struct context *ctx, int channel, const char *command, struct err *err)
{
    auto_free struct channel_msg *msg = new0(struct channel_msg);
    for (;;) {
        int r = channel_recv(channel, msg);
        if (r <= 0)
            return err_set(err, r ? r : -EPIPE, "the monitor of \"%s\" died", command);
        if (msg->type == MON_STDOUT || msg->type == MON_STDERR)
            emit(ctx, BUILD_STEP_OUTPUT, msg->data, msg->len);
        if (msg->type == MON_EXITED && msg->len >= sizeof(int)) {
            int code;
            memcpy(&code, msg->data, sizeof(code));
            return code == 0 ? 0
                             : err_set(err, -EIO,
                                       "process \"%s\" did not complete successfully: exit code: "
                                       "%d",
                                       command, code);
        }
    }
}

static int start_run(struct context *ctx, struct scratch *s, const struct sandbox *sandbox,
                     const char *command, struct err *err)
{
    struct monitor_options o = {
        .sandbox = sandbox,
        .ops = {.ctx = s, .started = not_recorded, .exited = nothing_to_clean},
        .run_dir_fd = -1,
        .log = LOG_FILE_NONE,
    };
    root_monitor_ops(&o.ops);
    auto_close int channel = -1;
    struct proc_id init;
    int r = monitor_start(&o, &channel, err);
    if (r == 0)
        r = monitor_wait_started(channel, &init, err);
    return r < 0 ? r : follow_run(ctx, channel, command, err);
}

/* Mounts of a step: the files in place of the image's and, for a "#!" heredoc, the script. */
static int step_mounts(struct scratch *s, const struct build_run *run, struct strv *owned,
                       struct sandbox_mount *mounts, size_t *ret_n, struct err *err)
{
    int r =
        network_files_write(s->dir_fd, "buildstep", "localhost", NULL, s->files.network, -1, err);
    if (r < 0)
        return r;
    size_t n = 0;
    for (; n < NETWORK_FILES; n++) {
        strv_addf(owned, "%s/%s", s->path, network_files[n].name);
        mounts[n] = (struct sandbox_mount){.kind = MOUNT_BIND,
                                           .source = owned->v[owned->len - 1],
                                           .target = network_files[n].target};
    }
    if (run->script) {
        r = file_write_at(s->dir_fd, "script", run->script->data, run->script->len, 0755, 0, err);
        strv_addf(owned, "%s/script", s->path);
        strv_addf(owned, "%s/%s", BUILD_SCRIPT_DIR, run->script->name);
        mounts[n++] = (struct sandbox_mount){.kind = MOUNT_BIND,
                                             .source = owned->v[owned->len - 2],
                                             .target = owned->v[owned->len - 1],
                                             .read_only = true};
    }
    *ret_n = n;
    return r;
}

static void step_network(const struct context *ctx, struct netns_config *network,
                         struct root *files, struct sandbox *sandbox)
{
    const char *mode = ctx->request->network;
    if (mode && strcmp(mode, "none") == 0)
        return;
    if (mode && strcmp(mode, "host") == 0) {
        sandbox->ns[NS_NET].mode = NS_HOST;
        return;
    }
    netns_config_init(network);
    files->network = network;
}

/* Where the machine cannot do it: whether it can (qemu may do it) is found out by trying. */
static int explain_foreign(const struct build_image *image, int r, struct err *err)
{
    const char *arch = image->config.architecture, *here = platform_architecture();
    if (err->kind != ERR_NOT_EXEC || !arch || strcmp(arch, here) == 0)
        return r;
    return err_set(err, r, "the image is for %.40s, which this machine (%s) cannot run", arch,
                   here);
}

static int on_run(void *arg, struct build_image *image, const struct build_run *run,
                  bool *ret_changed, struct err *err)
{
    struct context *ctx = arg;
    auto_done(scratch) struct scratch s = SCRATCH_INIT;
    int r = scratch_open(ctx, image, &s, err);
    char id[ID_HEX_LEN + 1];
    id_random(id);
    auto_strv owned = {0};
    struct sandbox_mount mounts[NETWORK_FILES + 1];
    struct sandbox sandbox = {.id = id,
                              .hostname = "buildstep",
                              .work_dir = run->work_dir,
                              .user = run->user ? run->user : "",
                              .args = run->args,
                              .env = run->env,
                              .caps = sandbox_default_caps(),
                              .umask = 0022,
                              .mounts = mounts};
    struct netns_config network;
    step_network(ctx, &network, &s.files, &sandbox);
    if (r == 0)
        r = step_mounts(&s, run, &owned, mounts, &sandbox.n_mounts, err);
    if (r == 0)
        r = id_maps_choose(&sandbox.ids, err);
    if (r == 0)
        r = emulation_choose(ctx->request->root_emulation, &sandbox.ids, &sandbox.emulation, err);
    if (r < 0)
        return r;
    root_set_ids(&s.files, &sandbox.ids);
    s.files.no_sync = true;
    auto_free char *command = strv_join(&run->args, " ");
    r = start_run(ctx, &s, &sandbox, command, err);
    return r < 0 ? explain_foreign(image, r, err)
                 : scratch_commit(&s, image, true, ret_changed, err);
}

/* --- COPY, ADD, WORKDIR ---------------------------------------------------------------------- */

/* The image or stage that --from names, opened for reading. */
static int open_from_image(struct context *ctx, const struct build_copy *copy, struct scratch *s,
                           struct overlay **ret, struct err *err)
{
    struct build_image named = {0};
    const struct build_image *image = copy->from_image;
    if (!image) {
        int r = on_base(ctx, copy->from, ctx->request->pull->platform, &named, err);
        if (r < 0)
            return r;
        image = &named;
    }
    int r = scratch_open(ctx, image, s, err);
    image_config_done(&named.config);
    if (r < 0)
        return r;
    struct overlay_options o;
    root_overlay_options(&s->files, &o);
    o.upper = o.work = NULL;
    return overlay_open(&o, ret, err);
}

/* `spool_dir`: for temporary files. */
static int copy_from(struct context *ctx, struct overlay *to, const struct build_copy *copy,
                     int spool_dir, struct err *err)
{
    struct build_source source = {
        .root_fd = ctx->dir_fd, .ignore = &ctx->ignore, .spool_dir = spool_dir};
    if (!copy->from)
        return copy_into(to, &source, copy, err);
    auto_done(scratch) struct scratch s = SCRATCH_INIT;
    auto_overlay from = NULL;
    int r = open_from_image(ctx, copy, &s, &from, err);
    if (r < 0)
        return err_wrap(err, "--from=%s", copy->from);
    source = (struct build_source){
        .root_fd = -1, .overlay = from, .spool_dir = spool_dir, .keep_owners = true};
    return copy_into(to, &source, copy, err);
}

/* Opens a scratch on top of the image, and its overlay, to write into. */
static int open_layer(struct context *ctx, const struct build_image *image, struct scratch *s,
                      struct overlay **ret, struct err *err)
{
    struct overlay_options o;
    int r = scratch_open(ctx, image, s, err);
    if (r < 0)
        return r;
    root_overlay_options(&s->files, &o);
    return overlay_open(&o, ret, err);
}

static int on_copy(void *arg, struct build_image *image, const struct build_copy *copy,
                   bool *ret_changed, struct err *err)
{
    struct context *ctx = arg;
    auto_done(scratch) struct scratch s = SCRATCH_INIT;
    struct overlay *to = NULL;
    int r = open_layer(ctx, image, &s, &to, err);
    if (r < 0)
        return r;
    r = copy_from(ctx, to, copy, s.dir_fd, err);
    overlay_close(to);
    return r < 0 ? r : scratch_commit(&s, image, false, ret_changed, err);
}

static int make_dir_in(struct overlay *ov, const char *path, const char *user, struct err *err)
{
    struct overlay_attr a = {.mode = 0755, .mtime = time_now()};
    auto_free char *real = NULL;
    struct stat st;
    int r = overlay_realpath(ov, path, true, &real);
    if (r < 0)
        return err_errno(err, r, "%s", path);
    r = overlay_stat(ov, real, 0, &st);
    if (r == 0)
        return S_ISDIR(st.st_mode) ? 0
                                   : err_set(err, -ENOTDIR, "%s exists and is no directory", path);
    if (user && *user) {
        r = copy_resolve_owner(ov, user, &a.uid, &a.gid, err);
        if (r < 0)
            return r;
    }
    return overlay_mkdirs(ov, real, &a, err);
}

static int on_make_dir(void *arg, struct build_image *image, const char *path, const char *user,
                       bool *ret_changed, struct err *err)
{
    struct context *ctx = arg;
    auto_done(scratch) struct scratch s = SCRATCH_INIT;
    struct overlay *ov = NULL;
    int r = open_layer(ctx, image, &s, &ov, err);
    if (r < 0)
        return r;
    r = make_dir_in(ov, path, user, err);
    overlay_close(ov);
    return r < 0 ? r : scratch_commit(&s, image, false, ret_changed, err);
}

/* --- the whole ------------------------------------------------------------------------------- */

static int on_finish(void *arg, const struct build_image *image, const struct strv *names,
                     char **ret_id, struct err *err)
{
    struct context *ctx = arg;
    auto_done(store_image) struct store_image stored = {0};
    int r = content_image_add(&ctx->engine->store, &image->config, names, &stored, err);
    if (r == 0)
        *ret_id = xstrdup(stored.id);
    return r;
}

/* Who made the context need not be who builds it: a link in it leads nowhere else. */
static int read_in_context(const struct context *ctx, const char *name, struct buf *ret,
                           struct err *err)
{
    auto_close int fd = safe_open(ctx->dir_fd, name, O_RDONLY | O_NONBLOCK | O_NOCTTY, 0);
    if (fd < 0)
        return err_errno(err, fd, "open %s in the build context", name);
    int r = file_read_fd(fd, DOCKERFILE_MAX, ret, err);
    return r < 0 ? err_wrap(err, "%s", name) : 0;
}

/* <Dockerfile>.dockerignore wins, then .containerignore, then .dockerignore. */
static int read_ignore(struct context *ctx, const char *dockerfile, bool inside, struct err *err)
{
    auto_free char *own = xasprintf("%s.dockerignore", dockerfile);
    const char *const names[] = {own, ".containerignore", ".dockerignore"};
    for (size_t i = 0; i < sizeof(names) / sizeof(*names); i++) {
        bool here = inside || i > 0;
        auto_buf text = {0};
        if (!exists_at(here ? ctx->dir_fd : AT_FDCWD, names[i]))
            continue;
        int r = here ? read_in_context(ctx, names[i], &text, err)
                     : file_read_at(AT_FDCWD, names[i], DOCKERFILE_MAX, &text, err);
        return r < 0 ? r : ignore_parse(names[i], buf_str(&text), text.len, &ctx->ignore, err);
    }
    return 0;
}

/* Where the Dockerfile is: as given, or *ret_inside the context, where it is Containerfile or
 * Dockerfile when nothing was given. */
static int find_dockerfile(const struct context *ctx, const char **ret, bool *ret_inside,
                           struct err *err)
{
    static const char *const names[] = {"Containerfile", "Dockerfile"};
    const char *given = ctx->request->dockerfile;
    if (given) {
        /* podman and docker look beside the caller, then in the context. */
        *ret_inside = *given != '/' && strcmp(given, "-") != 0 && access(given, F_OK) < 0;
        *ret = given;
        return 0;
    }
    for (size_t i = 0; i < 2; i++)
        if (exists_at(ctx->dir_fd, names[i])) {
            *ret = names[i];
            *ret_inside = true;
            return 0;
        }
    return err_set(err, -ENOENT, "no Containerfile or Dockerfile in the context directory %s",
                   ctx->request->context);
}

static int build_in_context(struct context *ctx, char **ret_id, struct err *err)
{
    const struct build_request *q = ctx->request;
    const char *path = NULL;
    bool inside = false;
    auto_buf text = {0};
    auto_strv names = {0};
    int r = find_dockerfile(ctx, &path, &inside, err);
    if (r == 0)
        r = inside ? read_in_context(ctx, path, &text, err)
                   : file_read_named(path, DOCKERFILE_MAX, &text, err);
    if (r == 0)
        r = read_ignore(ctx, path, inside, err);
    for (size_t i = 0; r == 0 && q->tags && i < q->tags->len; i++) {
        char *full;
        r = image_full_name(q->tags->v[i], &full, err);
        if (r == 0)
            strv_add_owned(&names, full);
    }
    if (r < 0)
        return r;
    const char *slash = strrchr(path, '/');
    struct build_options o = {.file_name = slash ? slash + 1 : path,
                              .text = buf_str(&text),
                              .text_len = text.len,
                              .target = q->target,
                              .platform = q->pull->platform,
                              .args = q->args,
                              .labels = q->labels,
                              .names = &names};
    struct build_ops ops = {.ctx = ctx,
                            .base = on_base,
                            .run = on_run,
                            .copy = on_copy,
                            .make_dir = on_make_dir,
                            .finish = on_finish,
                            .event = on_event};
    return build_run(&o, &ops, ret_id, err);
}

int content_build(struct engine *e, const struct build_request *o, char **ret_id, struct err *err)
{
    struct context ctx = {.engine = e, .request = o};
    struct sweep sweep;
    ctx.dir_fd = open(o->context, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (ctx.dir_fd < 0)
        return err_errno(err, -errno, "build context %s", o->context);
    int r = sweep_begin(e, &sweep, err);
    if (r == 0) {
        r = build_in_context(&ctx, ret_id, err);
        sweep_end(e, &sweep, r);
        if (r == 0)
            event_image(&e->store, "build", *ret_id, NULL);
    }
    ignore_list_done(&ctx.ignore);
    close(ctx.dir_fd);
    return r;
}
