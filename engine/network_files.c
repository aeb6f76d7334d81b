/* SPDX-License-Identifier: Apache-2.0 */
/* The files that stand in for the image's. */
#include "engine/network_files.h"

#include "base/file.h"

#include <fcntl.h>

const struct network_file network_files[NETWORK_FILES] = {
    {"hosts", "/etc/hosts"},
    {"resolv.conf", "/etc/resolv.conf"},
    {"hostname", "/etc/hostname"},
    {"containerenv", "/run/.containerenv"},
};

static void host_file(const char *path, struct buf *out)
{
    file_read_at(AT_FDCWD, path, 1 << 20, out, NULL); /* a host without one: an empty file */
    if (out->len && out->data[out->len - 1] != '\n')
        buf_add_char(out, '\n');
}

int network_files_write(int dirfd, const char *hostname, const char *alias, struct err *err)
{
    auto_buf hosts = {0}, resolv = {0}, name = {0}, env = {0};
    host_file("/etc/hosts", &hosts);
    buf_printf(&hosts, "127.0.0.1\t%s %s\n", hostname, alias);
    host_file("/etc/resolv.conf", &resolv);
    buf_printf(&name, "%s\n", hostname);
    buf_printf(&env, "engine=\"wherry-%s\"\nname=\"%s\"\n", WHERRY_VERSION, alias);
    const struct buf *texts[NETWORK_FILES] = {&hosts, &resolv, &name, &env};
    for (size_t i = 0; i < NETWORK_FILES; i++) {
        int r = file_write_at(dirfd, network_files[i].name, buf_str(texts[i]), texts[i]->len, 0644,
                              0, err);
        if (r < 0)
            return r;
    }
    return 0;
}
