// A recurrence over a whole sequence.
//
// The rows of a batch are shared out among threads once, and each runs its rows through all of time: no thread waits
// for another at a time step. A batch of a few rows is shared out by units instead: there, a step is bound by reading
// the recurrent kernel, and each thread reads its part of it only. The input projection is one product before the loop.
#pragma once

#include <cstring>
#include <vector>

#include "problem.h"
#include "workers.h"

namespace rnn_tasks {

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

}  // namespace rnn_tasks
