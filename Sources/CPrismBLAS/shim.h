#pragma once
#include <cblas.h>
void openblas_set_num_threads(int);

// LAPACK, which OpenBLAS carries with it. All eigenvalues (ascending) and, for jobz "V", eigenvectors of a symmetric matrix.
void dsyevd_(
    const char *jobz, const char *uplo, const int *n, double *a, const int *lda, double *w, double *work,
    const int *lwork, int *iwork, const int *liwork, int *info);
