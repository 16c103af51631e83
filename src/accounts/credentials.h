// SPDX-License-Identifier: Apache-2.0
#pragma once
/* What the Authorization header shows to say who calls. Read from outside bytes; nothing is checked
 * against accounts. */

#include "http/call.h"

struct credentials {
    enum login login;
    const char *user, *password;    /* LOGIN_BASIC */
    const char *token;              /* LOGIN_TOKEN, LOGIN_COOKIE */
};

/* The value of an Authorization header: Basic, Bearer, or PlatformToken token=... ERR_NO_LOGIN when
 * it cannot be read. */
int credentials_parse(const char *authorization, struct mem *mem, struct credentials *ret,
                      struct err *err);
