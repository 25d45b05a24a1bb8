/* mqshutdown.c - stops the servers started from this installation: mqshutdown broker | namesrv
 * Sends SIGTERM to every process that runs the program of that name beside this one and does not wait for its end,
 * with the words and exit codes of the Java script (behaviour 1.6). Servers of another installation are left alone. */
#include <dirent.h>
#include <errno.h>
#include <inttypes.h>
#include <limits.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/types.h>
#include <unistd.h>

#include "base/buf.h"
#include "base/check.h"

/* The program file a process runs; false when it is gone or another user's. An upgraded file is " (deleted)". */
static bool program_of(const char *pid, char out[PATH_MAX]) {
    char link[64];
    snprintf(link, sizeof link, "/proc/%.32s/exe", pid);
    ssize_t n = readlink(link, out, PATH_MAX - 1);
    if (n <= 0) return false;
    out[n] = 0;
    char *deleted = strstr(out, " (deleted)");
    if (deleted) *deleted = 0;
    return true;
}

/* Path of the program `name` that lies beside this one. */
static bool program_beside(const char *name, char out[PATH_MAX]) {
    if (!program_of("self", out)) return false;
    char *slash = strrchr(out, '/');
    size_t room = PATH_MAX - (size_t)(slash + 1 - out);
    return (size_t)snprintf(slash + 1, room, "%s", name) < room;
}

/* Pids that run `program`, blank-separated; sends SIGTERM to each when `stop`. */
static int each_running(const char *program, bool stop, struct buf *pids) {
    DIR *proc = opendir("/proc");
    if (!proc) {
        fprintf(stderr, "mqshutdown: cannot read /proc: %s\n", strerror(errno));
        exit(1);
    }
    int count = 0;
    for (struct dirent *entry; (entry = readdir(proc)) != NULL;) {
        char path[PATH_MAX];
        if (entry->d_name[0] < '1' || entry->d_name[0] > '9') continue;
        if (!program_of(entry->d_name, path) || strcmp(path, program) != 0) continue;
        if (stop) kill((pid_t)strtol(entry->d_name, NULL, 10), SIGTERM);
        if (count++) buf_append_char(pids, ' ');
        buf_append_text(pids, entry->d_name);
    }
    closedir(proc);
    return count;
}

int main(int argc, char **argv) {
    static const char *const servers[] = {"broker", "namesrv"};
    const char *asked = argc == 2 ? argv[1] : "";
    for (size_t i = 0; i < ARRAY_LEN(servers); i++) {
        if (strcmp(asked, servers[i]) != 0) continue;
        char name[32], program[PATH_MAX];
        struct buf pids = {0};
        snprintf(name, sizeof name, "mq%s", servers[i]);
        if (!program_beside(name, program) || !each_running(program, false, &pids)) {
            printf("No %s running.\n", name);
            return 1;
        }
        printf("The %s(%.*s) is running...\n", name, BYTES_ARG(buf_bytes(&pids)));
        buf_clear(&pids);
        each_running(program, true, &pids);
        printf("Send shutdown request to %s(%.*s) OK\n", name, BYTES_ARG(buf_bytes(&pids)));
        buf_close(&pids);
        return 0;
    }
    printf("Usage: mqshutdown broker | namesrv\n");
    return 1;
}
