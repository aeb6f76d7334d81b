/* SPDX-License-Identifier: Apache-2.0 */
/* What config.json of a container leaves out. */
#include "engine/document.h"

#include "base/json.h"

#include <stdlib.h>
#include <string.h>

/* As podman's inspect shows them for a container that nothing was asked for. */
static const char defaults_text[] =
    "{\"Args\": [], \"Dependencies\": [], \"Mounts\": [], \"PidFile\": \"\", \"Rootfs\": \"\","
    " \"Config\": {\"Entrypoint\": [], \"Env\": [], \"Labels\": {}, \"OpenStdin\": false,"
    "   \"HealthcheckOnFailureAction\": \"none\","
    "   \"StopSignal\": 15, \"StopTimeout\": 10, \"Timeout\": 0, \"Tty\": false,"
    "   \"Umask\": \"0022\", \"User\": \"\", \"WorkingDir\": \"/\"},"
    " \"HostConfig\": {\"AutoRemove\": false, \"BlkioDeviceReadBps\": [],"
    "   \"BlkioDeviceReadIOps\": [], \"BlkioDeviceWriteBps\": [], \"BlkioDeviceWriteIOps\": [],"
    "   \"BlkioWeight\": 0, \"CgroupConf\": null, \"CgroupManager\": \"cgroupfs\","
    "   \"CgroupMode\": \"private\", \"CgroupParent\": \"\", \"Cgroups\": \"default\","
    "   \"CpuPeriod\": 0, \"CpuQuota\": 0, \"CpuRealtimePeriod\": 0, \"CpuRealtimeRuntime\": 0,"
    "   \"CpuShares\": 0, \"CpusetCpus\": \"\", \"CpusetMems\": \"\", \"Devices\": [],"
    "   \"GroupAdd\": [], \"Init\": false, \"IpcMode\": \"shareable\","
    "   \"LogConfig\": {\"Config\": null, \"Path\": \"\", \"Size\": \"0B\", \"Tag\": \"\","
    "     \"Type\": \"k8s-file\"},"
    "   \"Memory\": 0, \"MemoryReservation\": 0, \"MemorySwap\": 0, \"MemorySwappiness\": -1,"
    "   \"NanoCpus\": 0, \"OomKillDisable\": false, \"PidsLimit\": 0,"
    "   \"PidMode\": \"private\", \"Privileged\": false, \"ReadonlyRootfs\": false,"
    "   \"RestartPolicy\": {\"MaximumRetryCount\": 0, \"Name\": \"no\"}, \"SecurityOpt\": [],"
    "   \"ShmSize\": 65536000, \"Ulimits\": [], \"UTSMode\": \"private\", \"UsernsMode\": \"\"}}";

static json_t *defaults(void)
{
    json_t *d = json_loads(defaults_text, 0, NULL);
    if (!d)
        abort(); /* the text above */
    return d;
}

/* An object goes member by member, and as a whole when nothing is left of it. */
static void leave_out(json_t *object, const json_t *known)
{
    const char *key;
    json_t *usual;
    json_object_foreach ((json_t *)known, key, usual) {
        json_t *value = json_object_get(object, key);
        bool inside = json_is_object(value) && json_object_size(usual) > 0;
        if (inside)
            leave_out(value, usual);
        if (inside ? json_object_size(value) == 0 : json_equal(value, usual))
            json_object_del(object, key);
    }
}

static void add(json_t *object, const json_t *known)
{
    const char *key;
    json_t *usual;
    json_object_foreach ((json_t *)known, key, usual) {
        json_t *value = json_object_get(object, key);
        if (!value)
            json_put(object, key, json_deep_copy(usual));
        else if (json_is_object(value))
            add(value, usual);
    }
}

void document_leave_out_defaults(json_t *document)
{
    auto_json json_t *known = defaults();
    leave_out(document, known);
}

void document_add_defaults(json_t *document)
{
    auto_json json_t *known = defaults();
    add(document, known);
}
