/* SPDX-License-Identifier: Apache-2.0 */
/* cp: between containers, the host and tar streams.
 *
 * Theory of operation. Each end is one of three: a process that entered a container (enter.h), the
 * host's file system, a tar. A pipe leads from the sending to the receiving end (copy_wire.h), and
 * this process is the end that is no container, or hands the bytes on between two of them. Each end
 * tells its error: the sender's goes along the pipe, the receiver's comes back as the only thing it
 * ever says. */
#include "engine/copy.h"

#include "base/alloc.h"
#include "base/file.h"
#include "base/json.h"
#include "base/safepath.h"
#include "engine/copy_tar.h"
#include "engine/copy_tree.h"
#include "engine/enter.h"

#include <fcntl.h>
#include <signal.h>
#include <string.h>
#include <unistd.h>

struct end {
    const struct copy_options *o;
    struct store_container container;
    bool in_container, tar, open;
    char *path, *where;
    struct entered entered;
};

static void end_done(struct end *d)
{
    if (d->open)
        enter_end(&d->entered);
    if (d->in_container)
        store_container_done(&d->container);
    free(d->path);
    free(d->where);
}
DEFINE_AUTO(end, end_done)

/* podman's rule: what begins with "/" or "." is a path of the host, whatever is in it. */
static int parse_end(struct engine *e, const struct copy_options *o, const char *text,
                     struct end *ret, struct err *err)
{
    const char *colon = strchr(text, ':');
    ret->o = o;
    if (!*text)
        return err_kind(err, ERR_USAGE, -EINVAL, "a path of cp is empty");
    if (*text == '/' || *text == '.' || !colon) {
        ret->tar = strcmp(text, "-") == 0;
        ret->path = xstrdup(text);
        ret->where = xstrdup("on the host");
        return 0;
    }
    auto_free char *name = xstrndup(text, (size_t)(colon - text));
    int r = store_container_find(&e->store, name, &ret->container, err);
    if (r < 0)
        return r;
    ret->in_container = true;
    const char *dir =
        json_get_string(json_object_get(ret->container.config, "Config"), "WorkingDir", "/");
    /* Not cleaned: a slash or "/." at the end means something. */
    ret->path =
        colon[1] == '/' ? xstrdup(colon + 1) : xasprintf("%s/%s", *dir ? dir : "/", colon + 1);
    ret->where = xasprintf("on container %s", ret->container.name);
    return 0;
}

/* --- in the container ---------------------------------------------------------------------- */

static int open_root(struct err *err)
{
    int root = open("/", O_PATH | O_DIRECTORY | O_CLOEXEC);
    return root < 0 ? err_errno(err, -errno, "the container's root") : root;
}

static int send_inside(void *arg, uint32_t uid, uint32_t gid)
{
    const struct end *d = arg;
    auto_close int root = open_root(NULL);
    return root < 0 || copy_send(STDOUT_FILENO, root, d->path, d->where, NULL) < 0;
}

static int receive_inside(void *arg, uint32_t uid, uint32_t gid)
{
    const struct end *d = arg;
    struct err err = {0};
    auto_close int root = open_root(&err);
    struct copy_target to = {.root = root,
                             .path = d->path,
                             .where = d->where,
                             .overwrite = d->o->overwrite,
                             .keep_owners = d->o->keep_owners,
                             .uid = uid,
                             .gid = gid};
    if (root >= 0)
        copy_receive(STDIN_FILENO, &to, &err);
    return write_full(STDOUT_FILENO, &err, sizeof(err)) < 0;
}

static int enter(struct engine *e, struct end *d, int (*fn)(void *, uint32_t, uint32_t),
                 struct err *err)
{
    if (!d->in_container)
        return 0;
    d->open = true;
    return enter_begin(e, &d->container, fn, d, &d->entered, err);
}

/* --- here ---------------------------------------------------------------------------------- */

/* Hands on until the sender has nothing more. A receiver that has gone tells why itself. */
static int pass_on(int from, int to, struct err *err)
{
    const size_t room = 1 << 17;
    auto_free char *chunk = xcalloc(1, room);
    for (;;) {
        ssize_t n = read(from, chunk, room);
        if (n < 0 && errno == EINTR)
            continue;
        if (n <= 0)
            return n < 0 ? err_errno(err, -errno, "copy") : 0;
        int r = write_full(to, chunk, (size_t)n);
        if (r < 0)
            return err_errno(err, r, "copy");
    }
}

static int send_to(struct end *from, int out, struct err *err)
{
    if (from->in_container)
        return pass_on(from->entered.child.io.out, out, err);
    return from->tar ? copy_send_tar(out, STDIN_FILENO, err)
                     : copy_send(out, AT_FDCWD, from->path, from->where, err);
}

/* What the receiving process says when it is through. */
static int receiver_result(struct end *to, int sent, struct err *err)
{
    struct err result;
    close_fd(&to->entered.child.io.in);
    if (read_full(to->entered.child.io.out, &result, sizeof(result)) != sizeof(result))
        return sent < 0 ? sent
                        : err_set(err, -EPIPE, "the copy was cut off: did container %s end?",
                                  to->container.name);
    if (result.code == 0)
        return sent;
    if (result.code > 0 || !memchr(result.message, 0, sizeof(result.message)))
        return err_set(err, -EPROTO, "bad message from the other end of the copy");
    if (err)
        *err = result;
    return result.code;
}

static int transfer(struct end *from, struct end *to, struct err *err)
{
    if (to->in_container) {
        int r = send_to(from, to->entered.child.io.in, err);
        return receiver_result(to, r, err);
    }
    int in = from->entered.child.io.out;
    close_fd(&from->entered.child.io.in);
    if (to->tar)
        return copy_receive_tar(in, STDOUT_FILENO, err);
    struct copy_target target = {
        .root = AT_FDCWD, .path = to->path, .where = to->where, .overwrite = to->o->overwrite};
    return copy_receive(in, &target, err);
}

/* Within one container the sending end is through before the receiving one begins: what is copied
 * into itself has an end, and a container that does not run is entered once at a time. */
static int copy_within(struct engine *e, struct end *from, struct end *to, struct err *err)
{
    auto_close int spool = openat(e->store.root_fd, "tmp", O_TMPFILE | O_RDWR | O_CLOEXEC, 0600);
    if (spool < 0)
        return err_errno(err, -errno, "temporary file");
    int r = enter(e, from, send_inside, err);
    if (r == 0)
        r = send_to(from, spool, err);
    enter_end(&from->entered);
    from->open = false;
    if (r == 0 && lseek(spool, 0, SEEK_SET) < 0)
        r = err_errno(err, -errno, "temporary file");
    if (r == 0)
        r = enter(e, to, receive_inside, err);
    if (r < 0)
        return r;
    r = pass_on(spool, to->entered.child.io.in, err);
    return receiver_result(to, r, err);
}

/* Those that do not run are locked while they are entered, so by everybody in the same order. */
static int copy_between(struct engine *e, struct end *from, struct end *to, struct err *err)
{
    bool receiver_first =
        from->in_container && to->in_container && strcmp(from->container.id, to->container.id) > 0;
    int r = receiver_first ? enter(e, to, receive_inside, err) : enter(e, from, send_inside, err);
    if (r == 0)
        r = receiver_first ? enter(e, from, send_inside, err) : enter(e, to, receive_inside, err);
    return r < 0 ? r : transfer(from, to, err);
}

int container_copy(struct engine *e, const struct copy_options *o, struct err *err)
{
    auto_done(end) struct end from = {0}, to = {0};
    int r = parse_end(e, o, o->from, &from, err);
    if (r == 0)
        r = parse_end(e, o, o->to, &to, err);
    if (r == 0 && !from.in_container && !to.in_container)
        r = err_kind(err, ERR_USAGE, -EINVAL,
                     "invalid arguments: at least one of the paths must be a container's");
    if (r == 0 && !from.in_container && !from.tar && access(from.path, F_OK) < 0)
        r = err_errno(err, -errno, "\"%s\" could not be found on the host", from.path);
    if (r < 0)
        return r;
    signal(SIGPIPE, SIG_IGN);
    if (from.in_container && to.in_container && strcmp(from.container.id, to.container.id) == 0)
        return copy_within(e, &from, &to, err);
    return copy_between(e, &from, &to, err);
}
