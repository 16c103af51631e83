// SPDX-License-Identifier: Apache-2.0
#pragma once
/* Installed algorithms, and what searches keep of theirs, in the database. Functions that read take any connection;
 * functions that change run on the writer's thread, each as one change. */

#include "base/field.h"
#include "search/plugins/plugin.h"

struct db;
struct err;
struct mem;

/* 1 when there is one of this name, else 0. */
int plugins_find(struct db *db, const char *name, struct mem *mem, struct plugin *ret, struct err *err);

/* In order of installation; rows live until each() returns. */
typedef int plugin_each_fn(void *arg, const struct plugin *plugin, struct err *err);
int plugins_each(struct db *db, plugin_each_fn *each, void *arg, struct err *err);

/* Finds installed algorithms for document_read(). */
struct algorithm_source plugins_source(struct db *db);

/* The name of a search that has not ended and runs with it; NULL: none. */
int plugins_find_user(struct db *db, const char *name, struct mem *mem, const char **ret_search, struct err *err);

/* --- calls of search() --- */

struct plugin_call {            /* columns of table plugin_call */
    int64_t call, samples;
    const char *state;          /* NULL: none */
};

/* Those that are kept, in order; rows live until each() returns. */
typedef int plugin_call_fn(void *arg, const struct plugin_call *call, struct err *err);
int plugin_calls_each(struct db *db, const char *search, plugin_call_fn *each, void *arg, struct err *err);

/* In order of ids: the suggestions of experiments that no call up to and with `call` was told the end of. */
typedef void suggestion_fn(void *arg, int64_t id, const char *vals);
int suggestions_each(struct db *db, const char *search, int64_t call, suggestion_fn *each, void *arg, struct err *err);

/* How many suggestions there are in all: the number of the next. */
int suggestions_count(struct db *db, const char *search, int64_t *ret, struct err *err);

/* --- on the writer's thread --- */

/* ERR_CONFLICT when the name is taken. */
int plugins_insert(struct db *db, const struct plugin *p, struct err *err);

/* ERR_CONFLICT when a search that has not ended runs with it, or it is gone. */
int plugins_remove(struct db *db, const char *name, struct err *err);

/* ERR_BAD_INPUT when the algorithm of this search is neither built in nor installed (any more). */
int plugins_check_search(struct db *db, const char *search, struct err *err);

struct plugin_reply {           /* an answered call, with all that follows from it */
    struct plugin_call call;
    int64_t first;              /* number of the first suggestion; the others follow */
    const char *const *suggestions;
    size_t n;
    const int64_t *told;        /* [n_told] experiments whose ends it was told */
    size_t n_told;
};

/* ERR_CONFLICT when the search is gone. */
int plugin_calls_add(struct db *db, const char *search, const struct plugin_reply *r, struct err *err);
