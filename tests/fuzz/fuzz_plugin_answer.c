// SPDX-License-Identifier: Apache-2.0
/* Whatever a plugin answers: it is refused with a clause, or each suggestion that is kept gives values that make an experiment
 * and read back the same, and what is said to the plugin about it is one line of JSON. */
#include "search/document.h"
#include "search/plugins/plugin_talk.h"
#include "search/search.h"

#include <math.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/err.h"
#include "base/mem.h"
#include "base/text.h"

enum { MOST = 3 };

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static const char document[] =
    "{'modelSpec': {'args': 'a'}, 'algoDef': {'algorithm': 'Random', 'objectiveMetric': 'loss'}, 'hyperParams': ["
    "{'name': 'x', 'type': 'Range', 'dataType': 'double', 'minDbVal': 0, 'maxDbVal': 1},"
    "{'name': 'n', 'type': 'Range', 'dataType': 'int', 'minIntVal': 0, 'maxIntVal': 9},"
    "{'name': 's', 'type': 'Discrete', 'dataType': 'str', 'discreateStrVal': ['a', 'b']},"
    "{'name': 'p', 'type': 'Range', 'dataType': 'double', 'minDbVal': -3, 'maxDbVal': 0, 'power': 10},"
    "{'name': 'w', 'type': 'Range', 'dataType': 'int', 'minIntVal': 0, 'maxIntVal': 8, 'power': 2, 'step': 0.5},"
    "{'name': 'f', 'type': 'Fix', 'dataType': 'int', 'fixedVal': 7}]}";

static void require(bool fine)
{
    if (!fine)
        abort();
}

static void check_line(const struct text *line)
{
    json_t *json = json_loadb(line->data, line->len, 0, NULL);

    require(json && memchr(line->data, '\n', line->len) == line->data + line->len - 1);
    json_decref(json);
}

static void check_result(const char *vals)
{
    CLEANUP(text_done) struct text results = {0};
    CLEANUP(text_done) struct text line = {0};
    const struct experiment e = { .state = "FINISHED", .metric = 1, .started_ms = INT_UNSET, .ended_ms = 0 };

    plugin_result(&e, false, vals, &results);
    plugin_search_line(1, &results, false, &line);
    check_line(&line);
}

static void check_suggestion(const struct plugin_space *s, const char *vals, struct mem *mem)
{
    CLEANUP(text_done) struct text echo = {0};
    CLEANUP(text_done) struct text again = {0};
    struct value *values, *back;
    struct err err = {0};
    int n_back;

    require(plugin_values(s, vals, mem, &values, &err) == 0);
    values_echo(values, s->space->n_dims, &echo);
    require(values_read(echo.data, INT_UNSET, mem, &back, &n_back, &err) == 0 && n_back == s->space->n_dims);
    values_echo(back, n_back, &again);
    require(strcmp(echo.data, again.data) == 0);
    check_result(vals);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    CLEANUP(mem_freep) struct mem *mem = mem_new();
    struct plugin_answer a;
    struct plugin_space space;
    struct search_plan plan;
    struct err err = {0};

    require(document_read(document, sizeof document - 1, true, NULL, mem, &plan, &err) == 0);
    require(plugin_space_make(&plan.space, &plan.doc.params, mem, &space, &err) == 0);
    if (plugin_answer_read((const char *)data, size, &space, MOST, mem, &a, &err) < 0) {
        require(err.kind == ERR_BAD_INPUT && err.text[0] && !strchr(err.text, '\n'));
        return 0;
    }
    require(a.n <= MOST);
    for (size_t i = 0; i < a.n; i++)
        check_suggestion(&space, a.suggestions[i], mem);
    if (a.state)
        json_decref(json_loads(a.state, JSON_DECODE_ANY, NULL));
    return 0;
}
