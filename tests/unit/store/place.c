/* SPDX-License-Identifier: Apache-2.0 */
/* A store in a temporary directory, for tests. */
#include "place.h"

#include "base/alloc.h"
#include "base/file.h"
#include "base/json.h"
#include "spec/digest.h"
#include "store/internal.h"

#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>

#include <cmocka.h>

int place_setup(void **state)
{
    struct place *p = new0(struct place);
    struct err err = {0};
    strcpy(p->dir, "/tmp/wherry-test-XXXXXX");
    if (!mkdtemp(p->dir) || chmod(p->dir, 0700) < 0)
        return -1;
    p->root = xasprintf("%s/root", p->dir);
    p->runroot = xasprintf("%s/run", p->dir);
    struct store_options o = {.root = p->root, .runroot = p->runroot};
    if (store_open(&o, &p->store, &err) < 0) {
        print_error("%s\n", err.message);
        return -1;
    }
    *state = p;
    return 0;
}

int place_teardown(void **state)
{
    struct place *p = *state;
    store_close(&p->store);
    int r = remove_tree_at(AT_FDCWD, p->dir, NULL);
    free(p->root);
    free(p->runroot);
    free(p);
    return r;
}

void place_blob(struct place *p, const char *digest, const char *text)
{
    struct blob_path path = store_blob_path(digest);
    struct err err = {0};
    if (file_write_at(p->store.root_fd, path.s, text, strlen(text), 0600, 0, &err) < 0)
        fail_msg("%s", err.message);
}

bool place_has_blob(struct place *p, const char *digest)
{
    struct blob_path path = store_blob_path(digest);
    return exists_at(p->store.root_fd, path.s);
}

const char *place_digest(char c)
{
    static char digests[16][DIGEST_LEN + 1];
    char *d = digests[c >= 'a' ? c - 'a' + 10 : c - '0'];
    strcpy(d, "sha256:");
    memset(d + 7, c, DIGEST_HEX_LEN);
    return d;
}

void place_image(struct place *p, char m, char c, const char *layers, const char *created,
                 const char *name)
{
    auto_done(manifest) struct manifest man = {0};
    auto_done(image_config) struct image_config config;
    image_config_init(&config);
    config.created = strdup_or_null(created);
    man.config = (struct descriptor){xstrdup(MEDIA_OCI_CONFIG), xstrdup(place_digest(c)), 0};
    man.n_layers = strlen(layers);
    man.layers = xcalloc(man.n_layers, sizeof(*man.layers));
    for (size_t i = 0; i < man.n_layers; i++) {
        const char *d = place_digest(layers[i]);
        man.layers[i] = (struct descriptor){xstrdup(MEDIA_OCI_LAYER), xstrdup(d), 4};
        strv_add(&config.diff_ids, d);
        place_blob(p, d, "data");
    }
    auto_json json_t *cj = image_config_json(&config), *index = NULL;
    auto_free char *ct = json_text(cj);
    man.config.size = (int64_t)strlen(ct);
    auto_json json_t *mj = manifest_json(&man);
    auto_free char *mt = json_text(mj);
    place_blob(p, place_digest(m), mt);
    place_blob(p, place_digest(c), ct);
    assert_int_equal(store_index_read(&p->store, &index, NULL), 0);
    store_index_add(index, place_digest(m), (int64_t)strlen(mt), name);
    assert_int_equal(store_index_write(&p->store, index, NULL), 0);
}

int place_fork(int (*fn)(struct place *p, void *arg), struct place *p, void *arg)
{
    pid_t pid = fork();
    if (pid == 0)
        _exit(fn(p, arg));
    int status = 0;
    assert_int_equal(waitpid(pid, &status, 0), pid);
    return WIFEXITED(status) ? WEXITSTATUS(status) : -1;
}
