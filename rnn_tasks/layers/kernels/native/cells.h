// One row of one time step of each recurrence, forwards and backwards, on gate pre-activations.
//
// Gate order and bias layout are Keras' own. `kKept` is how many values a unit keeps for the way back, `kShared` says
// that both projections have one bias and one gradient, `kResetsBefore` that a step takes two products.
#pragma once

#include <utility>

#include "simd.h"

namespace rnn_tasks {

struct ForwardRow {
  const float* projected;       // (gates, units): the input's part of the pre-activations
  const float* recurrent;       // (gates, units): the previous output's part
  const float* bias;            // (gates, units)
  const float* recurrent_bias;  // (gates, units); GruCell only
  const float* peepholes;       // (3, units), or null
  float* kept;                  // (kKept, units); may be `projected`
  float* h;                     // (units,), previous output in, new output out
  float* c;                     // (units,), LSTM only: previous carry in, new carry out
};

using Range = std::pair<Index, Index>;  // [first, last)

struct BackwardRow {
  const float* kept;      // (kKept, units)
  const float* output;    // (units,) of this step
  const float* previous;  // (units,) the previous output; the GRUs only
  const float* carry;     // (units,) of this step; LSTM only
  const float* previous_carry;
  const float* peepholes;  // (3, units), or null
  float* d_peepholes;      // (3, units), added to
  float* dh;           // (units,) in: gradient of the output; out: of the previous one, but for the recurrent product
  float* dc;           // (units,) the same of the carry
  float* d_projected;  // (gates, units)
  float* d_recurrent;  // (gates, units); the same values as d_projected but for GruCell
};

// Elman 1990. The output is all it keeps.
template <bool relu>
struct SimpleCell {
  static constexpr Index kGates = 1, kKept = 0;
  static constexpr bool kCarry = false, kShared = true, kResetsBefore = false;

  static void forward(const ForwardRow& row, Index units, Range own) {
    for (Index u = own.first; u < own.second; u += kLanes) {
      Index n = own.second - u;
      Vec z = load(row.projected + u, n) + load(row.bias + u, n) + load(row.recurrent + u, n);
      store(row.h + u, relu ? (z > 0.0f ? z : Vec{}) : hyperbolic_tangent(z), n);
    }
  }

  static void backward(const BackwardRow& row, Index units) {
    for (Index u = 0; u < units; u += kLanes) {
      Index n = units - u;
      Vec h = load(row.output + u, n), dh = load(row.dh + u, n);
      Vec dz = relu ? (h > 0.0f ? dh : Vec{}) : dh * (1.0f - h * h);
      store(row.d_projected + u, dz, n);
      store(row.d_recurrent + u, dz, n);
      store(row.dh + u, Vec{}, n);
    }
  }
};

// Hochreiter & Schmidhuber 1997 with the forget gate of Gers et al. 2000; peepholes: Gers & Schmidhuber 2000.
template <bool peephole>
struct LstmCell {
  static constexpr Index kGates = 4, kKept = 4;
  static constexpr bool kCarry = true, kShared = true, kResetsBefore = false;

  static void forward(const ForwardRow& row, Index units, Range own) {
    for (Index u = own.first; u < own.second; u += kLanes) {
      Index n = own.second - u;
      auto z = [&](Index gate) {
        Index at = gate * units + u;
        return load(row.projected + at, n) + load(row.bias + at, n) + load(row.recurrent + at, n);
      };
      auto peep = [&](Index gate) { return load(row.peepholes + gate * units + u, n); };
      Vec c = load(row.c + u, n), zi = z(0), zf = z(1), zo = z(3);
      if (peephole) {
        zi += peep(0) * c;
        zf += peep(1) * c;
      }
      Vec i = sigmoid(zi), f = sigmoid(zf), candidate = hyperbolic_tangent(z(2));
      c = f * c + i * candidate;
      if (peephole) zo += peep(2) * c;
      Vec o = sigmoid(zo);
      store(row.kept + u, i, n);
      store(row.kept + units + u, f, n);
      store(row.kept + 2 * units + u, candidate, n);
      store(row.kept + 3 * units + u, o, n);
      store(row.c + u, c, n);
      store(row.h + u, o * hyperbolic_tangent(c), n);
    }
  }

  static void backward(const BackwardRow& row, Index units) {
    for (Index u = 0; u < units; u += kLanes) {
      Index n = units - u;
      auto kept = [&](Index gate) { return load(row.kept + gate * units + u, n); };
      auto peep = [&](Index gate) { return load(row.peepholes + gate * units + u, n); };
      Vec i = kept(0), f = kept(1), candidate = kept(2), o = kept(3);
      Vec before = load(row.previous_carry + u, n), c = load(row.carry + u, n), squashed = hyperbolic_tangent(c);
      Vec dh = load(row.dh + u, n), dc = load(row.dc + u, n);
      Vec dzo = dh * squashed * o * (1.0f - o);
      dc += dh * o * (1.0f - squashed * squashed);
      if (peephole) dc += dzo * peep(2);
      Vec dzi = dc * candidate * i * (1.0f - i);
      Vec dzf = dc * before * f * (1.0f - f);
      Vec dzc = dc * i * (1.0f - candidate * candidate);
      dc = dc * f;
      if (peephole) {
        dc += dzi * peep(0) + dzf * peep(1);
        auto add = [&](Index gate, Vec d) {
          float* at = row.d_peepholes + gate * units + u;
          store(at, load(at, n) + d, n);
        };
        add(0, dzi * before);
        add(1, dzf * before);
        add(2, dzo * c);
      }
      Vec dz[] = {dzi, dzf, dzc, dzo};
      for (Index gate = 0; gate < 4; ++gate) {
        store(row.d_projected + gate * units + u, dz[gate], n);
        store(row.d_recurrent + gate * units + u, dz[gate], n);
      }
      store(row.dc + u, dc, n);
      store(row.dh + u, Vec{}, n);
    }
  }
};

// Cho et al. 2014, the reset gate after the recurrent product (Keras' `reset_after=True`, cuDNN's variant).
struct GruCell {
  static constexpr Index kGates = 3, kKept = 4;
  static constexpr bool kCarry = false, kShared = false, kResetsBefore = false;

  static void forward(const ForwardRow& row, Index units, Range own) {
    for (Index u = own.first; u < own.second; u += kLanes) {
      Index n = own.second - u;
      auto x = [&](Index gate) {
        return load(row.projected + gate * units + u, n) + load(row.bias + gate * units + u, n);
      };
      auto through_h = [&](Index gate) {
        return load(row.recurrent + gate * units + u, n) + load(row.recurrent_bias + gate * units + u, n);
      };
      Vec candidate_x = x(2), candidate_h = through_h(2), h = load(row.h + u, n);
      Vec update = sigmoid(x(0) + through_h(0)), reset = sigmoid(x(1) + through_h(1));
      Vec candidate = hyperbolic_tangent(candidate_x + reset * candidate_h);
      store(row.kept + u, update, n);
      store(row.kept + units + u, reset, n);
      store(row.kept + 2 * units + u, candidate, n);
      store(row.kept + 3 * units + u, candidate_h, n);
      store(row.h + u, update * h + (1.0f - update) * candidate, n);
    }
  }

  static void backward(const BackwardRow& row, Index units) {
    for (Index u = 0; u < units; u += kLanes) {
      Index n = units - u;
      auto kept = [&](Index gate) { return load(row.kept + gate * units + u, n); };
      Vec update = kept(0), reset = kept(1), candidate = kept(2), candidate_h = kept(3);
      Vec dh = load(row.dh + u, n), before = load(row.previous + u, n);
      Vec d_candidate = dh * (1.0f - update) * (1.0f - candidate * candidate);
      Vec d_update = dh * (before - candidate) * update * (1.0f - update);
      Vec d_reset = d_candidate * candidate_h * reset * (1.0f - reset);
      float *to_x = row.d_projected + u, *to_h = row.d_recurrent + u;
      store(to_x, d_update, n);
      store(to_x + units, d_reset, n);
      store(to_x + 2 * units, d_candidate, n);
      store(to_h, d_update, n);
      store(to_h + units, d_reset, n);
      store(to_h + 2 * units, d_candidate * reset, n);
      store(row.dh + u, dh * update, n);
    }
  }
};

// Cho et al. 2014, the reset gate before the recurrent product (the paper's own variant, Keras' `reset_after=False`).
//
// The candidate's columns of the recurrent kernel meet reset * h, which is known once the reset gate is. So a step has
// two parts with that product between them: `reset` and `forward`, and on the way back `backward` and `backward_reset`.
struct GruResetBeforeCell {
  static constexpr Index kGates = 3, kKept = 3, kReset = 1;  // kReset: where the reset gate is, among gates and kept
  static constexpr bool kCarry = false, kShared = true, kResetsBefore = true;

  // Keeps the reset gate; `reset_h` (units,) gets what meets the candidate's columns.
  static void reset(const ForwardRow& row, Index units, Range own, float* reset_h) {
    for (Index u = own.first; u < own.second; u += kLanes) {
      Index n = own.second - u, at = kReset * units + u;
      Vec gate = sigmoid(load(row.projected + at, n) + load(row.bias + at, n) + load(row.recurrent + at, n));
      store(row.kept + at, gate, n);
      store(reset_h + u, gate * load(row.h + u, n), n);
    }
  }

  static void forward(const ForwardRow& row, Index units, Range own) {
    for (Index u = own.first; u < own.second; u += kLanes) {
      Index n = own.second - u;
      auto z = [&](Index gate) {
        Index at = gate * units + u;
        return load(row.projected + at, n) + load(row.bias + at, n) + load(row.recurrent + at, n);
      };
      Vec update = sigmoid(z(0)), candidate = hyperbolic_tangent(z(2)), h = load(row.h + u, n);
      store(row.kept + u, update, n);
      store(row.kept + 2 * units + u, candidate, n);
      store(row.h + u, update * h + (1.0f - update) * candidate, n);
    }
  }

  // All but the reset gate's gradient, for which the candidate's has to go through the recurrent kernel first.
  static void backward(const BackwardRow& row, Index units) {
    for (Index u = 0; u < units; u += kLanes) {
      Index n = units - u;
      Vec update = load(row.kept + u, n), candidate = load(row.kept + 2 * units + u, n);
      Vec dh = load(row.dh + u, n), before = load(row.previous + u, n);
      Vec d_update = dh * (before - candidate) * update * (1.0f - update);
      Vec d_candidate = dh * (1.0f - update) * (1.0f - candidate * candidate);
      for (float* to : {row.d_projected + u, row.d_recurrent + u}) {
        store(to, d_update, n);
        store(to + 2 * units, d_candidate, n);
      }
      store(row.dh + u, dh * update, n);
    }
  }

  // `d_reset_h`: (units,), the gradient of what `reset` gave.
  static void backward_reset(const BackwardRow& row, Index units, const float* d_reset_h) {
    for (Index u = 0; u < units; u += kLanes) {
      Index n = units - u, at = kReset * units + u;
      Vec reset = load(row.kept + at, n), d = load(d_reset_h + u, n);
      Vec d_reset = d * load(row.previous + u, n) * reset * (1.0f - reset);
      store(row.d_projected + at, d_reset, n);
      store(row.d_recurrent + at, d_reset, n);
      store(row.dh + u, load(row.dh + u, n) + d * reset, n);
    }
  }
};

}  // namespace rnn_tasks
