/* SPDX-License-Identifier: Apache-2.0 */
/* POSIX access control lists as the kernel hands them over (system.posix_acl_access and
 * system.posix_acl_default, linux/posix_acl_xattr.h, version 2): what a file system has to do with
 * them besides keeping them. The rules are those of acl(5) and of the kernel's fs/posix_acl.c. */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#define ACL_ACCESS  "system.posix_acl_access"
#define ACL_DEFAULT "system.posix_acl_default"

#define ACL_VERSION 2

/* A list is the version (32 bits, little endian) and entries of these tags, in this order. Packed,
 * as a list in a request lies at any address. */
struct acl_entry {
    uint16_t tag, perm; /* little endian */
    uint32_t id;        /* of ACL_USER and ACL_GROUP; else all ones */
} __attribute__((packed));

enum acl_tag {
    ACL_USER_OBJ = 1,
    ACL_USER = 2,
    ACL_GROUP_OBJ = 4,
    ACL_GROUP = 8,
    ACL_MASK = 16,
    ACL_OTHER = 32
};

/* A list has at most this many bytes here; longer ones are refused. */
#define ACL_MAX 4096

/* What a new object inherits. */
struct acl {
    uint8_t access[ACL_MAX], deflt[ACL_MAX];
    size_t access_len, deflt_len; /* 0: none */
};

/* The permission bits that a list says, put into *mode. *ret_minimal: the list says no more than
 * the mode does and need not be kept. -EINVAL: not a list. */
int acl_to_mode(const void *acl, size_t len, mode_t *mode, bool *ret_minimal);

/* Changes an access list as chmod() does. */
int acl_chmod(void *acl, size_t len, mode_t mode);

/* Makes a default list the access list of a new object: takes away what *mode does not grant, and
 * from *mode what the list does not. *ret_minimal as above. */
int acl_create(void *acl, size_t len, mode_t *mode, bool *ret_minimal);
