// After a check, the presented secret is nowhere in the worker's process. The client is a process of its own,
// so that this one never holds the secret except where it receives it.
#include "io/front/worker.hpp"
#include "io/loop/stream.hpp"
#include "tests/io/front/fixture.hpp"

#include <fcntl.h>
#include <gtest/gtest.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <cstdio>
#include <fstream>
#include <thread>

namespace shearline::front {
namespace {

using testing::Credentials;
using testing::request;

constexpr std::size_t secret_bytes = 43;
constexpr Byte mask = 0x5a;
using Masked = std::array<Byte, secret_bytes>;

struct Introduction {  // from the client: enough to know its secret when seen, and to accept it
  std::array<Byte, 32> digest;
  Masked masked;
};

bool occurs_in(const std::vector<Byte>& memory, const Masked& masked) {
  const auto fits = [](Byte seen, Byte wanted) { return (seen ^ mask) == wanted; };
  return std::search(memory.begin(), memory.end(), masked.begin(), masked.end(), fits) != memory.end();
}

// Every writable mapping of this process. Returns where the secret was found, by name of the mapping.
std::vector<std::string> sweep(const Masked& masked) {
  std::vector<std::string> found;
  std::ifstream maps("/proc/self/maps");
  const int memory = open("/proc/self/mem", O_RDONLY | O_CLOEXEC);
  std::vector<Byte> chunk;
  for (std::string line; std::getline(maps, line);) {
    unsigned long from = 0;
    unsigned long to = 0;
    char rights[5] = {};
    if (std::sscanf(line.c_str(), "%lx-%lx %4s", &from, &to, rights) != 3 || rights[1] != 'w') continue;
    chunk.resize(to - from);
    const ssize_t count = pread(memory, chunk.data(), chunk.size(), static_cast<off_t>(from));
    chunk.resize(count > 0 ? static_cast<std::size_t>(count) : 0);
    if (occurs_in(chunk, masked)) found.push_back(line);
    wipe(chunk);
  }
  close(memory);
  return found;
}

void say(int to, const void* bytes, std::size_t size) {
  if (::send(to, bytes, size, MSG_NOSIGNAL) != static_cast<ssize_t>(size)) _exit(2);
}
void hear(int from, void* bytes, std::size_t size) {
  if (::recv(from, bytes, size, MSG_WAITALL) != static_cast<ssize_t>(size)) _exit(3);
}

// The client: makes a secret, introduces itself, presents the secret whole and cut in two.
[[noreturn]] void be_the_client(int parent) {
  SeededRandom as_the_parent(Credentials::seed);  // its pepper itself was wiped by the fork
  const Key pepper = random_key(as_the_parent);
  SystemRandom random;
  std::array<Byte, 32> seed;
  random.fill(seed);
  std::string secret(secret_bytes, '0');
  base62_of_32(seed, std::span<char, secret_bytes>(secret.data(), secret_bytes));
  Introduction introduction{};
  const Digest digest = engine::digest_of(pepper, "swept", as_bytes(secret));
  std::ranges::copy(digest.reveal(), introduction.digest.begin());
  for (std::size_t i = 0; i < secret_bytes; ++i) introduction.masked[i] = static_cast<Byte>(secret[i]) ^ mask;
  say(parent, &introduction, sizeof introduction);

  sockaddr_in address{};
  hear(parent, &address, sizeof address);
  const int socket = ::socket(AF_INET, SOCK_STREAM, 0);
  if (::connect(socket, reinterpret_cast<sockaddr*>(&address), sizeof address) != 0) _exit(4);
  const std::string whole = request({"VERIFY", "swept", secret}) + request({"MVERIFY", "swept", secret});
  const std::string cut = request({"PING"}) + whole;
  say(socket, whole.data(), whole.size());
  std::array<char, 17> answer{};  // +current and $1 c
  hear(socket, answer.data(), answer.size());
  say(socket, cut.data(), cut.size() - 10);
  std::array<char, 17> part{};  // +PONG and +current
  hear(socket, part.data(), part.size());
  say(socket, cut.data() + cut.size() - 10, 10);
  std::array<char, 7> last{};
  hear(socket, last.data(), last.size());
  const bool accepted = last[4] == 'c' && answer[1] == 'c';
  say(parent, &accepted, sizeof accepted);
  char go = 0;
  hear(parent, &go, 1);  // the connection stays until the sweep is over
  _exit(accepted ? 0 : 1);
}

TEST(FrontSweep, PresentedSecretIsNowhereInMemoryOnceAnswered) {
  Credentials credentials;
  int ends[2];
  ASSERT_EQ(socketpair(AF_UNIX, SOCK_STREAM, 0, ends), 0);
  const pid_t child = fork();
  ASSERT_GE(child, 0);
  if (child == 0) be_the_client(ends[1]);
  close(ends[1]);

  Introduction introduction{};
  ASSERT_EQ(::recv(ends[0], &introduction, sizeof introduction, MSG_WAITALL), ssize_t{sizeof introduction});
  const Digest digest = Digest::copy_of(introduction.digest);
  const engine::AcceptedVersion version{.digest = &digest, .version_id = credentials.version(1)};
  ASSERT_TRUE(
      credentials.table.put({.client_id = "swept", .revision = 1, .accepted = std::span(&version, 1)}));

  auto listener = loop::listen_on({.host = "127.0.0.1", .port = 0, .unix_path = {}}, 16);
  ASSERT_TRUE(listener.has_value());
  WorkerOptions options;
  options.listeners = {*listener};
  Front front(1);
  Worker worker(options, credentials.table, credentials.view, credentials.clock, front, 0);
  std::thread thread([&] { EXPECT_TRUE(worker.run().has_value()); });
  EXPECT_TRUE(worker.wait_until_running().has_value());
  sockaddr_in address{};
  socklen_t length = sizeof address;
  getsockname(*listener, reinterpret_cast<sockaddr*>(&address), &length);
  say(ends[0], &address, sizeof address);

  bool accepted = false;
  EXPECT_EQ(::recv(ends[0], &accepted, sizeof accepted, MSG_WAITALL), ssize_t{sizeof accepted});
  EXPECT_TRUE(accepted);
  EXPECT_EQ(sweep(introduction.masked), std::vector<std::string>{});
  // The sweep does find it where it is: unmasked on purpose, at last.
  std::string seen(secret_bytes, '0');
  for (std::size_t i = 0; i < secret_bytes; ++i) seen[i] = static_cast<char>(introduction.masked[i] ^ mask);
  EXPECT_FALSE(sweep(introduction.masked).empty());

  front.stop();
  thread.join();
  close(*listener);
  say(ends[0], "x", 1);
  int status = 0;
  waitpid(child, &status, 0);
  EXPECT_EQ(status, 0);
  close(ends[0]);
}

}  // namespace
}  // namespace shearline::front
