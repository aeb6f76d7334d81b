/* SPDX-License-Identifier: Apache-2.0 */
/* A request body that comes piece by piece.
 *
 * Theory of operation. The producer calls us, and libcurl wants to call somebody who has the bytes:
 * so the transfer is paused while there is no piece, and http_upload_add() drives it until its
 * piece is taken. The body goes in HTTP's chunks, as its length is not known. */
#include "registry/http_internal.h"

#include "base/alloc.h"

#include <string.h>

#define SEND_BUFFER (512 * 1024L)

struct http_upload {
    struct http_hop hop;
    struct err err;
    CURLM *multi;
    char *url;
    const char *piece;
    size_t left;
    bool ended; /* no more pieces */
    bool done;  /* libcurl is through */
    CURLcode code;
};

static size_t on_read(char *out, size_t size, size_t n, void *arg)
{
    struct http_upload *u = arg;
    size_t room = size * n, len = u->left < room ? u->left : room;
    if (len == 0)
        return u->ended ? 0 : CURL_READFUNC_PAUSE;
    memcpy(out, u->piece, len);
    u->piece += len;
    u->left -= len;
    return len;
}

struct http_upload *http_upload_begin(struct http *h, const struct http_request *req,
                                      struct http_response *ret)
{
    struct http_upload *u = new0(struct http_upload);
    u->url = xstrdup(req->url);
    u->hop = (struct http_hop){.http = h, .req = req, .ret = ret, .url = u->url, .err = &u->err};
    u->multi = curl_multi_init();
    if (!h->curl || !u->multi) {
        http_upload_free(u);
        return NULL;
    }
    http_hop_prepare(&u->hop, true);
    curl_easy_setopt(h->curl, CURLOPT_UPLOAD, 1L);
    curl_easy_setopt(h->curl, CURLOPT_CUSTOMREQUEST, req->method);
    curl_easy_setopt(h->curl, CURLOPT_READFUNCTION, on_read);
    curl_easy_setopt(h->curl, CURLOPT_READDATA, u);
    curl_easy_setopt(h->curl, CURLOPT_UPLOAD_BUFFERSIZE, SEND_BUFFER);
    /* The producer may think for longer than a stalled server may. */
    curl_easy_setopt(h->curl, CURLOPT_LOW_SPEED_TIME, 0L);
    curl_multi_add_handle(u->multi, h->curl);
    return u;
}

/* Lets libcurl work until the piece is taken, or, after the last one, until the response is
 * there. */
static int drive(struct http_upload *u, struct err *err)
{
    long idle = 0;
    curl_easy_pause(u->hop.http->curl, CURLPAUSE_CONT);
    while (!u->done && (u->ended || u->left)) {
        int running = 0, events = 0, queued;
        size_t left = u->left;
        if (curl_multi_perform(u->multi, &running) != CURLM_OK)
            return err_set(err, -EIO, "libcurl failed");
        CURLMsg *msg = curl_multi_info_read(u->multi, &queued);
        if (msg && msg->msg == CURLMSG_DONE) {
            u->done = true;
            u->code = msg->data.result;
        }
        if (u->done || left != u->left)
            continue;
        curl_multi_poll(u->multi, NULL, 0, 1000, &events);
        idle = events ? 0 : idle + 1;
        if (idle > u->hop.http->config->stall_seconds)
            return err_set(err, -ETIMEDOUT, "nothing was taken or answered for %ld seconds", idle);
    }
    return 0;
}

static int result(struct http_upload *u, struct err *err)
{
    int r = http_hop_result(&u->hop, u->code, err);
    if (r < 0 && u->hop.failed && err)
        *err = u->err;
    return r;
}

int http_upload_add(struct http_upload *u, const void *data, size_t len, struct err *err)
{
    u->piece = data;
    u->left = len;
    int r = u->done ? 0 : drive(u, err);
    if (r == 0 && u->done) {
        r = result(u, err);
        if (r == 0)
            r = err_set(err, -EPIPE, "the server answered before it had everything");
    }
    return r;
}

int http_upload_end(struct http_upload *u, struct err *err)
{
    u->ended = true;
    int r = drive(u, err);
    return r < 0 ? r : result(u, err);
}

void http_upload_free(struct http_upload *u)
{
    if (!u)
        return;
    if (u->multi && u->hop.http->curl)
        curl_multi_remove_handle(u->multi, u->hop.http->curl);
    curl_multi_cleanup(u->multi);
    http_hop_done(&u->hop);
    free(u->url);
    free(u);
}
