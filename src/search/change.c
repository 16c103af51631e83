// SPDX-License-Identifier: Apache-2.0
#include "search/loop.h"

#include "base/err.h"
#include "base/log.h"
#include "base/loop.h"
#include "base/mem.h"
#include "http/stream.h"
#include "tasks/tasks.h"

struct change *change_new(struct live *live, struct trial *trial, write_fn *make,
                          void (*then)(struct change *c))
{
    struct searches *s = live->searches;
    struct change *c = xcalloc(1, sizeof *c);

    *c = (struct change){
        .next = s->changes, .searches = s, .live = live, .trial = trial, .make = make, .then = then
    };
    s->changes = c;
    live->n_pending++;
    return c;
}

static void change_free(struct change *c)
{
    text_done(&c->news.json);
    mem_free(c->mem);
    free(c);
}

void changes_free(struct searches *s)
{
    while (s->changes) {
        struct change *c = s->changes;

        s->changes = c->next;
        change_free(c);
    }
}

void news_publish(struct searches *s, const char *owner, const char *name,
                  const struct search_news *news)
{
    const struct notice notice = { .id = news->event_id,
                                   .owner = owner,
                                   .kind = news->kind,
                                   .subject = name,
                                   .json = news->json.data };

    if (news->event_id)
        hub_publish(s->tasks->config.hub, &notice);
}

static void change_again(void *arg)
{
    struct change *c = arg;

    watch_cancel(c->retry);
    c->retry = NULL;
    change_send(c);
}

static void change_done(void *arg)
{
    struct change *c = arg;
    struct change **at = &c->searches->changes;

    if (c->err.kind != ERR_NONE && c->err.kind != ERR_CONFLICT) {
        log_error("search.store", "search=\"%s\" retry_ms=%d reason=\"%s\"", c->live->row.name,
                  RETRY_MS, c->err.text);
        c->retry = loop_timer(c->searches->tasks->config.loop, RETRY_MS, 0, change_again, c);
        return;
    }
    if (c->err.kind == ERR_NONE)
        news_publish(c->searches, c->live->row.creator, c->live->row.name, &c->news);
    while (*at != c)
        at = &(*at)->next;
    *at = c->next;
    c->live->n_pending--;
    c->then(c);
    change_free(c);
}

/* On the writer's thread. */
static void change_written(void *arg, const struct err *err)
{
    struct change *c = arg;

    c->err = *err;
    loop_post(c->searches->tasks->config.loop, change_done, c);
}

void change_send(struct change *c)
{
    writer_add(c->searches->tasks->config.writer, c->make, change_written, c);
}
