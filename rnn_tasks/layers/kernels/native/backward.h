// The gradient of a recurrence over a whole sequence: the way back through time as forward.h goes it, rows shared out
// among threads once; the kernels' gradients are one product each after it.
#pragma once

#include <cstring>
#include <mutex>
#include <vector>

#include "problem.h"
#include "workers.h"

namespace rnn_tasks {

struct Gradients {
  const float *d_outputs, *d_last_h, *d_last_c;
  float *d_inputs, *d_kernel, *d_recurrent, *d_bias, *d_recurrent_bias, *d_peepholes, *d_h0, *d_c0;
  float* d_projected;  // (batch, time, gates * units); room to work in, and the result where kernel is null
  float* d_candidate;  // (batch, time, units); room to work in, GruCell only
};

// What stood one step before row `at` of a (batch, time, units) history.
inline const float* previous(const Problem& p, const float* history, const float* initial, Index at) {
  return at % p.time ? history + (at - 1) * p.units : initial + at / p.time * p.units;
}

// What the way back of a cell reads and writes at row `at` of (batch, time); `dh` and `dc` are its sample's.
template <class Cell>
BackwardRow backward_row(const Problem& p, const Results& results, const Gradients& d, Index at, float* dh, float* dc,
                         float* d_recurrent, float* d_peepholes) {
  const Index N = p.units;
  return {results.kept + at * Cell::kKept * N,
          results.outputs + at * N,
          previous(p, results.outputs, p.h0, at),
          Cell::kCarry ? results.carries + at * N : nullptr,
          Cell::kCarry ? previous(p, results.carries, p.c0, at) : nullptr,
          p.peepholes,
          d_peepholes,
          dh,
          dc,
          d.d_projected + at * Cell::kGates * N,
          d_recurrent};
}

// The kernels' gradients, columns [first, last) of them.
template <class Cell, class Precision>
void kernel_gradients(const Problem& p, const Results& results, const Gradients& d,
                      const std::vector<Group<Precision>>& recurrent, Range columns) {
  const Index N = p.units, T = p.time, width = Cell::kGates * N, steps = p.batch * T;
  const auto [first, last] = columns;
  auto gradient_at = [&](Index k) -> const float* { return d.d_projected + k * width; };
  if (p.kernel) {
    multiply_transposed<Precision>([&](Index k) { return p.inputs + k * p.features; }, gradient_at, steps, p.features,
                                   first, last, d.d_kernel, width);
  }
  const Floats changed(Cell::kResetsBefore || p.state_mask ? N : 0);
  for (const auto& group : recurrent) {
    auto left = [&](Index k) -> const float* {
      const float* h = previous(p, results.outputs, p.h0, k);
      if constexpr (Cell::kResetsBefore) {
        const float* reset = results.kept + (k * Cell::kKept + Cell::kReset) * N;
        if (group.reset) h = times(h, reset, N, changed.data());
      }
      return group.mask ? times(h, group.mask + k / T * N, N, changed.data()) : h;
    };
    const Index from = std::max(first, group.first), to = std::min(last, group.first + group.columns);
    // Up to here both projections have one gradient; GruCell's candidate has one of its own.
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
  const Index N = p.units, T = p.time, width = Cell::kGates * N;
  const auto recurrent = pack_recurrent<Cell, Precision>(p, true);
  const Packed<Precision> kernel(p.kernel, width, width, p.kernel ? p.features : 0, true);
  std::mutex adding;
  in_parallel(p.threads, [&](Worker worker) {
    kernel.pack_panels(worker.share(kernel.panels()));
    for (const auto& group : recurrent) group.kernel.pack_panels(worker.share(group.kernel.panels()));
    worker.meet();
    const auto own = worker.share(p.batch);
    const Index first = own.first, rows = own.second - own.first;
    Floats z(rows * width), product(Cell::kResetsBefore || p.state_mask ? rows * N : 0);
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
    auto passes_through = [&](Index at) { return p.keep && p.keep[at] == 0.0f; };
    auto row_of = [&](Index r, Index at) {
      return backward_row<Cell>(p, results, d, at, dh + r * N, dc ? dc + r * N : nullptr, z.data() + r * width,
                                d_peepholes);
    };
    for (Index t = T - 1; t >= 0; --t) {
      for (Index r = 0; r < rows; ++r) {
        const Index at = (first + r) * T + t;
        const BackwardRow row = row_of(r, at);
        add_to(row.dh, d.d_outputs + at * N, N);
        if (passes_through(at)) {
          std::fill(row.d_projected, row.d_projected + width, 0.0f);
          std::fill(row.d_recurrent, row.d_recurrent + width, 0.0f);
        } else {
          Cell::backward(row, N);
          if (!Cell::kResetsBefore) add_to(d_bias, row.d_projected, width);
          if (!Cell::kShared) add_to(d_recurrent_bias, row.d_recurrent, width);
        }
        if (!Cell::kShared) std::memcpy(d.d_candidate + at * N, row.d_recurrent + width - N, N * sizeof(float));
      }
      for (auto group = recurrent.rbegin(); group != recurrent.rend(); ++group) {  // backwards: reset needs candidate
        const float* dz = z.data() + group->first;
        if (!group->mask && !group->reset) {
          multiply(dz, width, group->kernel, rows, dh, N, true);
          continue;
        }
        multiply(dz, width, group->kernel, rows, product.data(), N);
        if (group->mask) times(product.data(), group->mask + first * N, rows * N, product.data());
        if constexpr (Cell::kResetsBefore) {
          for (Index r = 0; r < rows && group->reset; ++r) {
            const Index at = (first + r) * T + t;
            if (passes_through(at)) continue;
            const BackwardRow row = row_of(r, at);
            Cell::backward_reset(row, N, product.data() + r * N);
            add_to(d_bias, row.d_projected, width);
          }
        }
        if (!group->reset) add_to(dh, product.data(), rows * N);
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
    kernel_gradients<Cell, Precision>(p, results, d, recurrent, worker.share(width, kPanel));
  });
}

}  // namespace rnn_tasks
