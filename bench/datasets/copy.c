// SPDX-License-Identifier: Apache-2.0
/* copy TARGET FILE...: what the kernel alone can do. Reads each file and appends it to TARGET, in one process, and prints
 * files per second, and per second of processor time. */
#include <fcntl.h>
#include <stdio.h>
#include <sys/resource.h>
#include <time.h>
#include <unistd.h>

static unsigned char file[16 << 20];

static double now(void)
{
    struct timespec t;

    clock_gettime(CLOCK_MONOTONIC, &t);
    return (double)t.tv_sec + (double)t.tv_nsec / 1e9;
}

int main(int argc, char **argv)
{
    int target = open(argv[1], O_WRONLY | O_CREAT | O_TRUNC, 0644);
    double began = now();
    struct rusage used;

    for (int i = 2; i < argc; i++) {
        int fd = open(argv[i], O_RDONLY);
        ssize_t len = read(fd, file, sizeof file);

        if (len < 0 || write(target, file, (size_t)len) != len)
            return 1;
        close(fd);
    }
    fdatasync(target);
    getrusage(RUSAGE_SELF, &used);
    printf("%.1f %.1f\n", (argc - 2) / (now() - began),
           (argc - 2) / ((double)(used.ru_utime.tv_sec + used.ru_stime.tv_sec) + (double)(used.ru_utime.tv_usec + used.ru_stime.tv_usec) / 1e6));
    return 0;
}
