// SPDX-License-Identifier: Apache-2.0
/* Which program is meant: the server, the account commands that work beside it, or the command line. */

#include "accounts/accounts.h"
#include "base/cleanup.h"
#include "cli/cli.h"
#include "serve.h"

#include <stdio.h>
#include <string.h>

static int show_version(int argc, char **argv)
{
    (void)argc, (void)argv;
    puts("trainyard " TRAINYARD_VERSION);
    return 0;
}

static int show_overview(int argc, char **argv)
{
    (void)argc, (void)argv;
    cli_overview();
    return 0;
}

static const struct {
    const char *name;
    int (*run)(int argc, char **argv);
} commands[] = {
    { "serve", serve_command },
    { "user", accounts_command },
    { "--version", show_version },
    { "version", show_version },
    { "--help", show_overview },
    { "-h", show_overview },
    { "help", show_overview },
};

int main(int argc, char **argv)
{
    if (argc < 2) {
        cli_overview();
        return 2;
    }
    for (size_t i = 0; i < ARRAY_LEN(commands); i++)
        if (strcmp(argv[1], commands[i].name) == 0)
            return commands[i].run(argc - 1, argv + 1);
    return cli_main(argc - 1, argv + 1);
}
