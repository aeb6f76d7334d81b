/* SPDX-License-Identifier: Apache-2.0 */
/* Templates: walking the tree. */
#include "base/alloc.h"
#include "cmd/template_internal.h"

#include <ctype.h>
#include <stdlib.h>
#include <string.h>

static int eval_pipe(struct run *r, const struct node *pipe, const struct value *dot,
                     struct value *ret);
static int exec_node(struct run *r, const struct node *n, const struct value *dot);

static void value_done(struct value *v)
{
    json_decref(v->j);
    v->j = NULL;
}

DEFINE_AUTO(value, value_done)
#define auto_value auto_done(value) struct value

static struct value value_ref(const json_t *j, bool map)
{
    return (struct value){.j = json_incref((json_t *)j), .map = map};
}

int template_failed(struct run *r, const char *fmt, ...)
{
    va_list ap;
    va_start(ap, fmt);
    auto_free char *message = xvasprintf(fmt, ap);
    va_end(ap);
    return err_set(r->err, -EINVAL, "%s", message);
}

/* Puts the place and the text of `n` in front of an error's message. */
static int failed_at(struct run *r, const struct node *n)
{
    char place[48];
    size_t len = n->end - n->start;
    template_place(r->t->text, n->start, place);
    return err_wrap(r->err, "template: %s: at <%.*s%s>", place, (int)(len > 60 ? 60 : len),
                    r->t->text + n->start, len > 60 ? "..." : "");
}

/* Counts work, so that a hostile or silly template ends. */
static int step(struct run *r, size_t cost)
{
    r->steps += cost;
    if (r->steps > TEMPLATE_STEPS_MAX)
        return template_failed(r, "the template runs too long");
    return 0;
}

int template_new_string(struct run *r, const char *s, size_t len, struct value *ret)
{
    if (len > TEMPLATE_STRING_MAX)
        return template_failed(r, "a string of the template passes 16 MiB");
    if (step(r, 1 + len / 64) < 0)
        return -EINVAL;
    /* Parts of UTF-8 strings may be no UTF-8: unchecked. */
    *ret = (struct value){.j = json_stringn_nocheck(s, len)};
    return 0;
}

bool template_truth(const struct value *v)
{
    switch (v->j ? json_typeof(v->j) : JSON_NULL) {
    case JSON_TRUE: return true;
    case JSON_INTEGER: return json_integer_value(v->j) != 0;
    case JSON_REAL: return json_real_value(v->j) != 0;
    case JSON_STRING: return json_string_length(v->j) > 0;
    case JSON_ARRAY: return json_array_size(v->j) > 0;
    case JSON_OBJECT: return json_object_size(v->j) > 0;
    default: return false;
    }
}

const char *template_type_name(const json_t *j)
{
    switch (j ? json_typeof(j) : JSON_NULL) {
    case JSON_TRUE:
    case JSON_FALSE: return "bool";
    case JSON_INTEGER: return "int";
    case JSON_REAL: return "float64";
    case JSON_STRING: return "string";
    case JSON_ARRAY: return "list";
    case JSON_OBJECT: return "object";
    default: return "nil";
    }
}

/* Equal when case and "_" do not count. */
static bool same_name(const char *a, const char *b)
{
    for (;; a++, b++) {
        while (*a == '_')
            a++;
        while (*b == '_')
            b++;
        if (tolower((unsigned char)*a) != tolower((unsigned char)*b))
            return false;
        if (!*a)
            return true;
    }
}

static bool is_map_name(const char *name)
{
    static const char *const names[] = {
        "Annotations", "Data",         "Env",   "ExposedPorts", "IPAMOptions", "Labels", "Networks",
        "Options",     "PortBindings", "Ports", "StorageOpt",   "Sysctls",     "Tmpfs",  "Volumes",
    };
    for (size_t i = 0; i < sizeof(names) / sizeof(*names); i++)
        if (same_name(names[i], name))
            return true;
    return false;
}

static const json_t *find_member(const json_t *obj, const char *name)
{
    const json_t *j = json_object_get(obj, name);
    if (j)
        return j;
    const char *key;
    json_t *v;
    json_object_foreach ((json_t *)obj, key, v) {
        if (same_name(key, name))
            return v;
    }
    return NULL;
}

static void heading_for(const char *name, struct value *ret)
{
    auto_free char *upper = xstrdup(name);
    for (char *p = upper; *p; p++)
        *p = (char)toupper((unsigned char)*p);
    ret->j = json_string_nocheck(upper);
}

/* The field `name` of *v, which is replaced by it. */
static int get_field(struct run *r, struct value *v, const char *name)
{
    struct value field = {0};
    bool object = json_is_object(v->j);
    if (object || (v->map && json_is_null(v->j))) {
        const json_t *j = v->map ? json_object_get(v->j, name) : find_member(v->j, name);
        bool holds = j && (json_is_object(j) || json_is_null(j));
        field = value_ref(j, holds && !v->map && is_map_name(name));
    }
    if (!field.j && r->headings)
        heading_for(name, &field);
    else if (!field.j && !v->map && v->j && json_is_null(v->j))
        return template_failed(r, "nil has no field %s", name);
    else if (!field.j && !v->map)
        return template_failed(r, "can't evaluate field %s%s%s", name, object ? "" : " in type ",
                               object ? "" : template_type_name(v->j));
    value_done(v);
    *v = field;
    return 0;
}

static int get_fields(struct run *r, const struct strv *fields, struct value *v)
{
    for (size_t i = 0; i < fields->len; i++)
        if (get_field(r, v, fields->v[i]) < 0)
            return -EINVAL;
    return 0;
}

static struct variable *find_variable(struct run *r, const char *name)
{
    for (size_t i = r->n_vars; i-- > 0;)
        if (strcmp(r->vars[i].name, name) == 0)
            return &r->vars[i];
    return NULL;
}

static void push_variable(struct run *r, const char *name, const struct value *v)
{
    grow_array(r->vars, r->n_vars, r->cap_vars);
    r->vars[r->n_vars++] = (struct variable){name, value_ref(v->j, v->map)};
}

static void pop_variables(struct run *r, size_t to)
{
    while (r->n_vars > to)
        value_done(&r->vars[--r->n_vars].value);
}

static void set_variable(struct run *r, const struct node *pipe, const char *name,
                         const struct value *v)
{
    struct variable *var = pipe->assign ? find_variable(r, name) : NULL;
    if (!var) {
        push_variable(r, name, v);
        return;
    }
    struct value old = var->value;
    var->value = value_ref(v->j, v->map);
    value_done(&old);
}

static int call_function(struct run *r, const struct node *at, const struct value *args, size_t n,
                         struct value *ret)
{
    const struct template_function *f = at->function;
    if (n < f->min || n > f->max) {
        bool exact = f->min == f->max;
        template_failed(r, "wrong number of args for %s: want %s%zu got %zu", f->name,
                        exact        ? ""
                        : n < f->min ? "at least "
                                     : "at most ",
                        n < f->min ? f->min : f->max, n);
        return failed_at(r, at);
    }
    struct value v = {0};
    if (f->call(r, f, args, n, &v) < 0) {
        err_wrap(r->err, "error calling %s", f->name);
        return failed_at(r, at);
    }
    *ret = v;
    return 0;
}

static int eval_operand(struct run *r, const struct node *n, const struct value *dot,
                        struct value *ret)
{
    auto_value v = {0};
    switch (n->kind) {
    case NODE_DOT: v = value_ref(dot->j, dot->map); break;
    case NODE_VARIABLE: {
        const struct variable *var = find_variable(r, n->name);
        if (var)
            v = value_ref(var->value.j, var->value.map);
        break;
    }
    case NODE_CHAIN:
        if (eval_pipe(r, n->kids[0], dot, &v) < 0)
            return -EINVAL;
        break;
    case NODE_LITERAL: v = value_ref(n->literal, false); break;
    case NODE_FUNCTION:
        if (!n->function->call) {
            template_failed(r, "wrong number of args for %s: want at least 1 got 0", n->name);
            return failed_at(r, n);
        }
        return call_function(r, n, NULL, 0, ret);
    default: v.j = json_null(); break;
    }
    if (get_fields(r, &n->fields, &v) < 0)
        return failed_at(r, n);
    *ret = v;
    v.j = NULL;
    return 0;
}

/* `and` and `or`: the first argument that decides, or the last; what follows it is not evaluated.
 */
static int eval_logic(struct run *r, const struct node *command, const struct value *last,
                      const struct value *dot, struct value *ret)
{
    bool stop_at = strcmp(command->kids[0]->name, "or") == 0;
    size_t n = command->n_kids - 1 + (last != NULL);
    if (!n) {
        template_failed(r, "wrong number of args for %s: want at least 1 got 0",
                        command->kids[0]->name);
        return failed_at(r, command);
    }
    for (size_t i = 1; i < command->n_kids; i++) {
        auto_value v = {0};
        if (eval_operand(r, command->kids[i], dot, &v) < 0)
            return -EINVAL;
        if (template_truth(&v) == stop_at || i == n) {
            *ret = v;
            v.j = NULL;
            return 0;
        }
    }
    *ret = value_ref(last->j, last->map);
    return 0;
}

/* One command of a pipe; `last` is what the command before it gave, or NULL. */
static int eval_command(struct run *r, const struct node *command, const struct value *last,
                        const struct value *dot, struct value *ret)
{
    const struct node *first = command->kids[0];
    if (step(r, 1) < 0)
        return failed_at(r, command);
    if (first->kind != NODE_FUNCTION) {
        if (command->n_kids == 1 && !last)
            return eval_operand(r, first, dot, ret);
        template_failed(r, "can't give argument to non-function %.*s",
                        (int)(first->end - first->start), r->t->text + first->start);
        return failed_at(r, command);
    }
    if (!first->function->call)
        return eval_logic(r, command, last, dot, ret);
    size_t n = 0;
    int result = 0;
    struct value *args = xcalloc(command->n_kids, sizeof(*args));
    for (size_t i = 1; i < command->n_kids && result == 0; i++) {
        result = eval_operand(r, command->kids[i], dot, &args[n]);
        n += result == 0;
    }
    if (last && result == 0)
        args[n++] = value_ref(last->j, last->map);
    if (result == 0)
        result = call_function(r, first, args, n, ret);
    for (size_t i = 0; i < n; i++)
        value_done(&args[i]);
    free(args);
    return result;
}

/* The pipe's value. Its variables are not set here: in range they are not the pipe's value. */
static int pipe_value(struct run *r, const struct node *pipe, const struct value *dot,
                      struct value *ret)
{
    auto_value last = {0};
    for (size_t i = 0; i < pipe->n_kids; i++) {
        struct value v = {0};
        if (eval_command(r, pipe->kids[i], i ? &last : NULL, dot, &v) < 0)
            return -EINVAL;
        value_done(&last);
        last = v;
    }
    *ret = last;
    last.j = NULL;
    return 0;
}

static int eval_pipe(struct run *r, const struct node *pipe, const struct value *dot,
                     struct value *ret)
{
    struct value v = {0};
    if (pipe_value(r, pipe, dot, &v) < 0)
        return -EINVAL;
    for (size_t i = 0; i < pipe->fields.len; i++)
        set_variable(r, pipe, pipe->fields.v[i], &v);
    *ret = v;
    return 0;
}

static int check_output(struct run *r, const struct node *n)
{
    if (r->out->len - r->out_start <= TEMPLATE_OUTPUT_MAX)
        return 0;
    template_failed(r, "the output passes 64 MiB");
    return failed_at(r, n);
}

static int exec_action(struct run *r, const struct node *n, const struct value *dot)
{
    auto_value v = {0};
    if (eval_pipe(r, n->pipe, dot, &v) < 0)
        return -EINVAL;
    if (n->pipe->fields.len)
        return 0;
    size_t before = r->out->len;
    if (!v.j)
        buf_add_str(r->out, "<no value>");
    else if (v.map && json_is_null(v.j))
        buf_add_str(r->out, "map[]");
    else
        template_format_value(r->out, v.j);
    if (step(r, (r->out->len - before) / 64) < 0)
        return failed_at(r, n->pipe);
    return check_output(r, n->pipe);
}

static int exec_list(struct run *r, const struct node *list, const struct value *dot)
{
    for (size_t i = 0; i < list->n_kids && r->jump == JUMP_NONE; i++)
        if (exec_node(r, list->kids[i], dot) < 0)
            return -EINVAL;
    return 0;
}

/* {{if}} and {{with}}. */
static int exec_choice(struct run *r, const struct node *n, const struct value *dot)
{
    size_t scope = r->n_vars;
    auto_value v = {0};
    if (eval_pipe(r, n->pipe, dot, &v) < 0)
        return -EINVAL;
    int result = 0;
    if (template_truth(&v))
        result = exec_list(r, n->body, n->kind == NODE_WITH ? &v : dot);
    else if (n->otherwise)
        result = exec_list(r, n->otherwise, dot);
    pop_variables(r, scope);
    return result;
}

/* One turn of {{range}}; `key` is borrowed. */
static int exec_turn(struct run *r, const struct node *n, const struct value *key,
                     const struct value *element)
{
    size_t scope = r->n_vars;
    const struct strv *names = &n->pipe->fields;
    if (step(r, 1) < 0)
        return failed_at(r, n->pipe);
    if (names->len == 2)
        set_variable(r, n->pipe, names->v[0], key);
    if (names->len)
        set_variable(r, n->pipe, names->v[names->len - 1], element);
    int result = exec_list(r, n->body, element);
    pop_variables(r, scope);
    if (r->jump == JUMP_CONTINUE)
        r->jump = JUMP_NONE;
    return result;
}

static int range_array(struct run *r, const struct node *n, const json_t *array)
{
    int result = 0;
    for (size_t i = 0; i < json_array_size(array) && result == 0 && r->jump == JUMP_NONE; i++) {
        auto_value key = {.j = json_integer((json_int_t)i)};
        auto_value element = value_ref(json_array_get(array, i), false);
        result = exec_turn(r, n, &key, &element);
    }
    return result;
}

static int range_object(struct run *r, const struct node *n, const json_t *obj)
{
    size_t count;
    int result = 0;
    auto_free const char **keys = template_sorted_keys(obj, &count);
    for (size_t i = 0; i < count && result == 0 && r->jump == JUMP_NONE; i++) {
        auto_value key = {.j = json_string_nocheck(keys[i])};
        auto_value element = value_ref(json_object_get(obj, keys[i]), false);
        result = exec_turn(r, n, &key, &element);
    }
    return result;
}

static int exec_range(struct run *r, const struct node *n, const struct value *dot)
{
    auto_value v = {0};
    size_t scope = r->n_vars;
    if (pipe_value(r, n->pipe, dot, &v) < 0)
        return -EINVAL;
    int result = 0;
    struct value none = {0};
    if (json_is_array(v.j) && json_array_size(v.j) > 0) {
        result = range_array(r, n, v.j);
    } else if (json_is_object(v.j) && json_object_size(v.j) > 0) {
        result = range_object(r, n, v.j);
    } else if (r->headings && json_is_string(v.j)) {
        result = exec_turn(r, n, &none, &v); /* a list's heading, once */
    } else if (!v.j || json_is_null(v.j) || json_is_array(v.j) || json_is_object(v.j)) {
        result = n->otherwise ? exec_list(r, n->otherwise, dot) : 0;
        pop_variables(r, scope);
        return result;
    } else {
        template_failed(r, "range can't iterate over a value of type %s", template_type_name(v.j));
        return failed_at(r, n->pipe);
    }
    if (r->jump == JUMP_BREAK)
        r->jump = JUMP_NONE;
    pop_variables(r, scope);
    return result;
}

static int exec_node(struct run *r, const struct node *n, const struct value *dot)
{
    switch (n->kind) {
    case NODE_TEXT:
        buf_add_str(r->out, n->name);
        if (step(r, 1 + strlen(n->name) / 64) < 0)
            return err_wrap(r->err, "template");
        return check_output(r, n);
    case NODE_ACTION: return exec_action(r, n, dot);
    case NODE_IF:
    case NODE_WITH: return exec_choice(r, n, dot);
    case NODE_RANGE: return exec_range(r, n, dot);
    case NODE_BREAK: r->jump = JUMP_BREAK; return 0;
    case NODE_CONTINUE: r->jump = JUMP_CONTINUE; return 0;
    default: return exec_list(r, n, dot);
    }
}

static int run_template(const struct template *t, const json_t *dot, bool headings, struct buf *out,
                        struct err *err)
{
    struct err own = {0};
    struct run r = {.t = t, .headings = headings, .out = out, .err = err ? err : &own};
    r.out_start = out->len;
    struct value v = {.j = (json_t *)dot};
    push_variable(&r, "", &v);
    int result = exec_node(&r, t->root, &v);
    pop_variables(&r, 0);
    free(r.vars);
    return result < 0 ? r.err->code : 0;
}

int template_run(const struct template *t, const json_t *dot, struct buf *out, struct err *err)
{
    return run_template(t, dot, false, out, err);
}

int template_run_headings(const struct template *t, const json_t *names, struct buf *out,
                          struct err *err)
{
    return run_template(t, names, true, out, err);
}
