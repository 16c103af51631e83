// SPDX-License-Identifier: Apache-2.0
#include "accounts/identity.h"

#include "accounts/password.h"
#include "base/clock.h"
#include "base/err.h"
#include "base/mem.h"
#include "base/settings.h"
#include "base/text.h"

#include <inttypes.h>
#include <sodium.h>
#include <stdio.h>
#include <string.h>

/* A password being checked, while the call waits. */
struct check {
    const char *user, *password;
    const char *hash;               /* NULL: no such account */
    enum role role;
    struct login_key key;
    uint64_t epoch;
    bool matches;
    int64_t wait_ms;                /* too many wrong ones came while this one waited */
};

void jti_hash(const char *jti, unsigned char ret[JTI_HASH_BYTES])
{
    crypto_generichash(ret, JTI_HASH_BYTES, (const unsigned char *)jti, strlen(jti), NULL, 0);
}

void csrf_of(const struct accounts *a, const char *jti, char ret[CSRF_BYTES])
{
    unsigned char hash[(CSRF_BYTES - 1) / 2];

    crypto_generichash(hash, sizeof hash, (const unsigned char *)jti, strlen(jti), a->csrf_key,
                       sizeof a->csrf_key);
    sodium_bin2hex(ret, CSRF_BYTES, hash, sizeof hash);
}

/* The first of the Authorization header, X-Auth-Token, X-User-Token and the session cookie that is
 * there; what comes later is not looked at, so a wrong credential is never excused by another. */
static int read_credentials(const struct call *c, struct credentials *ret, struct err *err)
{
    static const char *const headers[] = { "X-Auth-Token", "X-User-Token" };
    const char *value = call_header(c, "Authorization");

    *ret = (struct credentials){ .login = LOGIN_NONE };
    if (value && value[0])
        return credentials_parse(value, c->mem, ret, err);
    for (size_t i = 0; i < ARRAY_LEN(headers); i++) {
        value = call_header(c, headers[i]);
        if (value && value[0]) {
            *ret = (struct credentials){ .login = LOGIN_TOKEN, .token = value };
            return 0;
        }
    }
    value = call_cookie(c, SESSION_COOKIE);
    if (value && value[0])
        *ret = (struct credentials){ .login = LOGIN_COOKIE, .token = value };
    return 0;
}

static void sign_in(struct call *c, const char *user, enum role role, enum login login)
{
    c->user = mem_strdup(c->mem, user);
    c->role = role;
    c->login = login;
}

static bool is_fresh(const struct who *who, int64_t now_ms)
{
    return now_ms - who->checked_ms < KNOWN_CHECK_MS;
}

/* --- tokens --- */

static void token_key(const struct accounts *a, const char *token, struct login_key *ret)
{
    crypto_generichash(ret->bytes, sizeof ret->bytes, (const unsigned char *)token, strlen(token),
                       a->hash_key, sizeof a->hash_key);
}

/* Looks the token's row up, and remembers it. */
static int check_token(struct call *c, const struct jwt *jwt, const struct login_key *key,
                       struct who *ret, struct err *err)
{
    struct accounts *a = c->room;
    uint64_t epoch = known_epoch(a->known);
    int64_t now_ms = clock_mono_ms();
    unsigned char hash[JTI_HASH_BYTES];
    struct token token = {0};

    jti_hash(jwt->jti, hash);
    if (tokens_find(c->db, hash, c->mem, &token, err) < 0) {
        known_drop(a->known, key);
        if (err->kind == ERR_NOT_FOUND)
            return err_set(err, ERR_NO_LOGIN, "the token was revoked; log on again");
        return -1;
    }
    *ret = (struct who){ .role = role_parse(token.role), .token_id = token.id, .checked_ms = now_ms,
                         .until_ms = now_ms + (token.expires_ms - clock_unix_ms()) };
    snprintf(ret->user, sizeof ret->user, "%s", token.user);
    known_add(a->known, key, ret, epoch);
    return 0;
}

static int by_token(struct call *c, const struct credentials *cr, struct err *err)
{
    struct accounts *a = c->room;
    int64_t now_ms = clock_mono_ms();
    struct login_key key;
    struct who who;
    struct jwt jwt;

    token_key(a, cr->token, &key);
    if (!known_find(a->known, &key, now_ms, &who) || !is_fresh(&who, now_ms)) {
        if (jwt_read(a->jwt_key, cr->token, clock_unix_ms() / 1000, &jwt, err) < 0)
            return -1;
        if (check_token(c, &jwt, &key, &who, err) < 0)
            return -1;
    }
    sign_in(c, who.user, who.role, cr->login);
    return 0;
}

bool session_of(const struct call *c, struct jwt *ret)
{
    const struct accounts *a = c->room;
    struct credentials cr;
    struct err ignored = {0};       /* the call has signed in already */

    if (read_credentials(c, &cr, &ignored) < 0 || !cr.token)
        return false;
    return jwt_read(a->jwt_key, cr.token, clock_unix_ms() / 1000, ret, &ignored) == 0;
}

/* --- passwords --- */

static void password_key(const struct accounts *a, const struct credentials *cr,
                         struct login_key *ret)
{
    crypto_generichash_state state;

    crypto_generichash_init(&state, a->hash_key, sizeof a->hash_key, sizeof ret->bytes);
    crypto_generichash_update(&state, (const unsigned char *)cr->user, strlen(cr->user) + 1);
    crypto_generichash_update(&state, (const unsigned char *)cr->password, strlen(cr->password));
    crypto_generichash_final(&state, ret->bytes, sizeof ret->bytes);
}

/* What ties a remembered password to the hash it was checked against. */
static void prove(const char *hash, unsigned char ret[KNOWN_PROOF_BYTES])
{
    crypto_generichash(ret, KNOWN_PROOF_BYTES, (const unsigned char *)hash, strlen(hash), NULL, 0);
}

static int refuse_password(struct err *err)
{
    return err_set(err, ERR_NO_LOGIN, "wrong user name or password");
}

static int refuse_for_now(struct call *c, int64_t wait_ms, struct err *err)
{
    int64_t wait_s = (wait_ms + 999) / 1000;

    reply_header(c, "Retry-After", mem_printf(c->mem, "%" PRId64, wait_s));
    return err_set(err, ERR_BUSY, "too many wrong passwords; try again in %" PRId64 " s", wait_s);
}

static void remember(struct accounts *a, const struct check *k)
{
    int64_t now_ms = clock_mono_ms();
    struct who who = { .role = k->role, .checked_ms = now_ms,
                       .until_ms = now_ms + a->settings->password_cache_s * 1000 };

    snprintf(who.user, sizeof who.user, "%s", k->user);
    prove(k->hash, who.proof);
    known_add(a->known, &k->key, &who, k->epoch);
}

/* On a worker thread. Of many calls with one new password only the first pays for it, and guesses
 * that were sent together do not escape the wait. */
static int run_check(struct call *c, struct err *err)
{
    struct accounts *a = c->room;
    struct check *k = c->state;
    struct who who;

    (void)err;
    k->matches = known_find(a->known, &k->key, clock_mono_ms(), &who);
    if (k->matches)
        return 0;
    k->wait_ms = throttle_wait_ms(a->throttle, k->user, c->address, clock_mono_ms());
    if (k->wait_ms > 0)
        return 0;
    k->matches = password_matches(k->hash, k->password);
    if (!k->matches) {
        throttle_failed(a->throttle, k->user, c->address, clock_mono_ms());
        return 0;
    }
    throttle_succeeded(a->throttle, k->user, c->address);
    remember(a, k);
    return 0;
}

static int after_check(struct call *c, struct err *err)
{
    struct check *k = c->state;

    c->state = NULL;
    if (k->wait_ms > 0)
        return refuse_for_now(c, k->wait_ms, err);
    if (!k->matches)
        return refuse_password(err);
    sign_in(c, k->user, k->role, LOGIN_BASIC);
    return 0;
}

/* Reads the account's row; one that does not exist leaves k->hash NULL. */
static int find_account(struct call *c, struct check *k, struct err *err)
{
    struct accounts *a = c->room;
    struct user user = {0};

    k->epoch = known_epoch(a->known);
    if (users_find(c->db, k->user, c->mem, &user, err) < 0) {
        if (err->kind != ERR_NOT_FOUND)
            return -1;
        *err = (struct err){0};
        return 0;
    }
    k->hash = user.password_hash;
    k->role = role_parse(user.role);
    return 0;
}

/* A password remembered a while ago: is the account still as it was? */
static bool is_unchanged(const struct check *k, const struct who *who)
{
    unsigned char proof[KNOWN_PROOF_BYTES];

    if (!k->hash)
        return false;
    prove(k->hash, proof);
    return sodium_memcmp(proof, who->proof, sizeof proof) == 0;
}

static int by_password(struct call *c, const struct credentials *cr, struct err *err)
{
    struct accounts *a = c->room;
    struct check *k = mem_alloc(c->mem, sizeof *k);
    int64_t now_ms = clock_mono_ms();
    struct who who;
    bool known;

    *k = (struct check){ .user = cr->user, .password = cr->password };
    password_key(a, cr, &k->key);
    known = known_find(a->known, &k->key, now_ms, &who);
    if (known && is_fresh(&who, now_ms)) {
        sign_in(c, who.user, who.role, LOGIN_BASIC);
        return 0;
    }
    if (find_account(c, k, err) < 0)
        return -1;
    if (known && is_unchanged(k, &who)) {
        who.role = k->role;
        who.checked_ms = now_ms;
        known_add(a->known, &k->key, &who, k->epoch);
        sign_in(c, who.user, who.role, LOGIN_BASIC);
        return 0;
    }
    known_drop(a->known, &k->key);
    k->wait_ms = throttle_wait_ms(a->throttle, k->user, c->address, now_ms);
    if (k->wait_ms > 0)
        return refuse_for_now(c, k->wait_ms, err);
    c->state = k;
    return call_work(c, run_check, after_check);
}

/* --- the hooks --- */

int identify(struct call *c, struct err *err)
{
    struct credentials cr;

    if (read_credentials(c, &cr, err) < 0) {
        if (is_logon(c->route))     /* there it is the request itself that is malformed */
            err->kind = ERR_BAD_INPUT;
        return -1;
    }
    switch (cr.login) {
    case LOGIN_BASIC:
        if (!user_name_ok(cr.user) || strlen(cr.password) > PASSWORD_MAX)
            return refuse_password(err);
        return by_password(c, &cr, err);
    case LOGIN_TOKEN:
    case LOGIN_COOKIE:
        return by_token(c, &cr, err);
    case LOGIN_NONE:
        break;
    }
    return 0;
}

int check_csrf(struct call *c, struct err *err)
{
    struct accounts *a = c->room;
    const char *header = call_header(c, "X-CSRF-Token");
    const char *shown = header ? header : call_query(c, "csrftoken");
    char right[CSRF_BYTES];
    struct jwt jwt;

    if (text_same(a->settings->http_csrf, "lenient") || is_logoff(c->route))
        return 0;
    if (!shown || !session_of(c, &jwt))
        return err_set(err, ERR_FORBIDDEN,
                       "a request that changes something and signs in by cookie alone needs the "
                       "csrftoken of the logon, as query parameter or X-CSRF-Token header");
    csrf_of(a, jwt.jti, right);
    if (strlen(shown) != sizeof right - 1 || sodium_memcmp(shown, right, sizeof right - 1) != 0)
        return err_set(err, ERR_FORBIDDEN,
                       "the csrftoken is not the one of this session; log on again");
    return 0;
}
