/* SPDX-License-Identifier: Apache-2.0 */
/* Names of Linux capabilities, and the sets that --cap-add and --cap-drop ask for. */
#include "spec/capability.h"

#include "base/alloc.h"

#include <ctype.h>
#include <stdlib.h>
#include <string.h>

/* By number (linux/capability.h). */
static const char *const names[] = {
    "CAP_CHOWN",
    "CAP_DAC_OVERRIDE",
    "CAP_DAC_READ_SEARCH",
    "CAP_FOWNER",
    "CAP_FSETID",
    "CAP_KILL",
    "CAP_SETGID",
    "CAP_SETUID",
    "CAP_SETPCAP",
    "CAP_LINUX_IMMUTABLE",
    "CAP_NET_BIND_SERVICE",
    "CAP_NET_BROADCAST",
    "CAP_NET_ADMIN",
    "CAP_NET_RAW",
    "CAP_IPC_LOCK",
    "CAP_IPC_OWNER",
    "CAP_SYS_MODULE",
    "CAP_SYS_RAWIO",
    "CAP_SYS_CHROOT",
    "CAP_SYS_PTRACE",
    "CAP_SYS_PACCT",
    "CAP_SYS_ADMIN",
    "CAP_SYS_BOOT",
    "CAP_SYS_NICE",
    "CAP_SYS_RESOURCE",
    "CAP_SYS_TIME",
    "CAP_SYS_TTY_CONFIG",
    "CAP_MKNOD",
    "CAP_LEASE",
    "CAP_AUDIT_WRITE",
    "CAP_AUDIT_CONTROL",
    "CAP_SETFCAP",
    "CAP_MAC_OVERRIDE",
    "CAP_MAC_ADMIN",
    "CAP_SYSLOG",
    "CAP_WAKE_ALARM",
    "CAP_BLOCK_SUSPEND",
    "CAP_AUDIT_READ",
    "CAP_PERFMON",
    "CAP_BPF",
    "CAP_CHECKPOINT_RESTORE",
};

#define COUNT (sizeof(names) / sizeof(*names))

uint64_t capability_all(void)
{
    return (UINT64_C(1) << COUNT) - 1;
}

static int number_of(const char *name)
{
    for (size_t i = 0; i < COUNT; i++)
        if (strcmp(names[i], name) == 0)
            return (int)i;
    return -1;
}

int capability_normalise(const struct strv *from, struct strv *ret, struct err *err)
{
    for (size_t i = 0; i < from->len; i++) {
        const char *given = from->v[i];
        bool prefixed = strncasecmp(given, "CAP_", 4) == 0 || strcasecmp(given, "ALL") == 0;
        auto_free char *name = xasprintf("%s%s", prefixed ? "" : "CAP_", given);
        for (char *p = name; *p; p++)
            *p = (char)toupper((unsigned char)*p);
        if (strcmp(name, "ALL") != 0 && number_of(name) < 0)
            return err_kind(err, ERR_USAGE, -EINVAL, "unknown capability \"%s\"", given);
        if (!strv_contains(ret, name))
            strv_add(ret, name);
    }
    return 0;
}

uint64_t capability_set(const struct strv *from)
{
    uint64_t set = 0;
    for (size_t i = 0; i < from->len; i++) {
        int n = number_of(from->v[i]);
        if (n >= 0)
            set |= UINT64_C(1) << n;
        else if (strcmp(from->v[i], "ALL") == 0)
            set |= capability_all();
    }
    return set;
}

int capability_merge(uint64_t base, const struct strv *add, const struct strv *drop, uint64_t *ret,
                     struct err *err)
{
    bool add_all = strv_contains(add, "ALL"), drop_all = strv_contains(drop, "ALL");
    if (add_all && drop_all)
        return err_kind(err, ERR_USAGE, -EINVAL,
                        "adding all capabilities and removing all capabilities not allowed");
    for (size_t i = 0; i < add->len; i++)
        if (strv_contains(drop, add->v[i]))
            return err_kind(err, ERR_USAGE, -EINVAL,
                            "capability \"%s\" cannot be dropped and added", add->v[i]);
    if (drop_all)
        *ret = capability_set(add);
    else
        *ret = (base | capability_set(add)) & ~capability_set(drop);
    return 0;
}

static int compare(const void *a, const void *b)
{
    return strcmp(*(char *const *)a, *(char *const *)b);
}

void capability_list(uint64_t set, struct strv *ret)
{
    size_t first = ret->len;
    for (size_t i = 0; i < COUNT; i++)
        if (set >> i & 1)
            strv_add(ret, names[i]);
    if (ret->len > first)
        qsort(ret->v + first, ret->len - first, sizeof(*ret->v), compare);
}
