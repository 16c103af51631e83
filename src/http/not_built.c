// SPDX-License-Identifier: Apache-2.0
#include "http/not_built.h"

#include "base/err.h"

int not_built(struct call *c, struct err *err)
{
    return err_set(err, ERR_NOT_BUILT, "%s (%s) is not part of Trainyard %s yet", c->route->operation,
                   c->route->summary, TRAINYARD_VERSION);
}
