// What a recurrence over a whole sequence is given and gives, and the packing that both its ways share.
#pragma once

#include <vector>

#include "cells.h"
#include "gemm.h"

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

}  // namespace rnn_tasks
