// The hot loops of Prism. No allocation, no threads, no errors: callers check shapes and pass scratch memory.
// The contract of each function is in KERNELS.md; this header only names shapes.
//
// T rows (tokens) · N outputs (latents) · K inputs (width) · all matrices row-major fp32 unless said otherwise.
#pragma once
#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

/// An encoder laid out for `encode`. Arrays have room for whole panels; behind the last latent the bias is −∞.
typedef struct {
    int64_t latent_count;   // N
    int64_t width;          // K
    int64_t bits;           // of the screening integers: 16 or 8
    const float *weight;    // [N, K]
    const float *bias;      // [N]
    const int32_t *panels;  // [N / NR][lanes][NR], a lane holding two int16 or four int8
    const float *scale;     // [N] weight ≈ scale · integer
    const float *offset;    // [N] what shifting x to unsigned bytes adds to a product
    const float *error;     // [N] ‖weight − scale · integer‖, plus the slack of fp32 sums
    const float *norm;      // [N] ‖scale · integer‖
} prism_encoder;

/// Which latents `encode` keeps of each row, and where.
typedef struct {
    int64_t k;            // places per row
    int32_t keeps_all;    // 1: every latent whose pre-activation exceeds its floor; 0: the k largest positive
    const float *floor;   // [N], room for whole panels; of the k largest 0, or ∞ for latents to leave out, or NULL
    int32_t *counts;      // [T]
    int32_t *indices;     // [T, k]
    float *values;        // [T, k]
} prism_selection;

/// Selections that `encode` makes at once at most.
#define PRISM_ENCODE_SELECTIONS 2

/// What `activate` computes.
#define PRISM_RELU 0
#define PRISM_SILU 1
#define PRISM_GELU 2
#define PRISM_GELU_TANH 3

/// What the rows of `attention_rows` are padded to.
#define PRISM_ROW_LANES 16

/// One function table per instruction set; immutable, so it may be shared between threads.
typedef struct __attribute__((swift_attr("@Sendable"))) prism_kernels {
    const char *name;
    int64_t panel_width;  // NR: outputs in one panel

    // Matrix products
    int64_t (*panel_floats)(int64_t n, int64_t k);
    int64_t (*panel_pairs)(int64_t n, int64_t k);
    int64_t (*bf16_words)(int64_t k);
    void (*pack_f32)(const float *w, int64_t n, int64_t k, float *panels);
    void (*pack_bf16)(const float *w, int64_t n, int64_t k, uint32_t *panels);
    void (*round_bf16)(const float *x, int64_t rows, int64_t k, uint32_t *words);
    void (*gemm_f32)(const float *x, int64_t rows, int64_t k, const float *panels, int64_t n, float *out);
    void (*gemm_bf16)(const uint32_t *words, int64_t rows, int64_t k, const uint32_t *panels, int64_t n, float *out);

    // Transformer blocks
    void (*norm)(const float *x, int64_t rows, int64_t k, const float *weight, const float *bias, int32_t centred,
                 float epsilon, float *out);
    void (*norm_gradient)(const float *x, int64_t rows, int64_t k, const float *weight, int32_t centred, float epsilon,
                          int32_t constant_scale, const float *dy, float *dx, float *dw, float *db);
    int64_t (*attention_floats)(int64_t rows, int64_t positions, int64_t head_width);
    void (*attention)(const float *q, int64_t rows, int64_t heads, const float *keys, const float *values,
                      int64_t positions, int64_t kv_heads, int64_t head_width, float scale, float cap, int64_t window,
                      float *out, float *scratch);
    void (*attention_rows)(float *scores, int64_t rows, int64_t padded, int64_t position, float scale, float cap,
                           int64_t window);
    void (*attention_rows_gradient)(const float *p, const float *raw, float *dp, int64_t rows, int64_t padded,
                                    float scale, float cap);
    void (*rotate)(float *x, int64_t rows, int64_t row_width, int64_t head_width, int64_t rotary_width,
                   const float *cosines, const float *sines);
    void (*activate)(int32_t kind, const float *gate, const float *up, int64_t count, float *out);
    void (*activate_gradient)(int32_t kind, const float *gate, const float *up, const float *d, int64_t count,
                              float *dgate, float *dup);
    void (*soft_cap)(float *x, int64_t count, float cap);
    float (*cross_entropy)(const float *logits, int64_t n, int64_t target, float scale, float *gradient);
    void (*add)(const float *x, int64_t count, float *target);

    // Vectors and sparse codes
    float (*dot)(const float *a, const float *b, int64_t k);
    void (*weighted_rows)(const float *matrix, int64_t k, const int32_t *rows, const float *weights, int64_t count,
                          const float *start, float *out);

    // Encoding
    int64_t (*encoder_lanes)(int64_t n, int64_t k, int64_t bits);
    void (*pack_encoder)(const float *w, int64_t n, int64_t k, int64_t bits, int32_t *panel, float *scale,
                         float *offset, float *error, float *norm);
    int64_t (*encode_scratch_bytes)(int64_t rows, int64_t k, const prism_selection *selections, int64_t count);
    void (*encode)(const prism_encoder *encoder, const float *x, int64_t rows, const prism_selection *selections,
                   int64_t count, void *scratch);

    // Optimiser
    void (*adam)(float *w, const float *g, float *m, float *v, int64_t count, float gradient_scale, float rate,
                 float beta1, float beta2, float correction1, float correction2, float epsilon);

    // Toy models: blocks of rows of T samples, all row widths multiples of PRISM_TOY_LANES
    void (*toy_product)(const float *a, int64_t lda, int64_t rows, int64_t k, const float *b, int64_t n,
                        const float *bias, int32_t sparse, float *out);
    void (*toy_accumulate)(const float *a, int64_t lda, int64_t rows, int64_t k, const float *b, int64_t n,
                           int32_t sparse, float *out);
    int64_t (*toy_draw)(uint32_t *state, int64_t rows, int64_t n, int64_t stride, const int32_t *threshold,
                        const float *scale, const float *offset, float *out);
    int64_t (*toy_error)(float *out, const float *target, const float *importance, int64_t rows, int64_t n,
                         int32_t rectified, float factor, float *bias_gradient, double *loss);

    // Narrow toy models: blocks of a row for each feature, samples a multiple of PRISM_TOY_LANES
    void (*narrow_product)(const float *w, int64_t wrow, int64_t wstep, int64_t m, int64_t k, const float *x,
                           int64_t samples, const float *bias, float *out);
    void (*narrow_accumulate)(const float *a, int64_t k, const float *b, int64_t m, int64_t samples, float *out,
                              int64_t ldo);
    void (*narrow_draw)(uint32_t *state, int64_t n, int64_t samples, const int32_t *threshold, const float *scale,
                        const float *offset, float *out);
    void (*narrow_error)(float *out, const float *target, const float *importance, int64_t n, int64_t samples,
                         int32_t rectified, float factor, float *bias_gradient, double *loss);
} prism_kernels;

/// Rows that `encode` takes at once at most.
#define PRISM_ENCODE_ROWS 96

/// What the row widths of toy models' matrices are multiples of.
#define PRISM_TOY_LANES 8

/// The best table for this processor, or the one that the environment variable PRISM_ISA names (generic, avx2,
/// avx512): NULL where the processor lacks that one. Chosen once.
const prism_kernels *prism_kernels_best(void);

/// The table of that name, or NULL where the processor lacks it.
const prism_kernels *prism_kernels_named(const char *name);

/// Makes the calling thread treat denormal numbers as zero; moments of latents that stay silent would crawl otherwise.
/// Returns what `prism_restore_denormals` takes to put the thread back as it was.
uint64_t prism_flush_denormals(void);
void prism_restore_denormals(uint64_t before);

#ifdef __cplusplus
}
#endif
