// SPDX-License-Identifier: Apache-2.0
#pragma once
/* Eigenvalues and eigenvectors of a small symmetric matrix. Pure.
 *
 * Cyclic Jacobi rotations, which are slower than a reduction to tridiagonal form and exact for
 * small eigenvalues. Source: Golub & Van Loan, Matrix Computations, 4th ed., section 8.5. */

/* a [n × n], symmetric, row-major; overwritten. ret_values [n], not sorted; row i of ret_vectors
 * [n × n] is the vector of length 1 that belongs to value i. */
void eigen_symmetric(double *a, int n, double *ret_values, double *ret_vectors);
