/* SPDX-License-Identifier: Apache-2.0 */
/* The table of commands, and what main() and help need to find their way in it. */
#pragma once

#include "base/buf.h"
#include "base/err.h"
#include "cmd/command.h"

#include <stdbool.h>
#include <stddef.h>

/* One command. The table is compiled into both programs; `cmd` is NULL in the program that does not
 * hold the command, so that neither links what only the other needs. */
struct command_row {
    const char *name;          /* as typed: "run", "volume ls" */
    const struct command *cmd; /* NULL: it lives in the other program */
    const char *groups;        /* groups it is also reached through by its name: "container" */
    const char *aliases;       /* further ways to type it: "container ls|container list" */
    bool image_program;        /* lives in wherry-image */
    const char *summary;       /* one line for lists of commands */
};

struct command_group {
    const char *name;    /* "container" */
    const char *summary; /* "Manage containers" */
};

struct command_table {
    const struct command_row *rows;     /* ends in {0} */
    const struct command_group *groups; /* ends in {0} */
    const struct opt *globals;          /* options before the command */
    bool image_program;                 /* this program is wherry-image */
    name_candidates_fn name_candidates; /* struct engine_options */
};

/* The programs' table, in commands.c. */
extern const struct command_table commands;

/* Options before the command. */
struct global_values {
    char *root, *runroot, *log_level;
    struct strv image_stores;
    bool version;
};
extern const struct opt command_globals[];

/* What words[0..n) name. */
struct command_match {
    const struct command_row *row;     /* a command, which takes `words` of them */
    const struct command_group *group; /* else a group and nothing behind it, or only flags */
    size_t words;
};

/* Finds a command or a group. Another word is an error with the likely meant ones. With no word at
 * all both members of *ret are NULL. */
int command_find(const struct command_table *table, size_t n, char *const *words,
                 struct command_match *ret, struct err *err);

/* Checks the number of arguments, in cobra's words. `path` is the command as typed. */
int command_check_args(const struct command *cmd, const char *path, size_t n, struct err *err);

/* The texts of --help. */
void command_help_top(const struct command_table *table, struct buf *out);
void command_help_group(const struct command_table *table, const struct command_group *group,
                        struct buf *out);
void command_help_row(const struct command_row *row, struct buf *out);

/* The status that the program ends with on this error. */
int command_exit_status(const struct err *err);

/* The commands, one file each. */
extern const struct command cmd_attach;
extern const struct command cmd_build;
extern const struct command cmd_commit;
extern const struct command cmd_container_diff;
extern const struct command cmd_container_exists;
extern const struct command cmd_container_inspect;
extern const struct command cmd_container_prune;
extern const struct command cmd_cp;
extern const struct command cmd_create;
extern const struct command cmd_diff;
extern const struct command cmd_events;
extern const struct command cmd_exec;
extern const struct command cmd_export;
extern const struct command cmd_healthcheck_run;
extern const struct command cmd_help;
extern const struct command cmd_history;
extern const struct command cmd_image_diff;
extern const struct command cmd_image_exists;
extern const struct command cmd_image_inspect;
extern const struct command cmd_image_mount;
extern const struct command cmd_image_prune;
extern const struct command cmd_image_resolve;
extern const struct command cmd_image_tree;
extern const struct command cmd_image_unmount;
extern const struct command cmd_images;
extern const struct command cmd_import;
extern const struct command cmd_info;
extern const struct command cmd_inspect;
extern const struct command cmd_kill;
extern const struct command cmd_load;
extern const struct command cmd_login;
extern const struct command cmd_logout;
extern const struct command cmd_logs;
extern const struct command cmd_mount;
extern const struct command cmd_pause;
extern const struct command cmd_port;
extern const struct command cmd_ps;
extern const struct command cmd_pull;
extern const struct command cmd_push;
extern const struct command cmd_reindex;
extern const struct command cmd_rename;
extern const struct command cmd_restart;
extern const struct command cmd_rm;
extern const struct command cmd_rmi;
extern const struct command cmd_run;
extern const struct command cmd_save;
extern const struct command cmd_search;
extern const struct command cmd_secret_create;
extern const struct command cmd_secret_exists;
extern const struct command cmd_secret_inspect;
extern const struct command cmd_secret_ls;
extern const struct command cmd_secret_rm;
extern const struct command cmd_start;
extern const struct command cmd_stats;
extern const struct command cmd_stop;
extern const struct command cmd_system_check;
extern const struct command cmd_system_df;
extern const struct command cmd_system_prune;
extern const struct command cmd_system_reset;
extern const struct command cmd_tag;
extern const struct command cmd_top;
extern const struct command cmd_unmount;
extern const struct command cmd_unpause;
extern const struct command cmd_unshare;
extern const struct command cmd_untag;
extern const struct command cmd_update;
extern const struct command cmd_version;
extern const struct command cmd_volume_create;
extern const struct command cmd_volume_exists;
extern const struct command cmd_volume_export;
extern const struct command cmd_volume_import;
extern const struct command cmd_volume_inspect;
extern const struct command cmd_volume_ls;
extern const struct command cmd_volume_mount;
extern const struct command cmd_volume_prune;
extern const struct command cmd_volume_rm;
extern const struct command cmd_volume_unmount;
extern const struct command cmd_wait;

/* Executes wherry-image, with the arguments that this program was given. Returns only on errors. */
int command_hand_over(const struct command_table *table, char *const *argv, struct err *err);
