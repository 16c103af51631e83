// SPDX-License-Identifier: Apache-2.0
#include "cli/cluster.h"

#include "base/err.h"
#include "cli/term.h"

#include <stdio.h>

/* A list of records as a table of some of their members. */
static int print_list(struct cli *cli, int argc, char **argv, const char *path, const char *const *keys,
                      const char *const *headings, int n)
{
    json_auto_t *list = NULL;
    struct table *table;
    struct err err = {0};
    json_t *record;
    size_t i;
    int code = cli_flags(cli, argc, argv, NULL, 0);

    if (code < 0)
        code = cli_connect(cli);
    if (code >= 0)
        return code;
    list = client_get(cli->client, path, &err);
    if (!list)
        return cli_fail(&err);
    if (cli->json) {
        cli_print_json(list);
        return EXIT_DONE;
    }
    table = table_new(n);
    for (int k = 0; k < n; k++)
        table_cell(table, headings[k]);
    json_array_foreach(list, i, record)
        for (int k = 0; k < n; k++)
            table_cell(table, cli_str(record, keys[k]));
    table_print(table);
    return EXIT_DONE;
}

int frameworks_command(struct cli *cli, int argc, char **argv)
{
    static const char *const keys[] = { "name", "frameworkVersion", "execMode", "backend", "appName" };
    static const char *const headings[] = { "NAME", "VERSION", "MODE", "ENGINE", "APPLICATION" };

    return print_list(cli, argc, argv, "/execs/frameworks", keys, headings, (int)ARRAY_LEN(keys));
}

int group_command(struct cli *cli, int argc, char **argv)
{
    static const char *const keys[] = { "name", "state", "uuid", "executionUser" };
    static const char *const headings[] = { "NAME", "STATE", "ID", "RUNS AS" };

    return print_list(cli, argc, argv, "/scheduler/instances", keys, headings, (int)ARRAY_LEN(keys));
}
