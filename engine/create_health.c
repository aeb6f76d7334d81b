/* SPDX-License-Identifier: Apache-2.0 */
/* How a new container's health is checked, and what becomes of one that is unhealthy. */
#include "engine/create_health.h"

#include "base/json.h"
#include "base/when.h"
#include "spec/health.h"

#include <string.h>

static int usage(struct err *err, const char *text)
{
    return err_kind(err, ERR_USAGE, -EINVAL, "%s", text);
}

/* Leaves *ret alone when the flag was not given. */
static int set_duration(const char *flag, const char *text, int64_t *ret, struct err *err)
{
    if (text && duration_parse(text, ret) < 0)
        return err_kind(err, ERR_USAGE, -EINVAL, "invalid %s \"%.100s\"", flag, text);
    return 0;
}

/* Less would keep a machine busy with nothing else. */
#define INTERVAL_MIN INT64_C(1000000) /* ns */

/* "disable": only who asks has it checked, which is an interval of 0. */
static int set_interval(const char *flag, const char *text, int64_t *ret, struct err *err)
{
    if (text && strcmp(text, "disable") == 0)
        text = "0";
    int r = set_duration(flag, text, ret, err);
    if (r == 0 && text && *ret > 0 && *ret < INTERVAL_MIN)
        return err_kind(err, ERR_USAGE, -EINVAL, "%s must be at least 1 millisecond", flag);
    return r;
}

static int set_timeout(const char *flag, const char *text, int64_t *ret, struct err *err)
{
    int r = set_duration(flag, text, ret, err);
    if (r == 0 && text && *ret < INTERVAL_MIN)
        return err_kind(err, ERR_USAGE, -EINVAL, "%s must be at least 1 millisecond", flag);
    return r;
}

static void defaults(struct health_check *h)
{
    if (!h->interval)
        h->interval = HEALTH_INTERVAL;
    if (!h->timeout)
        h->timeout = HEALTH_TIMEOUT;
}

/* The check itself: the flag's, or the image's. */
static int choose(const struct health_options *o, const json_t *image_check,
                  struct health_check *ret, struct err *err)
{
    if (o->none && o->cmd)
        return usage(err, "cannot specify both --no-healthcheck and --health-cmd");
    if (o->none) {
        strv_add(&ret->test, "NONE");
        return 0;
    }
    if (o->cmd && *o->cmd)
        return health_test_parse(o->cmd, &ret->test, err);
    int r = image_check ? health_check_parse(image_check, ret, err) : 0;
    return r < 0 && err ? err_wrap(err, "the image (--no-healthcheck runs it without)") : r;
}

static int change(const struct health_options *o, struct health_check *h, struct err *err)
{
    defaults(h);
    if (!h->retries)
        h->retries = HEALTH_RETRIES;
    if (o->retries)
        h->retries = o->retries;
    int r = set_interval("healthcheck-interval", o->interval, &h->interval, err);
    if (r == 0)
        r = set_timeout("healthcheck-timeout", o->timeout, &h->timeout, err);
    if (r == 0)
        r = set_duration("healthcheck-start-period", o->start_period, &h->start_period, err);
    return r;
}

static int startup(const struct health_options *o, json_t *config, struct err *err)
{
    auto_done(health_check) struct health_check h = {.retries = o->startup_retries,
                                                     .successes = o->startup_success};
    auto_strv command = {0};
    int r = health_test_parse(o->startup_cmd, &h.test, err);
    if (r == 0 && health_test_command(&h.test, &command) < 0)
        return usage(err, "--health-startup-cmd must be a command");
    defaults(&h);
    if (r == 0)
        r = set_interval("healthcheck-startup-interval", o->startup_interval, &h.interval, err);
    if (r == 0)
        r = set_timeout("healthcheck-startup-timeout", o->startup_timeout, &h.timeout, err);
    if (r == 0)
        json_put(config, "StartupHealthCheck", health_check_json(&h));
    return r;
}

/* What was asked for and would never happen. */
static int refuse_without_check(const struct health_options *o, struct err *err)
{
    if (o->on_failure && strcmp(o->on_failure, "none") != 0)
        return err_kind(err, ERR_USAGE, -EINVAL,
                        "cannot set on-failure action to %s without a health check", o->on_failure);
    if (o->startup_cmd)
        return usage(err, "cannot have a startup health check without a health check");
    if (o->interval || o->timeout || o->start_period || o->retries)
        return usage(err, "there is no health check to change: neither --health-cmd nor the image "
                          "has one");
    return 0;
}

int create_health(const struct health_options *o, const json_t *image_check, json_t *document,
                  struct err *err)
{
    json_t *config = json_object_get(document, "Config");
    auto_done(health_check) struct health_check h = {0};
    auto_strv command = {0};
    int r = choose(o, image_check, &h, err);
    if (r < 0)
        return r;
    if (!o->startup_cmd &&
        (o->startup_interval || o->startup_timeout || o->startup_retries || o->startup_success))
        return usage(err, "there is no startup health check: give --health-startup-cmd");
    if (health_test_command(&h.test, &command) < 0) {
        if (h.test.len)
            json_put(config, "Healthcheck", json_pack("{s:[s]}", "Test", "NONE"));
        return refuse_without_check(o, err);
    }
    r = change(o, &h, err);
    if (r == 0 && o->startup_cmd)
        r = startup(o, config, err);
    if (r < 0)
        return r;
    json_put(config, "Healthcheck", health_check_json(&h));
    json_put_string(config, "HealthcheckOnFailureAction", o->on_failure ? o->on_failure : "none");
    return 0;
}
