// SPDX-License-Identifier: Apache-2.0
#include "cli/login.h"

#include "base/err.h"
#include "base/mem.h"
#include "cli/term.h"

#include <stdio.h>
#include <string.h>
#include <termios.h>
#include <unistd.h>

enum { LINE_BYTES = 1024 };

/* One line of standard input without its end; on a terminal with a prompt, and without echo when `secret`. */
static char *read_line(const char *prompt, bool secret)
{
    struct termios before, quiet;
    bool live = isatty(STDIN_FILENO) && tcgetattr(STDIN_FILENO, &before) == 0;
    char line[LINE_BYTES];
    char *got;

    if (live) {
        fprintf(stderr, "%s: ", prompt);
        quiet = before;
        if (secret)
            quiet.c_lflag &= (tcflag_t)~ECHO;
        tcsetattr(STDIN_FILENO, TCSAFLUSH, &quiet);
    }
    got = fgets(line, sizeof line, stdin);
    if (live) {
        tcsetattr(STDIN_FILENO, TCSAFLUSH, &before);
        if (secret)
            fputc('\n', stderr);
    }
    if (!got)
        return NULL;
    line[strcspn(line, "\r\n")] = '\0';
    return xstrdup(line);
}

static int log_on(struct client_login *login, const char *password, struct err *err)
{
    CLEANUP(client_answer_done) struct client_answer answer = {0};
    CLEANUP(client_freep) struct client *client = client_new(login);
    json_auto_t *json = NULL;

    client_basic(client, login->user, password);
    if (client_call(client, "GET", "/auth/v1/logon", NULL, &answer, err) < 0)
        return -1;
    json = json_loadb(answer.body.data, answer.body.len, 0, NULL);
    if (!*cli_str(json, "accessToken"))
        return err_set(err, ERR_INTERNAL, "%s did not hand out a token; is it a Trainyard server?", login->url);
    free(login->token);
    login->token = xstrdup(cli_str(json, "accessToken"));
    return 0;
}

int login_command(struct cli *cli, int argc, char **argv)
{
    const char *user = NULL;
    bool from_stdin = false;
    const struct flag flags[] = {
        { "user", 'u', "NAME", &user },
        { "password-stdin", 0, NULL, &from_stdin },
        { "insecure", 'k', NULL, &cli->login.insecure },
    };
    CLEANUP(freep) char *password = NULL;
    struct err err = {0};
    int code = cli_flags(cli, argc, argv, flags, ARRAY_LEN(flags));
    size_t len;

    if (code >= 0)
        return code;
    if (cli->n_words != 1)
        return cli_usage(cli, "which server?");
    if (!text_starts(cli->words[0], "http://") && !text_starts(cli->words[0], "https://"))
        return cli_usage(cli, "the address starts with http:// or https://");
    cli->login.url = xstrdup(cli->words[0]);
    for (len = strlen(cli->login.url); len > 0 && cli->login.url[len - 1] == '/'; len--)
        cli->login.url[len - 1] = '\0';
    cli->login.user = user ? xstrdup(user) : from_stdin ? NULL : read_line("User", false);
    if (!cli->login.user || !*cli->login.user)
        return cli_usage(cli, "whose account? (--user NAME)");
    password = read_line("Password", true);
    if (!password)
        return cli_usage(cli, "no password was given");
    if (log_on(&cli->login, password, &err) < 0 || cli_save_login(&cli->login, &err) < 0)
        return cli_fail(&err);
    if (!cli->json)
        printf("Signed in to %s as %s.\n", cli->login.url, cli->login.user);
    return EXIT_DONE;
}

int logout_command(struct cli *cli, int argc, char **argv)
{
    CLEANUP(client_answer_done) struct client_answer answer = {0};
    struct err err = {0};
    int code = cli_flags(cli, argc, argv, NULL, 0);

    if (code < 0)
        code = cli_connect(cli);
    if (code >= 0)
        return code;
    if (client_call(cli->client, "POST", "/auth/v1/logoff", NULL, &answer, &err) < 0 && err.kind != ERR_NO_LOGIN)
        return cli_fail(&err);
    free(cli->login.token);
    cli->login.token = NULL;
    if (cli_save_login(&cli->login, &err) < 0)
        return cli_fail(&err);
    if (!cli->json)
        printf("Signed out of %s.\n", cli->login.url);
    return EXIT_DONE;
}
