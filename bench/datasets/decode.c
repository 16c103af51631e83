// SPDX-License-Identifier: Apache-2.0
/* decode SCALE FILE...: what libjpeg-turbo alone can do. Reads each file and decodes it to red, green, blue at 1/SCALE of its
 * size, in one process per processor that may be used, and prints images per second, and per
 * second of processor time. */
#define _GNU_SOURCE
#include <fcntl.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include <jpeglib.h>

enum { FILE_MAX = 16 << 20, ROWS = 16 };

static unsigned char file[FILE_MAX];

static void decode(const char *path, unsigned scale, unsigned char *pixels)
{
    struct jpeg_decompress_struct c;
    struct jpeg_error_mgr errors;
    int fd = open(path, O_RDONLY);
    ssize_t len = read(fd, file, sizeof file);

    close(fd);
    c.err = jpeg_std_error(&errors);
    jpeg_create_decompress(&c);
    jpeg_mem_src(&c, file, (unsigned long)len);
    jpeg_read_header(&c, TRUE);
    c.scale_denom = scale;
    jpeg_start_decompress(&c);
    while (c.output_scanline < c.output_height) {
        JSAMPROW rows[ROWS];

        for (unsigned i = 0; i < ROWS; i++)
            rows[i] = pixels + (size_t)(c.output_scanline + i) * c.output_width * 3;
        jpeg_read_scanlines(&c, rows, ROWS);
    }
    jpeg_finish_decompress(&c);
    jpeg_destroy_decompress(&c);
}

static double now(void)
{
    struct timespec t;

    clock_gettime(CLOCK_MONOTONIC, &t);
    return (double)t.tv_sec + (double)t.tv_nsec / 1e9;
}

int main(int argc, char **argv)
{
    unsigned char *pixels = malloc(64 << 20);
    unsigned scale = (unsigned)atoi(argv[1]);
    cpu_set_t set;
    double began = now();
    struct rusage used;
    int n_processes;

    sched_getaffinity(0, sizeof set, &set);
    n_processes = CPU_COUNT(&set);
    for (int p = 0; p < n_processes; p++) {
        if (fork() != 0)
            continue;
        for (int i = 2 + p; i < argc; i += n_processes)
            decode(argv[i], scale, pixels);
        _exit(0);
    }
    while (wait(NULL) > 0)
        ;
    getrusage(RUSAGE_CHILDREN, &used);
    printf("%.1f %.1f\n", (argc - 2) / (now() - began),
           (argc - 2) / ((double)(used.ru_utime.tv_sec + used.ru_stime.tv_sec) + (double)(used.ru_utime.tv_usec + used.ru_stime.tv_usec) / 1e6));
    return 0;
}
