// Matrix products with the right-hand side packed once: what the time loop multiplies with at every step.
#pragma once

#include <algorithm>
#include <map>
#include <memory>
#include <mutex>

#include "simd.h"

namespace rnn_tasks {

// Room for floats on a cache line's border, not zeroed. What is given back is kept for the next call: fresh memory would
// be faulted in page by page each time.
class Floats {
 public:
  explicit Floats(Index size) : size_(size) {
    if (!size) return;
    std::lock_guard<std::mutex> lock(mutex());
    auto found = spare().lower_bound(size);
    if (found != spare().end() && found->first <= 2 * size) {
      block_ = spare().extract(found);
      return;
    }
    Blocks fresh;
    fresh.emplace(size, new float[size + 16]);
    block_ = fresh.extract(fresh.begin());
  }
  Floats(Floats&&) = default;
  ~Floats() {
    if (!block_) return;
    std::lock_guard<std::mutex> lock(mutex());
    constexpr std::size_t kBlocks = 64;
    if (spare().size() >= kBlocks) spare().clear();  // sizes have changed: let the old ones go
    spare().insert(std::move(block_));
  }
  float* data() const {
    if (!block_) return nullptr;
    return reinterpret_cast<float*>((reinterpret_cast<std::uintptr_t>(block_.mapped().get()) + 63) / 64 * 64);
  }
  Index size() const { return size_; }

 private:
  using Blocks = std::multimap<Index, std::unique_ptr<float[]>>;
  static Blocks& spare() {
    static Blocks blocks;
    return blocks;
  }
  static std::mutex& mutex() {
    static std::mutex mutex;
    return mutex;
  }
  Index size_;
  Blocks::node_type block_;
};

// Floats that a packed (depth, columns) matrix takes.
inline Index packed_size(Index depth, Index columns) { return depth * padded(columns, kPanel); }

// Copy `kSize` floats, or the first `n` and zeros behind them.
template <Index kSize>
inline void copy_tile(float* to, const float* from, Index n) {
  if (n >= kSize) {
    std::memcpy(to, from, kSize * sizeof(float));  // a size known to the compiler is a few moves
  } else {
    std::memcpy(to, from, n * sizeof(float));
    std::fill(to + n, to + kSize, 0.0f);
  }
}

// Pack panels [first, last) of B (depth, columns), element (k, j) at b[k * row + j * column].
inline void pack(const float* b, Index row, Index column, Index depth, Index columns, Index first, Index last,
                 float* to) {
  for (Index panel = first; panel < last; ++panel) {
    const Index start = panel * kPanel, width = std::min(kPanel, columns - start);
    float* out = to + panel * depth * kPanel;
    if (column == 1) {
      for (Index k = 0; k < depth; ++k) copy_tile<kPanel>(out + k * kPanel, b + k * row + start, width);
    } else {
      if (width < kPanel) std::fill(out, out + depth * kPanel, 0.0f);
      for (Index j = 0; j < width; ++j) {
        for (Index k = 0; k < depth; ++k) out[k * kPanel + j] = b[k * row + (start + j) * column];
      }
    }
  }
}

// `R` rows of A (element (r, k) at a[r * row + k * column]) times one packed panel, set or added to C.
template <int R>
__attribute__((noinline)) void tile(const float* a, Index row, Index column, const float* panel, Index depth,
                                    float* c, Index c_row, Index width, bool add) {
  Vec sums[R][kVectors] = {};
  for (Index k = 0; k < depth; ++k) {
    Vec b[kVectors];
    for (Index v = 0; v < kVectors; ++v) b[v] = *reinterpret_cast<const Vec*>(panel + k * kPanel + v * kLanes);
    for (Index r = 0; r < R; ++r) {
      float left = a[r * row + k * column];
      for (Index v = 0; v < kVectors; ++v) sums[r][v] += left * b[v];
    }
  }
  for (Index r = 0; r < R; ++r) {
    for (Index v = 0; v < kVectors; ++v) {
      Index n = width - v * kLanes;
      if (n <= 0) break;
      float* to = c + r * c_row + v * kLanes;
      store(to, add ? sums[r][v] + load(to, n) : sums[r][v], n);
    }
  }
}

inline void tile_of(Index rows, const float* a, Index row, Index column, const float* panel, Index depth, float* c,
                    Index c_row, Index width, bool add) {
  switch (rows) {
    case 1: return tile<1>(a, row, column, panel, depth, c, c_row, width, add);
    case 2: return tile<2>(a, row, column, panel, depth, c, c_row, width, add);
    case 3: return tile<3>(a, row, column, panel, depth, c, c_row, width, add);
    case 4: return tile<4>(a, row, column, panel, depth, c, c_row, width, add);
    case 5: return tile<5>(a, row, column, panel, depth, c, c_row, width, add);
    default: return tile<6>(a, row, column, panel, depth, c, c_row, width, add);
  }
}

// C (rows, columns) = A (rows, depth) B, or += with `add`; A row-major, B packed.
inline void multiply(const float* a, Index a_row, const float* packed, Index rows, Index depth, Index columns, float* c,
                     Index c_row, bool add = false) {
  constexpr Index kBlock = 96;  // rows of A that stay in the second-level cache while the panels go by
  for (Index top = 0; top < rows; top += kBlock) {
    Index block = std::min(kBlock, rows - top), tiles = (block + kRows - 1) / kRows;
    for (Index start = 0; start < columns; start += kPanel) {
      for (Index i = 0; i < tiles; ++i) {  // tiles of even height: a tile of one row costs as much as one of four
        Index from = top + block * i / tiles, to = top + block * (i + 1) / tiles;
        tile_of(to - from, a + from * a_row, a_row, 1, packed + start * depth, depth, c + from * c_row + start, c_row,
                std::min(kPanel, columns - start), add);
      }
    }
  }
}

// C (rows, columns [first, last)) = sum over k of a_of(k)[row] * b_of(k)[column]: the gradient of a kernel.
// a_of and b_of give the k-th row of each side, so that a side need not exist as a matrix.
template <class A, class B>
void multiply_transposed(A a_of, B b_of, Index depth, Index rows, Index first, Index last, float* c, Index c_row) {
  constexpr Index kDepth = 256;
  const Floats left_floats(kDepth * padded(rows, kRows)), right_floats(kDepth * kPanel);
  float *left = left_floats.data(), *right = right_floats.data();
  for (Index base = 0; base < depth; base += kDepth) {
    Index block = std::min(kDepth, depth - base);
    for (Index k = 0; k < block; ++k) {  // (row tile, k, row of the tile)
      const float* from = a_of(base + k);
      for (Index i = 0; i < rows; i += kRows) {
        float* to = left + i * block + k * kRows;
        copy_tile<kRows>(to, from + i, rows - i);
      }
    }
    for (Index start = first; start < last; start += kPanel) {
      Index width = std::min(kPanel, last - start);
      for (Index k = 0; k < block; ++k) {
        copy_tile<kPanel>(right + k * kPanel, b_of(base + k) + start, width);
      }
      for (Index i = 0; i < rows; i += kRows) {
        tile_of(std::min(kRows, rows - i), left + i * block, 1, kRows, right, block, c + i * c_row + start, c_row,
                width, base > 0);
      }
    }
  }
}

}  // namespace rnn_tasks
