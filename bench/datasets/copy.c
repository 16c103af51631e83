// SPDX-License-Identifier: Apache-2.0
/* copy THREADS TARGET FILE...: what the kernel alone can do. Each thread takes the next file, reads it, and writes it behind what
 * was written before; prints files per second, and per second of processor time. */
#include <fcntl.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/resource.h>
#include <time.h>
#include <unistd.h>

enum { FILE_MAX = 16 << 20, THREADS_MAX = 64 };

static char **files;
static int n_files, target;
static atomic_int next;
static atomic_long end;

static double now(void)
{
    struct timespec t;

    clock_gettime(CLOCK_MONOTONIC, &t);
    return (double)t.tv_sec + (double)t.tv_nsec / 1e9;
}

static void *copy(void *unused)
{
    char *bytes = malloc(FILE_MAX);

    for (int i; (i = next++) < n_files;) {
        int fd = open(files[i], O_RDONLY);
        ssize_t len = read(fd, bytes, FILE_MAX);

        if (len < 0 || pwrite(target, bytes, (size_t)len, atomic_fetch_add(&end, len)) != len)
            exit(1);
        close(fd);
    }
    free(bytes);
    return unused;
}

int main(int argc, char **argv)
{
    int n_threads = atoi(argv[1]);
    pthread_t threads[THREADS_MAX];
    double began = now();
    struct rusage used;

    files = argv + 3;
    n_files = argc - 3;
    target = open(argv[2], O_WRONLY | O_CREAT | O_TRUNC, 0644);
    for (int i = 0; i < n_threads; i++)
        pthread_create(&threads[i], NULL, copy, NULL);
    for (int i = 0; i < n_threads; i++)
        pthread_join(threads[i], NULL);
    fdatasync(target);
    getrusage(RUSAGE_SELF, &used);
    printf("%.1f %.1f\n", n_files / (now() - began),
           n_files / ((double)(used.ru_utime.tv_sec + used.ru_stime.tv_sec) + (double)(used.ru_utime.tv_usec + used.ru_stime.tv_usec) / 1e6));
    return 0;
}
