// SPDX-License-Identifier: Apache-2.0
#include "base/err.h"

#include "base/text.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

static const struct {
    int status;
    const char *code;
} kinds[ERR_N_KINDS] = {
    [ERR_NONE]         = { 200, "ok" },
    [ERR_BAD_INPUT]    = { 400, "bad_input" },
    [ERR_NO_LOGIN]     = { 401, "no_login" },
    [ERR_FORBIDDEN]    = { 403, "forbidden" },
    [ERR_NOT_FOUND]    = { 404, "not_found" },
    [ERR_BAD_METHOD]   = { 405, "bad_method" },
    [ERR_CONFLICT]     = { 409, "conflict" },
    [ERR_TOO_LARGE]    = { 413, "too_large" },
    [ERR_OUT_OF_RANGE] = { 416, "out_of_range" },
    [ERR_BUSY]         = { 429, "busy" },
    [ERR_INTERNAL]     = { 500, "internal" },
    [ERR_NOT_BUILT]    = { 501, "not_built" },
    [ERR_UNAVAILABLE]  = { 503, "unavailable" },
    [ERR_NO_SPACE]     = { 507, "no_space" },
};

int err_http_status(enum err_kind kind) { return kinds[kind].status; }
const char *err_code(enum err_kind kind) { return kinds[kind].code; }

/* Fills everything but the sentence. */
static void start(struct err *err, enum err_kind kind, const char *file, int line)
{
    err->kind = kind;
    err->text[0] = err->field[0] = err->accepted[0] = '\0';
    err->file = file;
    err->line = line;
}

/* A sentence that did not fit ends with a whole character. */
static int finish(struct err *err)
{
    size_t len = strlen(err->text), last = len;

    while (last > 0 && ((unsigned char)err->text[last - 1] & 0xC0) == 0x80)
        last--;
    if (len == sizeof err->text - 1 && last > 0 && !text_is_utf8(err->text + last - 1, len - last + 1))
        err->text[last - 1] = '\0';
    return -1;
}

int err_set_at(struct err *err, enum err_kind kind, const char *file, int line,
               const char *fmt, ...)
{
    va_list ap;

    start(err, kind, file, line);
    va_start(ap, fmt);
    vsnprintf(err->text, sizeof err->text, fmt, ap);
    va_end(ap);
    return finish(err);
}

int err_field_at(struct err *err, const char *field, const char *accepted, const char *file,
                 int line, const char *fmt, ...)
{
    va_list ap;

    start(err, ERR_BAD_INPUT, file, line);
    snprintf(err->field, sizeof err->field, "%s", field);
    snprintf(err->accepted, sizeof err->accepted, "%s", accepted ? accepted : "");
    va_start(ap, fmt);
    vsnprintf(err->text, sizeof err->text, fmt, ap);
    va_end(ap);
    return finish(err);
}

int err_errno_at(struct err *err, enum err_kind kind, const char *file, int line,
                 const char *fmt, ...)
{
    int reason = errno;
    size_t used;
    va_list ap;

    start(err, reason == ENOSPC || reason == EDQUOT ? ERR_NO_SPACE
               : reason == EROFS ? ERR_UNAVAILABLE : kind, file, line);
    va_start(ap, fmt);
    vsnprintf(err->text, sizeof err->text, fmt, ap);
    va_end(ap);
    used = strlen(err->text);
    snprintf(err->text + used, sizeof err->text - used, ": %s", strerror(reason));
    return finish(err);
}

int err_wrap(struct err *err, const char *fmt, ...)
{
    char cause[sizeof err->text];
    size_t used;
    va_list ap;

    memcpy(cause, err->text, sizeof cause);
    va_start(ap, fmt);
    vsnprintf(err->text, sizeof err->text, fmt, ap);
    va_end(ap);
    used = strlen(err->text);
    snprintf(err->text + used, sizeof err->text - used, ": %s", cause);
    return finish(err);
}
