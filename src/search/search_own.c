// SPDX-License-Identifier: Apache-2.0
#include "search/search_own.h"

#include "base/err.h"
#include "search/search_store.h"

int search_own(struct call *c, struct search *ret, struct err *err)
{
    const char *name = call_param(c, "hpoName");

    if (searches_look(c->db, name, c->mem, ret, err) < 0)
        return -1;
    if (!call_owns(c, ret->creator))
        return err_set(err, ERR_NOT_FOUND, "there is no search \"%.100s\"", name);
    return 0;
}
