// Vectors as wide as the processor's, and the two functions that gates need.
#pragma once

#include <cstdint>
#include <cstring>

#if defined(__AVX512BF16__)
#include <immintrin.h>
#endif

namespace rnn_tasks {

using Index = std::int64_t;

// A panel of `kPanel` columns is multiplied with up to `kRows` rows at a time: their sums fill the register file.
#if defined(__AVX512F__)
constexpr Index kLanes = 16, kRows = 6, kVectors = 4;
#elif defined(__AVX2__)
constexpr Index kLanes = 8, kRows = 6, kVectors = 2;
#elif defined(__aarch64__)
constexpr Index kLanes = 4, kRows = 6, kVectors = 4;
#else
constexpr Index kLanes = 4, kRows = 4, kVectors = 2;
#endif
constexpr Index kPanel = kLanes * kVectors;

typedef float Vec __attribute__((vector_size(kLanes * sizeof(float)), aligned(4), may_alias));
typedef std::int32_t Ints __attribute__((vector_size(kLanes * sizeof(float))));

// For a loop that watches what another thread will write.
inline void pause_processor() {
#if defined(__x86_64__)
  __builtin_ia32_pause();
#elif defined(__aarch64__)
  asm volatile("yield");
#endif
}

inline Index padded(Index n, Index to) { return (n + to - 1) / to * to; }

inline Vec splat(float value) { return Vec{} + value; }

// The first `n` floats at `from`, zeros behind them.
inline Vec load(const float* from, Index n) {
  if (n >= kLanes) return *reinterpret_cast<const Vec*>(from);
  Vec vector{};
  std::memcpy(&vector, from, n * sizeof(float));
  return vector;
}

inline void store(float* to, Vec vector, Index n) {
  if (n >= kLanes) {
    *reinterpret_cast<Vec*>(to) = vector;
  } else {
    std::memcpy(to, &vector, n * sizeof(float));
  }
}

inline Vec clamp(Vec x, float low, float high) {
  x = x < low ? splat(low) : x;
  return x > high ? splat(high) : x;
}

// e^x to 2 units in the last place: 2^n e^r with |r| <= ln(2) / 2 (Cephes' polynomial).
inline Vec exponential(Vec x) {
  x = clamp(x, -87.3f, 88.3f);
  const Vec rounder = splat(12582912.0f);  // 1.5 * 2^23: adding it rounds to an integer in the low bits
  Vec shifted = x * 1.44269504f + rounder;
  Ints power;
  std::memcpy(&power, &shifted, sizeof(power));
  Vec n = shifted - rounder;
  Vec r = x - n * 0.693359375f + n * 2.12194440e-4f;
  Vec p = r * 1.9875691500e-4f + 1.3981999507e-3f;
  p = p * r + 8.3334519073e-3f;
  p = p * r + 4.1665795894e-2f;
  p = p * r + 1.6666665459e-1f;
  p = p * r + 5.0000001201e-1f;
  p = p * r * r + r + 1.0f;
  Ints scale = (power << 23) + (127 << 23);
  Vec factor;
  std::memcpy(&factor, &scale, sizeof(factor));
  return p * factor;
}

inline Vec sigmoid(Vec x) { return 1.0f / (1.0f + exponential(-x)); }

// The rational approximation that Eigen and XLA take: a few units in the last place everywhere, also next to 0.
inline Vec hyperbolic_tangent(Vec x) {
  x = clamp(x, -7.90531110763549805f, 7.90531110763549805f);
  Vec s = x * x;
  Vec p = s * -2.76076847742355e-16f + 2.00018790482477e-13f;
  p = p * s - 8.60467152213735e-11f;
  p = p * s + 5.12229709037114e-08f;
  p = p * s + 1.48572235717979e-05f;
  p = p * s + 6.37261928875436e-04f;
  p = p * s + 4.89352455891786e-03f;
  Vec q = s * 1.19825839466702e-06f + 1.18534705686654e-04f;
  q = q * s + 2.26843463243900e-03f;
  q = q * s + 4.89352518554385e-03f;
  return x * p / q;
}

}  // namespace rnn_tasks
