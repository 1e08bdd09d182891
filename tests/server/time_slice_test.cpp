// What the engine asks of the kernel's scheduler, read back from it.
#include "server/time_slice.hpp"

#include <gtest/gtest.h>
#include <sched.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <array>
#include <cstdint>
#include <cstring>
#include <thread>

namespace shearline::server {
namespace {

// The kernel's own words for the calling thread (sched_getattr(2)).
struct Scheduling {
  std::uint32_t policy = 0;
  std::int32_t nice = 0;
  std::uint64_t slice_ns = 0;
};
Scheduling of_this_thread() {
  std::array<unsigned char, 48> raw{};
  Scheduling out;
  if (::syscall(SYS_sched_getattr, 0, raw.data(), raw.size(), 0U) != 0) return out;
  std::memcpy(&out.policy, &raw[4], sizeof out.policy);
  std::memcpy(&out.nice, &raw[16], sizeof out.nice);
  std::memcpy(&out.slice_ns, &raw[24], sizeof out.slice_ns);
  return out;
}

// On a thread of its own, so that no other test inherits it.
template <class Action>
void on_a_thread(Action action) {
  std::thread(action).join();
}

TEST(TimeSlice, IsShortForTheThreadThatAsksAndForThoseItMakes) {
  on_a_thread([] {
    const bool is_granted = ask_for_short_time_slices();
    if (of_this_thread().slice_ns == 0)
      GTEST_SKIP() << "this kernel has no slices to choose (Linux 6.12 has)";
    ASSERT_TRUE(is_granted);
    EXPECT_EQ(of_this_thread().slice_ns, static_cast<std::uint64_t>(short_time_slice.count()));
    on_a_thread(
        [] { EXPECT_EQ(of_this_thread().slice_ns, static_cast<std::uint64_t>(short_time_slice.count())); });
  });
}

TEST(TimeSlice, LeavesPolicyAndNicenessAsTheOperatorSetThem) {
  on_a_thread([] {
    ASSERT_EQ(setpriority(PRIO_PROCESS, static_cast<id_t>(::gettid()), 7), 0);
    sched_param none{};
    ASSERT_EQ(sched_setscheduler(0, SCHED_BATCH, &none), 0);
    ask_for_short_time_slices();
    EXPECT_EQ(of_this_thread().policy, static_cast<std::uint32_t>(SCHED_BATCH));
    EXPECT_EQ(of_this_thread().nice, 7);
  });
}

TEST(TimeSlice, IsNotAskedForWhereTheOperatorChoseAnotherKindOfScheduling) {
  on_a_thread([] {
    sched_param none{};
    ASSERT_EQ(sched_setscheduler(0, SCHED_IDLE, &none), 0);
    EXPECT_FALSE(ask_for_short_time_slices());
    EXPECT_EQ(of_this_thread().policy, static_cast<std::uint32_t>(SCHED_IDLE));
  });
}

}  // namespace
}  // namespace shearline::server
