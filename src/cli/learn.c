// SPDX-License-Identifier: Apache-2.0
/* What a search tells, for a terminal: importance as bars, the best metric as a curve, and exports. */
#include "cli/search.h"

#include "base/err.h"
#include "base/mem.h"
#include "cli/term.h"

#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <string.h>

enum { BAR_WIDTH = 24, CURVE_ROWS = 10, CURVE_COLUMNS_MAX = 72, LABEL_WIDTH = 10, PAIRS_SHOWN = 5 };

static json_t *get_part(struct cli *cli, const char *name, const char *part, struct err *err)
{
    CLEANUP(freep) char *escaped = client_escape(name);
    CLEANUP(text_done) struct text path = {0};

    text_addf(&path, "/hypersearch/%s/%s", escaped, part);
    return client_get(cli->client, path.data, err);
}

static double real(const json_t *record, const char *key) { return json_number_value(json_object_get(record, key)); }

/* --- importance --- */

struct line {
    char *name;
    double share;
};

static int shown_width(const char *s)
{
    int n = 0;

    for (; *s; s++)
        n += ((unsigned char)*s & 0xC0) != 0x80;
    return n;
}

/* Names stand in one column, whatever they are made of. */
static void print_bar(const char *name, int width, double share, enum term_colour colour)
{
    CLEANUP(text_done) struct text bar = {0};

    term_bar(&bar, (int64_t)lround(share * BAR_WIDTH), BAR_WIDTH, BAR_WIDTH);
    printf("%s%*s  %s%s%s %5.1f %%\n", name, width - shown_width(name), "", term_on(colour), bar.data,
           term_off(), share * 100);
}

static char *pair_name(const json_t *pair)
{
    const json_t *names = json_object_get(pair, "names");
    struct text t = {0};

    text_addf(&t, "%s \u00d7 %s", json_string_value(json_array_get(names, 0)), json_string_value(json_array_get(names, 1)));
    return text_take(&t);
}

static void print_importance(const json_t *answer)
{
    const json_t *effects = json_object_get(answer, "importance"), *pairs = json_object_get(answer, "interactions");
    size_t n = json_array_size(effects), n_pairs = json_array_size(pairs);
    struct line *lines;
    int width = shown_width("all else");
    double rest = real(answer, "rest");

    lines = xcalloc(n + PAIRS_SHOWN, sizeof *lines);
    for (size_t i = 0; i < n; i++) {
        const json_t *effect = json_array_get(effects, i);

        lines[i] = (struct line){ xstrdup(cli_str(effect, "name")), real(effect, "importance") };
    }
    for (size_t i = 0; i < n_pairs; i++) {
        const json_t *pair = json_array_get(pairs, i);

        if (i < PAIRS_SHOWN)
            lines[n + i] = (struct line){ pair_name(pair), real(pair, "importance") };
        else
            rest += real(pair, "importance");
    }
    n_pairs = n_pairs < PAIRS_SHOWN ? n_pairs : PAIRS_SHOWN;
    for (size_t i = 0; i < n + n_pairs; i++)
        width = shown_width(lines[i].name) > width ? shown_width(lines[i].name) : width;
    printf("%sWhat %s depends on, from %" JSON_INTEGER_FORMAT " trials%s\n", term_on(BOLD),
           cli_str(answer, "objectiveMetric"), json_integer_value(json_object_get(answer, "experiments")), term_off());
    for (size_t i = 0; i < n + n_pairs; i++) {
        print_bar(lines[i].name, width, lines[i].share, i < n ? BLUE : DIM);
        free(lines[i].name);
    }
    print_bar("all else", width, rest, DIM);
    free(lines);
}

int search_show_importance(struct cli *cli, const char *name)
{
    struct err err = {0};
    json_auto_t *answer = get_part(cli, name, "importance", &err);

    if (!answer)
        return cli_fail(&err);
    if (cli->json)
        cli_print_json(answer);
    else if (*cli_str(answer, "message"))
        printf("%s\n", cli_str(answer, "message"));
    else
        print_importance(answer);
    return EXIT_DONE;
}

/* --- curve --- */

struct curve {
    const json_t *points;
    double low, high;           /* of the best */
    bool log;                   /* the axis: when the best fell by more than a hundredfold */
    int columns;
    int64_t n;                  /* trials at the right edge */
};

static double scaled(const struct curve *c, double y)
{
    double low = c->log ? log(c->low) : c->low, high = c->log ? log(c->high) : c->high;

    return high > low ? ((c->log ? log(y) : y) - low) / (high - low) : 0.5;
}

/* The best after `n` trials; NaN before the first. */
static double best_after(const struct curve *c, int64_t n)
{
    double best = NAN;

    for (size_t i = 0; i < json_array_size(c->points); i++) {
        const json_t *p = json_array_get(c->points, i);

        if (json_integer_value(json_object_get(p, "n")) > n)
            break;
        best = real(p, "best");
    }
    return best;
}

static int row_of(const struct curve *c, int column)
{
    int64_t n = c->columns > 1 ? 1 + (int64_t)((double)(c->n - 1) * column / (c->columns - 1)) : c->n;
    double y = best_after(c, n);

    return isnan(y) ? -1 : (int)lround((1 - scaled(c, y)) * (CURVE_ROWS - 1));
}

/* A line along the rows, with corners where it falls or rises. */
static const char *piece(const struct curve *c, int column, int row)
{
    int here = row_of(c, column), before = column ? row_of(c, column - 1) : here;

    if (before < 0)
        before = here;
    if (here == row && before == row)
        return "\u2500";
    if (here == row)
        return before < here ? "\u2570" : "\u256d";
    if (before == row)
        return before < here ? "\u256e" : "\u256f";
    return (row > before && row < here) || (row < before && row > here) ? "\u2502" : " ";
}

static void print_rows(const struct curve *c)
{
    for (int row = 0; row < CURVE_ROWS; row++) {
        double share = 1 - (double)row / (CURVE_ROWS - 1);
        double y = c->log ? exp(log(c->low) + share * (log(c->high) - log(c->low))) : c->low + share * (c->high - c->low);
        bool labelled = c->high > c->low ? row % 3 == 0 : row == row_of(c, 0);
        char label[32] = "";

        if (labelled)
            snprintf(label, sizeof label, "%.4g", y);
        printf("%*s %s%s", LABEL_WIDTH, label, labelled ? "\u2524" : "\u2502", term_on(BLUE));
        for (int column = 0; column < c->columns; column++)
            fputs(piece(c, column, row), stdout);
        printf("%s\n", term_off());
    }
    printf("%*s \u2514", LABEL_WIDTH, "");
    for (int column = 0; column < c->columns; column++)
        fputs("\u2500", stdout);
    printf("\n%*s  1%*" PRId64 " trials\n", LABEL_WIDTH, "", c->columns - 1, c->n);
}

static void print_curve(const json_t *answer)
{
    const json_t *points = json_object_get(answer, "points");
    size_t n = json_array_size(points);
    const json_t *last = json_array_get(points, n - 1);
    struct curve c = { .points = points, .columns = term_width() - LABEL_WIDTH - 4, .low = INFINITY, .high = -INFINITY };

    c.columns = c.columns < CURVE_COLUMNS_MAX ? c.columns : CURVE_COLUMNS_MAX;
    c.n = json_integer_value(json_object_get(last, "n"));
    for (size_t i = 0; i < n; i++) {
        c.low = fmin(c.low, real(json_array_get(points, i), "best"));
        c.high = fmax(c.high, real(json_array_get(points, i), "best"));
    }
    c.log = c.low > 0 && c.high / c.low > 100;
    printf("%sBest %s so far%s  %.6g after %" PRId64 " trials and %.0f s\n", term_on(BOLD),
           cli_str(answer, "objectiveMetric"), term_off(), real(last, "best"), c.n, real(last, "seconds"));
    print_rows(&c);
}

int search_curve_command(struct cli *cli, int argc, char **argv)
{
    CLEANUP(freep) char *name = NULL;
    json_auto_t *answer = NULL;
    bool all = false;
    const struct flag flags[] = { { "all", 'a', NULL, &all } };
    struct err err = {0};
    int code = cli_one(cli, argc, argv, flags, ARRAY_LEN(flags), "search", cli_find_search, &name);

    if (code >= 0)
        return code;
    answer = get_part(cli, name, all ? "curve?all=true" : "curve", &err);
    if (!answer)
        return cli_fail(&err);
    if (cli->json)
        cli_print_json(answer);
    else if (json_array_size(json_object_get(answer, "points")) == 0)
        puts("No trial has ended well yet.");
    else
        print_curve(answer);
    return EXIT_DONE;
}

/* --- export --- */

int search_export_command(struct cli *cli, int argc, char **argv)
{
    CLEANUP(freep) char *name = NULL;
    CLEANUP(freep) char *escaped = NULL;
    CLEANUP(text_done) struct text path = {0};
    CLEANUP(text_done) struct text to = {0};
    const char *output = NULL;
    bool csv = false, optuna = false;
    const struct flag flags[] = { { "csv", 0, NULL, &csv }, { "optuna", 0, NULL, &optuna },
                                  { "output", 'o', "FILE", &output } };
    int code = cli_one(cli, argc, argv, flags, ARRAY_LEN(flags), "search", cli_find_search, &name);

    if (code >= 0)
        return code;
    if (csv && optuna)
        return cli_usage(cli, "one form at a time: --csv or --optuna");
    escaped = client_escape(name);
    text_addf(&path, "/hypersearch/%s/export?format=%s", escaped, optuna ? "optuna" : "csv");
    text_addf(&to, "%s", output ? output : name);
    if (!output)
        text_add(&to, optuna ? ".db" : ".csv");
    return cli_save(cli, path.data, to.data, NULL);
}
