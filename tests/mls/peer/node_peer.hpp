// The other implementation as a child process: starts peer.mjs under Node and asks it one thing at a time. Used by
// peer_test.cpp; knows the lines, not what they say about MLS.
#pragma once

#include "base/bytes.hpp"

#include <nlohmann/json.hpp>
#include <sys/types.h>

#include <memory>
#include <stdexcept>
#include <string>

namespace shearline::mls::testing {

// What the peer would not do, in its words.
struct Refused : std::runtime_error {
  using std::runtime_error::runtime_error;
};

// Ends its process when it ends itself. Any failure to speak with the process is a std::runtime_error.
class NodePeer {
 public:
  // Nothing if Node or ts-mls is not there; `why` says which, and what to do.
  static std::unique_ptr<NodePeer> start(std::string& why);

  NodePeer(const NodePeer&) = delete;
  NodePeer& operator=(const NodePeer&) = delete;
  ~NodePeer();

  // What came under "done". Throws Refused.
  nlohmann::json ask(const nlohmann::json& request);

 private:
  NodePeer(pid_t pid, int socket) : pid_(pid), socket_(socket) {}
  std::string read_line();

  pid_t pid_;
  int socket_;
  std::string received_;
};

}  // namespace shearline::mls::testing
