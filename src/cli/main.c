// SPDX-License-Identifier: Apache-2.0
/* The program trainyard-cli: what `trainyard` turns into for every command that is not the server's. */

#include "base/cleanup.h"
#include "cli/cli.h"

#include <string.h>

int main(int argc, char **argv)
{
    static const char *const help[] = { "--help", "-h", "help" };

    if (argc < 2) {
        cli_overview();
        return 2;
    }
    for (size_t i = 0; i < ARRAY_LEN(help); i++) {
        if (strcmp(argv[1], help[i]) == 0) {
            cli_overview();
            return 0;
        }
    }
    return cli_main(argc - 1, argv + 1);
}
