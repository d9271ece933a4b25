// The loops of toy models, part of body.h: thousands of small training steps, so small matrices and their own generator.
// Rows lie TL floats apart or a multiple of it; what is behind the last column is zero and stays zero. A block's rows times
// small weights; every sum is over ascending k or t, whether zeros are skipped or not.

#define TL (VL > 8 ? VL : 8)

typedef float FN(tf) __attribute__((ext_vector_type(TL), aligned(4)));
typedef int32_t FN(ti) __attribute__((ext_vector_type(TL), aligned(4)));
typedef uint32_t FN(lane8) __attribute__((ext_vector_type(8), aligned(4)));
typedef int32_t FN(int8) __attribute__((ext_vector_type(8), aligned(4)));
typedef float FN(float8) __attribute__((ext_vector_type(8), aligned(4)));
#define tf FN(tf)
#define ti FN(ti)
#define lane8 FN(lane8)
#define TLOAD(p) (*(const tf *)(p))
#define TSTORE(p, v) (*(tf *)(p) = (v))

static int64_t FN(toy_lanes)(void) { return TL; }

// Numbers that `toy_nonzero` looks at at a time.
#define TOY_SPAN 512

// The places of the numbers that are not zero, ascending, without a branch to mispredict. - list: TOY_SPAN + 8 places.
INLINE int64_t FN(toy_nonzero)(const float *a, int64_t k, int32_t *list) {
    int64_t count = 0;
#if ISA == ISA_GENERIC
    for (int64_t c = 0; c < k; c++) list[count] = (int32_t)c, count += a[c] != 0;
#else
    for (int64_t c = 0; c < k; c += 8) {
        uint32_t bits = (uint32_t)_mm256_movemask_ps(_mm256_cmp_ps(_mm256_loadu_ps(a + c), _mm256_setzero_ps(), _CMP_NEQ_UQ));
        uint64_t bytes = _pext_u64(0x0706050403020100, _pdep_u64(bits, 0x0101010101010101) * 255);
        __m256i places = _mm256_cvtepu8_epi32(_mm_cvtsi64_si128((int64_t)bytes));
        _mm256_storeu_si256((__m256i *)(list + count), _mm256_add_epi32(places, _mm256_set1_epi32((int32_t)c)));
        count += __builtin_popcount(bits);
    }
#endif
    return count;
}

// How many vectors the next tile takes of `left`.
INLINE int FN(toy_width)(int64_t left) { return left == 3 ? 3 : left >= 2 ? 2 : 1; }

// Of `mr` rows and V vectors of columns: out = start + Σ_c a[r][c] b[c]. astep: between numbers of a row of a; arow: rows.
INLINE void FN(toy_tile)(const float *a, int64_t arow, int64_t astep, int64_t k, const float *b, int64_t ldb,
                         const float *start, int64_t lds, float *out, int64_t ldo, const int mr, const int width) {
    tf acc[8][3];
    UNROLL for (int i = 0; i < mr; i++) UNROLL for (int j = 0; j < width; j++)
        acc[i][j] = start ? TLOAD(start + i * lds + j * TL) : (tf)0.0f;
    const float *row[8];
    UNROLL for (int i = 0; i < mr; i++) row[i] = a + i * arow;
    for (int64_t c = 0; c < k; c++) {
        tf v[3];
        UNROLL for (int j = 0; j < width; j++) v[j] = TLOAD(b + c * ldb + j * TL);
        UNROLL for (int i = 0; i < mr; i++) {
            tf factor = (tf)row[i][c * astep];
            UNROLL for (int j = 0; j < width; j++) acc[i][j] += factor * v[j];
        }
    }
    UNROLL for (int i = 0; i < mr; i++) UNROLL for (int j = 0; j < width; j++) TSTORE(out + i * ldo + j * TL, acc[i][j]);
}

// All rows, in tiles that fill the registers.
INLINE void FN(toy_gemm)(const float *a, int64_t arow, int64_t astep, int64_t rows, int64_t k, const float *b,
                         int64_t n, const float *start, int64_t lds, float *out) {
    for (int64_t n0 = 0; n0 < n;) {
        const int width = FN(toy_width)((n - n0) / TL);
        int64_t r = 0;
#define TOY_TILES(MROWS, WIDTH)                                                                                      \
    for (; r + MROWS <= rows; r += MROWS)                                                                            \
        FN(toy_tile)(a + r * arow, arow, astep, k, b + n0, n, start ? start + r * lds + n0 : NULL, lds,                \
                     out + r * n + n0, n, MROWS, WIDTH);
        // A sum waits for the one before it, so single rows are slow: tiles of half the height come before them.
        if (width == 3) { TOY_TILES(3, 3) TOY_TILES(1, 3) }
        else if (width == 2) { TOY_TILES(6, 2) TOY_TILES(2, 2) TOY_TILES(1, 2) }
        else { TOY_TILES(8, 1) TOY_TILES(4, 1) TOY_TILES(1, 1) }
#undef TOY_TILES
        n0 += width * TL;
    }
}

// out = start + Σ a[c] b[c] over the c in the list, V vectors of columns.
INLINE void FN(toy_sparse_row)(const float *a, const int32_t *list, int64_t count, const float *b, int64_t n,
                               const float *start, float *out, const int width) {
    tf acc[4];
    UNROLL for (int j = 0; j < width; j++) acc[j] = start ? TLOAD(start + j * TL) : (tf)0.0f;
    for (int64_t i = 0; i < count; i++) {
        const float *row = b + list[i] * n;
        tf factor = (tf)a[list[i]];
        UNROLL for (int j = 0; j < width; j++) acc[j] += factor * TLOAD(row + j * TL);
    }
    UNROLL for (int j = 0; j < width; j++) TSTORE(out + j * TL, acc[j]);
}

// out[t] = bias + Σ_c a[t][c] b[c]; a: [rows, lda], of which k columns count; b: [k, n]; out: [rows, n]; n: a multiple of TL.
static void FN(toy_product)(const float *a, int64_t lda, int64_t rows, int64_t k, const float *b, int64_t n,
                            const float *bias, int32_t sparse, float *out) {
    if (!sparse) return FN(toy_gemm)(a, lda, 1, rows, k, b, n, bias, 0, out);
    for (int64_t t = 0; t < rows; t++)
        for (int64_t c0 = 0; c0 < k; c0 += TOY_SPAN) {
            int32_t list[TOY_SPAN + 8];
            const float *factors = a + t * lda + c0;
            int64_t count = FN(toy_nonzero)(factors, FN(least)(TOY_SPAN, k - c0), list);
            const float *start = c0 ? out + t * n : bias;
            for (int64_t n0 = 0; n0 < n;) {
                const int64_t left = (n - n0) / TL;
#define TOY_SPARSE(WIDTH)                                                                                            \
    {                                                                                                                \
        FN(toy_sparse_row)(factors, list, count, b + c0 * n + n0, n, start ? start + n0 : NULL, out + t * n + n0, WIDTH); \
        n0 += WIDTH * TL;                                                                                            \
    }
                if (left >= 4) TOY_SPARSE(4) else if (left >= 2) TOY_SPARSE(2) else TOY_SPARSE(1)
#undef TOY_SPARSE
            }
        }
}

// out[c] += Σ_t a[t][c] b[t]; a: [rows, lda], of which k columns count; b: [rows, n]; out: [k, n].
static void FN(toy_accumulate)(const float *a, int64_t lda, int64_t rows, int64_t k, const float *b, int64_t n,
                               int32_t sparse, float *out) {
    if (!sparse) return FN(toy_gemm)(a, 1, lda, k, rows, b, n, out, n, out);
    for (int64_t t = 0; t < rows; t++)
        for (int64_t c0 = 0; c0 < k; c0 += TOY_SPAN) {
            int32_t list[TOY_SPAN + 8];
            const float *factors = a + t * lda + c0;
            int64_t count = FN(toy_nonzero)(factors, FN(least)(TOY_SPAN, k - c0), list);
            for (int64_t i = 0; i < count; i++) {
                tf factor = (tf)factors[list[i]];
                float *to = out + (c0 + list[i]) * n;
                int64_t j = 0;
                for (; j + 4 * TL <= n; j += 4 * TL)
                    UNROLL for (int64_t l = j; l < j + 4 * TL; l += TL)
                        TSTORE(to + l, TLOAD(to + l) + factor * TLOAD(b + t * n + l));
                for (; j < n; j += TL) TSTORE(to + j, TLOAD(to + j) + factor * TLOAD(b + t * n + j));
            }
        }
}

// Eight generators xoshiro128+ (Blackman and Vigna 2019), each lane one; state: [4][8]. One number decides whether a
// feature is active and, given that, is uniform below the threshold: value = number · scale + offset. Numbers have the upper 31 bits.
// out: [rows, stride]; the three tables: [n up to a multiple of 8], zeros behind n. Returns how many features were active.
static int64_t FN(toy_draw)(uint32_t *state, int64_t rows, int64_t n, int64_t stride, const int32_t *threshold,
                            const float *scale, const float *offset, float *out) {
    lane8 s0 = *(lane8 *)state, s1 = *(lane8 *)(state + 8), s2 = *(lane8 *)(state + 16), s3 = *(lane8 *)(state + 24);
    FN(int8) counts = (FN(int8))0;
    for (int64_t t = 0; t < rows; t++) {
        for (int64_t j = 0; j < n; j += 8) {
            lane8 number = s0 + s3, t1 = s1 << 9;
            s2 ^= s0, s3 ^= s1, s1 ^= s2, s0 ^= s3, s2 ^= t1, s3 = (s3 << 11) | (s3 >> 21);
            FN(int8) draw = (FN(int8))(number >> 1);
            FN(int8) active = draw < *(const FN(int8) *)(threshold + j);
            FN(float8) value = __builtin_convertvector(draw, FN(float8)) * *(const FN(float8) *)(scale + j) +
                               *(const FN(float8) *)(offset + j);
            *(FN(float8) *)(out + t * stride + j) = (FN(float8))((FN(int8))value & active);
            counts -= active;
        }
    }
    *(lane8 *)state = s0, *(lane8 *)(state + 8) = s1, *(lane8 *)(state + 16) = s2, *(lane8 *)(state + 24) = s3;
    int64_t count = 0;
    for (int i = 0; i < 8; i++) count += counts[i];
    return count;
}

// y = relu(out) or out; e = y − target. Adds importance · e² over all rows to *loss, and to bias_gradient[i] the sum over
// rows of what it puts into out: ∂/∂out of Σ importance · e², times `factor`. All matrices [rows, n]. Returns how many of
// these are not zero.
static int64_t FN(toy_error)(float *out, const float *target, const float *importance, int64_t rows, int64_t n,
                             int32_t rectified, float factor, float *bias_gradient, double *loss) {
    ti counts = (ti)0;
    tf total = (tf)0.0f;
    for (int64_t j = 0; j < n; j += TL) {
        tf weight = TLOAD(importance + j), slope = weight * (tf)(2 * factor), sum = (tf)0.0f;
        for (int64_t t = 0; t < rows; t++) {
            tf before = TLOAD(out + t * n + j), goal = TLOAD(target + t * n + j);
            tf y = rectified ? __builtin_elementwise_max(before, (tf)0.0f) : before;
            tf error = y - goal, gradient = slope * error;
            if (rectified) gradient = (tf)((ti)gradient & (before > (tf)0.0f));
            total += weight * error * error;
            sum += gradient;
            TSTORE(out + t * n + j, gradient);
            counts -= gradient != (tf)0.0f;
        }
        TSTORE(bias_gradient + j, TLOAD(bias_gradient + j) + sum);
    }
    double lanes = 0;
    int64_t count = 0;
    for (int i = 0; i < TL; i++) lanes += total[i], count += counts[i];
    *loss += lanes;
    return count;
}

#undef TL
#undef tf
#undef ti
#undef lane8
#undef TLOAD
#undef TSTORE
#undef TOY_SPAN
