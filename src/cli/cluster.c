// SPDX-License-Identifier: Apache-2.0
#include "cli/cluster.h"

int frameworks_command(struct cli *cli, int argc, char **argv)
{
    static const char *const keys[] = { "name", "frameworkVersion", "execMode", "backend", "appName" };
    static const char *const headings[] = { "NAME", "VERSION", "MODE", "ENGINE", "APPLICATION" };

    return cli_list(cli, argc, argv, "/execs/frameworks", keys, headings, (int)ARRAY_LEN(keys));
}

int group_command(struct cli *cli, int argc, char **argv)
{
    static const char *const keys[] = { "name", "state", "uuid", "executionUser" };
    static const char *const headings[] = { "NAME", "STATE", "ID", "RUNS AS" };

    return cli_list(cli, argc, argv, "/scheduler/instances", keys, headings, (int)ARRAY_LEN(keys));
}
