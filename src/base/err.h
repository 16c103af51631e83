// SPDX-License-Identifier: Apache-2.0
#pragma once
/* The one error type. A function that can fail takes `struct err *err` last (never NULL), returns
 * 0 or a pointer on success, and -1 or NULL after filling *err.
 *
 * A caller may branch on err->kind only for kinds named in the callee's header comment; every
 * other failure goes up untouched, or with context added by err_wrap(). */

enum err_kind {
    ERR_NONE,
    ERR_BAD_INPUT,      /* the request breaks a documented rule */
    ERR_NO_LOGIN,       /* who are you? */
    ERR_FORBIDDEN,      /* we know you, and no */
    ERR_NOT_FOUND,
    ERR_BAD_METHOD,
    ERR_CONFLICT,       /* fine in general, not in the present state */
    ERR_TOO_LARGE,
    ERR_OUT_OF_RANGE,   /* a page beyond the end of a list */
    ERR_BUSY,           /* a limit is reached; the same request may succeed later */
    ERR_INTERNAL,       /* our fault; details go to the log, not to the client */
    ERR_NOT_BUILT,      /* a documented operation that this version does not have */
    ERR_UNAVAILABLE,    /* something we depend on (a cluster, a disk) does not answer */
    ERR_NO_SPACE,       /* the disk is full */
    ERR_N_KINDS,
};

struct err {
    enum err_kind kind;
    char text[480];         /* one sentence for a person, no full stop */
    char field[64];         /* the member or option that is wrong, "" when there is none */
    char accepted[240];     /* what would have been accepted, "" when the sentence says it */
    const char *file;       /* where it was first raised */
    int line;
};

/* All return -1, so that a failing branch is one line: return err_set(...). */
#define err_set(err, kind, ...) err_set_at((err), (kind), __FILE__, __LINE__, __VA_ARGS__)

/* The same for a bad field: err_field(err, "maxJobNum", "a whole number from 1", "... sentence"). */
#define err_field(err, field, accepted, ...) \
    err_field_at((err), (field), (accepted), __FILE__, __LINE__, __VA_ARGS__)

/* From errno: ERR_NO_SPACE for ENOSPC and EDQUOT, ERR_UNAVAILABLE for EROFS, otherwise `kind`. The
 * sentence gets ": <reason>". */
#define err_errno(err, kind, ...) err_errno_at((err), (kind), __FILE__, __LINE__, __VA_ARGS__)

/* Puts context before the sentence: "submit task: no space left". */
int err_wrap(struct err *err, const char *fmt, ...) __attribute__((format(printf, 2, 3)));

int err_set_at(struct err *err, enum err_kind kind, const char *file, int line,
               const char *fmt, ...) __attribute__((format(printf, 5, 6)));
int err_field_at(struct err *err, const char *field, const char *accepted, const char *file,
                 int line, const char *fmt, ...) __attribute__((format(printf, 6, 7)));
int err_errno_at(struct err *err, enum err_kind kind, const char *file, int line,
                 const char *fmt, ...) __attribute__((format(printf, 5, 6)));

int err_http_status(enum err_kind kind);        /* 400, 404, ... */
const char *err_code(enum err_kind kind);       /* "not_found": stable, for programs */
