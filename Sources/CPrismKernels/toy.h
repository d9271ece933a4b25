// The loops of toy models, part of body.h: thousands of small training steps, so small matrices and their own generator.
// Rows lie TL floats apart or a multiple of it, whatever the instruction set: of wider vectors most would be padding. What
// is behind the last column is zero and stays zero. Every sum is over ascending k or t, whether zeros are skipped or not.

#define TL PRISM_TOY_LANES

typedef float FN(tf) __attribute__((ext_vector_type(TL), aligned(4)));
typedef int32_t FN(ti) __attribute__((ext_vector_type(TL), aligned(4)));
typedef uint32_t FN(tu) __attribute__((ext_vector_type(TL), aligned(4)));
#define tf FN(tf)
#define ti FN(ti)
#define tu FN(tu)
#define TLOAD(p) (*(const tf *)(p))
#define TSTORE(p, v) (*(tf *)(p) = (v))

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

// Of `mr` rows and `width` vectors of columns: out = start + Σ_c a[r][c] b[c]. astep: between numbers of a row of a; arow:
// between rows. start: a matrix with rows lds apart; where `spread` is set, one number for each row; or NULL.
INLINE void FN(toy_tile)(const float *a, int64_t arow, int64_t astep, int64_t k, const float *b, int64_t ldb,
                         const float *start, int64_t lds, float *out, int64_t ldo, const int mr, const int width,
                         const int spread) {
    tf acc[8][3];
    UNROLL for (int i = 0; i < mr; i++) UNROLL for (int j = 0; j < width; j++)
        acc[i][j] = !start ? (tf)0.0f : spread ? (tf)start[i] : TLOAD(start + i * lds + j * TL);
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

// All rows, in tiles that fill the registers, of equal height as far as possible: a low tile waits for its own sums.
INLINE void FN(toy_gemm)(const float *a, int64_t arow, int64_t astep, int64_t rows, int64_t k, const float *b,
                         int64_t n, const float *start, int64_t lds, float *out, const int spread) {
    for (int64_t n0 = 0; n0 < n;) {
        const int width = FN(toy_width)((n - n0) / TL), most = width == 3 ? 3 : width == 2 ? 6 : 8;
        for (int64_t r = 0, height; r < rows; r += height) {
            const int64_t left = rows - r, tiles = (left + most - 1) / most;
            height = (left + tiles - 1) / tiles;
            const float *from = !start ? NULL : spread ? start + r : start + r * lds + n0;
#define TOY_TILE(HEIGHT, WIDTH)                                                                                      \
    case 10 * WIDTH + HEIGHT:                                                                                        \
        FN(toy_tile)(a + r * arow, arow, astep, k, b + n0, n, from, lds, out + r * n + n0, n, HEIGHT, WIDTH, spread);  \
        break;
            switch (10 * width + height) {
                TOY_TILE(1, 1) TOY_TILE(2, 1) TOY_TILE(3, 1) TOY_TILE(4, 1) TOY_TILE(5, 1) TOY_TILE(6, 1) TOY_TILE(7, 1)
                TOY_TILE(8, 1) TOY_TILE(1, 2) TOY_TILE(2, 2) TOY_TILE(3, 2) TOY_TILE(4, 2) TOY_TILE(5, 2) TOY_TILE(6, 2)
                TOY_TILE(1, 3) TOY_TILE(2, 3) TOY_TILE(3, 3)
            }
#undef TOY_TILE
        }
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
    if (!sparse) return FN(toy_gemm)(a, lda, 1, rows, k, b, n, bias, 0, out, 0);
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
    if (!sparse) return FN(toy_gemm)(a, 1, lda, k, rows, b, n, out, n, out, 0);
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

// A generator xoshiro128+ (Blackman and Vigna 2019) in each lane; the upper 31 bits of its next number.
INLINE void FN(toy_next)(tu *s, ti *draw) {
    *draw = (ti)((s[0] + s[3]) >> 1);
    tu shifted = s[1] << 9;
    s[2] ^= s[0], s[3] ^= s[1], s[1] ^= s[2], s[0] ^= s[3], s[2] ^= shifted, s[3] = (s[3] << 11) | (s[3] >> 21);
}

INLINE void FN(toy_load_state)(const uint32_t *state, tu *s) { UNROLL for (int i = 0; i < 4; i++) s[i] = *(const tu *)(state + i * TL); }
INLINE void FN(toy_store_state)(uint32_t *state, const tu *s) { UNROLL for (int i = 0; i < 4; i++) *(tu *)(state + i * TL) = s[i]; }

// One number decides whether a feature is active and, given that, is uniform below the threshold: value = number · scale +
// offset. state: [4][TL]; out: [rows, stride]; the three tables: [n up to a multiple of TL], zeros behind n. Returns how
// many features were active.
static int64_t FN(toy_draw)(uint32_t *state, int64_t rows, int64_t n, int64_t stride, const int32_t *threshold,
                            const float *scale, const float *offset, float *out) {
    tu s[4];
    FN(toy_load_state)(state, s);
    ti counts = (ti)0;
    for (int64_t t = 0; t < rows; t++) {
        for (int64_t j = 0; j < n; j += TL) {
            ti draw;
            FN(toy_next)(s, &draw);
            ti active = draw < *(const ti *)(threshold + j);
            tf value = __builtin_convertvector(draw, tf) * TLOAD(scale + j) + TLOAD(offset + j);
            TSTORE(out + t * stride + j, (tf)((ti)value & active));
            counts -= active;
        }
    }
    FN(toy_store_state)(state, s);
    int64_t count = 0;
    for (int i = 0; i < TL; i++) count += counts[i];
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

// Narrow models, of whose vectors much would be padding, and too narrow for skipping zeros to gain: a block has a row for
// each feature, in which samples lie side by side, a multiple of TL of them.

// As toy_draw; out: [n, samples].
static void FN(narrow_draw)(uint32_t *state, int64_t n, int64_t samples, const int32_t *threshold, const float *scale,
                            const float *offset, float *out) {
    tu s[4];
    FN(toy_load_state)(state, s);
    for (int64_t c = 0; c < n; c++) {
        const ti limit = (ti)threshold[c];
        const tf factor = (tf)scale[c], least = (tf)offset[c];
        for (int64_t t = 0; t < samples; t += TL) {
            ti draw;
            FN(toy_next)(s, &draw);
            ti active = draw < limit;
            TSTORE(out + c * samples + t, (tf)((ti)(__builtin_convertvector(draw, tf) * factor + least) & active));
        }
    }
    FN(toy_store_state)(state, s);
}

// out[j] = bias[j] + Σ_c w[j][c] x[c], whole rows of samples; w: numbers of a row wstep apart, rows wrow; x: [k, samples];
// out: [m, samples]; bias: [m] or NULL.
static void FN(narrow_product)(const float *w, int64_t wrow, int64_t wstep, int64_t m, int64_t k, const float *x,
                               int64_t samples, const float *bias, float *out) {
    FN(toy_gemm)(w, wrow, wstep, m, k, x, samples, bias, 0, out, 1);
}

INLINE float FN(toy_sum)(const tf *lanes) {
    tf v = *lanes;
    v += __builtin_shufflevector(v, v, 4, 5, 6, 7, 0, 1, 2, 3);
    v += __builtin_shufflevector(v, v, 2, 3, 0, 1, 6, 7, 4, 5);
    v += __builtin_shufflevector(v, v, 1, 0, 3, 2, 5, 4, 7, 6);
    return v[0];
}

INLINE void FN(narrow_tile)(const float *a, const float *b, int64_t samples, float *out, int64_t ldo, const int mr,
                            const int nr) {
    tf acc[8][5];
    UNROLL for (int i = 0; i < mr; i++) UNROLL for (int j = 0; j < nr; j++) acc[i][j] = (tf)0.0f;
    for (int64_t t = 0; t < samples; t += TL) {
        tf v[5];
        UNROLL for (int j = 0; j < nr; j++) v[j] = TLOAD(b + j * samples + t);
        UNROLL for (int i = 0; i < mr; i++) {
            tf factor = TLOAD(a + i * samples + t);
            UNROLL for (int j = 0; j < nr; j++) acc[i][j] += factor * v[j];
        }
    }
    UNROLL for (int i = 0; i < mr; i++) UNROLL for (int j = 0; j < nr; j++) out[i * ldo + j] += FN(toy_sum)(&acc[i][j]);
}

// out[c][j] += Σ_t a[c][t] b[j][t]; a: [k, samples]; b: [m, samples]; out: [k, ldo].
static void FN(narrow_accumulate)(const float *a, int64_t k, const float *b, int64_t m, int64_t samples, float *out,
                                  int64_t ldo) {
    for (int64_t j = 0, width; j < m; j += width) {
        const int64_t parts = (m - j + 4) / 5;
        width = (m - j + parts - 1) / parts;
        int64_t c = 0;
#define NARROW_TILES(HEIGHT, WIDTH)                                                                                   \
    for (; c + HEIGHT <= k; c += HEIGHT)                                                                             \
        FN(narrow_tile)(a + c * samples, b + j * samples, samples, out + c * ldo + j, ldo, HEIGHT, WIDTH);
        switch (width) {
            case 1: NARROW_TILES(8, 1) NARROW_TILES(1, 1) break;
            case 2: NARROW_TILES(5, 2) NARROW_TILES(1, 2) break;
            case 3: NARROW_TILES(3, 3) NARROW_TILES(1, 3) break;
            case 4: NARROW_TILES(2, 4) NARROW_TILES(1, 4) break;
            default: NARROW_TILES(2, 5) NARROW_TILES(1, 5) break;
        }
#undef NARROW_TILES
    }
}

// As toy_error; out and target: [n, samples].
static void FN(narrow_error)(float *out, const float *target, const float *importance, int64_t n, int64_t samples,
                             int32_t rectified, float factor, float *bias_gradient, double *loss) {
    tf total = (tf)0.0f;
    for (int64_t c = 0; c < n; c++) {
        const tf weight = (tf)importance[c], slope = (tf)(2 * factor * importance[c]);
        tf squares = (tf)0.0f, sum = (tf)0.0f;
        for (int64_t i = c * samples; i < (c + 1) * samples; i += TL) {
            tf before = TLOAD(out + i);
            tf error = (rectified ? __builtin_elementwise_max(before, (tf)0.0f) : before) - TLOAD(target + i);
            squares += error * error;
            if (rectified) error = (tf)((ti)error & (before > (tf)0.0f));
            sum += error;
            TSTORE(out + i, slope * error);
        }
        total += weight * squares;
        sum *= slope;
        bias_gradient[c] += FN(toy_sum)(&sum);
    }
    *loss += FN(toy_sum)(&total);
}

#undef TL
#undef tf
#undef ti
#undef tu
#undef TLOAD
#undef TSTORE
#undef TOY_SPAN
