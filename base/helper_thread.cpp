#include "base/helper_thread.hpp"

#include <signal.h>

#include <utility>

namespace shearline {
namespace {

class SignalsBlocked {
 public:
  SignalsBlocked() {
    sigset_t all;
    sigfillset(&all);
    pthread_sigmask(SIG_SETMASK, &all, &before_);
  }
  ~SignalsBlocked() { pthread_sigmask(SIG_SETMASK, &before_, nullptr); }
  SignalsBlocked(const SignalsBlocked&) = delete;
  SignalsBlocked& operator=(const SignalsBlocked&) = delete;

 private:
  sigset_t before_;
};

}  // namespace

std::thread start_helper_thread(std::function<void()> body) {
  const SignalsBlocked while_starting;
  return std::thread(std::move(body));
}

}  // namespace shearline
