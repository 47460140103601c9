// An attention decoder with input feeding (Luong et al. 2015) over a whole sequence, and its gradient: at every step
// the recurrence reads [input; attention vector of the step before], its output asks the memory, and [output; context]
// W becomes the new vector. The memory is asked by query . key (Luong), or by scale . tanh(query + key), where the
// query is the output times a kernel (Bahdanau et al. 2015).
//
// As in forward.h each thread runs its rows of the batch through all of time; the kernels' gradients come after it.
// Attention vector and output lie side by side in one row, so that one product serves both: `p.recurrent` is the input
// kernel's part for the vector on top of the recurrent kernel, (vector_units + units, gates * units).
#pragma once

#include <cmath>

#include "backward.h"

namespace rnn_tasks {

struct Attention {
  Index memory_time, memory_units, vector_units, key_units;
  bool tanh;                          // the vector's activation; else none
  const float* keys;                  // (batch, memory time, key units)
  const float* values;                // (batch, memory time, memory units)
  const float* seen;                  // (batch, memory time), 0 where there is no memory; or null
  const float* vector_kernel;         // (units + memory units, vector units)
  const float *vector0, *alignment0;  // the states before the first step
  const float* query_kernel;          // (units, key units), or null: the output is the query
  const float* scale;                 // (key units,), with a query kernel
};

struct AttentionResults {
  Results recurrence;
  float *vectors, *contexts, *alignments;  // (batch, time, vector units / memory units / memory time)
  float *last_vector, *last_alignment;
};

struct AttentionGradients {
  Gradients recurrence;
  const float *d_vectors, *d_last_vector, *d_last_alignment;
  float *d_keys, *d_values, *d_vector_kernel, *d_vector0, *d_alignment0, *d_query_kernel, *d_scale;
  float* d_asked;    // (batch, time, vector units); room to work in: the vectors' pre-activations
  float* d_queries;  // (batch, time, key units); room to work in, with a query kernel
};

inline float total(Vec vector) {
  float sum = 0.0f;
  for (Index i = 0; i < kLanes; ++i) sum += vector[i];
  return sum;
}

inline float dot(const float* a, const float* b, Index n) {
  Vec sum{};
  for (Index i = 0; i < n; i += kLanes) sum += load(a + i, n - i) * load(b + i, n - i);
  return total(sum);
}

// to += factor * from
inline void add_scaled(float* to, float factor, const float* from, Index n) {
  for (Index i = 0; i < n; i += kLanes) store(to + i, load(to + i, n - i) + factor * load(from + i, n - i), n - i);
}

inline float score(const Attention& a, const float* query, const float* key) {
  if (!a.scale) return dot(query, key, a.key_units);
  Vec sum{};
  for (Index i = 0; i < a.key_units; i += kLanes) {
    const Index n = a.key_units - i;
    sum += load(a.scale + i, n) * hyperbolic_tangent(load(query + i, n) + load(key + i, n));
  }
  return total(sum);
}

// Adds a score's gradient to those of its query, its key and the scale.
inline void score_backward(const Attention& a, float d_score, const float* query, const float* key, float* d_query,
                           float* d_key, float* d_scale) {
  for (Index i = 0; i < a.key_units; i += kLanes) {
    const Index n = a.key_units - i;
    auto add = [&](float* to, Vec d) { store(to + i, load(to + i, n) + d, n); };
    const Vec q = load(query + i, n), k = load(key + i, n);
    if (!a.scale) {
      add(d_query, d_score * k);
      add(d_key, d_score * q);
      continue;
    }
    const Vec squashed = hyperbolic_tangent(q + k);
    const Vec d = d_score * load(a.scale + i, n) * (1.0f - squashed * squashed);
    add(d_query, d);
    add(d_key, d);
    add(d_scale, d_score * squashed);
  }
}

// The softmax of a query's scores over the memory there is, and the context it reads; zeros where there is no memory.
inline void attend(const Attention& a, Index sample, const float* query, float* alignment, float* context) {
  const float* keys = a.keys + sample * a.memory_time * a.key_units;
  const float* values = a.values + sample * a.memory_time * a.memory_units;
  const float* seen = a.seen ? a.seen + sample * a.memory_time : nullptr;
  auto there = [&](Index s) { return !seen || seen[s] != 0.0f; };
  float most = -INFINITY, total = 0.0f;
  for (Index s = 0; s < a.memory_time; ++s) {
    alignment[s] = there(s) ? score(a, query, keys + s * a.key_units) : 0.0f;
    if (there(s)) most = std::max(most, alignment[s]);
  }
  for (Index s = 0; s < a.memory_time; ++s) total += alignment[s] = there(s) ? std::exp(alignment[s] - most) : 0.0f;
  std::fill(context, context + a.memory_units, 0.0f);
  for (Index s = 0; s < a.memory_time; ++s) {
    if (!there(s)) continue;
    alignment[s] /= total;
    add_scaled(context, alignment[s], values + s * a.memory_units, a.memory_units);
  }
}

template <class Cell, class Precision>
void forward_attending(const Problem& p, const Attention& a, const AttentionResults& results) {
  static_assert(Cell::kShared && !Cell::kResetsBefore,
                "the vector's part of the pre-activations must be the inputs' and the output's alike");
  const Index N = p.units, T = p.time, A = a.vector_units, M = a.memory_units, S = a.memory_time, K = a.key_units;
  const Index width = Cell::kGates * N, both = A + N, asked = N + M;
  float* projected = Cell::kKept ? results.recurrence.kept : results.recurrence.outputs;
  const Index stride = Cell::kKept ? Cell::kKept * N : N;
  const Packed<Precision> kernel(p.kernel, width, p.features, width, false);
  const Packed<Precision> recurrent(p.recurrent, width, both, width, false);
  const Packed<Precision> vector_kernel(a.vector_kernel, A, asked, A, false);
  const Packed<Precision> query_kernel(a.query_kernel, K, a.query_kernel ? N : 0, K, false);
  in_parallel(p.threads, [&](Worker worker) {
    for (const auto* packed : {&kernel, &recurrent, &vector_kernel, &query_kernel}) {
      packed->pack_panels(worker.share(packed->panels()));
    }
    worker.meet();
    const auto [first, last] = worker.share(p.batch);
    const Index rows = last - first;
    multiply(p.inputs + first * T * p.features, p.features, kernel, rows * T, projected + first * T * stride, stride);
    Floats state(rows * both), c(Cell::kCarry ? rows * N : 0), z(rows * width), question(rows * asked),
        answer(rows * A), queries(a.query_kernel ? rows * K : 0);
    std::fill(question.data(), question.data() + rows * asked, 0.0f);
    for (Index r = 0; r < rows; ++r) {
      std::memcpy(state.data() + r * both, a.vector0 + (first + r) * A, A * sizeof(float));
      std::memcpy(state.data() + r * both + A, p.h0 + (first + r) * N, N * sizeof(float));
      std::memcpy(results.last_alignment + (first + r) * S, a.alignment0 + (first + r) * S, S * sizeof(float));
    }
    if (Cell::kCarry) std::memcpy(c.data(), p.c0 + first * N, rows * N * sizeof(float));
    for (Index t = 0; t < T; ++t) {
      multiply(state.data(), both, recurrent, rows, z.data(), width);
      for (Index r = 0; r < rows; ++r) {
        const Index at = (first + r) * T + t;
        float *h = state.data() + r * both + A, *cr = Cell::kCarry ? c.data() + r * N : nullptr;
        if (!p.keep || p.keep[at] != 0.0f) {
          Cell::forward({projected + at * stride, z.data() + r * width, p.bias, nullptr, p.peepholes,
                         Cell::kKept ? results.recurrence.kept + at * stride : nullptr, h, cr},
                        N, {0, N});
        }
        std::memcpy(results.recurrence.outputs + at * N, h, N * sizeof(float));
        if (Cell::kCarry) std::memcpy(results.recurrence.carries + at * N, cr, N * sizeof(float));
      }
      if (a.query_kernel) multiply(state.data() + A, both, query_kernel, rows, queries.data(), K);
      for (Index r = 0; r < rows; ++r) {
        const Index at = (first + r) * T + t;
        const float *h = state.data() + r * both + A, *query = a.query_kernel ? queries.data() + r * K : h;
        float *alignment = results.alignments + at * S, *context = results.contexts + at * M;
        if (p.keep && p.keep[at] == 0.0f) {
          std::fill(alignment, alignment + S, 0.0f);
          std::fill(context, context + M, 0.0f);
          continue;
        }
        attend(a, first + r, query, alignment, context);
        std::memcpy(results.last_alignment + (first + r) * S, alignment, S * sizeof(float));
        std::memcpy(question.data() + r * asked, h, N * sizeof(float));
        std::memcpy(question.data() + r * asked + N, context, M * sizeof(float));
      }
      multiply(question.data(), asked, vector_kernel, rows, answer.data(), A);
      for (Index r = 0; r < rows; ++r) {
        const Index at = (first + r) * T + t;
        float *vector = state.data() + r * both, *from = answer.data() + r * A;
        if (!p.keep || p.keep[at] != 0.0f) {
          for (Index i = 0; i < A; i += kLanes) {
            Vec x = load(from + i, A - i);
            store(vector + i, a.tanh ? hyperbolic_tangent(x) : x, A - i);
          }
        }
        std::memcpy(results.vectors + at * A, vector, A * sizeof(float));
      }
    }
    for (Index r = 0; r < rows; ++r) {
      std::memcpy(results.last_vector + (first + r) * A, state.data() + r * both, A * sizeof(float));
      std::memcpy(results.recurrence.last_h + (first + r) * N, state.data() + r * both + A, N * sizeof(float));
    }
    if (Cell::kCarry) std::memcpy(results.recurrence.last_c + first * N, c.data(), rows * N * sizeof(float));
  });
}

// The gradients of the kernels, each thread its share of the columns.
template <class Cell, class Precision>
void attention_kernel_gradients(const Problem& p, const Attention& a, const AttentionResults& results,
                                const AttentionGradients& d, const Worker& worker) {
  const Index N = p.units, A = a.vector_units, M = a.memory_units, width = Cell::kGates * N, steps = p.batch * p.time;
  const Floats row(std::max(A + N, N + M));
  auto side_by_side = [&](const float* left, Index n, const float* right, Index m) -> const float* {
    std::memcpy(row.data(), left, n * sizeof(float));
    std::memcpy(row.data() + n, right, m * sizeof(float));
    return row.data();
  };
  auto state = [&](Index k) {
    const float* vector = k % p.time ? results.vectors + (k - 1) * A : a.vector0 + k / p.time * A;
    return side_by_side(vector, A, previous(p, results.recurrence.outputs, p.h0, k), N);
  };
  auto question = [&](Index k) {
    return side_by_side(results.recurrence.outputs + k * N, N, results.contexts + k * M, M);
  };
  auto inputs = [&](Index k) { return p.inputs + k * p.features; };
  auto d_gates = [&](Index k) -> const float* { return d.recurrence.d_projected + k * width; };
  auto d_asked = [&](Index k) -> const float* { return d.d_asked + k * A; };
  const auto [first, last] = worker.share(width, kPanel);
  multiply_transposed<Precision>(inputs, d_gates, steps, p.features, first, last, d.recurrence.d_kernel, width);
  multiply_transposed<Precision>(state, d_gates, steps, A + N, first, last, d.recurrence.d_recurrent, width);
  const auto [from, to] = worker.share(A, kPanel);
  multiply_transposed<Precision>(question, d_asked, steps, N + M, from, to, d.d_vector_kernel, A);
  if (!a.query_kernel) return;
  const Index K = a.key_units;
  auto output = [&](Index k) -> const float* { return results.recurrence.outputs + k * N; };
  auto d_query = [&](Index k) -> const float* { return d.d_queries + k * K; };
  const auto [left, right] = worker.share(K, kPanel);
  multiply_transposed<Precision>(output, d_query, steps, N, left, right, d.d_query_kernel, K);
}

template <class Cell, class Precision>
void backward_attending(const Problem& p, const Attention& a, const AttentionResults& results,
                        const AttentionGradients& d) {
  const Index N = p.units, T = p.time, A = a.vector_units, M = a.memory_units, S = a.memory_time, K = a.key_units;
  const Index width = Cell::kGates * N, both = A + N, asked = N + M;
  const Results& kept = results.recurrence;
  const Packed<Precision> kernel(p.kernel, width, width, p.features, true);
  const Packed<Precision> recurrent(p.recurrent, width, width, both, true);
  const Packed<Precision> vector_kernel(a.vector_kernel, A, A, asked, true);
  // The queries are computed again rather than kept; theirs is the one kernel that both ways need.
  const Packed<Precision> query_kernel(a.query_kernel, K, a.query_kernel ? N : 0, K, false);
  const Packed<Precision> query_back(a.query_kernel, K, K, a.query_kernel ? N : 0, true);
  std::mutex adding;
  in_parallel(p.threads, [&](Worker worker) {
    for (const auto* packed : {&kernel, &recurrent, &vector_kernel, &query_kernel, &query_back}) {
      packed->pack_panels(worker.share(packed->panels()));
    }
    worker.meet();
    const auto [first, last] = worker.share(p.batch);
    const Index rows = last - first;
    Floats z(rows * width), d_state(rows * both), d_answer(rows * A), d_question(rows * asked), d_alignment(S);
    Floats queries(a.query_kernel ? rows * K : 0), d_query(a.query_kernel ? rows * K : 0), sums(width + 3 * N + K);
    std::fill(sums.data(), sums.data() + sums.size(), 0.0f);
    float *d_bias = sums.data(), *d_peepholes = d_bias + width, *d_scale = d_peepholes + 3 * N;
    float *d_vector = d.d_vector0 + first * A, *dh = d.recurrence.d_h0 + first * N;
    float* dc = Cell::kCarry ? d.recurrence.d_c0 + first * N : nullptr;
    std::memcpy(d_vector, d.d_last_vector + first * A, rows * A * sizeof(float));
    std::memcpy(d.d_alignment0 + first * S, d.d_last_alignment + first * S, rows * S * sizeof(float));
    std::memcpy(dh, d.recurrence.d_last_h + first * N, rows * N * sizeof(float));
    if (dc) std::memcpy(dc, d.recurrence.d_last_c + first * N, rows * N * sizeof(float));
    for (Index t = T - 1; t >= 0; --t) {
      for (Index r = 0; r < rows; ++r) {
        const Index at = (first + r) * T + t;
        float *dv = d_vector + r * A, *da = d_answer.data() + r * A;
        add_scaled(dv, 1.0f, d.d_vectors + at * A, A);
        if (p.keep && p.keep[at] == 0.0f) {
          std::fill(da, da + A, 0.0f);
        } else {
          for (Index i = 0; i < A; i += kLanes) {
            Vec v = load(results.vectors + at * A + i, A - i), up = load(dv + i, A - i);
            store(da + i, a.tanh ? up * (1.0f - v * v) : up, A - i);
          }
        }
        std::memcpy(d.d_asked + at * A, da, A * sizeof(float));
      }
      multiply(d_answer.data(), A, vector_kernel, rows, d_question.data(), asked);
      if (a.query_kernel) {
        multiply(kept.outputs + (first * T + t) * N, T * N, query_kernel, rows, queries.data(), K);
        std::fill(d_query.data(), d_query.data() + rows * K, 0.0f);
      }
      for (Index r = 0; r < rows; ++r) {
        const Index sample = first + r, at = sample * T + t;
        if (p.keep && p.keep[at] == 0.0f) continue;
        const float *dq = d_question.data() + r * asked, *context_up = dq + N, *alignment = results.alignments + at * S;
        const float* query = a.query_kernel ? queries.data() + r * K : kept.outputs + at * N;
        float* d_asking = a.query_kernel ? d_query.data() + r * K : dh + r * N;
        float *d_carried = d.d_alignment0 + sample * S, *da = d_alignment.data(), inner = 0.0f;
        add_scaled(dh + r * N, 1.0f, dq, N);
        for (Index s = 0; s < S; ++s) {
          const Index place = sample * S + s;
          da[s] = d_carried[s] + dot(context_up, a.values + place * M, M);
          d_carried[s] = 0.0f;
          inner += alignment[s] * da[s];
        }
        for (Index s = 0; s < S; ++s) {
          if (alignment[s] == 0.0f) continue;
          const Index place = sample * S + s;
          const float d_score = alignment[s] * (da[s] - inner);
          score_backward(a, d_score, query, a.keys + place * K, d_asking, d.d_keys + place * K, d_scale);
          add_scaled(d.d_values + place * M, alignment[s], context_up, M);
        }
      }
      if (a.query_kernel) {
        multiply(d_query.data(), K, query_back, rows, dh, N, true);
        for (Index r = 0; r < rows; ++r) {
          std::memcpy(d.d_queries + ((first + r) * T + t) * K, d_query.data() + r * K, K * sizeof(float));
        }
      }
      for (Index r = 0; r < rows; ++r) {
        const Index at = (first + r) * T + t;
        float *dz = d.recurrence.d_projected + at * width, *zr = z.data() + r * width;
        if (p.keep && p.keep[at] == 0.0f) {
          std::fill(dz, dz + width, 0.0f);
          std::fill(zr, zr + width, 0.0f);
          continue;
        }
        Cell::backward(
            backward_row<Cell>(p, kept, d.recurrence, at, dh + r * N, dc ? dc + r * N : nullptr, zr, d_peepholes), N);
        add_scaled(d_bias, 1.0f, dz, width);
      }
      multiply(z.data(), width, recurrent, rows, d_state.data(), both);
      for (Index r = 0; r < rows; ++r) {
        const float* from = d_state.data() + r * both;
        if (!p.keep || p.keep[(first + r) * T + t] != 0.0f) std::memcpy(d_vector + r * A, from, A * sizeof(float));
        add_scaled(dh + r * N, 1.0f, from + A, N);
      }
    }
    multiply(d.recurrence.d_projected + first * T * width, width, kernel, rows * T,
             d.recurrence.d_inputs + first * T * p.features, p.features);
    {
      std::lock_guard<std::mutex> lock(adding);
      add_scaled(d.recurrence.d_bias, 1.0f, d_bias, width);
      if (p.peepholes) add_scaled(d.recurrence.d_peepholes, 1.0f, d_peepholes, 3 * N);
      if (a.scale) add_scaled(d.d_scale, 1.0f, d_scale, K);
    }
    worker.meet();
    attention_kernel_gradients<Cell, Precision>(p, a, results, d, worker);
  });
}

}  // namespace rnn_tasks
