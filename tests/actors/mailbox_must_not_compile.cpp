// Built by ctest once per case, expecting our own message: a mailbox without a limit or without a declared reaction
// when full does not compile. Case 0 does, so that the others fail for their own reason.
#include "actors/mailbox.hpp"

namespace shearline::actors {

void declare(loop::Loop& loop) {
#if CASE == 0
  Mailbox<int, 8, WhenFull::shed> mailbox(loop);
#elif CASE == 1
  Mailbox<int> mailbox(loop);
#elif CASE == 2
  Mailbox<int, 8> mailbox(loop);
#endif
  mailbox.close();
}

}  // namespace shearline::actors
