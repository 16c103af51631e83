// SPDX-License-Identifier: Apache-2.0
#include "cli/cluster.h"

int frameworks_command(struct cli *cli, int argc, char **argv)
{
    static const struct cli_listing frameworks = {
        .path = "/execs/frameworks",
        .columns = { { "NAME", "name" }, { "VERSION", "frameworkVersion" }, { "MODE", "execMode" }, { "ENGINE", "backend" },
                     { "APPLICATION", "appName" } },
    };

    return cli_list(cli, argc, argv, &frameworks);
}

int group_command(struct cli *cli, int argc, char **argv)
{
    static const struct cli_listing groups = {
        .path = "/scheduler/instances",
        .columns = { { "NAME", "name" }, { "STATE", "state" }, { "ID", "uuid" }, { "RUNS AS", "executionUser" } },
    };

    return cli_list(cli, argc, argv, &groups);
}
