/* SPDX-License-Identifier: Apache-2.0 */
/* Go's text/template, the part that people write behind --format, over JSON values.
 *
 * Theory of operation. template_parse() turns the text into a tree (template_lex.c,
 * template_parse.c); template_run() walks the tree with a value as dot (template_run.c), calling
 * the functions of template_funcs.c. Values are JSON values; text comes from them as Go's %v would
 * write it (template_format.c).
 *
 * What podman knows from Go types, we know from names. An object is taken for a struct: a field
 * that it lacks is an error. Members with one of these names hold maps instead, wherever they are
 * objects or null: Annotations, Data, Env, ExposedPorts, Labels, Networks, Options, PortBindings,
 * Ports, StorageOpt, Sysctls, Tmpfs, Volumes, and ipam_options; case and "_" do not count. A key
 * that a map lacks is "<no value>" as a field and "" through index. What a map holds is a struct
 * again. A struct's field is also found when case and "_" differ (.ID and .Id, .DNSEnabled and
 * dns_enabled), because podman's Go names and JSON names do.
 *
 * Bounds: 100 levels of nesting, 16 MiB a string, 64 MiB of output, 20 million steps. */
#pragma once

#include "base/buf.h"
#include "base/err.h"

#include <jansson.h>

struct template;

/* Parses a template; "\t" and "\n" written as escapes outside actions are tabs and new lines, as
 * podman has it. *ret is freed with template_free(). A template that does not parse is ERR_USAGE.
 */
int template_parse(const char *text, struct template **ret, struct err *err);
void template_free(struct template *t);

/* Appends the template's text for `dot` to *out. A field that `dot` lacks is an error that names it
 * (as Go's for structs) unless its parent is a map (above): then it is "<no value>". On an error
 * *out holds the text up to it. */
int template_run(const struct template *t, const json_t *dot, struct buf *out, struct err *err);

/* As template_run(), for the headings of a table: `names` maps fields to headings, and a field that
 * it lacks has its own name in upper case as heading. */
int template_run_headings(const struct template *t, const json_t *names, struct buf *out,
                          struct err *err);
