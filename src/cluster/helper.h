// SPDX-License-Identifier: Apache-2.0
#pragma once
/* Programs that work for the server: each reads requests on its standard input and answers on its standard output,
 * one line per request, and what it says on standard error goes to a log. A helper runs on this machine, through
 * trainyard-shepherd, with the rights of an OS user; it ends with whatever it started when helper_stop() says so, and
 * at once when the server is gone, however that ended. Nothing here waits for a helper. */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct err;
struct helper;
struct helpers;
struct loop;
struct settings;
struct text;
struct work;

enum { HELPER_LINE_MAX = 16 << 20 /* bytes of an answer */ };

struct helper_launch {
    const char *id;             /* unique among helpers and tasks: marks its processes */
    const char *home;           /* a folder of the server's, this helper's alone: lock, launcher.log, <label>.log */
    const char *label;          /* names its log */
    const char *cwd, *user;     /* OS user, "" = the server's */
    const char *const *argv;    /* NULL-ended; argv[0] is a path */
    const char *const *env;     /* NULL-ended "NAME=value": all it gets */
    int64_t log_max_bytes;      /* that are kept, the newest */
};

struct helpers *helpers_new(const struct settings *settings, struct loop *loop, struct work *work);
void helpers_free(struct helpers *hs);      /* after the loop and the workers have stopped: all end; NULL is fine */

/* A helper that is to be started; everything is copied. Blocks: for worker threads. What is left of an earlier life
 * of it, whose shepherd was killed, is killed here. ERR_BUSY: it is still ending; try again soon. ERR_UNAVAILABLE:
 * there is no such user, or only root could become it. */
struct helper *helper_new(struct helpers *hs, const struct helper_launch *launch, struct err *err);

/* --- on the loop's thread --- */

/* line(): the answer to a request, without its line end; borrowed.
 * ended(): it is of no use any more, and gone for the caller: why, as "it ended with exit code 1" or, when it says
 * more than it was asked for, "it wrote a line that nobody asked for".
 * Neither comes from inside a call, none after ended() or helper_stop(). */
typedef void helper_line_fn(void *arg, const char *line, size_t len);
typedef void helper_ended_fn(void *arg, const char *why);

/* When it fails, helper_stop() is still to be called. */
int helper_start(struct helper *h, helper_line_fn *line, helper_ended_fn *ended, void *arg, struct err *err);

/* Sends whole lines, after which one line is expected. Takes the text. Not before the last answer has come. */
void helper_send(struct helper *h, struct text *lines);

/* Gives it up, started or not; it goes by itself. Politely: its input ends, TERM, and KILL after 2 s. NULL is fine. */
void helper_stop(struct helper *h, bool at_once);
