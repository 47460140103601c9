// The threads that work on one call together: what part is whose, and where they wait for each other.
#pragma once

#include <pthread.h>
#include <sched.h>

#include <algorithm>
#include <atomic>
#include <chrono>
#include <condition_variable>
#include <functional>
#include <mutex>
#include <thread>
#include <utility>
#include <vector>

#include "simd.h"

namespace rnn_tasks {

using Microseconds = std::chrono::microseconds;

// How long a thread watches for what it waits for before it goes to sleep, so that its processor is free for others.
// Less than it takes to wake one, and they would never get together again: who has slept comes late to the next
// meeting, too, where the others are asleep by then. The caller of an operation watches longer. Only helpers are kept
// off another thread's processor, and Linux on a virtual machine wakes a thread where its waker runs, for it takes a
// processor at rest for one that the host has lent elsewhere: from then on caller and helper would share one.
constexpr Microseconds kHelperWatches{100}, kCallerWatches{1000};

template <class Event>
bool happens_within(Microseconds span, Event happened) {
  const auto start = std::chrono::steady_clock::now();
  do {
    for (int i = 0; i < 64; ++i) {
      if (happened()) return true;
      pause_processor();
    }
  } while (std::chrono::steady_clock::now() - start < span);
  return false;
}

// Where the threads that work on a call together wait for each other.
class Meeting {
 public:
  explicit Meeting(Index members) : members_(members) {}

  // Wait until all members have come `times` times: watching first, then asleep.
  void attend(Index times, Microseconds watching) {
    const Index wanted = times * members_;
    if (arrived_.fetch_add(1) + 1 == wanted) {
      if (asleep_.load()) {
        std::lock_guard<std::mutex> lock(mutex_);
        wake_.notify_all();
      }
      return;
    }
    auto complete = [&] { return arrived_.load() >= wanted; };
    if (happens_within(watching, complete)) return;
    std::unique_lock<std::mutex> lock(mutex_);
    asleep_.fetch_add(1);
    wake_.wait(lock, complete);
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
  void meet() { meeting_.attend(++meetings_, index_ ? kHelperWatches : kCallerWatches); }

  // This worker's part of [0, size), in multiples of `unit`.
  std::pair<Index, Index> share(Index size, Index unit = 1) const {
    const Index units = (size + unit - 1) / unit;
    return {units * index_ / count_ * unit, std::min(size, units * (index_ + 1) / count_ * unit)};
  }

 private:
  Index index_, count_, meetings_ = 0;
  Meeting& meeting_;
};

// A thread that is lent to one call after another, asleep in between: to start one anew takes several times as long as
// to wake it, and now and then milliseconds, where it is put on a busy processor. It lives as long as the process.
class Helper {
 public:
  // One that has nothing to do, or a new one.
  static Helper* borrow() {
    Idle& idle = all_idle();
    std::lock_guard<std::mutex> lock(idle.mutex);
    if (idle.helpers.empty()) return new Helper;
    Helper* helper = idle.helpers.back();
    idle.helpers.pop_back();
    return helper;
  }

  void begin(std::function<void()> job) {
    std::lock_guard<std::mutex> lock(mutex_);
    keep_off_mine();
    job_ = std::move(job);
    busy_ = true;
    changed_.notify_one();
  }

  // Wait for the end of what was begun, and give the helper back.
  void end() {
    auto ended = [&] { return !busy_.load(); };
    if (!happens_within(kCallerWatches, ended)) {
      std::unique_lock<std::mutex> lock(mutex_);
      changed_.wait(lock, ended);
    }
    Idle& idle = all_idle();
    std::lock_guard<std::mutex> lock(idle.mutex);
    idle.helpers.push_back(this);
  }

 private:
  struct Idle {
    std::mutex mutex;
    std::vector<Helper*> helpers;
  };

  static Idle& all_idle() {
    static Idle* idle = new Idle;  // never destroyed: a helper may outlive what is
    return *idle;
  }

  Helper() {
    std::thread thread([this] { serve(); });
    thread_ = thread.native_handle();
    thread.detach();
  }

  // Off the processor of whoever calls, unless there is no other.
  void keep_off_mine() {
#if defined(__linux__)
    const int mine = sched_getcpu();
    cpu_set_t allowed;
    if (mine == kept_off_ || sched_getaffinity(0, sizeof(allowed), &allowed)) return;
    CPU_CLR(mine, &allowed);
    if (CPU_COUNT(&allowed) && !pthread_setaffinity_np(thread_, sizeof(allowed), &allowed)) kept_off_ = mine;
#endif
  }

  void serve() {
    for (;;) {
      std::unique_lock<std::mutex> lock(mutex_);
      changed_.wait(lock, [&] { return busy_.load(); });
      lock.unlock();
      job_();
      lock.lock();
      busy_ = false;
      changed_.notify_one();
    }
  }

  std::mutex mutex_;
  std::condition_variable changed_;
  std::atomic<bool> busy_{false};
  std::function<void()> job_;
  std::thread::native_handle_type thread_;
  int kept_off_ = -1;
};

template <class Work>
void in_parallel(int count, Work work) {
  Meeting meeting(count);
  std::vector<Helper*> helpers;
  for (int i = 1; i < count; ++i) {
    helpers.push_back(Helper::borrow());
    helpers.back()->begin([&, i] { work(Worker(i, count, meeting)); });
  }
  work(Worker(0, count, meeting));
  for (Helper* helper : helpers) helper->end();
}

}  // namespace rnn_tasks
