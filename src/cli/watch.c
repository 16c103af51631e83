// SPDX-License-Identifier: Apache-2.0
/* `search watch`: one bar for the search, a live line per running trial, a lasting line per ended one. Without a
 * terminal only the lasting lines, so that the output of a script reads well. */
#include "cli/search.h"

#include "base/clock.h"
#include "base/err.h"
#include "cli/term.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { BAR_WIDTH = 24 };

struct watcher {
    struct client *client;      /* a second connection: the first one carries the events */
    const char *name;
    json_t *search;             /* the record last seen; owned */
    bool *told;                 /* by experiment id: its lasting line was printed */
    size_t n_told;
    int n_drawn;                /* live lines on the screen */
    int64_t began_ms;           /* monotonic, of our watching */
    int64_t first_done;         /* trials that had ended when we began */
    bool live;
    bool ended;
    struct err err;
};

static int64_t integer(const json_t *record, const char *key)
{
    return json_integer_value(json_object_get(record, key));
}

/* "12/50" gives 50, "12/-" 0. */
static int64_t planned(const json_t *search)
{
    const char *slash = strchr(cli_str(search, "progress"), '/');

    return slash ? strtoll(slash + 1, NULL, 10) : 0;
}

static void add_values(struct text *line, const json_t *experiment)
{
    const json_t *values = json_object_get(experiment, "hyperParams");

    for (size_t i = 0; i < json_array_size(values); i++) {
        const json_t *v = json_array_get(values, i);
        const char *shown = cli_str(v, "fixedVal");
        char *end;
        double number = strtod(shown, &end);

        if (*shown && !*end)        /* five digits are enough to look at */
            text_addf(line, "  %s=%.5g", cli_str(v, "name"), number);
        else
            text_addf(line, "  %s=%s", cli_str(v, "name"), shown);
    }
}

/* Prints a line, cut at the screen's width so that erasing counts right. */
static void print_line(struct watcher *w, enum term_colour colour, const struct text *line)
{
    int width = w->live ? term_width() - 1 : (int)line->len;
    int columns = 0;
    size_t i;

    for (i = 0; i < line->len; i++) {
        columns += ((unsigned char)line->data[i] & 0xC0) != 0x80;
        if (columns > width)
            break;
    }
    printf("%s%.*s%s\n", term_on(colour), (int)i, line->data ? line->data : "", term_off());
}

static void tell_ended(struct watcher *w, const json_t *e)
{
    CLEANUP(text_done) struct text line = {0};
    bool good = strcmp(cli_str(e, "state"), "FINISHED") == 0;
    const char *metric = cli_str(json_object_get(w->search, "algoDef"), "objectiveMetric");

    text_addf(&line, "%s trial %-3" PRId64, good ? "\u2713" : "\u2717", integer(e, "id"));
    if (good)
        text_addf(&line, " %s %-9.5g", metric, json_number_value(json_object_get(e, "metricVal")));
    else
        text_addf(&line, " %-12s", cli_str(e, "state"));
    add_values(&line, e);
    print_line(w, good ? PLAIN : RED, &line);
}

static void tell_new_ends(struct watcher *w)
{
    const json_t *list = json_object_get(w->search, "experiments");
    size_t n = json_array_size(list);

    if (n > w->n_told) {
        w->told = realloc(w->told, n * sizeof *w->told);
        if (!w->told)
            abort();
        memset(w->told + w->n_told, 0, (n - w->n_told) * sizeof *w->told);
        w->n_told = n;
    }
    for (size_t i = 0; i < n; i++) {
        const json_t *e = json_array_get(list, i);

        if (!w->told[i] && cli_state_is_final(cli_str(e, "state"))) {
            w->told[i] = true;
            tell_ended(w, e);
        }
    }
}

/* "about 00:00:41 left", from the pace since we began. */
static void add_time_left(struct watcher *w, struct text *line)
{
    int64_t done = integer(w->search, "complete") - w->first_done;
    int64_t left = planned(w->search) - integer(w->search, "complete");
    char span[32];

    if (done > 0 && left > 0)
        text_addf(line, "  about %s left", clock_span_text((clock_mono_ms() - w->began_ms) * left / done, span));
}

static void draw_bar(struct watcher *w)
{
    CLEANUP(text_done) struct text line = {0};
    const json_t *best = json_object_get(w->search, "best");

    term_bar(&line, integer(w->search, "complete"), planned(w->search), BAR_WIDTH);
    text_addf(&line, " %s  %s", cli_str(w->search, "progress"), cli_str(w->search, "duration"));
    add_time_left(w, &line);
    if (best)
        text_addf(&line, "  best %s %.5g (trial %" PRId64 ")",
                  cli_str(json_object_get(w->search, "algoDef"), "objectiveMetric"),
                  json_number_value(json_object_get(best, "metricVal")), integer(best, "id"));
    print_line(w, BOLD, &line);
    w->n_drawn++;
}

static void draw_running(struct watcher *w)
{
    const json_t *list = json_object_get(w->search, "experiments");

    for (size_t i = 0; i < json_array_size(list); i++) {
        const json_t *e = json_array_get(list, i);
        CLEANUP(text_done) struct text line = {0};

        if (cli_state_is_final(cli_str(e, "state")))
            continue;
        text_addf(&line, "\u25b8 trial %-3" PRId64 " %-9s", integer(e, "id"), cli_str(e, "state"));
        add_values(&line, e);
        print_line(w, BLUE, &line);
        w->n_drawn++;
    }
}

/* Where the experiment of this id is, or belongs. */
static size_t place_of(const json_t *list, int64_t id)
{
    size_t at = json_array_size(list);

    while (at > 0 && integer(json_array_get(list, at - 1), "id") >= id)
        at--;
    return at;
}

/* Brings `search` up to what `news` say, which have only the experiments that changed; takes `news`. */
static json_t *merge(json_t *search, json_t *news)
{
    json_t *list = json_object_get(search, "experiments"), *e;
    size_t i;

    if (!search || !json_object_get(news, "since")) {
        json_decref(search);
        return news;
    }
    json_array_foreach(json_object_get(news, "experiments"), i, e) {
        size_t at = place_of(list, integer(e, "id"));

        if (integer(json_array_get(list, at), "id") == integer(e, "id") && at < json_array_size(list))
            json_array_set(list, at, e);
        else
            json_array_insert(list, at, e);
    }
    json_object_set(news, "experiments", list);
    json_decref(search);
    return news;
}

/* Looks at the search and brings the screen up to date; false at the end or on an error. */
static bool look(void *arg)
{
    struct watcher *w = arg;
    CLEANUP(freep) char *escaped = client_escape(w->name);
    CLEANUP(text_done) struct text path = {0};
    const char *next = cli_str(w->search, "next");
    json_t *search;

    text_addf(&path, "/hypersearch/%s?since=%s", escaped, *next ? next : "0");
    search = client_get(w->client, path.data, &w->err);
    if (!search)
        return false;
    w->search = merge(w->search, search);
    if (w->began_ms == 0) {
        w->began_ms = clock_mono_ms();
        w->first_done = integer(search, "complete");
    }
    w->ended = cli_state_is_final(cli_str(search, "state"));
    term_erase(w->n_drawn);
    w->n_drawn = 0;
    tell_new_ends(w);
    if (w->live) {
        draw_running(w);
        draw_bar(w);
    }
    fflush(stdout);
    return !w->ended;
}

static bool on_notice(void *arg, const char *kind, const json_t *data)
{
    (void)data;
    return text_starts(kind, "search.") ? look(arg) : true;
}

int search_follow(struct cli *cli, const char *name)
{
    CLEANUP(client_freep) struct client *second = client_twin(cli->client);
    struct watcher w = { .client = second, .name = name, .live = term_is_live() && !cli->json };
    bool good;
    int rc = 1;

    if (look(&w))
        while (rc > 0 && !w.ended)
            rc = client_events(cli->client, name, on_notice, look, &w, &w.err);
    good = strcmp(cli_str(w.search, "state"), "FINISHED") == 0;
    if (w.ended && !w.live)
        printf("%s %s, %s trials in %s\n", name, cli_str(w.search, "state"), cli_str(w.search, "progress"),
               cli_str(w.search, "duration"));
    if (w.ended && !good)
        fprintf(stderr, "%s\n", *cli_str(w.search, "message") ? cli_str(w.search, "message") : cli_str(w.search, "state"));
    json_decref(w.search);
    free(w.told);
    if (!w.ended)
        return cli_fail(&w.err);
    return good ? EXIT_DONE : EXIT_BAD_END;
}
