// SPDX-License-Identifier: Apache-2.0
#pragma once
/* Pages of applications, as the scheduler's two lists filter, sort and cut them; and one by its id. */

#include "base/text.h"
#include "http/call.h"
#include "tasks/exec_store.h"

struct app_page {
    struct call *call;
    struct text json;           /* the reply so far */
    const char *name;           /* only of this appName; NULL: all */
    int64_t skip, left;         /* still to pass over; still to take, -1: no limit */
    int64_t n_matched;
    int64_t n_taken;
};

/* Whether this one belongs to the page; writes the comma before it. */
bool app_page_takes(struct app_page *p, const struct exec *exec);

/* Adds the application of a task, if it belongs to the page, with the members that `fields` names. */
void app_page_add(struct app_page *p, const struct exec *exec, const struct field *fields);

/* Replies with the page that the call's query asks for; each() is given the struct app_page and
 * adds the record of every task that app_page_takes(). ERR_OUT_OF_RANGE: `start` is beyond the end. */
int app_page_reply(struct call *c, exec_each_fn *each, struct err *err);

/* The same, of one instance group only; NULL: any. */
int app_page_of_group(struct call *c, const char *group, exec_each_fn *each, struct err *err);

/* The task whose appId, id or submissionId is the path's {param} and that the caller may see, in
 * c->mem. ERR_NOT_FOUND. */
int app_find(struct call *c, const char *param, struct exec *ret, struct err *err);
int app_find_id(struct call *c, const char *id, struct exec *ret, struct err *err);
