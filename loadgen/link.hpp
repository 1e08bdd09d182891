// One socket's life on a loop: connect, AUTH where the run has it, bytes out and in, and the orderly end that waits
// for what is in flight. Base of everything that talks to the server (connection.hpp, garbage.hpp, rotated.hpp).
// Owned by a load thread and driven by its loop's completions; no other thread touches it. It must not be destroyed
// before is_down().
#pragma once

#include "base/error.hpp"
#include "base/secret.hpp"
#include "io/loop/loop.hpp"
#include "io/loop/socket_address.hpp"

#include <array>
#include <string>
#include <string_view>
#include <vector>

namespace shearline::loadgen {

// Where to connect and as whom. Made once, shared by all threads.
struct Target {
  std::vector<loop::SocketAddress> addresses;
  Plaintext auth;  // the AUTH frame; empty: none

  // Resolves the server's name and reads the file "GATEWAY TOKEN" (empty path: none).
  static Result<Target> make(std::string_view server, const std::string& auth_file);
  // Tries each address in turn. unavailable: why the last one failed.
  Result<int> connect_now() const;
};

class Link {
 public:
  Link(loop::Loop& loop, const Target& target);
  virtual ~Link();
  Link(const Link&) = delete;
  Link& operator=(const Link&) = delete;

  void connect();          // then on_up(), or on_down(why)
  void adopt(int socket);  // the same with a socket that is connected
  // For good: ends what is in flight, then on_down("") unless it was down; it does not connect again.
  void shut_down();
  bool is_up() const { return state_ == State::up; }
  bool is_down() const { return state_ == State::down; }
  bool auth_refused() const { return auth_refused_; }

 protected:
  // Handlers; none is called after end() but on_down, once. From on_down the link may connect() again.
  virtual void on_connect() {}  // a connection is about to be made
  virtual void on_up() = 0;
  virtual void on_received(ByteView bytes) = 0;
  virtual void on_sent() = 0;  // everything given to send() is with the kernel
  virtual void on_down(const std::string& why) = 0;

  void send(ByteView bytes);  // not while sending(); the bytes stay until on_sent() or on_down()
  bool sending() const { return sending_; }
  void receive(std::size_t bytes_max = buffer_bytes);
  bool receiving() const { return receiving_; }
  void end(std::string why);  // without effect on one that ends already
  // For on_down: at once, or `after_failure` in 10 ms, doubled with each failure in a row up to a second.
  void connect_again(bool after_failure);
  void connect_after(std::int64_t delay_ms);
  loop::Loop& loop() { return loop_; }

  static constexpr std::size_t buffer_bytes = 64 * 1024;
  static constexpr std::int64_t backoff_ms_min = 10;
  static constexpr std::int64_t backoff_ms_max = 1'000;

 private:
  enum class State : std::uint8_t { down, connecting, greeting, up, ending };
  struct Handler : loop::Operation {
    Link* link = nullptr;
  };
  struct Again : loop::Timer {
    Link* link = nullptr;
  };

  void connected(int result);
  void established();
  void come_up();
  void send_rest();
  void received(int result);
  void greeted(ByteView bytes);
  void sent(int result);
  void finish_when_quiet();

  loop::Loop& loop_;
  const Target& target_;
  std::size_t address_ = 0;  // which of the target's is tried
  State state_ = State::down;
  int socket_ = -1;
  bool connecting_ = false;
  bool sending_ = false;
  bool receiving_ = false;
  bool auth_refused_ = false;
  bool finished_ = false;
  ByteView to_send_;
  std::string greeting_;  // the answer to AUTH so far
  std::string why_;       // of the end
  Handler on_connect_;
  Handler on_receive_;
  Handler on_send_;
  Again again_;
  std::int64_t backoff_ms_ = backoff_ms_min;
  std::vector<Byte> buffer_;
};

}  // namespace shearline::loadgen
