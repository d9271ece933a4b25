// One body, compiled once per instruction set; the best is chosen at run time.
#include "prism_kernels.h"

#include <math.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>

#if defined(__x86_64__)
#include <immintrin.h>
#endif

#pragma clang fp contract(fast)

#define ISA_GENERIC 0
#define ISA_AVX2 1
#define ISA_AVX512 2

#define JOIN2(a, b) a##_##b
#define JOIN(a, b) JOIN2(a, b)
#define FN(name) JOIN(name, SUFFIX)
#define QUOTE2(x) #x
#define QUOTE(x) QUOTE2(x)
#define NAME QUOTE(SUFFIX)

#define ISA ISA_GENERIC
#define SUFFIX generic
#define VL 4
#define MR 6
#define NV 2
#include "body.h"

#if defined(__x86_64__)
#pragma clang attribute push(__attribute__((target("avx2,fma,bmi2,popcnt"))), apply_to = function)
#define ISA ISA_AVX2
#define SUFFIX avx2
#define VL 8
#define MR 6
#define NV 2
#include "body.h"
#pragma clang attribute pop

#pragma clang attribute push(                                                                                     \
    __attribute__((target("avx2,fma,bmi2,popcnt,avx512f,avx512bw,avx512dq,avx512vl,avx512vnni,avx512bf16"))), \
    apply_to = function)
#define ISA ISA_AVX512
#define SUFFIX avx512
#define VL 16
#define MR 12
#define NV 2
#include "body.h"
#pragma clang attribute pop
#endif

const prism_kernels *prism_kernels_named(const char *name) {
    if (!strcmp(name, "generic")) return &table_generic;
#if defined(__x86_64__)
    if (!strcmp(name, "avx2") && __builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma") &&
        __builtin_cpu_supports("bmi2"))
        return &table_avx2;
    if (!strcmp(name, "avx512") && __builtin_cpu_supports("avx512vnni") && __builtin_cpu_supports("avx512bf16") &&
        __builtin_cpu_supports("avx512bw") && __builtin_cpu_supports("avx512dq") && __builtin_cpu_supports("avx512vl"))
        return &table_avx512;
#endif
    return NULL;
}

const prism_kernels *prism_kernels_best(void) {
    static const prism_kernels *_Atomic best;  // whichever thread comes first, the pointer is the same
    const prism_kernels *found = atomic_load(&best);
    if (found) return found;
    const char *wanted = getenv("PRISM_ISA");
    if (wanted && *wanted) {
        found = prism_kernels_named(wanted);
    } else {
        found = prism_kernels_named("avx512");
        if (!found) found = prism_kernels_named("avx2");
        if (!found) found = &table_generic;
    }
    atomic_store(&best, found);
    return found;
}

uint64_t prism_flush_denormals(void) {
#if defined(__x86_64__)
    uint64_t before = _mm_getcsr();
    _mm_setcsr((uint32_t)before | 0x8040);
    return before;
#elif defined(__aarch64__)
    uint64_t before = __builtin_arm_rsr64("FPCR");
    __builtin_arm_wsr64("FPCR", before | (1ull << 24));
    return before;
#else
    return 0;
#endif
}

void prism_restore_denormals(uint64_t before) {
#if defined(__x86_64__)
    _mm_setcsr((uint32_t)before);
#elif defined(__aarch64__)
    __builtin_arm_wsr64("FPCR", before);
#endif
}
