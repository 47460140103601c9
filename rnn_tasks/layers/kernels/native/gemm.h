// Matrix products with the right-hand side packed once: what the time loop multiplies with at every step.
#pragma once

#include <algorithm>
#include <map>
#include <memory>
#include <mutex>
#include <utility>

#include "simd.h"

namespace rnn_tasks {

// Room for floats on a cache line's border, not zeroed. What is given back is kept for the next call: fresh memory
// would be faulted in page by page each time.
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

// How products are computed. A packed matrix holds one `Slot` for each column and `kDeep` rows, so that both sides of a
// product look the same whatever is in a slot.
struct Float32 {
  using Slot = float;
  using Sum = Vec;
  static constexpr Index kDeep = 1;
  static Slot slot(const float* a, Index) { return *a; }
  static Sum add_product(Sum sum, Slot left, const Slot* right) {
    return sum + left * *reinterpret_cast<const Vec*>(right);
  }
};

#if defined(__AVX512BF16__)
// Two rows to a slot, rounded to bfloat16; products are summed in float32.
struct Bfloat16 {
  using Slot = std::uint32_t;
  using Sum = __m512;
  static constexpr Index kDeep = 2;
  static std::uint32_t rounded(float value) {  // to the nearest, ties to even; the upper half counts
    std::uint32_t bits;
    std::memcpy(&bits, &value, sizeof(bits));
    return bits + 0x7fff + (bits >> 16 & 1);
  }
  // The value at `a` and, unless the depth ends between them, the one a row further.
  static Slot slot(const float* a, Index row) { return rounded(*a) >> 16 | (row ? rounded(a[row]) & 0xffff0000 : 0); }
  static Sum add_product(Sum sum, Slot left, const Slot* right) {
    return _mm512_dpbf16_ps(sum, (__m512bh)_mm512_set1_epi32(static_cast<int>(left)),
                            (__m512bh)_mm512_loadu_si512(right));
  }
};
#endif

inline Index slots(Index depth, Index deep) { return (depth + deep - 1) / deep; }

// Pack panels [first, last) of B (depth, columns), element (k, j) at b[k * row + j * column].
template <class Precision>
void pack(const float* b, Index row, Index column, Index depth, Index columns, Index first, Index last,
          typename Precision::Slot* to) {
  const Index deep = slots(depth, Precision::kDeep);
  for (Index panel = first; panel < last; ++panel) {
    const Index start = panel * kPanel, width = std::min(kPanel, columns - start);
    auto* out = to + panel * deep * kPanel;
    if (width < kPanel) std::fill(out, out + deep * kPanel, 0);
    auto at = [&](Index k, Index j) {
      const Index from = k * Precision::kDeep;
      return Precision::slot(b + from * row + (start + j) * column, from + 1 < depth ? row : 0);
    };
    if (column == 1) {
      for (Index k = 0; k < deep; ++k) {
        for (Index j = 0; j < width; ++j) out[k * kPanel + j] = at(k, j);
      }
    } else {
      for (Index j = 0; j < width; ++j) {
        for (Index k = 0; k < deep; ++k) out[k * kPanel + j] = at(k, j);
      }
    }
  }
}

// `R` rows of A (slot (r, k) at a[r * row + k * column]) times one packed panel of `deep` slots, set or added to C.
template <class Precision, int R>
__attribute__((noinline)) void tile(const typename Precision::Slot* a, Index row, Index column,
                                    const typename Precision::Slot* panel, Index deep, float* c, Index c_row,
                                    Index width, bool add) {
  typename Precision::Sum sums[R][kVectors] = {};
  for (Index k = 0; k < deep; ++k) {
    for (Index r = 0; r < R; ++r) {
      const auto left = a[r * row + k * column];
      for (Index v = 0; v < kVectors; ++v) {
        sums[r][v] = Precision::add_product(sums[r][v], left, panel + k * kPanel + v * kLanes);
      }
    }
  }
  for (Index r = 0; r < R; ++r) {
    for (Index v = 0; v < kVectors; ++v) {
      Index n = width - v * kLanes;
      if (n <= 0) break;
      float* to = c + r * c_row + v * kLanes;
      const Vec sum = (Vec)sums[r][v];
      store(to, add ? sum + load(to, n) : sum, n);
    }
  }
}

template <class Precision, class... Arguments>
void tile_of(Index rows, Arguments... arguments) {
  switch (rows) {
    case 1:
      return tile<Precision, 1>(arguments...);
    case 2:
      return tile<Precision, 2>(arguments...);
    case 3:
      return tile<Precision, 3>(arguments...);
    case 4:
      return tile<Precision, 4>(arguments...);
    case 5:
      return tile<Precision, 5>(arguments...);
    default:
      return tile<Precision, 6>(arguments...);
  }
}

// A matrix (depth, columns) to be packed by all workers; `transposed`: from its transpose.
template <class Precision>
class Packed {
 public:
  Packed(const float* b, Index stride, Index depth, Index columns, bool transposed)
      : b_(b),
        row_(transposed ? 1 : stride),
        column_(transposed ? stride : 1),
        depth_(depth),
        columns_(columns),
        floats_(slots(depth, Precision::kDeep) * padded(columns, kPanel)) {}
  Index panels() const { return padded(columns_, kPanel) / kPanel; }
  Index depth() const { return depth_; }
  Index columns() const { return columns_; }
  void pack_panels(std::pair<Index, Index> range) const {
    pack<Precision>(b_, row_, column_, depth_, columns_, range.first, range.second, data());
  }
  const typename Precision::Slot* panel(Index start) const { return data() + start * slots(depth_, Precision::kDeep); }

 private:
  typename Precision::Slot* data() const { return reinterpret_cast<typename Precision::Slot*>(floats_.data()); }

  const float* b_;
  Index row_, column_, depth_, columns_;
  Floats floats_;
};

// C (rows, columns) = A (rows, depth) B, or += with `add`; A row-major, B packed.
template <class Precision>
void multiply(const float* a, Index a_row, const Packed<Precision>& b, Index rows, float* c, Index c_row,
              bool add = false) {
  constexpr Index kBlock = 96;  // rows of A that stay in the second-level cache while the panels go by
  using Slot = typename Precision::Slot;
  const Index deep = slots(b.depth(), Precision::kDeep);
  const Floats converted(Precision::kDeep > 1 ? std::min(kBlock, rows) * deep : 0);
  for (Index top = 0; top < rows; top += kBlock) {
    const Index block = std::min(kBlock, rows - top), tiles = (block + kRows - 1) / kRows;
    auto* left = reinterpret_cast<const Slot*>(a + top * a_row);
    Index left_row = a_row;
    if (Precision::kDeep > 1) {
      auto* to = reinterpret_cast<Slot*>(converted.data());
      for (Index r = 0; r < block; ++r) {
        const float* from = a + (top + r) * a_row;
        for (Index k = 0; k < b.depth() / 2; ++k) to[r * deep + k] = Precision::slot(from + 2 * k, 1);
        if (b.depth() % 2) to[r * deep + deep - 1] = Precision::slot(from + b.depth() - 1, 0);
      }
      left = to;
      left_row = deep;
    }
    for (Index start = 0; start < b.columns(); start += kPanel) {
      for (Index i = 0; i < tiles; ++i) {  // tiles of even height: a tile of one row costs as much as one of four
        const Index from = block * i / tiles, to = block * (i + 1) / tiles;
        tile_of<Precision>(to - from, left + from * left_row, left_row, Index{1}, b.panel(start), deep,
                           c + (top + from) * c_row + start, c_row, std::min(kPanel, b.columns() - start), add);
      }
    }
  }
}

// C (rows, columns [first, last)) = sum over k of a_of(k)[row] * b_of(k)[column]: the gradient of a kernel.
// a_of and b_of give the k-th row of each side, so that a side need not exist as a matrix; a row holds until the next.
template <class Precision, class A, class B>
void multiply_transposed(A a_of, B b_of, Index depth, Index rows, Index first, Index last, float* c, Index c_row) {
  constexpr Index kDepth = 256, kDeep = Precision::kDeep;
  using Slot = typename Precision::Slot;
  const Floats left_floats(kDepth * padded(rows, kRows)), right_floats(kDepth * kPanel);
  const Floats kept(kDeep > 1 ? rows : 0);  // the first row of a pair, should a_of reuse its room
  auto *left = reinterpret_cast<Slot*>(left_floats.data()), *right = reinterpret_cast<Slot*>(right_floats.data());
  for (Index base = 0; base < depth; base += kDepth) {
    const Index block = std::min(kDepth, depth - base), deep = slots(block, kDeep);
    for (Index k = 0; k < deep; ++k) {  // (row tile, slot, row of the tile)
      const Index at = base + k * kDeep;
      const float* from = a_of(at);
      const float* second = nullptr;
      if (kDeep > 1 && at + 1 < base + block) {
        std::memcpy(kept.data(), from, rows * sizeof(float));
        from = kept.data();
        second = a_of(at + 1);
      }
      for (Index i = 0; i < rows; i += kRows) {
        const Index n = std::min(kRows, rows - i);
        Slot* to = left + i * deep + k * kRows;
        for (Index r = 0; r < n; ++r) to[r] = Precision::slot(from + i + r, second ? second - from : 0);
      }
    }
    for (Index start = first; start < last; start += kPanel) {
      const Index width = std::min(kPanel, last - start);
      for (Index k = 0; k < deep; ++k) {
        const Index at = base + k * kDeep;
        const float* from = b_of(at) + start;
        const Index row = kDeep > 1 && at + 1 < base + block ? b_of(at + 1) + start - from : 0;
        Slot* to = right + k * kPanel;
        if (width == kPanel) {
          for (Index j = 0; j < kPanel; ++j) to[j] = Precision::slot(from + j, row);
        } else {
          for (Index j = 0; j < width; ++j) to[j] = Precision::slot(from + j, row);
          std::fill(to + width, to + kPanel, 0);
        }
      }
      for (Index i = 0; i < rows; i += kRows) {
        tile_of<Precision>(std::min(kRows, rows - i), left + i * deep, Index{1}, kRows, right, deep,
                           c + i * c_row + start, c_row, width, base > 0);
      }
    }
  }
}

}  // namespace rnn_tasks
