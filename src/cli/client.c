// SPDX-License-Identifier: Apache-2.0
#include "cli/client.h"

#include "base/err.h"
#include "base/mem.h"

#include <curl/curl.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>

#define BASE      "/platform/rest/deeplearning/v1"
#define JSON_TYPE "Accept: application/json"

enum { CONNECT_TIMEOUT_S = 10 };

struct client {
    CURL *curl;
    const struct client_login *login;
    char *basic;                /* "user:password"; NULL: the token */
};

struct client *client_new(const struct client_login *login)
{
    struct client *c = xcalloc(1, sizeof *c);

    c->curl = curl_easy_init();
    if (!c->curl)
        abort();
    c->login = login;
    return c;
}

struct client *client_twin(const struct client *c)
{
    struct client *twin = client_new(c->login);

    twin->basic = xstrdup(c->basic);
    return twin;
}

void client_free(struct client *c)
{
    if (!c)
        return;
    curl_easy_cleanup(c->curl);
    free(c->basic);
    free(c);
}

void client_answer_done(struct client_answer *a) { text_done(&a->body); }

void client_basic(struct client *c, const char *user, const char *password)
{
    CLEANUP(text_done) struct text pair = {0};

    text_addf(&pair, "%s:%s", user, password);
    free(c->basic);
    c->basic = text_take(&pair);
}

char *client_escape(const char *text)
{
    static const char plain[] = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-._~";
    struct text out = {0};

    for (; *text; text++)
        if (strchr(plain, *text))
            text_add_char(&out, *text);
        else
            text_addf(&out, "%%%02X", (unsigned char)*text);
    return text_take(&out);
}

static size_t take_body(char *data, size_t size, size_t n, void *arg)
{
    text_add_n(arg, data, size * n);
    return size * n;
}

/* Address, credentials and the headers every request has; the caller frees the list. */
static struct curl_slist *prepare(struct client *c, const char *path, const char *accept)
{
    CLEANUP(text_done) struct text url = {0};
    CLEANUP(text_done) struct text bearer = {0};
    struct curl_slist *headers = curl_slist_append(NULL, accept);
    bool from_root = text_starts(path, "/auth/") || text_starts(path, "/platform/");

    text_addf(&url, "%s%s%s", c->login->url, from_root ? "" : BASE, path);
    curl_easy_reset(c->curl);
    curl_easy_setopt(c->curl, CURLOPT_URL, url.data);
    curl_easy_setopt(c->curl, CURLOPT_CONNECTTIMEOUT, (long)CONNECT_TIMEOUT_S);
    curl_easy_setopt(c->curl, CURLOPT_NOSIGNAL, 1L);
    curl_easy_setopt(c->curl, CURLOPT_USERAGENT, "trainyard/" TRAINYARD_VERSION);
    if (c->login->insecure) {
        curl_easy_setopt(c->curl, CURLOPT_SSL_VERIFYPEER, 0L);
        curl_easy_setopt(c->curl, CURLOPT_SSL_VERIFYHOST, 0L);
    }
    if (c->basic) {
        curl_easy_setopt(c->curl, CURLOPT_USERPWD, c->basic);
    } else if (c->login->token) {
        text_addf(&bearer, "Authorization: Bearer %s", c->login->token);
        headers = curl_slist_append(headers, bearer.data);
    }
    return curl_slist_append(headers, "Expect:");
}

/* The server's sentence, from its JSON error or its one line. */
static int refused(int status, const struct text *body, struct err *err)
{
    json_auto_t *json = json_loadb(body->data ? body->data : "", body->len, 0, NULL);
    const json_t *error = json_object_get(json, "error");
    const char *message = json_string_value(json_object_get(error, "message"));
    const char *accepted = json_string_value(json_object_get(error, "accepted"));
    enum err_kind kind = status == 401 ? ERR_NO_LOGIN : status == 404 ? ERR_NOT_FOUND
                       : status >= 500 ? ERR_INTERNAL : ERR_BAD_INPUT;

    if (!message)
        return err_set(err, kind, "the server answered %d: %.300s", status, body->data ? body->data : "");
    if (accepted)
        return err_set(err, kind, "%s; accepted: %s", message, accepted);
    return err_set(err, kind, "%s", message);
}

static int no_answer(struct client *c, CURLcode code, struct err *err)
{
    if (code == CURLE_PEER_FAILED_VERIFICATION)
        return err_set(err, ERR_UNAVAILABLE, "the certificate of %s is not signed by anyone this machine knows; "
                       "sign in with `trainyard login --insecure %s` if it is yours", c->login->url, c->login->url);
    return err_set(err, ERR_UNAVAILABLE, "no answer from %s (%s); is `trainyard serve` running there?",
                   c->login->url, curl_easy_strerror(code));
}

static int perform(struct client *c, struct curl_slist *headers, struct client_answer *ret, struct err *err)
{
    CURLcode code;
    long status = 0;

    curl_easy_setopt(c->curl, CURLOPT_HTTPHEADER, headers);
    curl_easy_setopt(c->curl, CURLOPT_WRITEFUNCTION, take_body);
    curl_easy_setopt(c->curl, CURLOPT_WRITEDATA, &ret->body);
    code = curl_easy_perform(c->curl);
    curl_slist_free_all(headers);
    if (code != CURLE_OK)
        return no_answer(c, code, err);
    curl_easy_getinfo(c->curl, CURLINFO_RESPONSE_CODE, &status);
    ret->status = (int)status;
    return status >= 400 ? refused((int)status, &ret->body, err) : 0;
}

static curl_mime *make_mime(struct client *c, const struct upload *upload)
{
    curl_mime *mime = curl_mime_init(c->curl);
    curl_mimepart *part;

    if (upload->data) {
        part = curl_mime_addpart(mime);
        curl_mime_name(part, "data");
        curl_mime_data(part, upload->data, CURL_ZERO_TERMINATED);
    }
    if (upload->path) {
        part = curl_mime_addpart(mime);
        curl_mime_name(part, "file");
        curl_mime_filedata(part, upload->path);
        curl_mime_filename(part, upload->filename);
    }
    if (upload->prior) {
        part = curl_mime_addpart(mime);
        curl_mime_name(part, "prior");
        curl_mime_filedata(part, upload->prior);
    }
    return mime;
}

int client_call(struct client *c, const char *method, const char *path, const struct upload *upload,
                struct client_answer *ret, struct err *err)
{
    struct curl_slist *headers = prepare(c, path, JSON_TYPE);
    curl_mime *mime = NULL;
    int rc;

    if (upload) {
        mime = make_mime(c, upload);
        curl_easy_setopt(c->curl, CURLOPT_MIMEPOST, mime);
    }
    curl_easy_setopt(c->curl, CURLOPT_CUSTOMREQUEST, method);
    rc = perform(c, headers, ret, err);
    curl_mime_free(mime);
    return rc;
}

int client_send(struct client *c, const char *method, const char *path, const char *json, struct client_answer *ret,
                struct err *err)
{
    struct curl_slist *headers = curl_slist_append(prepare(c, path, JSON_TYPE), "Content-Type: application/json");

    curl_easy_setopt(c->curl, CURLOPT_POSTFIELDS, json);
    curl_easy_setopt(c->curl, CURLOPT_CUSTOMREQUEST, method);
    return perform(c, headers, ret, err);
}

int client_text(struct client *c, const char *path, struct client_answer *ret, struct err *err)
{
    return perform(c, prepare(c, path, "Accept: text/plain"), ret, err);
}

json_t *client_get(struct client *c, const char *path, struct err *err)
{
    CLEANUP(client_answer_done) struct client_answer answer = {0};
    json_error_t at;
    json_t *json;

    if (client_call(c, "GET", path, NULL, &answer, err) < 0)
        return NULL;
    json = json_loadb(answer.body.data ? answer.body.data : "", answer.body.len, JSON_DECODE_ANY, &at);
    if (!json)
        err_set(err, ERR_INTERNAL, "%s%s did not answer JSON (%s); is it a Trainyard server?", c->login->url, path, at.text);
    return json;
}

/* --- downloads --- */
struct download {
    FILE *file;
    CURL *curl;
    struct text refusal;        /* the body of an answer that is not a file */
    char *name;
    void (*progress)(int64_t bytes, int64_t total);
};

static size_t take_piece(char *data, size_t size, size_t n, void *arg)
{
    struct download *d = arg;
    long status = 0;

    curl_easy_getinfo(d->curl, CURLINFO_RESPONSE_CODE, &status);
    if (status < 400)
        return fwrite(data, size, n, d->file);
    text_add_n(&d->refusal, data, size * n);
    return size * n;
}

static size_t take_header(char *line, size_t size, size_t n, void *arg)
{
    struct download *d = arg;
    CLEANUP(freep) char *copy = strndup(line, size * n);
    char *at = copy ? strstr(copy, "filename=") : NULL;

    if (at && strncasecmp(copy, "Content-Disposition:", 20) == 0) {
        free(d->name);
        d->name = strndup(at + 9, strcspn(at + 9, ";\r\n"));
    }
    return size * n;
}

static int tell_progress(void *arg, curl_off_t total, curl_off_t now, curl_off_t up_total, curl_off_t up)
{
    struct download *d = arg;

    (void)up_total, (void)up;
    if (d->progress)
        d->progress(now, total);
    return 0;
}

int client_download(struct client *c, const char *path, const char *to, char **ret_name,
                    void (*progress)(int64_t bytes, int64_t total), struct err *err)
{
    struct download d = { .file = fopen(to, "wb"), .curl = c->curl, .progress = progress };
    struct curl_slist *headers;
    CURLcode code;
    long status = 0;
    int rc = 0;

    if (!d.file)
        return err_errno(err, ERR_UNAVAILABLE, "%s", to);
    headers = prepare(c, path, JSON_TYPE);
    curl_easy_setopt(c->curl, CURLOPT_HTTPHEADER, headers);
    curl_easy_setopt(c->curl, CURLOPT_WRITEFUNCTION, take_piece);
    curl_easy_setopt(c->curl, CURLOPT_WRITEDATA, &d);
    curl_easy_setopt(c->curl, CURLOPT_HEADERFUNCTION, take_header);
    curl_easy_setopt(c->curl, CURLOPT_HEADERDATA, &d);
    curl_easy_setopt(c->curl, CURLOPT_NOPROGRESS, 0L);
    curl_easy_setopt(c->curl, CURLOPT_XFERINFOFUNCTION, tell_progress);
    curl_easy_setopt(c->curl, CURLOPT_XFERINFODATA, &d);
    code = curl_easy_perform(c->curl);
    curl_slist_free_all(headers);
    curl_easy_getinfo(c->curl, CURLINFO_RESPONSE_CODE, &status);
    if (fclose(d.file) != 0 && code == CURLE_OK)
        rc = err_errno(err, ERR_UNAVAILABLE, "%s", to);
    else if (code != CURLE_OK)
        rc = no_answer(c, code, err);
    else if (status >= 400)
        rc = refused((int)status, &d.refusal, err);
    text_done(&d.refusal);
    *ret_name = d.name;
    return rc;
}

/* --- events --- */
struct reader {
    struct text buffer;         /* what has come and is not yet a whole event */
    bool (*each)(void *arg, const char *kind, const json_t *data);
    bool (*tick)(void *arg);
    void *arg;
    bool stop;
};

/* One event, lines separated by \n: "event: kind", "data: {...}". */
static void read_event(struct reader *r, char *event)
{
    const char *kind = "";
    json_auto_t *data = NULL;
    char *rest = event;

    for (char *line = strsep(&rest, "\n"); line; line = strsep(&rest, "\n")) {
        if (text_starts(line, "event: "))
            kind = line + 7;
        else if (text_starts(line, "data: ") && !data)
            data = json_loads(line + 6, JSON_DECODE_ANY, NULL);
    }
    if (data && !r->each(r->arg, kind, data))
        r->stop = true;
}

static size_t take_events(char *data, size_t size, size_t n, void *arg)
{
    struct reader *r = arg;
    char *start, *end;

    text_add_n(&r->buffer, data, size * n);
    start = r->buffer.data;
    while (!r->stop && (end = strstr(start, "\n\n")) != NULL) {
        *end = '\0';
        read_event(r, start);
        start = end + 2;
    }
    r->buffer.len -= (size_t)(start - r->buffer.data);
    memmove(r->buffer.data, start, r->buffer.len + 1);
    return r->stop ? 0 : size * n;
}

static int tick_events(void *arg, curl_off_t total, curl_off_t now, curl_off_t up_total, curl_off_t up)
{
    struct reader *r = arg;

    (void)total, (void)now, (void)up_total, (void)up;
    if (r->tick && !r->tick(r->arg))
        r->stop = true;
    return r->stop;
}

int client_events(struct client *c, const char *subject, bool (*each)(void *arg, const char *kind, const json_t *data),
                  bool (*tick)(void *arg), void *arg, struct err *err)
{
    CLEANUP(freep) char *escaped = client_escape(subject);
    CLEANUP(text_done) struct text path = {0};
    struct reader r = { .each = each, .tick = tick, .arg = arg };
    struct curl_slist *headers;
    CURLcode code;
    long status = 0;

    text_addf(&path, "/events?subject=%s", escaped);
    headers = prepare(c, path.data, "Accept: text/event-stream");
    curl_easy_setopt(c->curl, CURLOPT_HTTPHEADER, headers);
    curl_easy_setopt(c->curl, CURLOPT_WRITEFUNCTION, take_events);
    curl_easy_setopt(c->curl, CURLOPT_WRITEDATA, &r);
    curl_easy_setopt(c->curl, CURLOPT_NOPROGRESS, 0L);
    curl_easy_setopt(c->curl, CURLOPT_XFERINFOFUNCTION, tick_events);
    curl_easy_setopt(c->curl, CURLOPT_XFERINFODATA, &r);
    code = curl_easy_perform(c->curl);
    curl_slist_free_all(headers);
    curl_easy_getinfo(c->curl, CURLINFO_RESPONSE_CODE, &status);
    text_done(&r.buffer);
    if (r.stop)
        return 0;
    if (status >= 400)
        return refused((int)status, &(struct text){0}, err);
    if (status == 0)
        return no_answer(c, code, err);
    return 1;
}
