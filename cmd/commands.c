/* SPDX-License-Identifier: Apache-2.0 */
/* The only list of commands. Compiled into both programs, with WHERRY_IMAGE_PROGRAM 0 or 1.
 *
 * HERE(c) is a command of wherry, IMAGE(c) one of wherry-image, BOTH(c) one that each program
 * answers itself. */
#include "cmd/commands.h"

#if WHERRY_IMAGE_PROGRAM
#define HERE(c)  .cmd = NULL
#define IMAGE(c) .cmd = &(c), .image_program = true
#else
#define HERE(c)  .cmd = &(c)
#define IMAGE(c) .cmd = NULL, .image_program = true
#endif
#define BOTH(c) .cmd = &(c)

static const struct command_row rows[] = {
    {.name = "build",
     IMAGE(cmd_build),
     .groups = "image",
     .summary = "Build an image from a Dockerfile"},
    {.name = "commit",
     IMAGE(cmd_commit),
     .groups = "container",
     .summary = "Make an image from a container's changes"},
    {.name = "container inspect",
     HERE(cmd_container_inspect),
     .summary = "Show all that is known of a container"},
    {.name = "create",
     HERE(cmd_create),
     .groups = "container",
     .summary = "Create a container but do not start it"},
    {.name = "help", BOTH(cmd_help), .summary = "Help about any command"},
    {.name = "history",
     HERE(cmd_history),
     .groups = "image",
     .summary = "Show how an image came to be"},
    {.name = "image exists",
     HERE(cmd_image_exists),
     .summary = "Tell by the exit status whether an image is here"},
    {.name = "image inspect",
     HERE(cmd_image_inspect),
     .summary = "Show all that is known of an image"},
    {.name = "image prune", HERE(cmd_image_prune), .summary = "Remove images that nobody needs"},
    {.name = "image tree", HERE(cmd_image_tree), .summary = "Show the layers of an image"},
    {.name = "images",
     HERE(cmd_images),
     .aliases = "image ls|image list",
     .summary = "List images"},
    {.name = "import",
     IMAGE(cmd_import),
     .groups = "image",
     .summary = "Make an image from a tar of a root file system"},
    {.name = "info",
     HERE(cmd_info),
     .groups = "system",
     .summary = "Show what wherry found on this machine"},
    {.name = "inspect",
     HERE(cmd_inspect),
     .summary = "Show all that is known of a container or image"},
    {.name = "load", IMAGE(cmd_load), .groups = "image", .summary = "Load images from an archive"},
    {.name = "login", IMAGE(cmd_login), .summary = "Log in to a registry"},
    {.name = "logout", IMAGE(cmd_logout), .summary = "Log out of a registry"},
    {.name = "logs",
     HERE(cmd_logs),
     .groups = "container",
     .summary = "Print the output of a container"},
    {.name = "ps",
     HERE(cmd_ps),
     .groups = "container",
     .aliases = "container ls|container list",
     .summary = "List containers"},
    {.name = "pull", IMAGE(cmd_pull), .groups = "image", .summary = "Pull images from a registry"},
    {.name = "push", IMAGE(cmd_push), .groups = "image", .summary = "Push an image to a registry"},
    {.name = "rm", HERE(cmd_rm), .groups = "container", .summary = "Remove one or more containers"},
    {.name = "rmi", HERE(cmd_rmi), .aliases = "image rm", .summary = "Remove one or more images"},
    {.name = "run",
     HERE(cmd_run),
     .groups = "container",
     .summary = "Run a command in a new container"},
    {.name = "save", IMAGE(cmd_save), .groups = "image", .summary = "Write images to an archive"},
    {.name = "search",
     IMAGE(cmd_search),
     .groups = "image",
     .summary = "Search registries for images"},
    {.name = "start",
     HERE(cmd_start),
     .groups = "container",
     .summary = "Start one or more containers"},
    {.name = "stop",
     HERE(cmd_stop),
     .groups = "container",
     .summary = "Stop one or more containers"},
    {.name = "system check", IMAGE(cmd_system_check), .summary = "Check the store, and mend it"},
    {.name = "system reindex",
     IMAGE(cmd_reindex),
     .summary = "Write a layer's index again from its tar"},
    {.name = "tag", HERE(cmd_tag), .groups = "image", .summary = "Give an image further names"},
    {.name = "untag",
     HERE(cmd_untag),
     .groups = "image",
     .summary = "Take names away from an image"},
    {.name = "version", BOTH(cmd_version), .summary = "Display the wherry version information"},
    {0},
};

static const struct command_group groups[] = {
    {"container", "Manage containers"},
    {"image", "Manage images"},
    {"system", "Manage wherry"},
    {0},
};

const struct command_table commands = {
    .rows = rows,
    .groups = groups,
    .globals = command_globals,
    .image_program = WHERRY_IMAGE_PROGRAM,
};
