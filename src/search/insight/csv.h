// SPDX-License-Identifier: Apache-2.0
#pragma once
/* The experiments of a search as a table for spreadsheets: CSV as of RFC 4180, a heading, a line for
 * each experiment. Text that a spreadsheet would take for a formula gets an apostrophe before it; numbers
 * stay numbers. Pure. */

#include "search/insight/tried.h"

struct text;

/* One cell of text, quoted where it must be. */
void csv_text(const char *text, struct text *out);

/* id, state, metricVal, params.<name> ..., metrics.<name> ..., startTime, endTime, seconds, appId, message */
void csv_heading(const struct tried *t, const struct algo_def *algo, struct text *out);

/* An experiment without a usable metric has an empty metricVal, not 9999.99. Of an additional metric it is the value
 * that was asked for: minimize its min, maximize its max, otherwise the latest. */
void csv_line(const struct tried *t, const struct algo_def *algo, const struct experiment *e, struct text *out);
