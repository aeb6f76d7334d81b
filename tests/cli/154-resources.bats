#!/usr/bin/env bats
# SPDX-License-Identifier: Apache-2.0
# Limits where no cgroup is delegated: the container runs, a warning names what is not enforced.
# What cgroups do is in 155-cgroup-root.bats, what is written into them in test_resources.c.
# bats file_tags=main

load helpers

test_setup() {
    need_image debian
}

@test "what is not enforced is named once, and the container runs" {
    run_apart wherry run --rm -m 100m --cpus 1.5 --cgroup-conf memory.high=1 debian echo runs
    assert_status 0
    assert_output runs
    assert_equal "$stderr" 'Warning: not enforced, as no cgroup is delegated to this user here: --memory, --cpus, --cgroup-conf memory.high'
    run_apart wherry run --rm --cgroups disabled debian echo runs
    assert_equal "$stderr$output" runs
    run_apart wherry run --rm --cgroups enabled debian echo runs
    assert_equal "$stderr$output" runs
}

@test "inspect shows limits as podman does" {
    wherry create --name c -m 100m --memory-reservation 50m --cpus 1.5 -c 512 --cpuset-cpus 0-1 \
        --pids-limit 20 --oom-score-adj 500 --blkio-weight 100 --cgroups no-conmon debian true
    run_apart wherry inspect --format '{{with .HostConfig}}{{.Memory}} {{.MemorySwap}} {{.MemoryReservation}} {{.NanoCpus}} {{.CpuPeriod}} {{.CpuQuota}} {{.CpuShares}} {{.CpusetCpus}} {{.PidsLimit}} {{.OomScoreAdj}} {{.BlkioWeight}} {{.Cgroups}}{{end}}' c
    assert_output '104857600 209715200 52428800 1500000000 100000 150000 512 0-1 20 500 100 no-conmon'
    wherry create --name plain debian true
    run_apart wherry inspect --format '{{with .HostConfig}}{{.Memory}} {{.PidsLimit}} {{.CpusetCpus}}|{{.CgroupParent}} {{.Cgroups}}{{end}} {{.State.OOMKilled}}' plain
    assert_output '0 0 | default false'
    wherry rm c plain
}

@test "--pids-limit: RLIMIT_NPROC stands in, for an exec too" {
    # dash, which does not try again for seconds, as bash does.
    run_apart wherry run --rm --pids-limit 10 debian sh -c 'ulimit -p; for i in 1 2 3 4 5 6 7 8 9 10 11; do sleep 1000 & done'
    assert_output 10
    [[ $stderr == *'Cannot fork'* ]]
    refute_match "$stderr" Warning
    wherry run -d --name c --pids-limit 10 debian sleep 1000
    run_apart wherry exec c bash -c 'ulimit -Hu'
    assert_output 10
    wherry rm -f -t 0 c
}

@test "update: limits are kept for the next start" {
    wherry run -d --name c --restart no debian sleep 1000
    run_apart wherry update -m 100m --cpus 2 c
    assert_status 0
    assert_equal "$stderr" 'Warning: container c was started without a cgroup: its limits hold from its next start on'
    run_apart wherry update --restart always c
    assert_equal "$stderr" ''
    run_apart wherry inspect --format '{{with .HostConfig}}{{.Memory}} {{.MemorySwap}} {{.NanoCpus}} {{.RestartPolicy.Name}}{{end}}' c
    assert_output '104857600 209715200 2000000000 always'
    run_apart wherry update -m 0 c
    run_apart wherry inspect --format '{{.HostConfig.Memory}} {{.HostConfig.MemorySwap}}' c
    assert_output '0 0'
    run_apart wherry update c
    assert_refused 'nothing to change'
    run_apart wherry update --memory-swap 1g c
    assert_refused 'give --memory too'
    wherry rm -f -t 0 c
}

@test "--oom-score-adj" {
    wherry run -d --name c --oom-score-adj 700 debian sh -c 'cat /proc/self/oom_score_adj; exec sleep 1000'
    run_apart wherry exec c cat /proc/self/oom_score_adj
    assert_output 700
    assert_equal "$(wherry logs c)" 700
    run_apart wherry run --rm --pid container:c --oom-score-adj 800 debian cat /proc/self/oom_score_adj
    assert_output 800
    wherry rm -f -t 0 c
    run_apart wherry run --rm --oom-score-adj -1000 debian true
    assert_refused 'oom-score-adj -1000: it is [0-9-]+ here, and only root may lower it'
}

@test "what cannot be" {
    run_apart wherry run --rm --memory-swappiness 10 debian true
    assert_refused 'memory-swappiness is not supported: cgroups v2'
    run_apart wherry run --rm --oom-kill-disable debian true
    assert_refused 'oom-kill-disable is not supported'
    run_apart wherry run --rm --cpus 2 --cpu-period 1000 debian true
    assert_refused 'cpu-period and --cpus cannot be set together'
    run_apart wherry run --rm --cgroup-parent /nowhere debian true
    assert_refused 'cgroup parent /nowhere'
    run_apart wherry run --rm --device-read-bps /dev/null:1m debian true
    assert_refused '/dev/null is no block device'
    run_apart wherry run --rm --cgroups maybe debian true
    assert_refused maybe
    assert_equal "$(wherry ps -aq)" ''
}
