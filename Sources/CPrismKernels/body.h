// The body that dispatch.c compiles once per instruction set. VL: floats in a vector; MR × (NV · VL): the register tile
// of a product; NR = NV · VL: outputs in a panel. Every output is one sum over ascending k, whatever the tile it falls
// into, so how rows are grouped changes no bit. The contract of each function is in KERNELS.md.

#define NR (NV * VL)

typedef float FN(vf) __attribute__((ext_vector_type(VL), aligned(4)));
typedef int32_t FN(vi) __attribute__((ext_vector_type(VL), aligned(4)));
#define vf FN(vf)
#define vi FN(vi)
#define INLINE static inline __attribute__((always_inline))
#define UNROLL _Pragma("clang loop unroll(full)")
#if ISA == ISA_AVX512
#define MR8 MR
#else
#define MR8 4
#endif
#define LOAD(p) (*(const vf *)(p))
#define STORE(p, v) (*(vf *)(p) = (v))

INLINE float FN(sum)(vf v) {
    float lanes[VL];
    STORE(lanes, v);
    UNROLL for (int half = VL / 2; half > 0; half /= 2)
        UNROLL for (int i = 0; i < half; i++) lanes[i] += lanes[i + half];
    return lanes[0];
}

// A bit per lane: v > limit.
INLINE uint32_t FN(above)(vf v, vf limit) {
#if ISA == ISA_AVX512
    return _mm512_cmp_ps_mask((__m512)v, (__m512)limit, _CMP_GT_OQ);
#elif ISA == ISA_AVX2
    return _mm256_movemask_ps(_mm256_cmp_ps((__m256)v, (__m256)limit, _CMP_GT_OQ));
#else
    uint32_t bits = 0;
    UNROLL for (int i = 0; i < VL; i++) bits |= (uint32_t)(v[i] > limit[i]) << i;
    return bits;
#endif
}

// sum + a₀b₀ + a₁b₁ of int16 pairs.
INLINE vi FN(dot_i16)(vi sum, vi a, vi b) {
#if ISA == ISA_AVX512
    return (vi)_mm512_dpwssd_epi32((__m512i)sum, (__m512i)a, (__m512i)b);
#elif ISA == ISA_AVX2
    return sum + (vi)_mm256_madd_epi16((__m256i)a, (__m256i)b);
#else
    return sum + ((a << 16) >> 16) * ((b << 16) >> 16) + (a >> 16) * (b >> 16);
#endif
}

// sum + the products of two quads of bytes, x unsigned and w signed. Two quads together, because without VNNI pairs of
// products are summed in int16 first: |x| and |w| stay within BYTE_PEAK so that four of them fit (4 · 126 · 63 < 2¹⁵).
INLINE vi FN(dot_i8)(vi sum, vi x0, vi w0, vi x1, vi w1) {
#if ISA == ISA_AVX512
    sum = (vi)_mm512_dpbusd_epi32((__m512i)sum, (__m512i)x0, (__m512i)w0);
    return (vi)_mm512_dpbusd_epi32((__m512i)sum, (__m512i)x1, (__m512i)w1);
#elif ISA == ISA_AVX2
    __m256i pairs = _mm256_add_epi16(_mm256_maddubs_epi16((__m256i)x0, (__m256i)w0),
                                     _mm256_maddubs_epi16((__m256i)x1, (__m256i)w1));
    return sum + (vi)_mm256_madd_epi16(pairs, _mm256_set1_epi16(1));
#else
    UNROLL for (int b = 0; b < 32; b += 8) {
        sum += ((x0 >> b) & 255) * ((w0 << (24 - b)) >> 24);
        sum += ((x1 >> b) & 255) * ((w1 << (24 - b)) >> 24);
    }
    return sum;
#endif
}

// MARK: Register tiles: mr rows of x against one panel, all of k.

INLINE void FN(tile_f32)(const float *x, int64_t ldx, const float *panel, int64_t k, vf sums[][NV], const int mr) {
    vf acc[MR][NV];
    UNROLL for (int i = 0; i < mr; i++) UNROLL for (int j = 0; j < NV; j++) acc[i][j] = (vf)0.0f;
    for (int64_t c = 0; c < k; c++) {
        vf b[NV];
        UNROLL for (int j = 0; j < NV; j++) b[j] = LOAD(panel + c * NR + j * VL);
        UNROLL for (int i = 0; i < mr; i++) {
            vf a = (vf)x[i * ldx + c];
            UNROLL for (int j = 0; j < NV; j++) acc[i][j] += a * b[j];
        }
    }
    UNROLL for (int i = 0; i < mr; i++) UNROLL for (int j = 0; j < NV; j++) sums[i][j] = acc[i][j];
}

// x: bf16 pairs where the processor multiplies them, else rounded fp32 numbers, an even count (see round_bf16).
INLINE void FN(tile_bf16)(const uint32_t *x, int64_t ldx, const uint32_t *panel, int64_t pairs, vf sums[][NV],
                          const int mr) {
    vf acc[MR][NV];
    UNROLL for (int i = 0; i < mr; i++) UNROLL for (int j = 0; j < NV; j++) acc[i][j] = (vf)0.0f;
    for (int64_t c = 0; c < pairs; c++) {
#if ISA == ISA_AVX512
        __m512bh b[NV];
        UNROLL for (int j = 0; j < NV; j++) b[j] = (__m512bh)_mm512_loadu_si512(panel + c * NR + j * VL);
        UNROLL for (int i = 0; i < mr; i++) {
            __m512bh a = (__m512bh)_mm512_set1_epi32((int)x[i * ldx + c]);
            UNROLL for (int j = 0; j < NV; j++) acc[i][j] = (vf)_mm512_dpbf16_ps((__m512)acc[i][j], a, b[j]);
        }
#else
        vf low[NV], high[NV];
        UNROLL for (int j = 0; j < NV; j++) {
            vi b = *(const vi *)(panel + c * NR + j * VL), even = b << 16, odd = b & (vi)(int32_t)0xffff0000;
            low[j] = (vf)even, high[j] = (vf)odd;
        }
        UNROLL for (int i = 0; i < mr; i++) {
            const float *pair = (const float *)x + i * ldx + 2 * c;
            UNROLL for (int j = 0; j < NV; j++) acc[i][j] += (vf)pair[0] * low[j];
            UNROLL for (int j = 0; j < NV; j++) acc[i][j] += (vf)pair[1] * high[j];
        }
#endif
    }
    UNROLL for (int i = 0; i < mr; i++) UNROLL for (int j = 0; j < NV; j++) sums[i][j] = acc[i][j];
}

// x: one tile of rows, interleaved: [pairs][MR].
INLINE void FN(tile_i16)(const int32_t *x, const int32_t *panel, int64_t pairs, vf sums[][NV], const int mr) {
    vi acc[MR][NV];
    UNROLL for (int i = 0; i < mr; i++) UNROLL for (int j = 0; j < NV; j++) acc[i][j] = (vi)0;
    for (int64_t c = 0; c < pairs; c++) {
        vi b[NV];
        UNROLL for (int j = 0; j < NV; j++) b[j] = *(const vi *)(panel + c * NR + j * VL);
        UNROLL for (int i = 0; i < mr; i++) {
            vi a = (vi)x[c * MR + i];
            UNROLL for (int j = 0; j < NV; j++) acc[i][j] = FN(dot_i16)(acc[i][j], a, b[j]);
        }
    }
    UNROLL for (int i = 0; i < mr; i++)
        UNROLL for (int j = 0; j < NV; j++) sums[i][j] = __builtin_convertvector(acc[i][j], vf);
}

// x: one tile of rows, unsigned bytes (shifted by BYTE_PEAK), interleaved: [quads][MR8]; quads is even. The tile is lower
// than the others where its temporaries would push accumulators out of the registers.
INLINE void FN(tile_i8)(const int32_t *x, const int32_t *panel, int64_t quads, vf sums[][NV], const int mr) {
    vi acc[MR][NV];
    UNROLL for (int i = 0; i < mr; i++) UNROLL for (int j = 0; j < NV; j++) acc[i][j] = (vi)0;
    for (int64_t c = 0; c < quads; c += 2) {
        UNROLL for (int i = 0; i < mr; i++) {
            vi a0 = (vi)x[c * MR8 + i], a1 = (vi)x[(c + 1) * MR8 + i];
            UNROLL for (int j = 0; j < NV; j++)
                acc[i][j] = FN(dot_i8)(acc[i][j], a0, *(const vi *)(panel + c * NR + j * VL), a1,
                                       *(const vi *)(panel + (c + 1) * NR + j * VL));
        }
    }
    UNROLL for (int i = 0; i < mr; i++)
        UNROLL for (int j = 0; j < NV; j++) sums[i][j] = __builtin_convertvector(acc[i][j], vf);
}

// Calls tile with the row count as a constant, so that its accumulators stay in registers.
#if MR == 12
#define TILE_TALL(tile, ...)                        \
    case 12: tile(__VA_ARGS__, 12); break;          \
    case 11: tile(__VA_ARGS__, 11); break;          \
    case 10: tile(__VA_ARGS__, 10); break;          \
    case 9: tile(__VA_ARGS__, 9); break;            \
    case 8: tile(__VA_ARGS__, 8); break;            \
    case 7: tile(__VA_ARGS__, 7); break;
#else
#define TILE_TALL(tile, ...)
#endif
#define TILE(tile, mr, ...)                         \
    switch (mr) {                                   \
        TILE_TALL(tile, __VA_ARGS__)                \
    case 6: tile(__VA_ARGS__, 6); break;            \
    case 5: tile(__VA_ARGS__, 5); break;            \
    case 4: tile(__VA_ARGS__, 4); break;            \
    case 3: tile(__VA_ARGS__, 3); break;            \
    case 2: tile(__VA_ARGS__, 2); break;            \
    case 1: tile(__VA_ARGS__, 1); break;            \
    }

// Rows of x that stay in the second-level cache while the panels stream by.
INLINE int64_t FN(block_rows)(int64_t bytes_per_row) {
    int64_t rows = (192 << 10) / (bytes_per_row > 0 ? bytes_per_row : 1) / MR * MR;
    return rows < 2 * MR ? 2 * MR : rows;
}

INLINE int64_t FN(least)(int64_t a, int64_t b) { return a < b ? a : b; }

// MARK: Matrix products

static int64_t FN(panel_floats)(int64_t n, int64_t k) { return (n + NR - 1) / NR * NR * k; }
static int64_t FN(panel_pairs)(int64_t n, int64_t k) { return (n + NR - 1) / NR * NR * ((k + 1) / 2); }

// panels[n / NR][c][n % NR] = w[n][c], zeros behind the last output.
static void FN(pack_f32)(const float *w, int64_t n, int64_t k, float *panels) {
    for (int64_t n0 = 0; n0 < n; n0 += NR, panels += NR * k)
        for (int64_t c = 0; c < k; c++)
            for (int64_t j = 0; j < NR; j++) panels[c * NR + j] = n0 + j < n ? w[(n0 + j) * k + c] : 0;
}

INLINE uint32_t FN(bf16)(float x) {
    uint32_t bits;
    memcpy(&bits, &x, 4);
    if ((bits & 0x7f800000u) == 0x7f800000u) return bits >> 16 | ((bits & 0x007fffffu) ? 0x40 : 0);
    return (bits + 0x7fff + ((bits >> 16) & 1)) >> 16;
}

INLINE uint32_t FN(bf16_pair)(const float *x, int64_t c, int64_t k) {
    return FN(bf16)(x[2 * c]) | (2 * c + 1 < k ? FN(bf16)(x[2 * c + 1]) << 16 : 0);
}

static void FN(pack_bf16)(const float *w, int64_t n, int64_t k, uint32_t *panels) {
    int64_t pairs = (k + 1) / 2;
    for (int64_t n0 = 0; n0 < n; n0 += NR, panels += NR * pairs)
        for (int64_t c = 0; c < pairs; c++)
            for (int64_t j = 0; j < NR; j++)
                panels[c * NR + j] = n0 + j < n ? FN(bf16_pair)(w + (n0 + j) * k, c, k) : 0;
}

// 32-bit words of one rounded row.
#if ISA == ISA_AVX512
static int64_t FN(bf16_words)(int64_t k) { return (k + 1) / 2; }
#else
static int64_t FN(bf16_words)(int64_t k) { return (k + 1) / 2 * 2; }
#endif

static void FN(round_bf16)(const float *x, int64_t rows, int64_t k, uint32_t *words) {
    int64_t count = FN(bf16_words)(k);
    for (int64_t t = 0; t < rows; t++, x += k, words += count)
        for (int64_t c = 0; c < count; c++)
#if ISA == ISA_AVX512
            words[c] = FN(bf16_pair)(x, c, k);
#else
            words[c] = c < k ? FN(bf16)(x[c]) << 16 : 0;
#endif
}

INLINE void FN(store_tile)(vf sums[][NV], int mr, float *out, int64_t ldo, int64_t columns) {
    for (int i = 0; i < mr; i++) {
        if (columns >= NR) {
            UNROLL for (int j = 0; j < NV; j++) STORE(out + i * ldo + j * VL, sums[i][j]);
        } else {
            memcpy(out + i * ldo, sums[i], columns * sizeof(float));
        }
    }
}

// out[rows, ldo], columns n of it, = x · panelsᵀ.
INLINE void FN(gemm_strided)(const float *x, int64_t ldx, int64_t rows, int64_t k, const float *panels, int64_t n,
                             float *out, int64_t ldo) {
    int64_t block = FN(block_rows)(k * sizeof(float));
    for (int64_t r0 = 0; r0 < rows; r0 += block) {
        int64_t end = FN(least)(rows, r0 + block);
        for (int64_t n0 = 0; n0 < n; n0 += NR)
            for (int64_t r = r0; r < end; r += MR) {
                vf sums[MR][NV];
                int mr = (int)FN(least)(MR, end - r);
                TILE(FN(tile_f32), mr, x + r * ldx, ldx, panels + n0 * k, k, sums)
                FN(store_tile)(sums, mr, out + r * ldo + n0, ldo, n - n0);
            }
    }
}

static void FN(gemm_f32)(const float *x, int64_t rows, int64_t k, const float *panels, int64_t n, float *out) {
    FN(gemm_strided)(x, k, rows, k, panels, n, out, n);
}

static void FN(gemm_bf16)(const uint32_t *x, int64_t rows, int64_t k, const uint32_t *panels, int64_t n, float *out) {
    int64_t pairs = (k + 1) / 2, words = FN(bf16_words)(k), block = FN(block_rows)(words * sizeof(uint32_t));
    for (int64_t r0 = 0; r0 < rows; r0 += block) {
        int64_t end = FN(least)(rows, r0 + block);
        for (int64_t n0 = 0; n0 < n; n0 += NR)
            for (int64_t r = r0; r < end; r += MR) {
                vf sums[MR][NV];
                int mr = (int)FN(least)(MR, end - r);
                TILE(FN(tile_bf16), mr, x + r * words, words, panels + n0 * pairs, pairs, sums)
                FN(store_tile)(sums, mr, out + r * n + n0, n, n - n0);
            }
    }
}

// MARK: Vectors

static float FN(dot)(const float *a, const float *b, int64_t k) {
    vf s0 = (vf)0.0f, s1 = s0, s2 = s0, s3 = s0;
    int64_t c = 0;
    for (; c + 4 * VL <= k; c += 4 * VL) {
        s0 += LOAD(a + c) * LOAD(b + c);
        s1 += LOAD(a + c + VL) * LOAD(b + c + VL);
        s2 += LOAD(a + c + 2 * VL) * LOAD(b + c + 2 * VL);
        s3 += LOAD(a + c + 3 * VL) * LOAD(b + c + 3 * VL);
    }
    for (; c + VL <= k; c += VL) s0 += LOAD(a + c) * LOAD(b + c);
    float sum = FN(sum)((s0 + s1) + (s2 + s3));
    for (; c < k; c++) sum += a[c] * b[c];
    return sum;
}

// A stripe of `columns` numbers stays in registers while all the rows pass.
INLINE void FN(weighted_stripe)(const float *matrix, int64_t k, const int32_t *rows, const float *weights,
                                int64_t count, const float *start, float *out, const int vectors) {
    vf acc[8];
    UNROLL for (int j = 0; j < vectors; j++) acc[j] = start ? LOAD(start + j * VL) : (vf)0.0f;
    for (int64_t i = 0; i < count; i++) {
        const float *row = matrix + (int64_t)rows[i] * k;
        vf weight = (vf)weights[i];
        UNROLL for (int j = 0; j < vectors; j++) acc[j] += weight * LOAD(row + j * VL);
    }
    UNROLL for (int j = 0; j < vectors; j++) STORE(out + j * VL, acc[j]);
}

static void FN(weighted_rows)(const float *matrix, int64_t k, const int32_t *rows, const float *weights, int64_t count,
                              const float *start, float *out) {
    int64_t c = 0;
    for (; c + 8 * VL <= k; c += 8 * VL)
        FN(weighted_stripe)(matrix + c, k, rows, weights, count, start ? start + c : NULL, out + c, 8);
    for (; c + VL <= k; c += VL)
        FN(weighted_stripe)(matrix + c, k, rows, weights, count, start ? start + c : NULL, out + c, 1);
    for (; c < k; c++) {
        float sum = start ? start[c] : 0;
        for (int64_t i = 0; i < count; i++) sum += weights[i] * matrix[(int64_t)rows[i] * k + c];
        out[c] = sum;
    }
}

static void FN(add)(const float *x, int64_t count, float *target) {
    for (int64_t i = 0; i < count; i++) target[i] += x[i];
}

INLINE float FN(total)(const float *x, int64_t k) {
    vf sums = (vf)0.0f;
    int64_t c = 0;
    for (; c + VL <= k; c += VL) sums += LOAD(x + c);
    float sum = FN(sum)(sums);
    for (; c < k; c++) sum += x[c];
    return sum;
}

// Σ (x − mean)².
INLINE float FN(square)(const float *x, float mean, int64_t k) {
    if (mean == 0) return FN(dot)(x, x, k);
    vf sums = (vf)0.0f;
    int64_t c = 0;
    for (; c + VL <= k; c += VL) {
        vf d = LOAD(x + c) - (vf)mean;
        sums += d * d;
    }
    float sum = FN(sum)(sums);
    for (; c < k; c++) sum += (x[c] - mean) * (x[c] - mean);
    return sum;
}

// MARK: Transformer blocks

// eˣ to about one unit in the last place: 2ⁿ · p(r), |r| ≤ ½ ln 2, p the degree-7 Taylor polynomial in Horner form.
INLINE vf FN(exp)(vf x) {
    x = __builtin_elementwise_max(__builtin_elementwise_min(x, (vf)88.0f), (vf)-87.0f);
    vf n = __builtin_elementwise_roundeven(x * (vf)1.44269504f);
    vf r = x - n * (vf)0.693359375f + n * (vf)2.12194440e-4f;
    vf p = (vf)(1.0f / 5040);
    p = p * r + (vf)(1.0f / 720);
    p = p * r + (vf)(1.0f / 120);
    p = p * r + (vf)(1.0f / 24);
    p = p * r + (vf)(1.0f / 6);
    p = p * r + (vf)0.5f;
    p = p * r + (vf)1.0f;
    p = p * r + (vf)1.0f;
    vi power = (__builtin_convertvector(n, vi) + 127) << 23;
    return p * (vf)power;
}

// (x − mean) / √(variance + ε) ⊙ weight + bias if centred, x / √(mean square + ε) ⊙ weight if not.
static void FN(norm)(const float *x, int64_t rows, int64_t k, const float *weight, const float *bias, int32_t centred,
                     float epsilon, float *out) {
    for (int64_t t = 0; t < rows; t++, x += k, out += k) {
        float mean = centred ? FN(total)(x, k) / (float)k : 0;
        float scale = 1 / sqrtf(FN(square)(x, mean, k) / (float)k + epsilon);
        for (int64_t c = 0; c < k; c++) out[c] = (x[c] - mean) * scale * weight[c];
        if (bias) FN(add)(bias, k, out);
    }
}

// With x̂ = (x − mean) · scale and g = dy ⊙ weight: dx += scale · (g − mean(g) − x̂ · mean(g ⊙ x̂)), dw += dy ⊙ x̂,
// db += dy; mean(g) only if centred. dw and db may be NULL.
static void FN(norm_gradient)(const float *x, int64_t rows, int64_t k, const float *weight, int32_t centred,
                              float epsilon, int32_t constant_scale, const float *dy, float *dx, float *dw,
                              float *db) {
    for (int64_t t = 0; t < rows; t++, x += k, dy += k, dx += k) {
        float mean = centred ? FN(total)(x, k) / (float)k : 0;
        float scale = 1 / sqrtf(FN(square)(x, mean, k) / (float)k + epsilon);
        vf sums = (vf)0.0f, products = sums;
        int64_t c = 0;
        for (; c + VL <= k; c += VL) {
            vf g = LOAD(dy + c) * LOAD(weight + c);
            sums += g;
            products += g * (LOAD(x + c) - mean);
        }
        float sum = FN(sum)(sums), product = FN(sum)(products);
        for (; c < k; c++) sum += dy[c] * weight[c], product += dy[c] * weight[c] * (x[c] - mean);
        float shift = centred ? sum / (float)k : 0, pull = constant_scale ? 0 : product * scale * scale / (float)k;
        for (c = 0; c < k; c++) dx[c] += scale * (dy[c] * weight[c] - shift - (x[c] - mean) * pull);
        if (dw) for (c = 0; c < k; c++) dw[c] += dy[c] * (x[c] - mean) * scale;
        if (db) FN(add)(dy, k, db);
    }
}

static void FN(rotate)(float *x, int64_t rows, int64_t row_width, int64_t head_width, int64_t rotary_width,
                       const float *cosines, const float *sines) {
    int64_t half = rotary_width / 2;
    for (int64_t t = 0; t < rows; t++)
        for (int64_t head = 0; head < row_width; head += head_width) {
            float *a = x + t * row_width + head, *b = a + half;
            for (int64_t i = 0; i < half; i++) {
                float c = cosines[t * half + i], s = sines[t * half + i], u = a[i], v = b[i];
                a[i] = u * c - v * s;
                b[i] = v * c + u * s;
            }
        }
}

// 1 / (1 + e⁻ˣ); tanh x = 2 σ(2x) − 1.
INLINE vf FN(sigmoid)(vf x) { return (vf)1.0f / ((vf)1.0f + FN(exp)(-x)); }
INLINE vf FN(tanh)(vf x) { return (vf)2.0f * FN(sigmoid)(x + x) - (vf)1.0f; }

// Φ(x), the normal distribution, by Abramowitz and Stegun 7.1.26: within 8e-8.
INLINE vf FN(normal_below)(vf x) {
    vf z = __builtin_elementwise_abs(x) * (vf)0.70710678f;
    vf t = (vf)1.0f / ((vf)1.0f + (vf)0.3275911f * z);
    vf p = (((((vf)1.061405429f * t - (vf)1.453152027f) * t + (vf)1.421413741f) * t - (vf)0.284496736f) * t
            + (vf)0.254829592f) * t;
    vf tail = (vf)0.5f * p * FN(exp)(-z * z);
    return x < (vf)0.0f ? tail : (vf)1.0f - tail;
}

// f(x), and f'(x) into slope.
INLINE vf FN(activation)(int32_t kind, vf x, vf *slope) {
    switch (kind) {
    case PRISM_SILU: {
        vf s = FN(sigmoid)(x);
        *slope = s + x * s * ((vf)1.0f - s);
        return x * s;
    }
    case PRISM_GELU_TANH: {  // x σ(2u), u = √(2/π) (x + 0.044715 x³)
        vf s = FN(sigmoid)((vf)1.5957691216f * (x + (vf)0.044715f * x * x * x));
        *slope = s + x * s * ((vf)1.0f - s) * (vf)1.5957691216f * ((vf)1.0f + (vf)0.134145f * x * x);
        return x * s;
    }
    case PRISM_GELU: {
        vf below = FN(normal_below)(x);
        *slope = below + x * (vf)0.3989422804f * FN(exp)((vf)-0.5f * x * x);
        return x * below;
    }
    default:
        *slope = x > (vf)0.0f ? (vf)1.0f : (vf)0.0f;
        return __builtin_elementwise_max(x, (vf)0.0f);
    }
}

// out = f(gate), times up where it is not NULL.
INLINE void FN(activate_kind)(const int32_t kind, const float *gate, const float *up, int64_t count, float *out) {
    vf slope;
    int64_t i = 0;
    for (; i + VL <= count; i += VL) {
        vf f = FN(activation)(kind, LOAD(gate + i), &slope);
        STORE(out + i, up ? f * LOAD(up + i) : f);
    }
    if (i < count) {
        float g[VL] = {0};
        memcpy(g, gate + i, (count - i) * sizeof(float));
        STORE(g, FN(activation)(kind, LOAD(g), &slope));
        for (int64_t j = i; j < count; j++) out[j] = up ? g[j - i] * up[j] : g[j - i];
    }
}

// dgate = d · up · f'(gate) and dup = d · f(gate); up and dup may be NULL together.
INLINE void FN(activate_kind_gradient)(const int32_t kind, const float *gate, const float *up, const float *d,
                                       int64_t count, float *dgate, float *dup) {
    for (int64_t i = 0; i < count; i += VL) {
        float g[VL] = {0}, slopes[VL];
        int64_t lanes = FN(least)(VL, count - i);
        memcpy(g, gate + i, lanes * sizeof(float));
        vf slope, f = FN(activation)(kind, LOAD(g), &slope);
        STORE(g, f);
        STORE(slopes, slope);
        for (int64_t j = 0; j < lanes; j++) {
            dgate[i + j] = d[i + j] * slopes[j] * (up ? up[i + j] : 1);
            if (dup) dup[i + j] = d[i + j] * g[j];
        }
    }
}

// The kind as a constant, so that its branch leaves the loop.
#define ACTIVATION(function, ...)                                       \
    switch (kind) {                                                     \
    case PRISM_SILU: function(PRISM_SILU, __VA_ARGS__); break;          \
    case PRISM_GELU: function(PRISM_GELU, __VA_ARGS__); break;          \
    case PRISM_GELU_TANH: function(PRISM_GELU_TANH, __VA_ARGS__); break; \
    default: function(PRISM_RELU, __VA_ARGS__);                         \
    }

static void FN(activate)(int32_t kind, const float *gate, const float *up, int64_t count, float *out) {
    ACTIVATION(FN(activate_kind), gate, up, count, out)
}

static void FN(activate_gradient)(int32_t kind, const float *gate, const float *up, const float *d, int64_t count,
                                  float *dgate, float *dup) {
    ACTIVATION(FN(activate_kind_gradient), gate, up, d, count, dgate, dup)
}

// cap · tanh(x / cap) in place.
static void FN(soft_cap)(float *x, int64_t count, float cap) {
    int64_t i = 0;
    for (; i + VL <= count; i += VL) STORE(x + i, (vf)cap * FN(tanh)(LOAD(x + i) / (vf)cap));
    if (i < count) {
        float rest[VL] = {0};
        memcpy(rest, x + i, (count - i) * sizeof(float));
        STORE(rest, (vf)cap * FN(tanh)(LOAD(rest) / (vf)cap));
        memcpy(x + i, rest, (count - i) * sizeof(float));
    }
}

INLINE int64_t FN(round_up)(int64_t n, int64_t to) { return (n + to - 1) / to * to; }

static int64_t FN(attention_floats)(int64_t rows, int64_t positions, int64_t head_width) {
    int64_t padded = FN(round_up)(positions, NR);
    return padded * head_width + FN(round_up)(head_width, NR) * padded + rows * padded;
}

// Softmax over scores[0 ..< count], in place; zeros up to `padded`.
INLINE void FN(softmax)(float *scores, int64_t count, int64_t padded, float scale) {
    for (int64_t i = count; i < FN(round_up)(count, VL); i++) scores[i] = -INFINITY;
    vf peak = (vf)-INFINITY;
    for (int64_t i = 0; i < count; i += VL) peak = __builtin_elementwise_max(peak, LOAD(scores + i));
    float top = peak[0];
    UNROLL for (int i = 1; i < VL; i++) top = top > peak[i] ? top : peak[i];
    vf total = (vf)0.0f;
    for (int64_t i = 0; i < count; i += VL) {
        vf e = FN(exp)((LOAD(scores + i) - (vf)top) * (vf)scale);
        for (int64_t j = count - i; j < VL; j++) e[j] = 0;
        total += e;
        STORE(scores + i, e);
    }
    vf inverse = (vf)(1 / FN(sum)(total));
    for (int64_t i = 0; i < count; i += VL) STORE(scores + i, LOAD(scores + i) * inverse);
    for (int64_t i = FN(round_up)(count, VL); i < padded; i++) scores[i] = 0;
}

// The attention weights of the query at `position` from its products with the keys, in place: scaled, soft-capped,
// normalised over the window that ends there; zeros elsewhere up to `padded`, a multiple of VL.
INLINE void FN(attention_row)(float *scores, int64_t position, int64_t padded, float scale, float cap,
                              int64_t window) {
    int64_t count = position + 1, first = window > 0 && count > window ? count - window : 0;
    if (cap > 0) {
        for (int64_t i = first; i < count; i++) scores[i] *= scale;
        FN(soft_cap)(scores + first, count - first, cap);
        scale = 1;
    }
    if (first > 0) {
        // Vectors begin at the window, and what they write behind the row's end must stay inside it.
        float *own = scores + first;
        int64_t seen = count - first, whole = seen / VL * VL;
        float top = own[0], total = 0;
        for (int64_t i = 1; i < seen; i++) top = top > own[i] ? top : own[i];
        for (int64_t i = 0; i < whole; i += VL) STORE(own + i, FN(exp)((LOAD(own + i) - (vf)top) * (vf)scale));
        for (int64_t i = whole; i < seen; i++) {
            vf e = FN(exp)(((vf)own[i] - (vf)top) * (vf)scale);
            own[i] = e[0];
        }
        for (int64_t i = 0; i < seen; i++) total += own[i];
        for (int64_t i = 0; i < seen; i++) own[i] /= total;
        memset(scores, 0, first * sizeof(float));
        memset(scores + count, 0, (padded - count) * sizeof(float));
        return;
    }
    FN(softmax)(scores, count, padded, scale);
}

// The weights of consecutive queries, the first at `position`; rows of `padded` numbers, a multiple of PRISM_ROW_LANES.
static void FN(attention_rows)(float *scores, int64_t rows, int64_t padded, int64_t position, float scale, float cap,
                               int64_t window) {
    for (int64_t t = 0; t < rows; t++)
        FN(attention_row)(scores + t * padded, position + t, padded, scale, cap, window);
}

// From dp, the gradient of weights p, that of the products before scale and cap, over dp: with s' = p (dp − Σ dp p),
// scale · s', times 1 − tanh² where capped; `raw` holds the products then, else it may be NULL.
static void FN(attention_rows_gradient)(const float *p, const float *raw, float *dp, int64_t rows, int64_t padded,
                                        float scale, float cap) {
    for (int64_t t = 0; t < rows; t++, p += padded, dp += padded) {
        float mean = FN(dot)(p, dp, padded);
        for (int64_t i = 0; i < padded; i++) dp[i] = scale * p[i] * (dp[i] - mean);
        if (cap > 0) {
            for (int64_t i = 0; i < padded; i += VL) {
                vf h = FN(tanh)(LOAD(raw + t * padded + i) * (vf)(scale / cap));
                vf d = LOAD(dp + i);
                STORE(dp + i, d * ((vf)1.0f - h * h));
            }
        }
    }
}

static void FN(attention)(const float *q, int64_t rows, int64_t heads, const float *keys, const float *values,
                          int64_t positions, int64_t kv_heads, int64_t head_width, float scale, float cap,
                          int64_t window, float *out, float *scratch) {
    int64_t padded = FN(round_up)(positions, NR), past = positions - rows;
    int64_t group = heads / kv_heads, ldq = heads * head_width, ldkv = kv_heads * head_width;
    float *key_panels = scratch, *value_panels = key_panels + padded * head_width;
    float *scores = value_panels + FN(round_up)(head_width, NR) * padded;
    for (int64_t kv = 0; kv < kv_heads; kv++) {
        const float *k0 = keys + kv * head_width, *v0 = values + kv * head_width;
        for (int64_t p = 0; p < padded; p++)
            for (int64_t c = 0; c < head_width; c++)
                key_panels[p / NR * NR * head_width + c * NR + p % NR] = p < positions ? k0[p * ldkv + c] : 0;
        for (int64_t n0 = 0; n0 < head_width; n0 += NR)
            for (int64_t p = 0; p < positions; p++)
                for (int64_t j = 0; j < NR; j++)
                    value_panels[n0 * positions + p * NR + j] = n0 + j < head_width ? v0[p * ldkv + n0 + j] : 0;
        for (int64_t h = kv * group; h < (kv + 1) * group; h++)
            for (int64_t t = 0; t < rows; t += MR) {
                // These rows see `seen` positions at most; each row's own limit is applied by the softmax.
                int64_t mr = FN(least)(MR, rows - t), seen = past + t + mr;
                FN(gemm_strided)(q + t * ldq + h * head_width, ldq, mr, head_width, key_panels, FN(round_up)(seen, NR),
                                 scores, padded);
                for (int64_t i = 0; i < mr; i++)
                    FN(attention_row)(scores + i * padded, past + t + i, FN(round_up)(seen, NR), scale, cap, window);
                for (int64_t n0 = 0; n0 < head_width; n0 += NR) {
                    vf sums[MR][NV];
                    TILE(FN(tile_f32), (int)mr, scores, padded, value_panels + n0 * positions, seen, sums)
                    FN(store_tile)(sums, (int)mr, out + t * ldq + h * head_width + n0, ldq, head_width - n0);
                }
            }
    }
}

// −log softmax(logits)[target]; gradient = scale · (softmax − 1 at target).
static float FN(cross_entropy)(const float *logits, int64_t n, int64_t target, float scale, float *gradient) {
    float top = -INFINITY;
    for (int64_t i = 0; i < n; i++) top = logits[i] > top ? logits[i] : top;
    vf sums = (vf)0.0f;
    int64_t i = 0;
    for (; i + VL <= n; i += VL) {
        vf e = FN(exp)(LOAD(logits + i) - (vf)top);
        sums += e;
        STORE(gradient + i, e);
    }
    float sum = FN(sum)(sums);
    for (; i < n; i++) {
        vf e = FN(exp)((vf)(logits[i] - top));
        sum += gradient[i] = e[0];
    }
    float factor = scale / sum;
    for (i = 0; i < n; i++) gradient[i] *= factor;
    gradient[target] -= scale;
    return logf(sum) + top - logits[target];
}

// MARK: Encoding

// Numbers become integers times a scale. Sixteen bits: no int32 sum of products can overflow (Cauchy–Schwarz:
// 45000² < 2³¹). Eight bits: see dot_i8; VNNI machines have no int16 sums and use the whole byte.
#define PAIR_NORM 45000.0f
#define PAIR_PEAK 32766.0f
#if ISA == ISA_AVX512
#define BYTE_PEAK 127
#else
#define BYTE_PEAK 63
#endif

// What rounding a vector to integers kept and lost.
typedef struct {
    float scale;  // x ≈ scale · integer
    float whole;  // ‖x‖
    float lost;   // ‖x − scale · integer‖
    float kept;   // ‖scale · integer‖
    int32_t sum;  // Σ integer
} FN(rounding);

INLINE float FN(peak)(const float *x, int64_t k) {
    vf largest = (vf)0.0f;
    int64_t c = 0;
    for (; c + VL <= k; c += VL) largest = __builtin_elementwise_max(largest, __builtin_elementwise_abs(LOAD(x + c)));
    float peak = 0;
    UNROLL for (int i = 0; i < VL; i++) peak = peak > largest[i] ? peak : largest[i];
    for (; c < k; c++) peak = fabsf(x[c]) > peak ? fabsf(x[c]) : peak;
    return peak;
}

// Lanes hold pairs of int16 or quads of int8 in 32 bits; the lanes of one vector lie `stride` apart.
INLINE FN(rounding) FN(quantise)(const float *x, int64_t k, int bits, int shift, int32_t *lanes, int64_t stride) {
    FN(rounding) result = {0};
    const float peak = FN(peak)(x, k);
    result.whole = sqrtf(FN(dot)(x, x, k));
    if (!isfinite(result.whole)) {  // no finite bound: every comparison with it fails, so nothing is selected
        result.lost = result.kept = NAN;
        return result;
    }
    // Squares below the smallest fp32 number vanish from the norms; this much they can hide.
    const float hidden = peak > 0 ? 1.1e-19f * sqrtf((float)k) : 0;
    result.whole += hidden;
    float scale = bits == 8 ? peak / BYTE_PEAK : peak / PAIR_PEAK;
    if (bits == 16 && result.whole / PAIR_NORM > scale) scale = result.whole / PAIR_NORM;
    if (!(scale > 1e-30f)) scale = 1e-30f;
    const vf inverse = (vf)(1 / scale);
    vf lost = (vf)0.0f, kept = (vf)0.0f;
    for (int64_t c = 0; c < k; c += VL) {
        // The last vector is filled up with zeros, which round to zero and lose nothing.
        float padded[VL] = {0};
        const int64_t count = FN(least)(VL, k - c);
        const float *source = x + c;
        if (count < VL) source = memcpy(padded, source, count * sizeof(float));
        const vf value = LOAD(source), r = __builtin_elementwise_roundeven(value * inverse);
        const vf whole = r * (vf)scale, rest = value - whole;
        lost += rest * rest, kept += whole * whole;
        const vi integers = __builtin_convertvector(r, vi);
        for (int64_t i = 0; i < count; i++) {
            result.sum += integers[i];
            if (bits == 8) ((int8_t *)(lanes + (c + i) / 4 * stride))[(c + i) & 3] = (int8_t)(integers[i] + shift);
            else ((int16_t *)(lanes + (c + i) / 2 * stride))[(c + i) & 1] = (int16_t)integers[i];
        }
    }
    result.scale = scale, result.lost = sqrtf(FN(sum)(lost)) + hidden, result.kept = sqrtf(FN(sum)(kept)) + hidden;
    return result;
}

// 32-bit lanes that one vector of k numbers takes; the trailing ones stay zero.
INLINE int64_t FN(lanes)(int64_t k, int bits) { return bits == 8 ? (k + 7) / 8 * 2 : (k + 1) / 2; }

static int64_t FN(encoder_lanes)(int64_t n, int64_t k, int64_t bits) {
    return FN(round_up)(n, NR) * FN(lanes)(k, (int)bits);
}

// Relative slack for the rounding of fp32 sums of k products, in any order: k · 2⁻²⁴, and the square roots' own.
INLINE float FN(slack)(int64_t k) { return (float)(k + 16) * 0x1p-24f; }

// One panel (n ≤ NR latents) of an encoder's weights, with what `encode` needs to bound its own error.
static void FN(pack_encoder)(const float *w, int64_t n, int64_t k, int64_t bits, int32_t *panel, float *scale,
                             float *offset, float *error, float *norm) {
    memset(panel, 0, FN(lanes)(k, (int)bits) * NR * 4);
    for (int64_t j = 0; j < n; j++) {
        FN(rounding) r = bits == 8 ? FN(quantise)(w + j * k, k, 8, 0, panel + j, NR)
                                   : FN(quantise)(w + j * k, k, 16, 0, panel + j, NR);
        scale[j] = r.scale, offset[j] = bits == 8 ? (float)(r.sum * BYTE_PEAK) : 0;
        error[j] = 1.001f * r.lost + 2 * FN(slack)(k) * r.whole, norm[j] = 1.001f * r.kept;
    }
}

// A latent that a row may keep: its pre-activation lies in lower ... upper.
typedef struct {
    float upper, lower;
    int32_t latent;
} FN(candidate);
#define candidate FN(candidate)

// The candidates of all rows for one selection. A row's are in the order of their latents, because panels come in that
// order and nothing here changes it.
typedef struct {
    prism_selection wanted;
    candidate *all;                   // [rows, capacity]
    int64_t capacity;
    float limit[PRISM_ENCODE_ROWS];   // what an upper limit must exceed to enter
    int64_t filled[PRISM_ENCODE_ROWS];
} FN(shortlist);
#define shortlist FN(shortlist)

INLINE int64_t FN(capacity)(int64_t kept) { return kept + (kept > 96 ? kept : 96) + NR; }

static int64_t FN(encode_scratch_bytes)(int64_t rows, int64_t k, const prism_selection *selections, int64_t count) {
    const int64_t lanes = FN(lanes)(k, 16) > FN(lanes)(k, 8) ? FN(lanes)(k, 16) : FN(lanes)(k, 8);
    int64_t candidates = 0, longest = 0;
    for (int64_t s = 0; s < count; s++) {
        const int64_t capacity = FN(capacity)(selections[s].k);
        candidates += rows * capacity, longest = capacity > longest ? capacity : longest;
    }
    return FN(round_up)(rows, MR > MR8 ? MR : MR8) * lanes * 4 + candidates * (int64_t)sizeof(candidate)
        + FN(round_up)(longest, VL) * 4;
}

// A number that at least k of the n numbers reach and no more than k exceed (n ≥ k ≥ 1), found bit by bit from the top.
// Overwrites v, which has room for whole vectors.
INLINE float FN(kth_largest)(float *v, int64_t n, int64_t k) {
    memset(v + n, 0xff, (FN(round_up)(n, VL) - n) * 4);
    for (int64_t i = 0; i < n; i += VL) {
        // Integers in the order of the numbers; what fills the last vector up comes out as the smallest of all.
        const vi bits = (vi)LOAD(v + i);
        STORE(v + i, (vf)(bits ^ ((bits >> 31) & 0x7fffffff)));
    }
    int32_t found = INT32_MIN;
    for (int bit = 31; bit >= 0; bit--) {
        const int32_t next = (int32_t)((uint32_t)found + (1u << bit));
        vi reached = (vi)0;
        for (int64_t i = 0; i < n; i += VL) reached -= (vi)LOAD(v + i) >= (vi)next;
        int64_t count = 0;
        UNROLL for (int i = 0; i < VL; i++) count += reached[i];
        if (count >= k) found = next;
        if (count == k) break;
    }
    found ^= (found >> 31) & 0x7fffffff;
    float number;
    memcpy(&number, &found, 4);
    return number;
}

INLINE void FN(rescore)(const prism_encoder *e, const float *x, candidate *c, int64_t count) {
    for (int64_t i = 0; i < count; i++) {
        if (i + 2 < count) {
            const char *ahead = (const char *)(e->weight + (int64_t)c[i + 2].latent * e->width);
            for (int64_t b = 0; b < e->width * 4; b += 64) __builtin_prefetch(ahead + b);
        }
        if (c[i].upper == c[i].lower) continue;
        c[i].upper = FN(dot)(x, e->weight + (int64_t)c[i].latent * e->width, e->width) + e->bias[c[i].latent];
        c[i].lower = c[i].upper;
    }
}

// Keeps the k largest of n > k exact candidates; of equal ones those of the lower latents. Returns what k of them reach.
INLINE float FN(keep_exact)(candidate *c, int64_t n, int64_t k, float *numbers) {
    for (int64_t i = 0; i < n; i++) numbers[i] = c[i].upper;
    const float least = FN(kth_largest)(numbers, n, k);
    int64_t ties = k, kept = 0;
    for (int64_t i = 0; i < n; i++) ties -= c[i].upper > least;
    for (int64_t i = 0; i < n; i++)
        if (c[i].upper > least || (c[i].upper == least && ties-- > 0)) c[kept++] = c[i];
    return least;
}

// Drops candidates of a row that cannot be among the k largest; its limit rises to what a newcomer must exceed.
INLINE void FN(prune)(const prism_encoder *e, const float *x, shortlist *list, int64_t row, int64_t room,
                      float *numbers) {
    candidate *c = list->all + row * list->capacity;
    const int64_t count = list->filled[row], k = list->wanted.k;
    if (count <= k) return;
    for (int64_t i = 0; i < count; i++) numbers[i] = c[i].lower;
    float sure = FN(kth_largest)(numbers, count, k);
    int64_t kept = 0;
    for (int64_t i = 0; i < count; i++) {
        c[kept] = c[i];
        kept += c[i].upper >= sure;
    }
    if (kept > room) {
        // Bounds alone do not decide (near ties): compute the candidates exactly.
        FN(rescore)(e, x, c, kept);
        sure = FN(keep_exact)(c, kept, k, numbers);
        kept = k;
    }
    if (sure > list->limit[row]) list->limit[row] = sure;
    list->filled[row] = kept;
}

// Keeps a row's candidates whose exact pre-activation exceeds their floor.
INLINE void FN(sift)(const prism_encoder *e, const float *x, shortlist *list, int64_t row) {
    candidate *c = list->all + row * list->capacity;
    FN(rescore)(e, x, c, list->filled[row]);
    int64_t kept = 0;
    for (int64_t i = 0; i < list->filled[row]; i++)
        if (c[i].upper > list->wanted.floor[c[i].latent]) c[kept++] = c[i];
    list->filled[row] = kept;
}

// Computes all rows' candidates exactly, latents of a few panels at a time, so that a weight row is in the cache for every
// row of x that wants it.
INLINE void FN(rescore_rows)(const prism_encoder *e, const float *x, int64_t rows, shortlist *list) {
    int64_t next[PRISM_ENCODE_ROWS] = {0};
    for (int64_t end = 0; end < e->latent_count;) {
        end += 64;
        for (int64_t row = 0; row < rows; row++) {
            candidate *c = list->all + row * list->capacity + next[row];
            int64_t count = 0;
            while (next[row] + count < list->filled[row] && c[count].latent < end) count++;
            FN(rescore)(e, x + row * e->width, c, count);
            next[row] += count;
        }
    }
}

// How far a screened product may lie from the exact one. With x = x̃ + δx and w = w̃ + δw the difference is x·δw + δx·w̃.
// Sixteen bits: Cauchy–Schwarz, so the selection is exact, certainly. Eight bits: rounding errors as independent, three
// standard deviations of their sum on either side, so that a latent is missed only where rounding parts it and the k-th
// largest by six. Either way `rounding` comes on top, what adding the bias can lose.
INLINE vf FN(bound)(int bits, float row_norm, float row_lost, vf error, vf norm, vf rounding) {
    vf a = (vf)row_norm * error, b = (vf)row_lost * norm;
    return (bits == 16 ? a + b : __builtin_elementwise_sqrt(a * a + b * b)) + rounding;
}

// Writes a row's codes from its candidates, all exact by now.
INLINE void FN(settle)(const prism_encoder *e, const float *x, shortlist *list, int64_t row, float *numbers) {
    const prism_selection *wanted = &list->wanted;
    candidate *c = list->all + row * list->capacity;
    int64_t count = list->filled[row], active = 0;
    if (wanted->keeps_all) {
        FN(sift)(e, x, list, row);
        count = list->filled[row];
    } else if (count > wanted->k) {
        FN(keep_exact)(c, count, wanted->k, numbers);
        count = wanted->k;
    }
    for (int64_t i = 0; i < FN(least)(count, wanted->k); i++)
        if (wanted->keeps_all || c[i].upper > 0) {
            wanted->indices[row * wanted->k + active] = c[i].latent;
            wanted->values[row * wanted->k + active++] = c[i].upper;
        }
    wanted->counts[row] = (int32_t)(count > wanted->k ? wanted->k + 1 : active);
}

INLINE void FN(encode_bits)(const prism_encoder *e, const int bits, const float *x, int64_t rows,
                            const prism_selection *selections, int64_t count, void *scratch) {
    const int64_t k = e->width, lanes = FN(lanes)(k, bits);
    const float spread = bits == 16 ? 1 : 3 / sqrtf((float)k);
    const int tall = bits == 16 ? MR : MR8;
    float row_scale[PRISM_ENCODE_ROWS], row_norm[PRISM_ENCODE_ROWS], row_lost[PRISM_ENCODE_ROWS];
    int32_t *quantised = scratch;
    memset(quantised, 0, FN(round_up)(rows, tall) * lanes * sizeof(int32_t));
    for (int64_t r = 0; r < rows; r++) {
        FN(rounding) q = FN(quantise)(x + r * k, k, bits, bits == 8 ? BYTE_PEAK : 0,
                                      quantised + r / tall * tall * lanes + r % tall, tall);
        row_scale[r] = q.scale, row_norm[r] = 1.001f * spread * q.whole, row_lost[r] = 1.001f * spread * q.lost;
    }

    shortlist lists[PRISM_ENCODE_SELECTIONS];
    candidate *free = (candidate *)(quantised + FN(round_up)(rows, tall) * lanes);
    for (int64_t s = 0; s < count; s++) {
        shortlist *list = &lists[s];
        list->wanted = selections[s], list->all = free, list->capacity = FN(capacity)(selections[s].k);
        free += rows * list->capacity;
        for (int64_t r = 0; r < rows; r++) list->limit[r] = selections[s].keeps_all ? -INFINITY : 0, list->filled[r] = 0;
    }
    float *numbers = (float *)free;

    for (int64_t n0 = 0; n0 < e->latent_count; n0 += NR) {
        vf scale[NV], offset[NV], bias[NV], error[NV], norm[NV], rounding[NV], floor[PRISM_ENCODE_SELECTIONS][NV];
        UNROLL for (int j = 0; j < NV; j++) {
            int64_t n = n0 + j * VL;
            // Arrays are padded to whole panels; latents that do not exist have a bias of −∞.
            scale[j] = LOAD(e->scale + n), offset[j] = LOAD(e->offset + n), bias[j] = LOAD(e->bias + n);
            error[j] = LOAD(e->error + n), norm[j] = LOAD(e->norm + n);
            // Half a unit in the last place for each of: product + bias here, there, and the two limits of the interval.
            rounding[j] = __builtin_elementwise_abs(bias[j]) * (vf)0x1p-22f;
            for (int64_t s = 0; s < count; s++)
                floor[s][j] = selections[s].floor ? LOAD(selections[s].floor + n) : (vf)(-INFINITY);
        }
        for (int64_t r = 0; r < rows; r += tall) {
            vf sums[MR][NV];
            int mr = (int)FN(least)(tall, rows - r);
            if (bits == 16) {
                TILE(FN(tile_i16), mr, quantised + r * lanes, e->panels + n0 * lanes, lanes, sums)
            } else {
                TILE(FN(tile_i8), mr, quantised + r * lanes, e->panels + n0 * lanes, lanes, sums)
            }
            for (int i = 0; i < mr; i++) {
                const int64_t row = r + i;
                vf middle[NV], bound[NV];
                UNROLL for (int j = 0; j < NV; j++) {
                    bound[j] = FN(bound)(bits, row_norm[row], row_lost[row], error[j], norm[j], rounding[j]);
                    middle[j] = (sums[i][j] - offset[j]) * ((vf)row_scale[row] * scale[j]) + bias[j];
                }
                for (int64_t s = 0; s < count; s++) {
                    shortlist *list = &lists[s];
                    candidate *c = list->all + row * list->capacity;
                    UNROLL for (int j = 0; j < NV; j++) {
                        uint32_t hits = FN(above)(middle[j] + bound[j],
                                                  __builtin_elementwise_max(floor[s][j], (vf)list->limit[row]));
                        if (__builtin_expect(hits != 0, 0)) {
                            float middles[VL], bounds[VL];
                            STORE(middles, middle[j]), STORE(bounds, bound[j]);
                            for (; hits; hits &= hits - 1) {
                                int lane = __builtin_ctz(hits);
                                c[list->filled[row]++] =
                                    (candidate){middles[lane] + bounds[lane], middles[lane] - bounds[lane],
                                                (int32_t)(n0 + j * VL + lane)};
                            }
                        }
                    }
                    if (__builtin_expect(list->filled[row] > list->capacity - NR, 0)) {
                        if (list->wanted.keeps_all) {
                            FN(sift)(e, x + row * k, list, row);
                            // More than there are places for, which is all that the caller will be told.
                            if (list->filled[row] > list->wanted.k) list->limit[row] = INFINITY;
                        } else {
                            FN(prune)(e, x + row * k, list, row, list->capacity - NR, numbers);
                        }
                    }
                }
            }
        }
    }

    for (int64_t s = 0; s < count; s++) {
        shortlist *list = &lists[s];
        if (!list->wanted.keeps_all)
            for (int64_t row = 0; row < rows; row++) FN(prune)(e, x + row * k, list, row, list->capacity, numbers);
        FN(rescore_rows)(e, x, rows, list);
        for (int64_t row = 0; row < rows; row++) FN(settle)(e, x + row * k, list, row, numbers);
    }
}

// Of each row the latents that the selections ask for: every product is screened in a few bits together with a bound of
// its error, and those that may be wanted are computed in fp32 by `dot`.
static void FN(encode)(const prism_encoder *e, const float *x, int64_t rows, const prism_selection *selections,
                       int64_t count, void *scratch) {
    if (e->bits == 16) FN(encode_bits)(e, 16, x, rows, selections, count, scratch);
    else FN(encode_bits)(e, 8, x, rows, selections, count, scratch);
}

// MARK: Optimiser

static void FN(adam)(float *w, const float *g, float *m, float *v, int64_t count, float gradient_scale, float rate,
                     float beta1, float beta2, float correction1, float correction2, float epsilon) {
    int64_t i = 0;
    for (; i + VL <= count; i += VL) {
        vf gi = LOAD(g + i) * (vf)gradient_scale;
        vf first = (vf)beta1 * LOAD(m + i) + (vf)(1 - beta1) * gi;
        vf second = (vf)beta2 * LOAD(v + i) + (vf)(1 - beta2) * gi * gi;
        vf root = __builtin_elementwise_sqrt(second * (vf)correction2) + (vf)epsilon;
        STORE(m + i, first);
        STORE(v + i, second);
        STORE(w + i, LOAD(w + i) - (vf)rate * (first * (vf)correction1) / root);
    }
    for (; i < count; i++) {
        float gi = g[i] * gradient_scale;
        m[i] = beta1 * m[i] + (1 - beta1) * gi;
        v[i] = beta2 * v[i] + (1 - beta2) * gi * gi;
        w[i] -= rate * (m[i] * correction1) / (sqrtf(v[i] * correction2) + epsilon);
    }
}

#include "toy.h"

static const prism_kernels FN(table) = {
    NAME, NR,
    FN(panel_floats), FN(panel_pairs), FN(bf16_words), FN(pack_f32), FN(pack_bf16), FN(round_bf16), FN(gemm_f32), FN(gemm_bf16),
    FN(norm), FN(norm_gradient), FN(attention_floats), FN(attention), FN(attention_rows), FN(attention_rows_gradient),
    FN(rotate), FN(activate), FN(activate_gradient), FN(soft_cap), FN(cross_entropy), FN(add),
    FN(dot), FN(weighted_rows),
    FN(encoder_lanes), FN(pack_encoder), FN(encode_scratch_bytes), FN(encode),
    FN(adam),
    FN(toy_product), FN(toy_accumulate), FN(toy_draw), FN(toy_error),
    FN(narrow_product), FN(narrow_accumulate), FN(narrow_draw), FN(narrow_error),
};

#undef shortlist
#undef candidate
#undef MR8
#undef BYTE_PEAK
#undef ACTIVATION
#undef PAIR_PEAK
#undef PAIR_NORM
#undef TILE
#undef TILE_TALL
#undef LOAD
#undef STORE
#undef UNROLL
#undef INLINE
#undef vf
#undef vi
#undef NR
#undef NV
#undef MR
#undef VL
#undef SUFFIX
#undef ISA
