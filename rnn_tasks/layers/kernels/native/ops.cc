// The TensorFlow operations, on TensorFlow's C interface: plain functions, so that any C++ compiler's code fits.
//
// An optional input that is absent comes as a tensor without elements.

#include <string>
#include <vector>

#include "attention.h"
#include "backward.h"
#include "call.h"
#include "forward.h"
#include "tensorflow/c/ops.h"

namespace rnn_tasks {
namespace {

constexpr const char* kInputs[] = {"inputs",    "kernel", "recurrent_kernel", "bias", "recurrent_bias",
                                   "peepholes", "keep",   "state_mask",       "h0",   "c0"};
constexpr const char* kMemory[] = {"keys",    "values",     "seen",         "vector_kernel",
                                   "vector0", "alignment0", "query_kernel", "scale"};
constexpr int kFirst = sizeof(kInputs) / sizeof(kInputs[0]), kSecond = kFirst + sizeof(kMemory) / sizeof(kMemory[0]);

// `fed`: how much wider than the previous output is what meets the recurrent kernel.
template <class Cell>
Problem problem_of(Call& call, const Attributes& attributes, Index fed = 0) {
  const Index batch = call.size(0, 0), time = call.size(0, 1), features = call.size(0, 2);
  const Index width = call.size(2, 1), units = width / Cell::kGates;
  if (call.elements(1)) {
    call.expect(1, kInputs[1], {features, width});
  } else {
    call.expect(0, kInputs[0], {batch, time, width});
  }
  call.expect(2, kInputs[2], {fed + units, Cell::kGates * units});
  call.expect(3, kInputs[3], {width});
  if (!Cell::kShared) call.expect(4, kInputs[4], {width});
  call.expect_if_there(5, kInputs[5], {3, units});
  call.expect_if_there(6, kInputs[6], {batch, time});
  call.expect_if_there(7, kInputs[7], {Cell::kGates, batch, units});
  call.expect(8, kInputs[8], {batch, units});
  if (Cell::kCarry) call.expect(9, kInputs[9], {batch, units});
  // Starting a thread takes as long as some million operations.
  const double operations = 2.0 * batch * time * call.elements(2);
  const int threads = std::max(1, static_cast<int>(std::min<double>(attributes.threads, operations / 4e6)));
  return {batch,         time,          features,      units,         threads,
          call.input(0), call.input(1), call.input(2), call.input(3), call.input(4),
          call.input(5), call.input(6), call.input(7), call.input(8), call.input(9)};
}

template <class Cell, class Precision>
struct Forward {
  static void compute(Call& call, const Attributes& attributes) {
    const Problem p = problem_of<Cell>(call, attributes);
    const Index carries = Cell::kCarry ? p.units : 0;
    Results results;
    results.outputs = call.output(0, {p.batch, p.time, p.units});
    results.carries = call.output(1, {p.batch, p.time, attributes.keeps ? carries : 0});
    results.kept = call.output(2, {p.batch, p.time, attributes.keeps ? Cell::kKept * p.units : 0});
    results.last_h = call.output(3, {p.batch, p.units});
    results.last_c = call.output(4, {p.batch, carries});
    if (call.good()) forward<Cell, Precision>(p, results);
  }
};

template <class Cell, class Precision>
struct Backward {
  static void compute(Call& call, const Attributes& attributes) {
    const Problem p = problem_of<Cell>(call, attributes);
    auto given = [&](int i) { return const_cast<float*>(call.input(kFirst + i)); };
    Results results{given(0), given(1), given(2), nullptr, nullptr};
    const Index width = Cell::kGates * p.units, carries = Cell::kCarry ? p.units : 0;
    Gradients d{};
    d.d_outputs = given(3);
    d.d_last_h = given(4);
    d.d_last_c = given(5);
    float* d_inputs = call.output(0, {p.batch, p.time, p.features});
    d.d_inputs = p.kernel ? d_inputs : nullptr;
    d.d_projected = p.kernel ? call.room(p.batch * p.time * width) : d_inputs;
    d.d_kernel = call.output(1, {p.kernel ? p.features : 0, p.kernel ? width : 0}, !p.batch || !p.time);
    d.d_recurrent = call.output(2, {p.units, width}, !p.batch || !p.time);
    d.d_bias = call.output(3, {width}, true);
    d.d_recurrent_bias = call.output(4, {Cell::kShared ? 0 : width}, true);
    d.d_peepholes = call.output(5, {p.peepholes ? 3 : 0, p.peepholes ? p.units : 0}, true);
    d.d_h0 = call.output(6, {p.batch, p.units});
    d.d_c0 = call.output(7, {p.batch, carries});
    if (!Cell::kShared) d.d_candidate = call.room(p.batch * p.time * p.units);
    if (call.good()) backward<Cell, Precision>(p, results, d);
  }
};

Attention attention_of(Call& call, const Problem& p, const Attributes& attributes) {
  const Index time = call.size(kFirst, 1), key = call.size(kFirst, 2), width = call.size(kFirst + 1, 2),
              vector = call.size(kFirst + 3, 1);
  const bool asked_by_kernel = call.elements(kFirst + 6);
  call.expect(kFirst, kMemory[0], {p.batch, time, asked_by_kernel ? key : p.units});
  call.expect(kFirst + 1, kMemory[1], {p.batch, time, width});
  call.expect_if_there(kFirst + 2, kMemory[2], {p.batch, time});
  call.expect(kFirst + 3, kMemory[3], {p.units + width, vector});
  call.expect(kFirst + 4, kMemory[4], {p.batch, vector});
  call.expect(kFirst + 5, kMemory[5], {p.batch, time});
  if (asked_by_kernel) {
    call.expect(kFirst + 6, kMemory[6], {p.units, key});
    call.expect(kFirst + 7, kMemory[7], {key});
  }
  auto given = [&](int i) { return call.input(kFirst + i); };
  return {time,
          width,
          vector,
          key,
          attributes.tanh,
          given(0),
          given(1),
          given(2),
          given(3),
          given(4),
          given(5),
          given(6),
          asked_by_kernel ? given(7) : nullptr};
}

template <class Cell, class Precision>
struct ForwardAttending {
  static void compute(Call& call, const Attributes& attributes) {
    const Problem p = problem_of<Cell>(call, attributes, call.size(kFirst + 3, 1));
    const Attention a = attention_of(call, p, attributes);
    const Index carries = Cell::kCarry ? p.units : 0;
    AttentionResults results;
    results.vectors = call.output(0, {p.batch, p.time, a.vector_units});
    results.recurrence.outputs = call.output(1, {p.batch, p.time, p.units});
    results.recurrence.carries = call.output(2, {p.batch, p.time, carries});
    results.recurrence.kept = call.output(3, {p.batch, p.time, Cell::kKept * p.units});
    results.contexts = call.output(4, {p.batch, p.time, a.memory_units});
    results.alignments = call.output(5, {p.batch, p.time, a.memory_time});
    results.recurrence.last_h = call.output(6, {p.batch, p.units});
    results.recurrence.last_c = call.output(7, {p.batch, carries});
    results.last_vector = call.output(8, {p.batch, a.vector_units});
    results.last_alignment = call.output(9, {p.batch, a.memory_time});
    if (call.good()) forward_attending<Cell, Precision>(p, a, results);
  }
};

template <class Cell, class Precision>
struct BackwardAttending {
  static void compute(Call& call, const Attributes& attributes) {
    const Problem p = problem_of<Cell>(call, attributes, call.size(kFirst + 3, 1));
    const Attention a = attention_of(call, p, attributes);
    auto given = [&](int i) { return const_cast<float*>(call.input(kSecond + i)); };
    AttentionResults results{
        {given(1), given(2), given(3), nullptr, nullptr}, given(0), given(4), given(5), nullptr, nullptr};
    const Index width = Cell::kGates * p.units, carries = Cell::kCarry ? p.units : 0;
    AttentionGradients d{};
    d.d_vectors = given(6);
    d.recurrence.d_last_h = given(7);
    d.recurrence.d_last_c = given(8);
    d.d_last_vector = given(9);
    d.d_last_alignment = given(10);
    d.recurrence.d_inputs = call.output(0, {p.batch, p.time, p.features});
    d.recurrence.d_kernel = call.output(1, {p.features, width}, !p.batch || !p.time);
    d.recurrence.d_recurrent = call.output(2, {a.vector_units + p.units, width}, !p.batch || !p.time);
    d.recurrence.d_bias = call.output(3, {width}, true);
    d.recurrence.d_peepholes = call.output(4, {p.peepholes ? 3 : 0, p.peepholes ? p.units : 0}, true);
    d.recurrence.d_h0 = call.output(5, {p.batch, p.units});
    d.recurrence.d_c0 = call.output(6, {p.batch, carries});
    d.d_keys = call.output(7, {p.batch, a.memory_time, a.key_units}, true);
    d.d_values = call.output(8, {p.batch, a.memory_time, a.memory_units}, true);
    d.d_vector_kernel = call.output(9, {p.units + a.memory_units, a.vector_units}, !p.batch || !p.time);
    d.d_vector0 = call.output(10, {p.batch, a.vector_units});
    d.d_alignment0 = call.output(11, {p.batch, a.memory_time});
    const Index rows = a.query_kernel ? p.units : 0, key = a.query_kernel ? a.key_units : 0;
    d.d_query_kernel = call.output(12, {rows, key}, !p.batch || !p.time);
    d.d_scale = call.output(13, {key}, true);
    d.d_queries = call.room(p.batch * p.time * key);
    d.recurrence.d_projected = call.room(p.batch * p.time * width);
    d.d_asked = call.room(p.batch * p.time * a.vector_units);
    if (call.good()) backward_attending<Cell, Precision>(p, a, results, d);
  }
};

template <template <class, class> class Direction, class Precision>
void compute_in(Call& call, const Attributes& attributes) {
  const std::string& cell = attributes.cell;
  if (cell == "lstm") return Direction<LstmCell<false>, Precision>::compute(call, attributes);
  if (cell == "peephole_lstm") return Direction<LstmCell<true>, Precision>::compute(call, attributes);
  if (cell == "gru") return Direction<GruCell, Precision>::compute(call, attributes);
  if (cell == "gru_reset_before") return Direction<GruResetBeforeCell, Precision>::compute(call, attributes);
  if (cell == "relu_rnn") return Direction<SimpleCell<true>, Precision>::compute(call, attributes);
  return Direction<SimpleCell<false>, Precision>::compute(call, attributes);
}

// Attention is compiled for the LSTM alone: each cell more is seconds more for everybody's first use.
template <>
void compute_in<ForwardAttending, Float32>(Call& call, const Attributes& attributes) {
  ForwardAttending<LstmCell<false>, Float32>::compute(call, attributes);
}
template <>
void compute_in<BackwardAttending, Float32>(Call& call, const Attributes& attributes) {
  BackwardAttending<LstmCell<false>, Float32>::compute(call, attributes);
}
#if defined(__AVX512BF16__)
template <>
void compute_in<ForwardAttending, Bfloat16>(Call& call, const Attributes& attributes) {
  ForwardAttending<LstmCell<false>, Bfloat16>::compute(call, attributes);
}
template <>
void compute_in<BackwardAttending, Bfloat16>(Call& call, const Attributes& attributes) {
  BackwardAttending<LstmCell<false>, Bfloat16>::compute(call, attributes);
}
#endif

template <template <class, class> class Direction>
void compute(void* kernel, TF_OpKernelContext* context) {
  Call call(context);
  const auto& attributes = *static_cast<Attributes*>(kernel);
#if defined(__AVX512BF16__)
  if (attributes.rounded) return compute_in<Direction, Bfloat16>(call, attributes);
#endif
  compute_in<Direction, Float32>(call, attributes);
}

void* create(TF_OpKernelConstruction* construction) {
  auto* attributes = new Attributes();
  StatusPointer status(TF_NewStatus());
  char name[32] = {};
  TF_OpKernelConstruction_GetAttrString(construction, "cell", name, sizeof(name) - 1, status.get());
  attributes->cell = name;
  std::int32_t threads = 1;
  TF_OpKernelConstruction_GetAttrInt32(construction, "threads", &threads, status.get());
  attributes->threads = threads;
  unsigned char rounded = 0;  // what is multiplied, to bfloat16
  TF_OpKernelConstruction_GetAttrBool(construction, "rounded", &rounded, status.get());
  attributes->rounded = rounded;
  unsigned char tanh = 0;  // of the attention vector; the plain recurrence has no such attribute
  TF_OpKernelConstruction_GetAttrBool(construction, "tanh", &tanh, status.get());
  attributes->tanh = tanh;
  unsigned char keeps = 1;  // of the forward recurrence alone: what its gradient needs is kept
  TF_OpKernelConstruction_GetAttrBool(construction, "keeps", &keeps, status.get());
  attributes->keeps = keeps;
  return attributes;
}

void destroy(void* kernel) { delete static_cast<Attributes*>(kernel); }

void unknown_shapes(TF_ShapeInferenceContext* context, TF_Status* status) {
  TF_ShapeInferenceContextSetUnknownShape(context, status);  // Python knows them and sets them
}

void add(const char* name, const std::vector<std::string>& inputs, const std::vector<std::string>& outputs,
         void (*run)(void*, TF_OpKernelContext*), const char* attribute = nullptr) {
  StatusPointer status(TF_NewStatus());
  TF_OpDefinitionBuilder* op = TF_NewOpDefinitionBuilder(name);
  for (const auto& input : inputs) TF_OpDefinitionBuilderAddInput(op, (input + ": float").c_str());
  for (const auto& output : outputs) TF_OpDefinitionBuilderAddOutput(op, (output + ": float").c_str());
  TF_OpDefinitionBuilderAddAttr(op,
                                "cell: {'simple_rnn', 'relu_rnn', 'lstm', 'peephole_lstm', 'gru', 'gru_reset_before'}");
  TF_OpDefinitionBuilderAddAttr(op, "threads: int >= 1");
  TF_OpDefinitionBuilderAddAttr(op, "rounded: bool = false");
  if (attribute) TF_OpDefinitionBuilderAddAttr(op, attribute);
  TF_OpDefinitionBuilderSetShapeInferenceFunction(op, unknown_shapes);
  TF_RegisterOpDefinition(op, status.get());
  TF_RegisterKernelBuilder(name, TF_NewKernelBuilder(name, "CPU", create, run, destroy), status.get());
}

const bool registered = [] {
  using Names = std::vector<std::string>;
  auto joined = [](Names names, const Names& more) {
    names.insert(names.end(), more.begin(), more.end());
    return names;
  };
  const Names inputs(std::begin(kInputs), std::end(kInputs));
  const Names kept = {"outputs", "carries", "kept"};
  add("RnnTasksRecurrence", inputs, joined(kept, {"last_h", "last_c"}), compute<Forward>, "keeps: bool = true");
  add("RnnTasksRecurrenceGradient", joined(joined(inputs, kept), {"d_outputs", "d_last_h", "d_last_c"}),
      {"d_inputs", "d_kernel", "d_recurrent_kernel", "d_bias", "d_recurrent_bias", "d_peepholes", "d_h0", "d_c0"},
      compute<Backward>);
  const Names attending = joined(inputs, Names(std::begin(kMemory), std::end(kMemory)));
  const Names seen = {"vectors", "outputs", "carries", "kept", "contexts", "alignments"};
  add("RnnTasksAttention", attending, joined(seen, {"last_h", "last_c", "last_vector", "last_alignment"}),
      compute<ForwardAttending>, "tanh: bool");
  add("RnnTasksAttentionGradient",
      joined(joined(attending, seen), {"d_vectors", "d_last_h", "d_last_c", "d_last_vector", "d_last_alignment"}),
      {"d_inputs", "d_kernel", "d_recurrent_kernel", "d_bias", "d_peepholes", "d_h0", "d_c0", "d_keys", "d_values",
       "d_vector_kernel", "d_vector0", "d_alignment0", "d_query_kernel", "d_scale"},
      compute<BackwardAttending>, "tanh: bool");
  return true;
}();

}  // namespace
}  // namespace rnn_tasks

// For Python: whether this processor multiplies bfloat16.
extern "C" bool rnn_tasks_has_bfloat16() {
#if defined(__AVX512BF16__)
  return true;
#else
  return false;
#endif
}
