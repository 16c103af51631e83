// SPDX-License-Identifier: Apache-2.0
#pragma once
/* The back end of tests: nothing runs, and everything ends as the script says. The script is one for the
 * process; any thread may call these functions. */

#include <stdint.h>

enum null_outcome {
    NULL_RUNS,          /* until null_end() or a stop: what happens without a script */
    NULL_ENDS,          /* REPORT_STARTED, then REPORT_ENDED with the exit code */
    NULL_IS_LOST,       /* REPORT_STARTED, then REPORT_LOST */
    NULL_CANNOT_START,  /* start() refuses with ERR_UNAVAILABLE */
    NULL_NEVER_STARTED, /* REPORT_NEVER_STARTED; for adopt() */
};

struct null_step {
    enum null_outcome outcome;
    int exit_code;
    const char *reason;     /* of ENDED and LOST; may be NULL. Must stay valid */
};

void null_script(const struct null_step *steps, int n);     /* for the coming start() and adopt() calls, in
                                                             * order; copied. 0 steps: forget the rest */
void null_end(const char *exec_id, int exit_code);          /* ends a task that runs; unknown is fine */
int null_n_started(void);                                   /* accepted start() calls so far */
