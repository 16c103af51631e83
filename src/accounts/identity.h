// SPDX-License-Identifier: Apache-2.0
#pragma once
/* The context of the room, and what the API files need of it. Private to accounts/. */

#include "accounts/accounts.h"
#include "accounts/credentials.h"
#include "accounts/jwt.h"
#include "accounts/known.h"
#include "accounts/throttle.h"
#include "accounts/token_store.h"
#include "accounts/user_store.h"

#define SESSION_COOKIE "platform.rest.token"

enum { CSRF_BYTES = 65 };       /* 64 hex digits and a NUL */

struct accounts {
    const struct settings *settings;
    struct writer *writer;
    struct known *known;
    struct throttle *throttle;
    unsigned char jwt_key[JWT_KEY_BYTES];       /* in the database: tokens outlive a restart */
    unsigned char csrf_key[JWT_KEY_BYTES];      /* derived from jwt_key */
    unsigned char hash_key[KNOWN_KEY_BYTES];    /* of this process alone */
};

/* The two hooks of struct identity. */
int identify(struct call *c, struct err *err);
int check_csrf(struct call *c, struct err *err);

void jti_hash(const char *jti, unsigned char ret[JTI_HASH_BYTES]);

/* What the csrftoken of a session is: it follows from the session, so there is nothing to store. */
void csrf_of(const struct accounts *a, const char *jti, char ret[CSRF_BYTES]);

/* The token this call signed in with; false when it signed in otherwise. */
bool session_of(const struct call *c, struct jwt *ret);

/* Whether a handler is a logoff, which a cookie alone may ask for. */
bool is_logoff(const struct route *route);
bool is_logon(const struct route *route);
