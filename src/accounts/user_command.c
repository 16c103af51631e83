// SPDX-License-Identifier: Apache-2.0
#include "accounts/accounts.h"

#include "accounts/password.h"
#include "accounts/user_store.h"
#include "base/clock.h"
#include "base/err.h"
#include "base/files.h"
#include "base/mem.h"
#include "base/text.h"
#include "store/db.h"

#include <getopt.h>
#include <sodium.h>
#include <stdio.h>
#include <string.h>
#include <termios.h>

enum { DONE = 0, REFUSED = 1, USAGE = 2 };

struct options {
    const char *verb, *name;        /* name NULL for ls */
    const char *data;
    bool admin, password_stdin, json, help;
};

static const char help[] =
    "Accounts of a trainyard server, kept in its data directory; the server may be up or down.\n"
    "\n"
    "  trainyard user add NAME --data DIR [--admin] [--password-stdin]\n"
    "  trainyard user passwd NAME --data DIR [--password-stdin]\n"
    "  trainyard user ls --data DIR [--json]\n"
    "  trainyard user rm NAME --data DIR\n"
    "\n"
    "  --data DIR          the server's data directory; add makes it when it is not there\n"
    "  --admin             the account may do everything\n"
    "  --password-stdin    read the password from the first line of standard input\n"
    "  --json              print JSON\n"
    "\n"
    "A password has at least 8 characters. passwd and rm revoke the account's tokens.\n"
    "Exit status: 0 done, 1 refused, 2 wrong usage.\n"
    "\n"
    "Examples:\n"
    "  trainyard user add ann --data ~/trainyard --admin\n"
    "  pass trainyard/ann | trainyard user passwd ann --data ~/trainyard --password-stdin\n"
    "  trainyard user ls --data ~/trainyard --json\n";

static int complain(const struct err *err)
{
    fprintf(stderr, "trainyard user: %s\n", err->text);
    return REFUSED;
}

static int wrong_usage(const char *what)
{
    fprintf(stderr, "trainyard user: %s; `trainyard user --help` shows how\n", what);
    return USAGE;
}

/* --- asking for a password --- */

static int read_line(char line[PASSWORD_MAX + 2], struct err *err)
{
    size_t len;

    if (!fgets(line, PASSWORD_MAX + 2, stdin))
        return err_set(err, ERR_BAD_INPUT, "there is no password on standard input");
    len = strcspn(line, "\r\n");
    if (len > PASSWORD_MAX)
        return err_set(err, ERR_BAD_INPUT, "the password is longer than %d bytes", PASSWORD_MAX);
    line[len] = '\0';
    return 0;
}

static int ask(const char *prompt, char line[PASSWORD_MAX + 2], struct err *err)
{
    struct termios old, quiet;
    int rc;

    if (tcgetattr(STDIN_FILENO, &old) < 0)
        return err_errno(err, ERR_INTERNAL, "cannot read from the terminal");
    quiet = old;
    quiet.c_lflag &= ~(tcflag_t)ECHO;
    fputs(prompt, stderr);
    tcsetattr(STDIN_FILENO, TCSAFLUSH, &quiet);
    rc = read_line(line, err);
    tcsetattr(STDIN_FILENO, TCSAFLUSH, &old);
    fputc('\n', stderr);
    return rc;
}

static int get_password(const struct options *o, char password[PASSWORD_MAX + 2], struct err *err)
{
    char again[PASSWORD_MAX + 2];

    if (o->password_stdin)
        return read_line(password, err);
    if (ask("Password: ", password, err) < 0)
        return -1;
    if (password_check(password, err) < 0)
        return -1;
    if (ask("Once more: ", again, err) < 0)
        return -1;
    if (strcmp(password, again) != 0)
        return err_set(err, ERR_BAD_INPUT, "the two passwords differ");
    return 0;
}

static int get_hash(const struct options *o, char hash[PASSWORD_HASH_BYTES], struct err *err)
{
    char password[PASSWORD_MAX + 2];
    int rc = get_password(o, password, err);

    if (rc == 0)
        rc = password_check(password, err);
    if (rc == 0)
        rc = password_hash(password, hash, err);
    sodium_memzero(password, sizeof password);
    return rc;
}

/* --- the verbs --- */

static void print_user(const struct options *o, const char *done, const struct user *user)
{
    CLEANUP(text_done) struct text line = {0};

    if (!o->json) {
        printf("%s user %s (%s)\n", done, user->name, user->role);
        return;
    }
    fields_to_text(user_fields, user, &line);
    printf("%s\n", line.data);
}

static int add(struct db *db, const struct options *o, struct mem *mem, struct err *err)
{
    struct user user = { .name = o->name, .role = o->admin ? "admin" : "user",
                         .created_ms = clock_unix_ms() };
    char hash[PASSWORD_HASH_BYTES];
    struct user there = {0};

    if (!user_name_ok(o->name))
        return err_set(err, ERR_BAD_INPUT,
                       "%s cannot be a user name: use 1 to 64 letters, digits and ._-, "
                       "not starting with . or -",
                       o->name);
    if (users_find(db, o->name, mem, &there, err) == 0)
        return err_set(err, ERR_CONFLICT, "there is a user %s already; passwd changes the password",
                       o->name);
    if (err->kind != ERR_NOT_FOUND || get_hash(o, hash, err) < 0)
        return -1;
    user.password_hash = hash;
    if (users_add(db, &user, err) < 0)
        return -1;
    print_user(o, "added", &user);
    return 0;
}

static int set_password(struct db *db, const char *name, const char *hash, struct err *err)
{
    struct err ignored = {0};

    if (db_script(db, "BEGIN IMMEDIATE", err) < 0)
        return -1;
    if (users_set_password(db, name, hash, err) == 0 && db_script(db, "COMMIT", err) == 0)
        return 0;
    if (db_in_transaction(db))
        db_script(db, "ROLLBACK", &ignored);
    return -1;
}

static int passwd(struct db *db, const struct options *o, struct mem *mem, struct err *err)
{
    char hash[PASSWORD_HASH_BYTES];
    struct user user = {0};

    if (users_find(db, o->name, mem, &user, err) < 0 || get_hash(o, hash, err) < 0)
        return -1;
    if (set_password(db, o->name, hash, err) < 0)
        return -1;
    print_user(o, "changed the password of", &user);
    return 0;
}

static int ls(struct db *db, const struct options *o, struct mem *mem, struct err *err)
{
    CLEANUP(text_done) struct text json = {0};
    struct list list;
    const struct user *users;
    char when[32];

    if (users_list(db, mem, &list, err) < 0)
        return -1;
    users = list.items;
    if (!o->json && list.n > 0)
        printf("%-24s %-6s %s\n", "NAME", "ROLE", "CREATED");
    for (size_t i = 0; i < list.n; i++) {
        if (!o->json)
            printf("%-24s %-6s %s\n", users[i].name, users[i].role,
                   clock_local_text(users[i].created_ms, when));
        text_add(&json, i > 0 ? "," : "");
        fields_to_text(user_fields, &users[i], &json);
    }
    if (o->json)
        printf("[%s]\n", json.data ? json.data : "");
    return 0;
}

static int rm(struct db *db, const struct options *o, struct mem *mem, struct err *err)
{
    struct user user = {0};

    if (users_find(db, o->name, mem, &user, err) < 0 || users_remove(db, o->name, err) < 0)
        return -1;
    print_user(o, "removed", &user);
    return 0;
}

static const struct verb {
    const char *name;
    int (*run)(struct db *db, const struct options *o, struct mem *mem, struct err *err);
    bool takes_name, takes_password;
    bool makes_data;        /* the data directory need not exist */
} verbs[] = {
    { "add", add, .takes_name = true, .takes_password = true, .makes_data = true },
    { "passwd", passwd, .takes_name = true, .takes_password = true },
    { "ls", ls },
    { "rm", rm, .takes_name = true },
};

static const struct verb *find_verb(const char *name)
{
    for (size_t i = 0; name && i < ARRAY_LEN(verbs); i++)
        if (strcmp(name, verbs[i].name) == 0)
            return &verbs[i];
    return NULL;
}

static int run_verb(const struct verb *v, const struct options *o, struct err *err)
{
    CLEANUP(mem_freep) struct mem *mem = mem_new();
    CLEANUP(db_closep) struct db *db = NULL;
    const char *path = mem_printf(mem, "%s/trainyard.db", o->data);

    if (v->makes_data && file_mkdirs(o->data, 0700, err) < 0)
        return -1;
    if (!v->makes_data && !file_exists(path))
        return err_set(err, ERR_NOT_FOUND, "there is no trainyard data in %s", o->data);
    db = db_open(path, DB_WRITE, err);
    if (!db)
        return -1;
    return v->run(db, o, mem, err);
}

/* --- the command line --- */

static int read_options(int argc, char **argv, struct options *o)
{
    enum { DATA = 'd', ADMIN_FLAG = 'a', STDIN_FLAG = 's', JSON_FLAG = 'j', HELP = 'h' };
    static const struct option known[] = {
        { "data", required_argument, NULL, DATA },
        { "admin", no_argument, NULL, ADMIN_FLAG },
        { "password-stdin", no_argument, NULL, STDIN_FLAG },
        { "json", no_argument, NULL, JSON_FLAG },
        { "help", no_argument, NULL, HELP },
        { NULL, 0, NULL, 0 },
    };
    int option;

    optind = 1;
    opterr = 0;
    while ((option = getopt_long(argc, argv, "h", known, NULL)) != -1) {
        switch (option) {
        case DATA: o->data = optarg; break;
        case ADMIN_FLAG: o->admin = true; break;
        case STDIN_FLAG: o->password_stdin = true; break;
        case JSON_FLAG: o->json = true; break;
        case HELP: o->help = true; return 0;
        default: return wrong_usage("there is an unknown option, or one without its value");
        }
    }
    o->verb = optind < argc ? argv[optind++] : NULL;
    o->name = optind < argc ? argv[optind++] : NULL;
    return optind < argc ? wrong_usage("there are too many words") : 0;
}

static int check_options(const struct verb *v, const struct options *o)
{
    if (!v)
        return wrong_usage(o->verb ? "expected add, passwd, ls or rm" : "say what to do");
    if (v->takes_name && !o->name)
        return wrong_usage("a user's name is missing");
    if (!v->takes_name && o->name)
        return wrong_usage("ls takes no name");
    if (!o->data)
        return wrong_usage("--data DIR is missing");
    if (v->takes_password && !o->password_stdin && !isatty(STDIN_FILENO))
        return wrong_usage("standard input is not a terminal: give --password-stdin");
    return 0;
}

int accounts_command(int argc, char **argv)
{
    struct options o = {0};
    struct err err = {0};
    const struct verb *v;
    int rc = read_options(argc, argv, &o);

    if (rc != 0)
        return rc;
    if (o.help) {
        fputs(help, stdout);
        return DONE;
    }
    v = find_verb(o.verb);
    rc = check_options(v, &o);
    if (rc != 0)
        return rc;
    if (sodium_init() < 0)
        err_set(&err, ERR_INTERNAL, "this machine offers no random numbers");
    if (err.kind != ERR_NONE || run_verb(v, &o, &err) < 0)
        return complain(&err);
    return DONE;
}
