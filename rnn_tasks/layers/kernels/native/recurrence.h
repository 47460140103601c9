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
  const float* recurrent_bias;  // (gates * units,); GruCell only
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
  float* d_candidate;  // (batch, time, units); room to work in, GruCell only
};

// How many gates, from the first, meet the previous output; the candidate may meet reset * h.
template <class Cell>
constexpr Index kMeetOutput = Cell::kResetsBefore ? Cell::kGates - 1 : Cell::kGates;

// Columns of the recurrent kernel that meet the same left side.
template <class Precision>
struct Group {
  Index first, columns;
  const float* mask;  // (batch, units), recurrent dropout: the left side times this; or null
  bool reset;         // the left side is reset * h, not h
  Packed<Precision> kernel;
};

// The recurrent kernel in as few groups as there are left sides, in the order in which a step needs them.
template <class Cell, class Precision>
std::vector<Group<Precision>> pack_recurrent(const Problem& p, bool transposed) {
  constexpr Index kGates = Cell::kGates, kPlain = kMeetOutput<Cell>;
  const Index N = p.units;
  std::vector<Group<Precision>> groups;
  for (Index gate = 0, next; gate < kGates; gate = next) {
    next = p.state_mask ? gate + 1 : gate < kPlain ? kPlain : kGates;
    const Index columns = (next - gate) * N;
    groups.push_back({gate * N, columns, p.state_mask ? p.state_mask + gate * p.batch * N : nullptr, gate >= kPlain,
                      Packed<Precision>(p.recurrent + gate * N, kGates * N, transposed ? columns : N,
                                        transposed ? N : columns, transposed)});
  }
  return groups;
}

// to = a * b, each of `n` floats; `to` may be one of them.
inline float* times(const float* a, const float* b, Index n, float* to) {
  for (Index i = 0; i < n; i += kLanes) store(to + i, load(a + i, n - i) * load(b + i, n - i), n - i);
  return to;
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
ForwardRow row_forward(const Problem& p, const Projected<Cell>& projected, Index at, const float* recurrent, float* h,
                       float* c) {
  const float* x = p.kernel ? projected.row(at) : p.inputs + at * Cell::kGates * p.units;
  return {x, recurrent, p.bias, p.recurrent_bias, p.peepholes, projected.row(at), h, c};
}

template <class Cell>
void step_forward(const Problem& p, const Projected<Cell>& projected, Index at, const float* recurrent, float* h,
                  float* c, Range own) {
  if (p.keep && p.keep[at] == 0.0f) return;
  Cell::forward(row_forward(p, projected, at, recurrent, h, c), p.units, own);
}

// Also where the states pass through: what is kept there meets a gradient of zero, and must be a number for that.
template <class Cell>
void step_reset(const Problem& p, const Projected<Cell>& projected, Index at, const float* recurrent, float* h,
                float* reset_h, Range own) {
  if constexpr (Cell::kResetsBefore) {
    Cell::reset(row_forward(p, projected, at, recurrent, h, nullptr), p.units, own, reset_h);
  }
}

// A worker's rows of the batch through all of time.
template <class Cell, class Precision>
void run_rows(const Problem& p, const Results& results, const Projected<Cell>& projected,
              const std::vector<Group<Precision>>& recurrent, Range own) {
  const Index N = p.units, T = p.time, width = Cell::kGates * N;
  const Index first = own.first, rows = own.second - own.first;
  Floats h(rows * N), c(Cell::kCarry ? rows * N : 0), z(rows * width);
  Floats changed(Cell::kResetsBefore || p.state_mask ? rows * N : 0);
  std::memcpy(h.data(), p.h0 + first * N, rows * N * sizeof(float));
  if (Cell::kCarry) std::memcpy(c.data(), p.c0 + first * N, rows * N * sizeof(float));
  for (Index t = 0; t < T; ++t) {
    for (const auto& group : recurrent) {
      const float* left = h.data();
      if (group.reset) {
        left = changed.data();
        for (Index r = 0; r < rows; ++r) {
          float *zr = z.data() + r * width, *hr = h.data() + r * N;
          step_reset<Cell>(p, projected, (first + r) * T + t, zr, hr, changed.data() + r * N, {0, N});
        }
      }
      if (group.mask) left = times(left, group.mask + first * N, rows * N, changed.data());
      multiply(left, N, group.kernel, rows, z.data() + group.first, width);
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
// Where a step takes a second product they meet before it, too: it reads all of `reset_h` (batch, units), their common
// room.
template <class Cell, class Precision>
void run_units(const Problem& p, const Results& results, const Projected<Cell>& projected, float* reset_h,
               Worker& worker) {
  constexpr Index kGates = Cell::kGates, kPlain = kMeetOutput<Cell>;
  const Index N = p.units, T = p.time, width = kGates * N;
  const Range own = worker.share(N, kLanes);
  const Index first = own.first, count = own.second - own.first, size = count * sizeof(float);
  if (p.kernel) {
    const auto kernel = pack_units<Cell, Precision>(p, p.kernel, p.features, own);
    for (Index g = 0; g < kGates; ++g) {
      multiply(p.inputs, p.features, kernel[g], p.batch * T, projected.data + g * N + first, projected.stride);
    }
  }
  const auto recurrent = pack_units<Cell, Precision>(p, p.recurrent, N, own);
  Floats z(p.batch * width), h(p.batch * N), c(Cell::kCarry ? p.batch * N : 0);
  auto multiply_gates = [&](const float* left, Index row, Index from, Index to) {
    for (Index g = from; g < to; ++g) multiply(left, row, recurrent[g], p.batch, z.data() + g * N + first, width);
  };
  for (Index r = 0; r < p.batch; ++r) {
    std::memcpy(h.data() + r * N + first, p.h0 + r * N + first, size);
    if (Cell::kCarry) std::memcpy(c.data() + r * N + first, p.c0 + r * N + first, size);
  }
  for (Index t = 0; t < T; ++t) {
    multiply_gates(t ? results.outputs + (t - 1) * N : p.h0, t ? T * N : N, 0, kPlain);
    if (Cell::kResetsBefore) {
      for (Index r = 0; r < p.batch; ++r) {
        float *zr = z.data() + r * width, *hr = h.data() + r * N;
        step_reset<Cell>(p, projected, r * T + t, zr, hr, reset_h + r * N, own);
      }
      worker.meet();
      multiply_gates(reset_h, N, kPlain, kGates);
    }
    for (Index r = 0; r < p.batch; ++r) {
      const Index at = r * T + t;
      float* hr = h.data() + r * N;
      float* cr = Cell::kCarry ? c.data() + r * N : nullptr;
      step_forward<Cell>(p, projected, at, z.data() + r * width, hr, cr, own);
      std::memcpy(results.outputs + at * N + first, hr + first, size);
      if (results.carries) std::memcpy(results.carries + at * N + first, cr + first, size);
    }
    worker.meet();
  }
  for (Index r = 0; r < p.batch; ++r) {
    std::memcpy(results.last_h + r * N + first, h.data() + r * N + first, size);
    if (Cell::kCarry) std::memcpy(results.last_c + r * N + first, c.data() + r * N + first, size);
  }
}

template <class Cell, class Precision>
void forward(const Problem& p, const Results& results) {
  constexpr Index kFewRows = 6;
  const Projected<Cell> projected(p, results);
  if (p.batch <= kFewRows && p.threads > 1 && !p.state_mask) {
    const Floats reset_h(Cell::kResetsBefore ? p.batch * p.units : 0);
    return in_parallel(
        p.threads, [&](Worker worker) { run_units<Cell, Precision>(p, results, projected, reset_h.data(), worker); });
  }
  const Index width = Cell::kGates * p.units;
  const auto recurrent = pack_recurrent<Cell, Precision>(p, false);
  const Packed<Precision> kernel(p.kernel, width, p.kernel ? p.features : 0, width, false);
  in_parallel(p.threads, [&](Worker worker) {
    kernel.pack_panels(worker.share(kernel.panels()));
    for (const auto& group : recurrent) group.kernel.pack_panels(worker.share(group.kernel.panels()));
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
  const Index N = p.units, T = p.time, width = Cell::kGates * N, kept_width = Cell::kKept * N;
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
      BackwardRow row{results.kept + at * kept_width,
                      results.outputs + at * N,
                      previous(p, results.outputs, p.h0, at),
                      nullptr,
                      nullptr,
                      p.peepholes,
                      d_peepholes,
                      dh + r * N,
                      nullptr,
                      d.d_projected + at * width,
                      z.data() + r * width};
      if (Cell::kCarry) {
        row.carry = results.carries + at * N;
        row.previous_carry = previous(p, results.carries, p.c0, at);
        row.dc = dc + r * N;
      }
      return row;
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
