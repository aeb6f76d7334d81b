/* SPDX-License-Identifier: Apache-2.0 */
/* overlay-fuse as a mount program of its own, with fuse-overlayfs's command line. */
#pragma once

/* The program's main() in this role. Returns its exit status. */
int standalone_main(int argc, char **argv);
