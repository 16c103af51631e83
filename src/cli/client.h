// SPDX-License-Identifier: Apache-2.0
#pragma once
/* HTTP towards a server, for the command line. libcurl is included here only. One thread. */

#include <jansson.h>
#include <stdbool.h>
#include <stdint.h>

#include "base/cleanup.h"
#include "base/text.h"

struct client;
struct err;

struct client_login {           /* where and as whom; kept in the login file */
    char *url;                  /* "http://127.0.0.1:9280", no slash at the end */
    char *user;                 /* NULL with a token from the environment */
    char *token;                /* bearer; NULL before login */
    bool insecure;              /* any certificate will do */
};

struct client_answer {
    int status;                 /* 200, 404 ... */
    struct text body;
};

struct upload {                 /* a multipart request: `data` as text, `file` from a file */
    const char *data;           /* NULL: no such part */
    const char *path;           /* NULL: no such part */
    const char *filename;
    const char *prior;          /* path of a file sent as part `prior`; NULL: no such part */
};

struct client *client_new(const struct client_login *login);
struct client *client_twin(const struct client *c);     /* another connection, as the same user */
void client_free(struct client *c);
DEFINE_FREEP(client)
void client_answer_done(struct client_answer *a);

/* One request below the deep-learning base ("/execs"), or from the root ("/auth/v1/logon"). An answer of 400 and
 * above is an error with the server's sentence: 401 is ERR_NO_LOGIN, no answer at all ERR_UNAVAILABLE. */
int client_call(struct client *c, const char *method, const char *path, const struct upload *upload,
                struct client_answer *ret, struct err *err);

/* GET, parsed; the caller owns the value. NULL on error. */
json_t *client_get(struct client *c, const char *path, struct err *err);

/* GET, as plain text: logs, byte for byte. */
int client_text(struct client *c, const char *path, struct client_answer *ret, struct err *err);

/* POST or PUT with a JSON text. */
int client_send(struct client *c, const char *method, const char *path, const char *json, struct client_answer *ret,
                struct err *err);

/* Basic instead of the token, for logon. */
void client_basic(struct client *c, const char *user, const char *password);

/* Downloads to a file; *ret_name gets the name the server gives (malloc), `progress` is told bytes and total. */
int client_download(struct client *c, const char *path, const char *to, char **ret_name,
                    void (*progress)(int64_t bytes, int64_t total), struct err *err);

/* Reads GET /events?subject=... until `each` or `tick` (about once a second) returns false, Ctrl-C, or the
 * server ends the stream (then 1; call again to go on). 0 when told to stop. */
int client_events(struct client *c, const char *subject, bool (*each)(void *arg, const char *kind, const json_t *data),
                  bool (*tick)(void *arg), void *arg, struct err *err);

/* Percent-encodes one path segment or query value; free() the result. */
char *client_escape(const char *text);
