// SPDX-License-Identifier: Apache-2.0
/* Which program is meant: the server, the account commands that work beside it, suggestions without
 * it, or the command line, which is a program of its own so that the server does not carry libcurl
 * and what that brings. */

#include "accounts/accounts.h"
#include "base/cleanup.h"
#include "base/mem.h"
#include "base/program.h"
#include "search/suggest.h"
#include "serve.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

static int show_version(int argc, char **argv)
{
    (void)argc, (void)argv;
    puts("trainyard " TRAINYARD_VERSION);
    return 0;
}

static int become_cli(char **argv)
{
    CLEANUP(mem_freep) struct mem *mem = mem_new();
    const char *path = program_part(mem, "trainyard-cli");

    execv(path, argv);
    fprintf(stderr, "trainyard: %s: %s\n", path, strerror(errno));
    return 1;
}

static const struct {
    const char *name;
    int (*run)(int argc, char **argv);
} commands[] = {
    { "serve", serve_command },
    { "user", accounts_command },
    { "suggest", suggest_command },
    { "--version", show_version },
    { "version", show_version },
};

int main(int argc, char **argv)
{
    for (size_t i = 0; argc > 1 && i < ARRAY_LEN(commands); i++)
        if (strcmp(argv[1], commands[i].name) == 0)
            return commands[i].run(argc - 1, argv + 1);
    return become_cli(argv);
}
