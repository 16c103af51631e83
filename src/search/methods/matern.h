// SPDX-License-Identifier: Apache-2.0
#pragma once
/* Matérn's kernel of smoothness 5/2 and variance 1. Pure.
 *
 *   k = (1 + q + q^2 / 3) exp(-q),   q = sqrt(5 r^2)
 *
 * Source: Rasmussen & Williams 2006, eq. 4.17. Nearly all of it is the exponential, which is why it is our own: in vectors
 * (search/methods/wide.h), the same to the bit for each number wherever it stands in a row; k and its slope are within 2e-15
 * of what the library's gives. q counts as 700 beyond that, where k is below 1e-290. */

/* v [n] are squared distances r^2, from 0, and become k; ret_slope [n], its derivatives by r^2, may be NULL. */
void matern(double *v, int n, double *ret_slope);
