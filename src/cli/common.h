// SPDX-License-Identifier: Apache-2.0
#pragma once
/* What the commands share: options, the login file, exit codes, errors and records. */

#include "cli/client.h"

#include <stdbool.h>
#include <stddef.h>

struct err;

enum exit_code {
    EXIT_DONE = 0, EXIT_REFUSED = 1, EXIT_USAGE = 2, EXIT_LOGIN = 3, EXIT_NO_SERVER = 4,
    EXIT_BAD_END = 5, EXIT_INTERRUPTED = 130,
};

struct cli {                    /* one command being run */
    const struct command *command;
    struct client_login login;
    struct client *client;
    bool json;                  /* --json */
    int n_words;                /* what is left after the options */
    char **words;
    char **after;               /* behind a bare `--`, NULL-ended */
};

struct flag {                   /* an option of a command */
    const char *name;           /* "follow": --follow, --follow=x or --follow x */
    char letter;                /* 'f', or 0 */
    const char *value;          /* placeholder of its value, NULL for none */
    void *to;                   /* bool *, or const char ** when it takes a value */
};

typedef int command_fn(struct cli *cli, int argc, char **argv);

struct command {
    const char *name;           /* "run", or "search start" */
    command_fn *run;
    const char *summary;        /* one line of the overview */
    const char *usage;          /* "PATH --framework NAME [--main FILE] ..." */
    const char *help;           /* options and examples */
};

extern const struct command commands[];     /* ends with name NULL */

/* Takes the options out of argv; --json and --help are known to all. Returns -1 to go on, else the exit code. */
int cli_flags(struct cli *cli, int argc, char **argv, const struct flag *flags, size_t n_flags);

/* Reads the login file (or TRAINYARD_URL with TRAINYARD_TOKEN, or with TRAINYARD_USER and TRAINYARD_PASSWORD);
 * -1 to go on. */
int cli_connect(struct cli *cli);
int cli_save_login(const struct client_login *login, struct err *err);

int cli_usage(const struct cli *cli, const char *sentence);     /* to stderr; EXIT_USAGE */
int cli_fail(const struct err *err);                            /* to stderr; the exit code for it */
void cli_print_json(const json_t *json);

const char *cli_str(const json_t *record, const char *key);     /* "" when absent */

/* The one thing whose name starts with `prefix`; free() the result. NULL with a sentence. */
char *cli_find_exec(struct cli *cli, const char *prefix, struct err *err);
char *cli_find_search(struct cli *cli, const char *prefix, struct err *err);
char *cli_find_algorithm(struct cli *cli, const char *prefix, struct err *err);
char *cli_find_dataset(struct cli *cli, const char *prefix, struct err *err);

/* What a command lists: the records of a GET, as a table of some of their members. */
struct cli_listing {
    const char *path;
    const char *brief;          /* the path that gives no more than the table needs; NULL: there is none */
    const char *none;           /* what is said when there are no records; NULL: the headings alone are shown */
    struct { const char *heading, *key, *unit /* behind a number with a decimal; NULL: it is a text */; } columns[8];
};

int cli_list(struct cli *cli, int argc, char **argv, const struct cli_listing *l);     /* all of it; the exit code */

/* Options, connection and the one thing that a command is about; -1 to go on. `what` it is: "task". */
typedef char *cli_find_fn(struct cli *cli, const char *prefix, struct err *err);
int cli_one(struct cli *cli, int argc, char **argv, const struct flag *flags, size_t n_flags, const char *what,
            cli_find_fn *find, char **ret_id);

/* The same request for every thing that a command names: `method` of <place><name><suffix>. Prints "<done> <name>" for
 * each; returns the worst exit code. `what` they are: "task". */
struct cli_request {
    const char *what;
    cli_find_fn *find;
    const char *method, *place, *suffix, *done;
};
int cli_each(struct cli *cli, int argc, char **argv, const struct cli_request *r);

/* Downloads GET `path` to the file `to` and prints its name; `progress` may be NULL. Returns the exit code. */
int cli_save(struct cli *cli, const char *path, const char *to, void (*progress)(int64_t bytes, int64_t total));

bool cli_state_is_final(const char *state);
