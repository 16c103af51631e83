// SPDX-License-Identifier: Apache-2.0
#pragma once
/* The forms of an Optuna study in its database: distributions as JSON, and values as the number that stands
 * for them. As Optuna 3 to 5 read and write them; older distributions are read too. Pure. */

#include "search/insight/tried.h"

/* A value from outside this search: a number, a text, or (KNOWN_NOT) neither. */
enum known_kind { KNOWN_NOT, KNOWN_NUMBER, KNOWN_TEXT };

struct known {
    enum known_kind kind;
    double number;
    const char *text;       /* TEXT: borrowed from the reader */
};

/* The distribution a hyperparameter was drawn from. */
void study_distribution(const struct column *c, struct text *out);

/* What stands in a trial for the value of this text; false when the distribution has none. */
bool study_number(const struct column *c, const char *text, double *ret);

/* What `number` of a trial is, by its distribution as it is stored (parsed). */
struct known study_known(const json_t *distribution, double number);
