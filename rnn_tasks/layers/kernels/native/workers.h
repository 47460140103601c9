// The threads that work on one call together: what part is whose, and where they wait for each other.
#pragma once

#include <algorithm>
#include <atomic>
#include <condition_variable>
#include <mutex>
#include <thread>
#include <utility>
#include <vector>

#include "simd.h"

namespace rnn_tasks {

// Where the threads that work on a call together wait for each other.
class Meeting {
 public:
  explicit Meeting(Index members) : members_(members) {}

  // Wait until all members have come `times` times: watching at first, for others are microseconds away, then asleep,
  // so that the processor is free for one that waits for it.
  void attend(Index times) {
    constexpr int kWatching = 400;
    const Index wanted = times * members_;
    if (arrived_.fetch_add(1) + 1 == wanted) {
      if (asleep_.load()) {
        std::lock_guard<std::mutex> lock(mutex_);
        wake_.notify_all();
      }
      return;
    }
    for (int i = 0; i < kWatching; ++i) {
      if (arrived_.load() >= wanted) return;
      pause_processor();
    }
    std::unique_lock<std::mutex> lock(mutex_);
    asleep_.fetch_add(1);
    wake_.wait(lock, [&] { return arrived_.load() >= wanted; });
    asleep_.fetch_sub(1);
  }

 private:
  const Index members_;
  std::atomic<Index> arrived_{0}, asleep_{0};
  std::mutex mutex_;
  std::condition_variable wake_;
};

// One of the threads that work on a call together.
class Worker {
 public:
  Worker(Index index, Index count, Meeting& meeting) : index_(index), count_(count), meeting_(meeting) {}

  // Wait until all workers have come this far.
  void meet() { meeting_.attend(++meetings_); }

  // This worker's part of [0, size), in multiples of `unit`.
  std::pair<Index, Index> share(Index size, Index unit = 1) const {
    const Index units = (size + unit - 1) / unit;
    return {units * index_ / count_ * unit, std::min(size, units * (index_ + 1) / count_ * unit)};
  }

 private:
  Index index_, count_, meetings_ = 0;
  Meeting& meeting_;
};

template <class Work>
void in_parallel(int count, Work work) {
  Meeting meeting(count);
  std::vector<std::thread> others;
  for (int i = 1; i < count; ++i) others.emplace_back([&, i] { work(Worker(i, count, meeting)); });
  work(Worker(0, count, meeting));
  for (auto& thread : others) thread.join();
}

}  // namespace rnn_tasks
