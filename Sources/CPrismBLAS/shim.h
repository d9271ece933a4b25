#pragma once
#include <cblas.h>
void openblas_set_num_threads(int);

// LAPACK, which OpenBLAS carries with it. All eigenvalues (ascending) and, for jobz "V", eigenvectors of a symmetric matrix.
void dsyevd_(
    const char *jobz, const char *uplo, const int *n, double *a, const int *lda, double *w, double *work,
    const int *lwork, int *iwork, const int *liwork, int *info);

// The solution of A X = B, A [n, n] and B [n, nrhs] by columns: B is replaced by X, A by its factors.
void dgesv_(const int *n, const int *nrhs, double *a, const int *lda, int *ipiv, double *b, const int *ldb, int *info);
