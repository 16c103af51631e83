// SPDX-License-Identifier: Apache-2.0
#pragma once
/* What starting a search and installing an algorithm have in common: the parts that real clients send, and the
 * answer. */

#include "base/field.h"
#include "http/call.h"

/* Whether it is the `data` part, or a raw body that looks like one. */
bool form_is_data(const struct part *p);
bool form_is_file(const struct part *p);        /* any part with a filename, or named "file", that is no data */

/* The text of the `data` part, which can be read as an object. Some clients send two parts of this name, the first
 * that can be read counts. ERR_BAD_INPUT otherwise, as one about field "data"; `what` is what it should have: "the
 * search". */
int form_document(struct call *c, const char *what, struct text *ret, struct err *err);

extern const struct field creation_fields[];    /* CreationResponse */

/* {uid, href}: a thing of this name was made below `path`, such as "/hypersearch/". */
int reply_creation(struct call *c, const char *path, const char *name);
