/* SPDX-License-Identifier: Apache-2.0 */
/* Runs inside a test container, statically linked, and says what it sees. */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

/* The lines of /proc/self/status that tell the sandbox. */
static void status(void)
{
    static const char *const wanted[] = {
        "Uid:",    "Gid:",    "Groups:", "CapInh:",     "CapPrm:",
        "CapEff:", "CapBnd:", "CapAmb:", "NoNewPrivs:", "Seccomp:"};
    char line[512];
    FILE *f = fopen("/proc/self/status", "re");
    while (f && fgets(line, sizeof(line), f))
        for (size_t i = 0; i < sizeof(wanted) / sizeof(*wanted); i++)
            if (strncmp(line, wanted[i], strlen(wanted[i])) == 0)
                fputs(line, stdout);
    if (f)
        fclose(f);
}

static void fds(void)
{
    DIR *d = opendir("/proc/self/fd");
    for (struct dirent *e; d && (e = readdir(d));)
        if (e->d_name[0] != '.' && atoi(e->d_name) != dirfd(d))
            printf("%s ", e->d_name);
    if (d)
        closedir(d);
}

static void writable(const char *path)
{
    int fd = open(path, O_WRONLY | O_CLOEXEC);
    printf("%s", fd < 0 ? strerrorname_np(errno) : "open");
    if (fd >= 0)
        close(fd);
}

static void terminal(void)
{
    struct winsize w = {0};
    int fd = open("/dev/tty", O_RDWR | O_CLOEXEC);
    const char *controlling = fd < 0 ? strerrorname_np(errno) : "controlling";
    ioctl(0, TIOCGWINSZ, &w);
    printf("%s %s %d", isatty(0) && isatty(1) && isatty(2) ? "tty" : "no tty", controlling,
           w.ws_row);
    if (fd >= 0)
        close(fd);
}

static void copy(void)
{
    char data[4096];
    for (ssize_t n; (n = read(0, data, sizeof(data))) > 0;)
        if (write(1, data, (size_t)n) < 0)
            return;
}

/* What the 32-bit entry answers, which a filter for the native one alone would not see. */
static void i386_calls(void)
{
#if defined(__x86_64__)
    static const struct {
        const char *name;
        long nr, arg;
    } calls[] = {{"unshare", 310, 0x10000000},
                 {"unknown", 9999, 0},
                 {"setns", 346, 0},
                 {"bpf", 357, 0},
                 {"getpid", 20, 0}};
    for (size_t i = 0; i < sizeof(calls) / sizeof(*calls); i++) {
        long r = calls[i].nr;
        __asm__ volatile("int $0x80" : "+a"(r) : "b"(calls[i].arg), "c"(0), "d"(0) : "memory");
        printf("%s %ld ", calls[i].name, r < 0 ? -r : 0);
    }
#endif
}

int main(int argc, char **argv)
{
    const char *what = argc > 1 ? argv[1] : "", *arg = argc > 2 ? argv[2] : "";
    char text[PATH_MAX] = "";
    if (strcmp(what, "exit") == 0)
        return atoi(arg);
    if (strcmp(what, "status") == 0) {
        status();
    } else if (strcmp(what, "fds") == 0) {
        fds();
    } else if (strcmp(what, "writable") == 0) {
        writable(arg);
    } else if (strcmp(what, "terminal") == 0) {
        terminal();
    } else if (strcmp(what, "cwd") == 0) {
        printf("%s", getcwd(text, sizeof(text)));
    } else if (strcmp(what, "env") == 0) {
        printf("%s", getenv(arg) ? getenv(arg) : "unset");
    } else if (strcmp(what, "host") == 0) {
        gethostname(text, sizeof(text));
        printf("%s %d", text, (int)getpid());
    } else if (strcmp(what, "i386") == 0) {
        i386_calls();
    } else if (strcmp(what, "copy") == 0) {
        copy();
    } else if (strcmp(what, "wait") == 0) {
        printf("waiting\n");
        fflush(stdout);
        pause();
    }
    return 0;
}
