// SPDX-License-Identifier: Apache-2.0
#include "accounts/identity.h"
#include "base/clock.h"
#include "base/err.h"
#include "base/mem.h"
#include "base/settings.h"
#include "base/text.h"

#include <sodium.h>
#include <stdio.h>
#include <string.h>

/* A token being made: the answer to every kind of logon. */
struct session {
    struct token row;
    struct jwt jwt;
    unsigned char hash[JTI_HASH_BYTES];
    unsigned char old_hash[JTI_HASH_BYTES];
    bool replaces;              /* old_hash is revoked with the same change */
    const char *token;
};

struct bearer_reply {
    const char *access_token, *token_type, *username, *role;
    int64_t expires_s;
};

static const struct field bearer_fields[] = {
    { "accessToken", TEXT(struct bearer_reply, access_token),
      .doc = "a JWT: send it as `Authorization: Bearer` or `X-Auth-Token`" },
    { "tokenType", TEXT(struct bearer_reply, token_type), .doc = "Bearer" },
    { "expiresIn", INT(struct bearer_reply, expires_s), .unit = "s", .doc = "how long it is good" },
    { "username", TEXT(struct bearer_reply, username), .doc = "who signed in" },
    { "role", TEXT(struct bearer_reply, role), .doc = "user or admin" },
    { .type = FIELD_END },
};

struct session_reply {
    const char *csrftoken;
};

static const struct field session_fields[] = {
    { "csrftoken", TEXT(struct session_reply, csrftoken),
      .doc = "goes with every POST, PUT and DELETE that signs in by the cookie alone" },
    { .type = FIELD_END },
};

struct service_reply {
    const char *service_token, *user_token, *access_token;
};

static const struct field service_fields[] = {
    { "service_token", TEXT(struct service_reply, service_token), .doc = "the same token" },
    { "user_token", TEXT(struct service_reply, user_token), .doc = "the same token" },
    { "access_token", TEXT(struct service_reply, access_token),
      .doc = "a JWT: send it as `X-Auth-Token`, `X-User-Token` or `Authorization: Bearer`" },
    { .type = FIELD_END },
};

struct logoff_reply {
    const char *message;
};

static const struct field logoff_fields[] = {
    { "message", TEXT(struct logoff_reply, message), .doc = "what was done" },
    { .type = FIELD_END },
};

/* --- making and revoking --- */

static void fill_session(struct call *c, const char *kind, struct session *s)
{
    struct accounts *a = c->room;
    int64_t now_ms = clock_unix_ms();
    unsigned char random[(JWT_JTI_BYTES - 1) / 2];

    s->row = (struct token){ .user = c->user, .kind = kind, .created_ms = now_ms,
                             .expires_ms = now_ms + a->settings->token_hours * 3600 * 1000 };
    randombytes_buf(random, sizeof random);
    sodium_bin2hex(s->jwt.jti, sizeof s->jwt.jti, random, sizeof random);
    snprintf(s->jwt.user, sizeof s->jwt.user, "%s", c->user);
    s->jwt.issued_s = now_ms / 1000;
    s->jwt.expires_s = s->row.expires_ms / 1000;
    jti_hash(s->jwt.jti, s->hash);
}

static int add_session(struct db *db, void *arg, struct err *err)
{
    struct session *s = arg;

    if (s->replaces && tokens_remove_hash(db, s->old_hash, err) < 0)
        return -1;
    return tokens_add(db, &s->row, s->hash, err);
}

static int start_session(struct call *c, const char *kind, struct session *s, handler_fn *then)
{
    struct accounts *a = c->room;
    CLEANUP(text_done) struct text token = {0};

    fill_session(c, kind, s);
    jwt_write(a->jwt_key, &s->jwt, role_name(c->role), &token);
    s->token = mem_strdup(c->mem, token.data);
    c->state = s;
    return call_write(c, add_session, s, then);
}

static void set_cookie(struct call *c, const char *value, int64_t age_s)
{
    reply_header(c, "Set-Cookie",
                 mem_printf(c->mem,
                            SESSION_COOKIE "=%s; Path=/; Max-Age=%lld; HttpOnly; SameSite=Lax%s",
                            value, (long long)age_s, c->tls ? "; Secure" : ""));
}

/* --- handlers --- */

static int reply_bearer(struct call *c, struct err *err)
{
    struct session *s = c->state;
    struct bearer_reply reply = { .access_token = s->token, .token_type = "Bearer",
                                  .username = c->user, .role = role_name(c->role),
                                  .expires_s = s->jwt.expires_s - s->jwt.issued_s };

    (void)err;
    reply_header(c, "Cache-Control", "no-store");
    return reply_fields(c, 200, bearer_fields, &reply);
}

static int logon(struct call *c, struct err *err)
{
    (void)err;
    return start_session(c, "bearer", mem_alloc(c->mem, sizeof(struct session)), reply_bearer);
}

static int reply_session(struct call *c, struct err *err)
{
    struct accounts *a = c->room;
    struct session *s = c->state;
    char csrf[CSRF_BYTES];
    struct session_reply reply = { .csrftoken = csrf };

    (void)err;
    if (s->replaces)
        known_forget_user(a->known, c->user);
    csrf_of(a, s->jwt.jti, csrf);
    set_cookie(c, s->token, s->jwt.expires_s - s->jwt.issued_s);
    reply_header(c, "Cache-Control", "no-store");
    return reply_fields(c, 200, session_fields, &reply);
}

static int logon_session(struct call *c, struct err *err)
{
    (void)err;
    return start_session(c, "session", mem_alloc(c->mem, sizeof(struct session)), reply_session);
}

static int renew(struct call *c, struct err *err)
{
    struct session *s = mem_alloc(c->mem, sizeof *s);
    struct jwt old;

    (void)err;
    s->replaces = session_of(c, &old);
    if (s->replaces)
        jti_hash(old.jti, s->old_hash);
    return start_session(c, "session", s, reply_session);
}

static int reply_service(struct call *c, struct err *err)
{
    struct session *s = c->state;
    struct service_reply reply = { s->token, s->token, s->token };

    (void)err;
    reply_header(c, "Cache-Control", "no-store");
    return reply_fields(c, 200, service_fields, &reply);
}

static int service_token(struct call *c, struct err *err)
{
    (void)err;
    return start_session(c, "bearer", mem_alloc(c->mem, sizeof(struct session)), reply_service);
}

static int revoke_session(struct db *db, void *arg, struct err *err)
{
    return tokens_remove_hash(db, arg, err);
}

static int reply_logoff(struct call *c, struct err *err)
{
    struct accounts *a = c->room;
    struct logoff_reply reply = { .message = "logged off" };

    (void)err;
    if (c->user)
        known_forget_user(a->known, c->user);
    set_cookie(c, "", 0);
    return reply_fields(c, 200, logoff_fields, &reply);
}

static int logoff(struct call *c, struct err *err)
{
    unsigned char *hash = mem_alloc(c->mem, JTI_HASH_BYTES);
    struct jwt jwt;

    if (!session_of(c, &jwt))       /* a password has no session to end */
        return reply_logoff(c, err);
    jti_hash(jwt.jti, hash);
    return call_write(c, revoke_session, hash, reply_logoff);
}

bool is_logon(const struct route *route)
{
    return route &&
           (route->run == logon || route->run == logon_session || route->run == service_token);
}

bool is_logoff(const struct route *route) { return route && route->run == logoff; }

/* --- routes --- */

#define BEARER_REPLY  { 200, "AccessToken", bearer_fields }
#define SESSION_REPLY { 200, "Session", session_fields }
#define SERVICE_REPLY { 200, "ServiceToken", service_fields }
#define LOGOFF_REPLY  { 200, "Logoff", logoff_fields }

static const int logon_failures[] = { 400, 401, 429, 0 };
static const int logoff_failures[] = { 401, 0 };

const struct route accounts_auth_routes[] = {
    { GET, "/logon", USER, logon, "getAccessToken", "Authentication",
      "Sign in by password and get a token", .reply = BEARER_REPLY, .failures = logon_failures },
    { POST, "/logon", USER, logon, "createAccessToken", "Authentication",
      "Sign in by password and get a token", .reply = BEARER_REPLY, .failures = logon_failures },
    { GET, "/logoff", USER, logoff, "getLogoff", "Authentication",
      "Revoke the token this call signs in with", .reply = LOGOFF_REPLY,
      .failures = logoff_failures },
    { POST, "/logoff", USER, logoff, "logoff", "Authentication",
      "Revoke the token this call signs in with", .reply = LOGOFF_REPLY,
      .failures = logoff_failures },
    { .path = NULL },
};

const struct route accounts_conductor_routes[] = {
    { GET, "/auth/logon", USER, logon_session, "getConductorSession", "Authentication",
      "Sign in by password and get a session cookie", .reply = SESSION_REPLY,
      .failures = logon_failures },
    { POST, "/auth/logon", USER, logon_session, "createConductorSession", "Authentication",
      "Sign in by password and get a session cookie", .reply = SESSION_REPLY,
      .failures = logon_failures },
    { GET, "/auth/logoff", USER, logoff, "getConductorLogoff", "Authentication",
      "End the session and clear its cookie", .reply = LOGOFF_REPLY, .failures = logoff_failures },
    { POST, "/auth/logoff", USER, logoff, "conductorLogoff", "Authentication",
      "End the session and clear its cookie", .reply = LOGOFF_REPLY, .failures = logoff_failures },
    { GET, "/auth/renew", USER, renew, "renewConductorSession", "Authentication",
      "Replace the session by a fresh one", .reply = SESSION_REPLY, .failures = logon_failures },
    { .path = NULL },
};

const struct route accounts_ego_routes[] = {
    { GET, "/auth/logon", USER, logon_session, "getEgoSession", "Authentication",
      "Sign in by password and get a session cookie", .reply = SESSION_REPLY,
      .failures = logon_failures },
    { POST, "/auth/logon", USER, logon_session, "createEgoSession", "Authentication",
      "Sign in by password and get a session cookie", .reply = SESSION_REPLY,
      .failures = logon_failures },
    { GET, "/auth/logoff", USER, logoff, "getEgoLogoff", "Authentication",
      "End the session and clear its cookie", .reply = LOGOFF_REPLY, .failures = logoff_failures },
    { POST, "/auth/logoff", USER, logoff, "egoLogoff", "Authentication",
      "End the session and clear its cookie", .reply = LOGOFF_REPLY, .failures = logoff_failures },
    { .path = NULL },
};

const struct route accounts_dlim_routes[] = {
    { GET, "/auth/token", USER, service_token, "getServiceToken", "Authentication",
      "Tokens for inference services", .reply = SERVICE_REPLY, .failures = logon_failures },
    { POST, "/auth/token", USER, service_token, "createServiceToken", "Authentication",
      "Tokens for inference services", .reply = SERVICE_REPLY, .failures = logon_failures },
    { .path = NULL },
};
