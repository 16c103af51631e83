// SPDX-License-Identifier: Apache-2.0
#pragma once
/* What is said between the server and a plugin: one JSON object per line; docs/guide/search-plugins.md has the
 * protocol. Pure. Suggestions are kept as JSON objects of name to value, the values as the plugin gave them: of a
 * parameter with `power` that is the exponent. */

#include "search/space.h"

struct experiment;
struct plugin;
struct search_plan;

struct plugin_param {           /* a hyperparameter that the plugin sets: fixed ones are none of its business */
    const struct dimension *dim;
    const struct param_spec *spec;
    double power;               /* its value is this, raised to what the plugin gives; 0: just that */
};

struct plugin_space {
    const struct space *space;
    struct plugin_param *params;
    int n_params;
};

/* `specs` is what `space` was made of; both outlive *ret. ERR_BAD_INPUT: a step makes more values than can be listed. */
int plugin_space_make(const struct space *space, const struct list *specs, struct mem *mem, struct plugin_space *ret,
                      struct err *err);

/* The first line: what there is to search, and the state that the plugin gave last (JSON; NULL: none). */
void plugin_start_line(const struct plugin *p, const struct search_plan *plan, const struct plugin_space *space,
                       const char *search, const char *state, struct text *out);

/* Asks for suggestions. `results`: what plugin_result() made of each outcome, with commas between. */
void plugin_search_line(int64_t samples, const struct text *results, bool replay, struct text *out);

/* The end of an experiment that was suggested with `vals`, as an item of last_exp_results. */
void plugin_result(const struct experiment *e, bool maximize, const char *vals, struct text *out);

struct plugin_answer {
    const char **suggestions;   /* [n], as they are kept */
    size_t n;
    const char *state;          /* JSON; NULL: none */
};

/* Reads an answer with at most `most` suggestions, each complete and of the right types. In `mem`. ERR_BAD_INPUT with a
 * clause about the plugin ("it gave 3 suggestions, and was asked for 2") or the plugin's own error. */
int plugin_answer_read(const char *line, size_t len, const struct plugin_space *s, int64_t most, struct mem *mem,
                       struct plugin_answer *ret, struct err *err);

/* The values of an experiment, in order of the space, fixed ones included: [space->n_dims] in `mem`. `vals` is a kept
 * suggestion. ERR_INTERNAL when it is none. */
int plugin_values(const struct plugin_space *s, const char *vals, struct mem *mem, struct value **ret, struct err *err);
