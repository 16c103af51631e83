// SPDX-License-Identifier: Apache-2.0
#include "datasets/progress.h"

#include "base/cleanup.h"
#include "base/field.h"
#include "base/mem.h"
#include "base/text.h"
#include "tasks/insight_parse.h"

#include <fcntl.h>
#include <math.h>
#include <string.h>
#include <sys/stat.h>

enum { END_BYTES = 8 << 10 };

static void ignore_point(void *arg, const struct point *p)
{
    (void)arg;
    (void)p;
}

/* The last whole line that the parser has no use for. */
static const char *last_line(const char *text, size_t len, struct mem *mem)
{
    const char *found = NULL;
    size_t found_len = 0;

    for (const char *line = text, *end; (end = memchr(line, '\n', len - (size_t)(line - text))); line = end + 1) {
        if (end > line && !text_starts(line, "Iteration ") && !text_starts(line, "Total iterations:") &&
            text_is_utf8(line, (size_t)(end - line))) {
            found = line;
            found_len = (size_t)(end - line);
        }
    }
    return found ? mem_strndup(mem, found, found_len) : NULL;
}

void progress_read(const char *log, struct mem *mem, const char **ret_line, double *ret_percent)
{
    const struct point_sink sink = { ignore_point, NULL };
    CLEANUP(fd_closep) int fd = open(log, O_RDONLY | O_CLOEXEC | O_NOFOLLOW);
    struct parser parser;
    char end[END_BYTES + 1];
    struct stat st;
    ssize_t n;

    *ret_line = NULL;
    *ret_percent = NAN;
    if (fd < 0 || fstat(fd, &st) < 0)
        return;
    parser_init(&parser, PARSE_TEXT);
    n = pread(fd, end, END_BYTES, 0);
    if (n > 0)
        parser_feed(&parser, end, (size_t)n, &sink);
    if (st.st_size > END_BYTES) {
        n = pread(fd, end, END_BYTES, st.st_size - END_BYTES);
        parser_feed(&parser, "\n", 1, &sink);       /* the two ends share no line */
        if (n > 0)
            parser_feed(&parser, end, (size_t)n, &sink);
    }
    if (n > 0) {
        end[n] = '\0';
        *ret_line = last_line(end, (size_t)n, mem);
    }
    if (parser.total > 0 && parser.done >= 0)
        *ret_percent = 100.0 * (double)parser.done / (double)parser.total;
    parser_done(&parser);
}
