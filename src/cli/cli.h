// SPDX-License-Identifier: Apache-2.0
#pragma once
/* The command line towards a running server: login, run, ps, logs, show, stop, rm, result, search, algorithm, dataset,
 * frameworks, group, doctor, completion. Speaks HTTP like any other client and knows nothing of the server's insides.
 *
 * Exit codes: 0 done, 1 refused or failed, 2 wrong usage, 3 not logged in, 4 server out of reach; `logs -f`,
 * `run --wait`, `search watch` and `dataset add --watch` end with 5 when what they watched did not end well, 130 on Ctrl-C. */

/* argv[0] is the command ("run"); returns the exit code, 2 with a sentence for an unknown command. */
int cli_main(int argc, char **argv);

/* The overview of `trainyard --help`, with the server's own commands too. */
void cli_overview(void);
