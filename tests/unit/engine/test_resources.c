/* SPDX-License-Identifier: Apache-2.0 */
/* Limits: from flags to HostConfig, and from there to the files of a cgroup. */
#include "base/json.h"
#include "engine/create_resources.h"
#include "engine/sandbox_resources.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <string.h>

/* The options of a row; `settings` is what a cgroup is told, NULL: refused with `message`. */
static const struct {
    struct resource_options o;
    const char *settings, *message;
} rows[] = {
    {{.memory = "100m"}, "memory.max=104857600 memory.swap.max=104857600", NULL},
    {{.memory = "1g", .memory_swap = "1g"}, "memory.max=1073741824 memory.swap.max=0", NULL},
    {{.memory = "64k", .memory_swap = "-1"}, "memory.max=65536", NULL},
    {{.memory = "2b", .memory_reservation = "1b"},
     "memory.max=2 memory.swap.max=2 memory.low=1",
     NULL},
    {{.memory = "0"}, "", NULL},
    {{.memory = "x"}, NULL, "invalid value \"x\" for --memory"},
    {{.memory = "-1"}, NULL, "invalid value \"-1\" for --memory"},
    {{.memory_swap = "1g"}, NULL, "--memory-swap is memory and swap together"},
    {{.memory = "1g", .memory_swap = "512m"}, NULL, "must not be less than --memory"},
    {{.memory = "1g", .memory_reservation = "2g"}, NULL, "must not be greater than --memory"},
    {{.memory_swappiness = "10"}, NULL, "--memory-swappiness is not supported"},
    {{.oom_kill_disable = "true"}, NULL, "--oom-kill-disable is not supported"},
    {{.oom_kill_disable = "false"}, "", NULL},
    {{.cpu_rt_runtime = "1"}, NULL, "--cpu-rt-runtime is not supported"},
    {{.cpus = "1.5"}, "cpu.max=150000 100000", NULL},
    {{.cpus = "0.07"}, "cpu.max=7000 100000", NULL},
    {{.cpus = "0"}, "", NULL},
    {{.cpus = "0.001"}, NULL, "invalid value \"0.001\" for --cpus"},
    {{.cpus = "-1"}, NULL, "invalid value \"-1\" for --cpus"},
    {{.cpus = "1.5.2"}, NULL, "invalid value"},
    {{.cpus = "inf"}, NULL, "invalid value"},
    {{.cpus = ""}, NULL, "invalid value"},
    {{.cpus = "1", .cpu_period = "50000"}, NULL, "--cpu-period and --cpus cannot be set together"},
    {{.cpus = "1", .cpu_quota = "50000"}, NULL, "--cpu-quota and --cpus cannot be set together"},
    {{.cpu_period = "50000", .cpu_quota = "25000"}, "cpu.max=25000 50000", NULL},
    {{.cpu_quota = "25000"}, "cpu.max=25000 100000", NULL},
    {{.cpu_quota = "-1"}, "", NULL},
    {{.cpu_quota = "999"}, NULL, "for --cpu-quota"},
    {{.cpu_period = "999"}, NULL, "for --cpu-period"},
    {{.cpu_shares = "2"}, "cpu.weight=1", NULL},
    {{.cpu_shares = "1024"}, "cpu.weight=39", NULL},
    {{.cpu_shares = "262144"}, "cpu.weight=10000", NULL},
    {{.cpu_shares = "1"}, NULL, "for --cpu-shares"},
    {{.cpu_shares = "12 "}, NULL, "for --cpu-shares"},
    {{.cpuset_cpus = "0-3,7", .cpuset_mems = "0"}, "cpuset.cpus=0-3,7 cpuset.mems=0", NULL},
    {{.cpuset_cpus = "3-0"}, NULL, "for --cpuset-cpus"},
    {{.cpuset_cpus = "0,"}, NULL, "for --cpuset-cpus"},
    {{.cpuset_cpus = "0-"}, NULL, "for --cpuset-cpus"},
    {{.cpuset_cpus = "all"}, NULL, "for --cpuset-cpus"},
    {{.cpuset_mems = "99999"}, NULL, "for --cpuset-mems"},
    {{.pids_limit = "20"}, "pids.max=20", NULL},
    {{.pids_limit = "-1"}, "", NULL},
    {{.pids_limit = "-2"}, NULL, "for --pids-limit"},
    {{.blkio_weight = "10"}, "io.weight=1", NULL},
    {{.blkio_weight = "1000"}, "io.weight=10000", NULL},
    {{.blkio_weight = "9"}, NULL, "for --blkio-weight"},
    {{.oom_score_adj = "1001"}, NULL, "for --oom-score-adj"},
    {{.oom_score_adj = "500"}, "", NULL},
    {{.cgroups = "disabled", .memory = "1g"}, NULL, "when cgroups are disabled"},
    {{.cgroups = "disabled"}, "", NULL},
    {{.cgroup_parent = "a/../b"}, NULL, "for --cgroup-parent"},
    {{.cgroup_parent = ""}, NULL, "for --cgroup-parent"},
};

static void limits(void **state)
{
    for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++) {
        struct err err = {0};
        auto_strv settings = {0};
        auto_json json_t *host = json_object();
        int r = create_resources(&rows[i].o, host, &err);
        if (rows[i].message) {
            assert_true(r < 0);
            assert_int_equal(err.kind, ERR_USAGE);
            assert_non_null(strstr(err.message, rows[i].message));
            continue;
        }
        assert_int_equal(r, 0);
        assert_int_equal(resources_settings(host, false, &settings, &err), 0);
        auto_free char *text = strv_join(&settings, " ");
        assert_string_equal(text, rows[i].settings);
    }
}

/* One flag of a list. */
static int with_list(size_t offset, const char *text, struct strv *ret, struct err *err)
{
    struct resource_options o = {0};
    auto_json json_t *host = json_object();
    strv_add((struct strv *)((char *)&o + offset), text);
    int r = create_resources(&o, host, err);
    strv_done((struct strv *)((char *)&o + offset));
    return r < 0 ? r : resources_settings(host, false, ret, err);
}

static void lists(void **state)
{
    static const struct {
        size_t offset;
        const char *text, *message;
    } refused[] = {
        {offsetof(struct resource_options, read_bps), "/dev/sda", "for --device-read-bps"},
        {offsetof(struct resource_options, read_bps), "sda:1m", "for --device-read-bps"},
        {offsetof(struct resource_options, write_bps), "/dev/sda:0", "for --device-write-bps"},
        {offsetof(struct resource_options, read_iops), "/dev/sda:1m", "for --device-read-iops"},
        {offsetof(struct resource_options, write_iops), "/dev/sda:-1", "for --device-write-iops"},
        {offsetof(struct resource_options, read_bps), "/dev/null:1m", "is no block device"},
        {offsetof(struct resource_options, cgroup_conf), "memory.high", "for --cgroup-conf"},
        {offsetof(struct resource_options, cgroup_conf), "../memory.high=1", "for --cgroup-conf"},
        {offsetof(struct resource_options, cgroup_conf), "cgroup.procs=1", "for --cgroup-conf"},
        {offsetof(struct resource_options, cgroup_conf), "cgroup.kill=1", "for --cgroup-conf"},
        {offsetof(struct resource_options, cgroup_conf), "memory=1", "for --cgroup-conf"},
    };
    for (size_t i = 0; i < sizeof(refused) / sizeof(*refused); i++) {
        struct err err = {0};
        auto_strv settings = {0};
        assert_true(with_list(refused[i].offset, refused[i].text, &settings, &err) < 0);
        assert_non_null(strstr(err.message, refused[i].message));
    }
    auto_strv settings = {0};
    assert_int_equal(with_list(offsetof(struct resource_options, cgroup_conf), "memory.high=1=2",
                               &settings, NULL),
                     0);
    assert_string_equal(settings.v[0], "memory.high=1=2");
}

/* `update` gives one flag, what was there stays; 0 takes a limit away, also from the cgroup. */
static void update(void **state)
{
    auto_json json_t *host = json_object();
    assert_int_equal(
        create_resources(&(struct resource_options){.memory = "1k", .pids_limit = "5"}, host, NULL),
        0);
    assert_int_equal(create_resources(&(struct resource_options){.memory = "2k"}, host, NULL), 0);
    auto_strv after = {0}, gone = {0};
    assert_int_equal(resources_settings(host, true, &after, NULL), 0);
    auto_free char *text = strv_join(&after, " ");
    assert_string_equal(text, "memory.max=2048 memory.swap.max=2048 pids.max=5");
    assert_int_equal(
        create_resources(&(struct resource_options){.memory = "0", .pids_limit = "-1"}, host, NULL),
        0);
    assert_int_equal(resources_settings(host, true, &gone, NULL), 0);
    auto_free char *none = strv_join(&gone, " ");
    assert_string_equal(none, "memory.max=max memory.swap.max=max pids.max=max");
}

static void flags(void **state)
{
    auto_strv files = {0};
    strv_split(&files, "memory.max memory.swap.max cpu.max memory.high", ' ');
    auto_free char *text = resources_flags(&files);
    assert_string_equal(text, "--memory, --cpus, --cgroup-conf memory.high");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(limits),
        cmocka_unit_test(lists),
        cmocka_unit_test(update),
        cmocka_unit_test(flags),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
