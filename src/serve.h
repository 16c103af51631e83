// SPDX-License-Identifier: Apache-2.0
#pragma once
/* `trainyard serve`: starts the parts in order, prints a line `listening <address>` per listener on standard
 * output once they answer, and stops them in the opposite order on SIGTERM or SIGINT. Running tasks go on. */

int serve_command(int argc, char **argv);   /* returns the exit code: 0 clean stop, 1 could not run, 2 usage */
