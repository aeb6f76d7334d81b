/* SPDX-License-Identifier: Apache-2.0 */
/* What exchanges with a whole body and those piece by piece share. Only for http*.c. */
#pragma once

#include "registry/http.h"

#include <curl/curl.h>

struct http {
    CURL *curl;
    const struct http_config *config;
    char error[CURL_ERROR_SIZE];
};

/* One hop: what libcurl's callbacks need. */
struct http_hop {
    struct http *http;
    const struct http_request *req;
    struct http_response *ret;
    const char *url;
    struct curl_slist *headers;
    size_t header_bytes;
    struct err *err; /* of the receiver */
    int failed;      /* what the receiver, or a limit, said */
};

/* Sets the handle up for a request to hop->url; `with_auth`: Authorization may go there. */
void http_hop_prepare(struct http_hop *hop, bool with_auth);
void http_hop_done(struct http_hop *hop);
/* From libcurl's result to ours. */
int http_hop_result(struct http_hop *hop, CURLcode code, struct err *err);
