// One call of an operation, on TensorFlow's C interface.
#pragma once

#include <algorithm>
#include <initializer_list>
#include <memory>
#include <string>
#include <vector>

#include "gemm.h"
#include "tensorflow/c/kernels.h"
#include "tensorflow/c/tf_status.h"
#include "tensorflow/c/tf_tensor.h"

namespace rnn_tasks {

struct Attributes {
  std::string cell;
  int threads;
  bool rounded, tanh, keeps;
};

struct Free {
  void operator()(TF_Tensor* tensor) const { TF_DeleteTensor(tensor); }
  void operator()(TF_Status* status) const { TF_DeleteStatus(status); }
};
using TensorPointer = std::unique_ptr<TF_Tensor, Free>;
using StatusPointer = std::unique_ptr<TF_Status, Free>;

// One call of a kernel: its inputs, and its outputs as they are made.
class Call {
 public:
  explicit Call(TF_OpKernelContext* context) : context_(context), status_(TF_NewStatus()) {
    for (int i = 0; i < TF_NumInputs(context); ++i) {
      TF_Tensor* tensor = nullptr;
      TF_GetInput(context, i, &tensor, status_.get());
      tensors_.emplace_back(tensor);
    }
  }

  Index size(int i, int dimension) const { return TF_Dim(tensors_[i].get(), dimension); }
  Index elements(int i) const { return TF_TensorElementCount(tensors_[i].get()); }
  const float* input(int i) const {
    return elements(i) ? static_cast<const float*>(TF_TensorData(tensors_[i].get())) : nullptr;
  }
  float* output(int i, std::initializer_list<Index> shape, bool zeroed = false) {
    std::vector<std::int64_t> dimensions(shape);
    Index count = 1;
    for (Index size : dimensions) count *= size;
    tensors_.emplace_back(TF_AllocateOutput(context_, i, TF_FLOAT, dimensions.data(), dimensions.size(),
                                            count * sizeof(float), status_.get()));
    if (!tensors_.back() || !count) return nullptr;
    auto* data = static_cast<float*>(TF_TensorData(tensors_.back().get()));
    if (zeroed) std::fill(data, data + count, 0.0f);
    return data;
  }
  // Room to work in, until the call ends.
  float* room(Index size) {
    rooms_.emplace_back(size);
    return rooms_.back().data();
  }
  // Fail unless input `i` has this shape; nothing below looks at a size again.
  void expect(int i, const char* name, std::initializer_list<Index> wanted) {
    std::string found, asked;
    for (int d = 0; d < TF_NumDims(tensors_[i].get()); ++d) found += (d ? ", " : "") + std::to_string(size(i, d));
    for (Index size : wanted) asked += (asked.empty() ? "" : ", ") + std::to_string(size);
    if (found == asked || !mistake_.empty()) return;
    mistake_ = std::string(name) + " of shape (" + found + "), (" + asked + ") wanted";
  }
  // The same of an input that may be absent.
  void expect_if_there(int i, const char* name, std::initializer_list<Index> wanted) {
    if (elements(i)) expect(i, name, wanted);
  }
  // Whether everything asked for is there; reports to TensorFlow what is not.
  bool good() {
    if (!mistake_.empty()) TF_SetStatus(status_.get(), TF_INVALID_ARGUMENT, mistake_.c_str());
    if (TF_GetCode(status_.get()) != TF_OK) TF_OpKernelContext_Failure(context_, status_.get());
    return TF_GetCode(status_.get()) == TF_OK;
  }

 private:
  TF_OpKernelContext* context_;
  StatusPointer status_;
  std::string mistake_;
  std::vector<TensorPointer> tensors_;
  std::vector<Floats> rooms_;
};

}  // namespace rnn_tasks
