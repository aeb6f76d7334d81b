/* SPDX-License-Identifier: Apache-2.0 */
/* Volumes as tars.
 *
 * Theory of operation. As `cp` (engine/copy_wire.h): this process has the tar, a child that is root
 * in a user namespace with all ids of the user stands in the volume, and a pipe is between them. So
 * libarchive, and what it may load, never sees the volume. */
#include "engine/volume_content.h"

#include "base/cleanup.h"
#include "base/file.h"
#include "engine/copy_tar.h"
#include "engine/copy_tree.h"
#include "engine/output.h"
#include "engine/volume_options.h"
#include "runtime/userns_run.h"

#include <fcntl.h>
#include <signal.h>
#include <unistd.h>

struct transfer {
    int data;        /* the volume's directory */
    int read, write; /* the pipe's ends */
    bool in;         /* into the volume */
    bool single_id;
};

/* In the child. */
static int in_volume(void *arg, struct err *err)
{
    struct transfer *t = arg;
    if (!t->in) {
        close_fd(&t->read);
        return copy_send(t->write, t->data, "/.", "in the volume", err);
    }
    close_fd(&t->write);
    const struct copy_target to = {.root = t->data,
                                   .path = "/",
                                   .where = "in the volume",
                                   .overwrite = true,
                                   .keep_owners = !t->single_id}; /* else all is the user's */
    return copy_receive(t->read, &to, err);
}

static int transfer(struct store_volume *v, bool in, int tar, struct err *err)
{
    auto_close int data = volume_data_open(v, in, err);
    struct id_maps maps = {0};
    struct userns_child child;
    int ends[2];
    if (data < 0)
        return data;
    int r = id_maps_choose(&maps, err);
    if (r == 0 && pipe2(ends, O_CLOEXEC) < 0)
        r = err_errno(err, -errno, "pipe");
    if (r < 0)
        return r;
    auto_close int from = ends[0], to = ends[1];
    struct transfer t = {
        .data = data, .read = from, .write = to, .in = in, .single_id = maps.single};
    signal(SIGPIPE, SIG_IGN); /* the other end tells why it has gone */
    r = userns_begin(&maps, in_volume, &t, &child, err);
    if (r < 0)
        return r;
    struct err own = {0}, other = {0};
    close_fd(in ? &from : &to);
    r = in ? copy_send_tar(to, tar, &own) : copy_receive_tar(from, tar, &own);
    close_fd(in ? &to : &from);
    int q = userns_finish(&child, &other);
    bool ours = r < 0 && (r != -EPIPE || q == 0);
    if (err && (r < 0 || q < 0))
        *err = ours ? own : other;
    return ours ? r : q;
}

static int export_to(void *arg, int fd, struct err *err)
{
    return transfer(arg, false, fd, err);
}

int volume_export(struct engine *e, const char *name, const char *output, struct err *err)
{
    auto_done(store_volume) struct store_volume v = {.fd = -1};
    int r = store_volume_find(&e->store, name, &v, err);
    if (r < 0)
        return r;
    r = output_write(output, export_to, &v, err);
    return r < 0 ? err_wrap(err, "export volume %s", v.name) : 0;
}

int volume_import(struct engine *e, const char *name, const char *input, struct err *err)
{
    auto_done(store_volume) struct store_volume v = {.fd = -1};
    int r = store_volume_find(&e->store, name, &v, err);
    if (r < 0)
        return r;
    auto_close int fd =
        input ? open(input, O_RDONLY | O_CLOEXEC) : fcntl(STDIN_FILENO, F_DUPFD_CLOEXEC, 3);
    if (fd < 0)
        return err_errno(err, -errno, "open %s", input ? input : "standard input");
    /* So that no first use copies the image's content into what is half unpacked. */
    auto_close int lock = store_volume_lock(&v, err);
    if (lock < 0)
        return lock;
    r = transfer(&v, true, fd, err);
    return r < 0 ? err_wrap(err, "import into volume %s", v.name) : 0;
}
