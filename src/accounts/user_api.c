// SPDX-License-Identifier: Apache-2.0
#include "accounts/identity.h"
#include "accounts/password.h"
#include "base/clock.h"
#include "base/err.h"
#include "base/mem.h"
#include "base/text.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

struct new_user {
    const char *name, *password, *role;
};

static const struct field new_user_fields[] = {
    { "name", TEXT(struct new_user, name), .required = true, .min = 1, .max = 64,
      .doc = "letters, digits and ._-, starting with a letter, a digit or _" },
    { "password", TEXT(struct new_user, password), .required = true, .min = PASSWORD_MIN,
      .max = PASSWORD_MAX, .doc = "at least 8 characters" },
    { "role", TEXT(struct new_user, role), ALLOWED("user", "admin"), .doc = "default user" },
    { .type = FIELD_END },
};

struct new_password {
    const char *password, *old_password;
};

static const struct field new_password_fields[] = {
    { "password", TEXT(struct new_password, password), .required = true, .min = PASSWORD_MIN,
      .max = PASSWORD_MAX, .doc = "the new one; at least 8 characters" },
    { "oldPassword", TEXT(struct new_password, old_password), .max = PASSWORD_MAX,
      .doc = "needed to change one's own" },
    { .type = FIELD_END },
};

/* A change of an account under way. */
struct change {
    struct user user;
    const char *password;           /* the new one */
    const char *old_password, *old_hash;    /* to be compared first; NULL: need not */
    char hash[PASSWORD_HASH_BYTES];
};


static int list_users(struct call *c, struct err *err)
{
    struct text body = {0};
    struct list list;
    const struct user *users;

    if (users_list(c->db, c->mem, &list, err) < 0)
        return -1;
    users = list.items;
    text_add_char(&body, '[');
    for (size_t i = 0; i < list.n; i++) {
        if (i > 0)
            text_add_char(&body, ',');
        fields_to_text(user_fields, &users[i], &body);
    }
    text_add_char(&body, ']');
    return reply_json(c, 200, &body);
}

static int own_name(struct call *c, struct err *err)
{
    if (call_owns(c, call_param(c, "name")))
        return 0;
    return err_set(err, ERR_FORBIDDEN, "only an administrator may see or change other accounts");
}

static int show_user(struct call *c, struct err *err)
{
    struct user user = {0};

    if (own_name(c, err) < 0)
        return -1;
    if (users_find(c->db, call_param(c, "name"), c->mem, &user, err) < 0)
        return -1;
    return reply_fields(c, 200, user_fields, &user);
}

/* --- adding --- */

static int hash_new(struct call *c, struct err *err)
{
    struct change *change = c->state;

    return password_hash(change->password, change->hash, err);
}

static int insert_user(struct db *db, void *arg, struct err *err)
{
    return users_add(db, arg, err);
}

static int reply_added(struct call *c, struct err *err)
{
    struct change *change = c->state;

    (void)err;
    return reply_fields(c, 201, user_fields, &change->user);
}

static int write_user(struct call *c, struct err *err)
{
    struct change *change = c->state;

    (void)err;
    change->user.password_hash = change->hash;
    return call_write(c, insert_user, &change->user, reply_added);
}

static int add_user(struct call *c, struct err *err)
{
    const struct new_user *in = c->body;
    struct change *change = mem_alloc(c->mem, sizeof *change);
    struct user there = {0};

    if (!user_name_ok(in->name))
        return err_field(err, "name",
                         "letters, digits and ._-, at most 64, not starting with . or -",
                         "%s cannot be a user name", in->name);
    if (users_find(c->db, in->name, c->mem, &there, err) == 0)     /* before the costly hash */
        return err_set(err, ERR_CONFLICT, "there is a user %s already", in->name);
    if (err->kind != ERR_NOT_FOUND)
        return -1;
    *err = (struct err){0};
    change->user = (struct user){ .name = in->name, .role = in->role ? in->role : "user",
                                  .created_ms = clock_unix_ms() };
    change->password = in->password;
    c->state = change;
    return call_work(c, hash_new, write_user);
}

/* --- changing and removing --- */

static int update_password(struct db *db, void *arg, struct err *err)
{
    struct change *change = arg;

    return users_set_password(db, change->user.name, change->hash, err);
}

static int reply_changed(struct call *c, struct err *err)
{
    struct accounts *a = c->room;
    struct change *change = c->state;

    (void)err;
    known_forget_user(a->known, change->user.name);
    return reply_empty(c, 204);
}

static int write_password(struct call *c, struct err *err)
{
    (void)err;
    return call_write(c, update_password, c->state, reply_changed);
}

/* On a worker thread. */
static int check_and_hash(struct call *c, struct err *err)
{
    struct accounts *a = c->room;
    struct change *change = c->state;
    int64_t now_ms = clock_mono_ms();
    int64_t wait_ms = throttle_wait_ms(a->throttle, change->user.name, c->address, now_ms);

    if (!change->old_hash)
        return password_hash(change->password, change->hash, err);
    if (wait_ms > 0)
        return err_set(err, ERR_BUSY, "too many wrong passwords; try again in %" PRId64 " s",
                       (wait_ms + 999) / 1000);
    if (!password_matches(change->old_hash, change->old_password)) {
        throttle_failed(a->throttle, change->user.name, c->address, now_ms);
        return err_set(err, ERR_FORBIDDEN, "oldPassword is not the present password");
    }
    return password_hash(change->password, change->hash, err);
}

static int change_password(struct call *c, struct err *err)
{
    const struct new_password *in = c->body;
    struct change *change = mem_alloc(c->mem, sizeof *change);

    if (own_name(c, err) < 0)
        return -1;
    if (users_find(c->db, call_param(c, "name"), c->mem, &change->user, err) < 0)
        return -1;
    change->password = in->password;
    if (strcmp(change->user.name, c->user) == 0) {
        if (!in->old_password)
            return err_field(err, "oldPassword", "the present password",
                             "changing one's own password needs oldPassword");
        change->old_password = in->old_password;
        change->old_hash = change->user.password_hash;
    }
    c->state = change;
    return call_work(c, check_and_hash, write_password);
}

static int delete_user(struct db *db, void *arg, struct err *err)
{
    return users_remove(db, ((struct change *)arg)->user.name, err);
}

static int remove_user(struct call *c, struct err *err)
{
    struct change *change = mem_alloc(c->mem, sizeof *change);

    (void)err;
    change->user.name = call_param(c, "name");
    c->state = change;
    return call_write(c, delete_user, change, reply_changed);
}

/* --- tokens --- */

static int list_tokens(struct call *c, struct err *err)
{
    struct text body = {0};
    struct list list;
    const struct token *tokens;

    if (tokens_list(c->db, c->role == ADMIN ? NULL : c->user, c->mem, &list, err) < 0)
        return -1;
    tokens = list.items;
    text_add_char(&body, '[');
    for (size_t i = 0; i < list.n; i++) {
        if (i > 0)
            text_add_char(&body, ',');
        fields_to_text(token_fields, &tokens[i], &body);
    }
    text_add_char(&body, ']');
    return reply_json(c, 200, &body);
}

struct revoke {
    int64_t id;
    const char *owner;      /* NULL: any */
};

static int delete_token(struct db *db, void *arg, struct err *err)
{
    struct revoke *r = arg;

    return tokens_remove(db, r->id, r->owner, err);
}

static int reply_revoked(struct call *c, struct err *err)
{
    struct accounts *a = c->room;
    struct revoke *r = c->state;

    (void)err;
    known_forget_token(a->known, r->id);
    return reply_empty(c, 204);
}

static int revoke_token(struct call *c, struct err *err)
{
    struct revoke *r = mem_alloc(c->mem, sizeof *r);
    const char *id = call_param(c, "id");

    if (strspn(id, "0123456789") != strlen(id) || strlen(id) == 0 || strlen(id) > 18)
        return err_set(err, ERR_NOT_FOUND, "there is no token %.64s", id);
    *r = (struct revoke){ .id = strtoll(id, NULL, 10), .owner = c->role == ADMIN ? NULL : c->user };
    c->state = r;
    return call_write(c, delete_token, r, reply_revoked);
}

const struct route accounts_routes[] = {
    { GET, "/users", ADMIN, list_users, "getUsers", "Users", "All accounts, by name",
      .reply = { 200, "[User]", user_fields }, .failures = FAILURES(401, 403) },
    { POST, "/users", ADMIN, add_user, "createUser", "Users", "Add an account",
      JSON_BODY(struct new_user, new_user_fields, "NewUser"), .reply = { 201, "User", user_fields },
      .failures = FAILURES(400, 401, 403, 409) },
    { GET, "/users/{name}", USER, show_user, "getUser", "Users",
      "One account: one's own, or any for an admin", .reply = { 200, "User", user_fields },
      .failures = FAILURES(401, 403, 404) },
    { DELETE, "/users/{name}", ADMIN, remove_user, "deleteUser", "Users",
      "Remove an account and revoke its tokens; what it made stays", .reply = { 204 },
      .failures = FAILURES(401, 403, 404, 409) },
    { PUT, "/users/{name}/password", USER, change_password, "setUserPassword", "Users",
      "Change a password and revoke the account's tokens",
      JSON_BODY(struct new_password, new_password_fields, "NewPassword"), .reply = { 204 },
      .failures = FAILURES(400, 401, 403, 404, 429) },
    { GET, "/tokens", USER, list_tokens, "getTokens", "Users",
      "Tokens that are good: one's own, or all for an admin",
      .reply = { 200, "[Token]", token_fields }, .failures = FAILURES(401) },
    { DELETE, "/tokens/{id}", USER, revoke_token, "deleteToken", "Users", "Revoke a token",
      .reply = { 204 }, .failures = FAILURES(401, 404) },
    { .path = NULL },
};
