// SPDX-License-Identifier: Apache-2.0
/* POST /execs: from the parts real clients send to a submission. */
#include "base/err.h"
#include "base/files.h"
#include "base/mem.h"
#include "base/reader.h"
#include "base/text.h"
#include "http/call.h"
#include "store/writer.h"
#include "tasks/exec_routes.h"
#include "tasks/submit.h"
#include "tasks/tasks.h"

#include <string.h>

enum { DATA_MAX = 1 << 20 /* bytes of a data part; larger ones are files */ };

struct submit_call {
    struct call *call;
    struct submission submission;
    struct submission_file *files;
    struct err data_err;        /* why no data part could be read */
    const char *form_args, *form_sig;
    struct err stored;          /* the writer's outcome */
};

/* --- what was sent --- */

static const char *part_text(struct call *c, const struct part *p)
{
    CLEANUP(text_done) struct text t = {0};
    struct err ignored = {0};

    if (p->data)
        return p->data;
    if (p->len > DATA_MAX || file_read(p->path, DATA_MAX, &t, &ignored) < 0)
        return NULL;
    return mem_strndup(c->mem, t.data ? t.data : "", t.len);
}

static void drop_json(void *json) { json_decref(json); }

/* Whether the part is the data object; the first that can be read wins. */
static bool take_data(struct submit_call *s, const struct part *p)
{
    const char *text = part_text(s->call, p);
    struct err err = {0};
    json_t *json;

    if (p->len == 0)
        return false;
    if (!text) {
        err_set(&s->data_err, ERR_TOO_LARGE, "it is larger than the %d bytes allowed", DATA_MAX);
        return false;
    }
    json = reader_parse_object(text, (size_t)p->len, &err);
    if (!json) {
        s->data_err = err;
        return false;
    }
    mem_on_free(s->call->mem, drop_json, json);
    if (!s->submission.data)
        s->submission.data = json;
    return true;
}

static void add_file(struct submit_call *s, const struct part *p)
{
    struct submission *sub = &s->submission;

    s->files[sub->n_files++] = (struct submission_file){
        .path = p->path, .data = p->data, .len = p->len, .move = true,
        .name = p->filename && *p->filename ? p->filename : NULL,
    };
}

static bool looks_like_object(const char *text)
{
    return text && text[strspn(text, " \t\r\n\xEF\xBB\xBF")] == '{';
}

/* Clients differ in how they name and type their parts; content decides where it can. */
static void sort_part(struct submit_call *s, const struct part *p)
{
    bool is_text = !p->type || text_starts(p->type, "text/") || text_starts(p->type, "application/json")
                || text_starts(p->type, "application/x-www-form-urlencoded");

    if (strcmp(p->name, "data") == 0) {
        if (!take_data(s, p) && p->filename && strcmp(p->filename, "data") != 0)
            add_file(s, p);
    } else if (p->filename || strcmp(p->name, "file") == 0) {
        add_file(s, p);
    } else if (strcmp(p->name, "args") == 0) {
        s->form_args = part_text(s->call, p);
    } else if (strcmp(p->name, "sigName") == 0) {
        s->form_sig = part_text(s->call, p);
    } else if (*p->name == '\0' && p->len > 0) {
        if (!(looks_like_object(p->data) && take_data(s, p)))
            add_file(s, p);
    } else if (!is_text) {
        add_file(s, p);
    }
}

struct repair {
    struct text args;
    bool seen;
};

/* An unquoted & in args cuts it: what follows came as other keys, which are put back. */
static void rejoin(void *arg, const char *key, const char *value)
{
    struct repair *r = arg;

    if (strcmp(key, "args") == 0) {
        text_clear(&r->args);
        text_add(&r->args, value ? value : "");
        r->seen = true;
        return;
    }
    if (!r->seen || strcmp(key, "sigName") == 0 || strcmp(key, "csrftoken") == 0)
        return;
    text_addf(&r->args, "&%s", key);
    if (value && *value)
        text_addf(&r->args, "=%s", value);
}

static const char *query_args(struct call *c)
{
    struct repair r = {0};
    const char *args = NULL;

    call_each_query(c, rejoin, &r);
    if (r.args.len > 0)
        args = mem_strndup(c->mem, r.args.data, r.args.len);
    text_done(&r.args);
    return args;
}

static int read_call(struct submit_call *s, struct err *err)
{
    struct call *c = s->call;
    struct submission *sub = &s->submission;
    const char *sig = call_query(c, "sigName");

    s->files = mem_alloc(c->mem, ((size_t)c->n_parts + 1) * sizeof *s->files);
    for (int i = 0; i < c->n_parts; i++)
        sort_part(s, &c->parts[i]);
    if (!sub->data && s->data_err.kind != ERR_NONE) {
        *err = s->data_err;
        return err_wrap(err, "data");
    }
    sub->files = s->files;
    sub->user = c->user;
    sub->admin = c->role == ADMIN;
    sub->trial = INT_UNSET;
    sub->sig_name = sig && *sig ? sig : s->form_sig;
    sub->args = query_args(c);
    if (!sub->args)
        sub->args = json_string_value(json_object_get(sub->data, "args"));
    if (!sub->args)
        sub->args = s->form_args;
    return 0;
}

/* --- the steps --- */

static int undo(struct call *c, struct err *err)
{
    const struct submit_call *s = c->state;

    (void)err;
    submit_undo(c->room, s->submission.exec.id, s->submission.exec.creator);
    return 0;
}

static int on_undone(struct call *c, struct err *err)
{
    const struct submit_call *s = c->state;

    *err = s->stored;
    return -1;
}

static int on_stored(struct call *c, struct err *err)
{
    const struct submit_call *s = c->state;

    (void)err;
    if (s->stored.kind != ERR_NONE)
        return call_work(c, undo, on_undone);
    tasks_admit(c->room, s->submission.exec.id);
    return reply_fields(c, 200, exec_fields, &s->submission.exec);
}

static int store(struct db *db, void *arg, struct err *err)
{
    const struct submit_call *s = arg;

    return submit_store(db, &s->submission.exec, err);
}

/* On the writer's thread. */
static void stored(void *arg, const struct err *err)
{
    struct submit_call *s = arg;

    s->stored = *err;
    call_wake(s->call);
}

static int on_placed(struct call *c, struct err *err)
{
    const struct tasks *t = c->room;
    int waits = call_wait(c, on_stored);

    (void)err;
    writer_add(t->config.writer, store, stored, c->state);
    return waits;
}

static int place(struct call *c, struct err *err)
{
    struct submit_call *s = c->state;

    return submit_place(c->room, &s->submission, c->mem, err);
}

int submit_exec(struct call *c, struct err *err)
{
    struct submit_call *s = mem_alloc(c->mem, sizeof *s);

    s->call = c;
    c->state = s;
    if (read_call(s, err) < 0 || submit_check(c->room, &s->submission, c->mem, err) < 0)
        return -1;
    return call_work(c, place, on_placed);
}
