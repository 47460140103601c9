// A recurrence over a whole sequence and its gradient.
//
// The rows of a batch are shared out among threads once, and each runs its rows through all of time: no thread waits
// for another at a time step. Forwards, a batch of a few rows is shared out by units instead: there, a step is bound by
// reading the recurrent kernel, and each thread reads its part of it only. The input projection is one product before
// the loop, the kernels' gradients are one product each after it.
#pragma once

#include <cstring>
#include <mutex>
#include <vector>

#include "cells.h"
#include "gemm.h"
#include "workers.h"

namespace rnn_tasks {

// Row-major; null where an optional part is absent.
struct Problem {
  Index batch, time, features, units;
  int threads;
  const float* inputs;          // (batch, time, features), or (batch, time, gates * units) where kernel is null
  const float* kernel;          // (features, gates * units), or null: the inputs are projected already
  const float* recurrent;       // (units, gates * units)
  const float* bias;            // (gates * units,)
  const float* recurrent_bias;  // (gates * units,); GRU only
  const float* peepholes;       // (3, units)
  const float* keep;            // (batch, time), 0 where the states pass through
  const float* state_mask;  // (gates, batch, units): recurrent dropout, the previous output times this for each gate
  const float *h0, *c0;     // (batch, units)
};

struct Results {
  float* outputs;          // (batch, time, units)
  float *carries, *kept;   // (batch, time, units), LSTM only, and (batch, time, kKept * units); null for no way back
  float *last_h, *last_c;  // (batch, units)
};

struct Gradients {
  const float *d_outputs, *d_last_h, *d_last_c;
  float *d_inputs, *d_kernel, *d_recurrent, *d_bias, *d_recurrent_bias, *d_peepholes, *d_h0, *d_c0;
  float* d_projected;  // (batch, time, gates * units); room to work in, and the result where kernel is null
  float* d_candidate;  // (batch, time, units); room to work in, GRU only
};

// The recurrent kernel, packed in one piece, or a gate at a time where recurrent dropout has a mask for each.
template <class Cell, class Precision>
std::vector<Packed<Precision>> pack_recurrent(const Problem& p, bool transposed) {
  const Index groups = p.state_mask ? Cell::kGates : 1, width = Cell::kGates * p.units, each = width / groups;
  std::vector<Packed<Precision>> packed;
  for (Index g = 0; g < groups; ++g) {
    packed.emplace_back(p.recurrent + g * each, width, transposed ? each : p.units, transposed ? p.units : each,
                        transposed);
  }
  return packed;
}

// What stood one step before row `at` of a (batch, time, units) history.
inline const float* previous(const Problem& p, const float* history, const float* initial, Index at) {
  return at % p.time ? history + (at - 1) * p.units : initial + at / p.time * p.units;
}

// The inputs' part of the pre-activations, a row for each of (batch, time). They lie where the kept values will be, for
// a step reads the one before it writes the other; in room of their own where nothing is kept.
template <class Cell>
struct Projected {
  Projected(const Problem& p, const Results& results)
      : stride(std::max<Index>(Cell::kKept, Cell::kKept && results.kept ? 0 : Cell::kGates) * p.units),
        room(Cell::kKept && !results.kept ? p.batch * p.time * stride : 0),
        data(!Cell::kKept   ? results.outputs
             : results.kept ? results.kept
                            : room.data()) {}
  float* row(Index at) const { return data + at * stride; }

  const Index stride;
  const Floats room;
  float* const data;
};

template <class Cell>
void step_forward(const Problem& p, const Projected<Cell>& projected, Index at, const float* recurrent, float* h,
                  float* c, Range own) {
  if (p.keep && p.keep[at] == 0.0f) return;
  const float* x = p.kernel ? projected.row(at) : p.inputs + at * Cell::kGates * p.units;
  Cell::forward({x, recurrent, p.bias, p.recurrent_bias, p.peepholes, projected.row(at), h, c}, p.units, own);
}

// A worker's rows of the batch through all of time.
template <class Cell, class Precision>
void run_rows(const Problem& p, const Results& results, const Projected<Cell>& projected,
              const std::vector<Packed<Precision>>& recurrent, Range own) {
  const Index N = p.units, T = p.time, width = Cell::kGates * N, each = width / recurrent.size();
  const Index first = own.first, rows = own.second - own.first;
  Floats h(rows * N), c(Cell::kCarry ? rows * N : 0), z(rows * width), masked(p.state_mask ? rows * N : 0);
  std::memcpy(h.data(), p.h0 + first * N, rows * N * sizeof(float));
  if (Cell::kCarry) std::memcpy(c.data(), p.c0 + first * N, rows * N * sizeof(float));
  for (Index t = 0; t < T; ++t) {
    for (Index g = 0; g < static_cast<Index>(recurrent.size()); ++g) {
      const float* left = h.data();
      if (p.state_mask) {
        const float* mask = p.state_mask + (g * p.batch + first) * N;
        for (Index i = 0; i < rows * N; ++i) masked.data()[i] = left[i] * mask[i];
        left = masked.data();
      }
      multiply(left, N, recurrent[g], rows, z.data() + g * each, width);
    }
    for (Index r = 0; r < rows; ++r) {
      const Index at = (first + r) * T + t;
      float* hr = h.data() + r * N;
      float* cr = Cell::kCarry ? c.data() + r * N : nullptr;
      step_forward<Cell>(p, projected, at, z.data() + r * width, hr, cr, {0, N});
      std::memcpy(results.outputs + at * N, hr, N * sizeof(float));
      if (results.carries) std::memcpy(results.carries + at * N, cr, N * sizeof(float));
    }
  }
  std::memcpy(results.last_h + first * N, h.data(), rows * N * sizeof(float));
  if (Cell::kCarry) std::memcpy(results.last_c + first * N, c.data(), rows * N * sizeof(float));
}

// Some units' columns of a kernel (depth, gates * units), each gate's by themselves.
template <class Cell, class Precision>
std::vector<Packed<Precision>> pack_units(const Problem& p, const float* kernel, Index depth, Range own) {
  std::vector<Packed<Precision>> gates;
  for (Index g = 0; g < Cell::kGates; ++g) {
    gates.emplace_back(kernel + g * p.units + own.first, Cell::kGates * p.units, depth, own.second - own.first, false);
    gates.back().pack_panels({0, gates.back().panels()});
  }
  return gates;
}

// A worker's units of all rows through all of time; after each step the workers meet, for the next reads all units.
template <class Cell, class Precision>
void run_units(const Problem& p, const Results& results, const Projected<Cell>& projected, Worker& worker) {
  const Index N = p.units, T = p.time, width = Cell::kGates * N;
  const Range own = worker.share(N, kLanes);
  const Index first = own.first, count = own.second - own.first, size = count * sizeof(float);
  if (p.kernel) {
    const auto kernel = pack_units<Cell, Precision>(p, p.kernel, p.features, own);
    for (Index g = 0; g < Cell::kGates; ++g) {
      multiply(p.inputs, p.features, kernel[g], p.batch * T, projected.data + g * N + first, projected.stride);
    }
  }
  const auto recurrent = pack_units<Cell, Precision>(p, p.recurrent, N, own);
  Floats z(p.batch * width), h(N), c(Cell::kCarry ? p.batch * N : 0);
  for (Index r = 0; Cell::kCarry && r < p.batch; ++r) std::memcpy(c.data() + r * N + first, p.c0 + r * N + first, size);
  for (Index t = 0; t < T; ++t) {
    const float* before = t ? results.outputs + (t - 1) * N : p.h0;
    for (Index g = 0; g < Cell::kGates; ++g) {
      multiply(before, t ? T * N : N, recurrent[g], p.batch, z.data() + g * N + first, width);
    }
    for (Index r = 0; r < p.batch; ++r) {
      const Index at = r * T + t;
      float* cr = Cell::kCarry ? c.data() + r * N : nullptr;
      std::memcpy(h.data() + first, previous(p, results.outputs, p.h0, at) + first, size);
      step_forward<Cell>(p, projected, at, z.data() + r * width, h.data(), cr, own);
      std::memcpy(results.outputs + at * N + first, h.data() + first, size);
      if (results.carries) std::memcpy(results.carries + at * N + first, cr + first, size);
    }
    worker.meet();
  }
  for (Index r = 0; r < p.batch; ++r) {
    const float* last = T ? results.outputs + ((r + 1) * T - 1) * N : p.h0 + r * N;
    std::memcpy(results.last_h + r * N + first, last + first, size);
    if (Cell::kCarry) std::memcpy(results.last_c + r * N + first, c.data() + r * N + first, size);
  }
}

template <class Cell, class Precision>
void forward(const Problem& p, const Results& results) {
  constexpr Index kFewRows = 6;
  const Projected<Cell> projected(p, results);
  if (p.batch <= kFewRows && p.threads > 1 && !p.state_mask) {
    return in_parallel(p.threads, [&](Worker worker) { run_units<Cell, Precision>(p, results, projected, worker); });
  }
  const Index width = Cell::kGates * p.units;
  const auto recurrent = pack_recurrent<Cell, Precision>(p, false);
  const Packed<Precision> kernel(p.kernel, width, p.kernel ? p.features : 0, width, false);
  in_parallel(p.threads, [&](Worker worker) {
    kernel.pack_panels(worker.share(kernel.panels()));
    for (const auto& packed : recurrent) packed.pack_panels(worker.share(packed.panels()));
    worker.meet();
    const Range own = worker.share(p.batch);
    if (p.kernel) {
      const Index from = own.first * p.time, rows = own.second * p.time - from;
      multiply(p.inputs + from * p.features, p.features, kernel, rows, projected.row(from), projected.stride);
    }
    run_rows<Cell, Precision>(p, results, projected, recurrent, own);
  });
}

// The kernels' gradients, columns [first, last) of them.
template <class Cell, class Precision>
void kernel_gradients(const Problem& p, const Results& results, const Gradients& d, Range columns) {
  const Index N = p.units, T = p.time, width = Cell::kGates * N, steps = p.batch * T;
  const Index groups = p.state_mask ? Cell::kGates : 1, each = width / groups;
  const auto [first, last] = columns;
  auto gradient_at = [&](Index k) -> const float* { return d.d_projected + k * width; };
  if (p.kernel) {
    multiply_transposed<Precision>([&](Index k) { return p.inputs + k * p.features; }, gradient_at, steps, p.features,
                                   first, last, d.d_kernel, width);
  }
  const Floats masked(p.state_mask ? N : 0);
  for (Index g = 0; g < groups; ++g) {
    auto left = [&](Index k) -> const float* {
      const float* h = previous(p, results.outputs, p.h0, k);
      if (!p.state_mask) return h;
      const float* mask = p.state_mask + (g * p.batch + k / T) * N;
      for (Index i = 0; i < N; ++i) masked.data()[i] = h[i] * mask[i];
      return masked.data();
    };
    const Index from = std::max(first, g * each), to = std::min(last, (g + 1) * each);
    // Up to here both projections have one gradient; GRU's candidate has one of its own.
    const Index shared = Cell::kShared ? to : std::min(to, width - N), own = std::max(from, width - N);
    if (from < shared) multiply_transposed<Precision>(left, gradient_at, steps, N, from, shared, d.d_recurrent, width);
    if (!Cell::kShared && own < to) {
      auto candidate_at = [&](Index k) -> const float* { return d.d_candidate + k * N - (width - N); };
      multiply_transposed<Precision>(left, candidate_at, steps, N, own, to, d.d_recurrent, width);
    }
  }
}

template <class Cell, class Precision>
void backward(const Problem& p, const Results& results, const Gradients& d) {
  const Index N = p.units, T = p.time, width = Cell::kGates * N, kept_width = Cell::kKept * N;
  const auto recurrent = pack_recurrent<Cell, Precision>(p, true);
  const Index groups = recurrent.size(), each = width / groups;
  const Packed<Precision> kernel(p.kernel, width, width, p.kernel ? p.features : 0, true);
  std::mutex adding;
  in_parallel(p.threads, [&](Worker worker) {
    kernel.pack_panels(worker.share(kernel.panels()));
    for (const auto& packed : recurrent) packed.pack_panels(worker.share(packed.panels()));
    worker.meet();
    const auto [first, last] = worker.share(p.batch);
    const Index rows = last - first;
    Floats z(rows * width), product(p.state_mask ? rows * N : 0);
    Floats sums((Cell::kShared ? 1 : 2) * width + 3 * N);
    std::fill(sums.data(), sums.data() + sums.size(), 0.0f);
    float *d_bias = sums.data(), *d_recurrent_bias = d_bias + (Cell::kShared ? 0 : width);
    float* d_peepholes = d_recurrent_bias + width;
    float *dh = d.d_h0 + first * N, *dc = Cell::kCarry ? d.d_c0 + first * N : nullptr;
    std::memcpy(dh, d.d_last_h + first * N, rows * N * sizeof(float));
    if (dc) std::memcpy(dc, d.d_last_c + first * N, rows * N * sizeof(float));
    auto add_to = [](float* to, const float* from, Index n) {
      for (Index i = 0; i < n; ++i) to[i] += from[i];
    };
    for (Index t = T - 1; t >= 0; --t) {
      for (Index r = 0; r < rows; ++r) {
        const Index at = (first + r) * T + t;
        float *dz = d.d_projected + at * width, *zr = z.data() + r * width, *dhr = dh + r * N;
        add_to(dhr, d.d_outputs + at * N, N);
        if (p.keep && p.keep[at] == 0.0f) {
          std::fill(dz, dz + width, 0.0f);
          std::fill(zr, zr + width, 0.0f);
        } else {
          BackwardRow row{results.kept + at * kept_width,
                          results.outputs + at * N,
                          nullptr,
                          nullptr,
                          nullptr,
                          p.peepholes,
                          d_peepholes,
                          dhr,
                          nullptr,
                          dz,
                          zr};
          if (!Cell::kShared) row.previous = previous(p, results.outputs, p.h0, at);
          if (Cell::kCarry) {
            row.carry = results.carries + at * N;
            row.previous_carry = previous(p, results.carries, p.c0, at);
            row.dc = dc + r * N;
          }
          Cell::backward(row, N);
          add_to(d_bias, dz, width);
          if (!Cell::kShared) add_to(d_recurrent_bias, zr, width);
        }
        if (!Cell::kShared) std::memcpy(d.d_candidate + at * N, zr + width - N, N * sizeof(float));
      }
      for (Index g = 0; g < groups; ++g) {
        if (!p.state_mask) {
          multiply(z.data(), width, recurrent[g], rows, dh, N, true);
          continue;
        }
        multiply(z.data() + g * each, width, recurrent[g], rows, product.data(), N);
        const float* mask = p.state_mask + (g * p.batch + first) * N;
        for (Index i = 0; i < rows * N; ++i) dh[i] += product.data()[i] * mask[i];
      }
    }
    {
      std::lock_guard<std::mutex> lock(adding);
      add_to(d.d_bias, d_bias, width);
      if (!Cell::kShared) add_to(d.d_recurrent_bias, d_recurrent_bias, width);
      if (p.peepholes) add_to(d.d_peepholes, d_peepholes, 3 * N);
    }
    worker.meet();
    if (p.kernel) {
      const auto [from, to] = worker.share(p.batch * T);
      multiply(d.d_projected + from * width, width, kernel, to - from, d.d_inputs + from * p.features, p.features);
    }
    kernel_gradients<Cell, Precision>(p, results, d, worker.share(width, kPanel));
  });
}

}  // namespace rnn_tasks
