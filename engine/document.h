/* SPDX-License-Identifier: Apache-2.0 */
/* What config.json of a container leaves out: what is as everywhere.
 *
 * A list reads every container's document, and reading is what it spends its time with; so a member
 * that has its default is not written, whoever reads it takes an absent one for the default, and
 * `inspect` puts them all back. */
#pragma once

#include <jansson.h>

/* Removes the members that have their default. */
void document_leave_out_defaults(json_t *document);
/* Adds the members that were left out. */
void document_add_defaults(json_t *document);
