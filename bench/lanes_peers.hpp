// The others in lanes_bench's table: what hashes the same clients' secrets without this engine's lanes. ipsec-mb is
// compared where its development files are installed (`scripts/install-packages bench`); the product never links it.
#pragma once

#include "base/bytes.hpp"
#include "engine/digest.hpp"

#include <array>
#include <functional>
#include <string>
#include <vector>

namespace shearline::bench {

struct Client {
  std::array<Byte, 32> key{};  // in the open: made up for this benchmark
  Bytes secret;
  engine::Midstates midstates;
  std::array<Byte, 32> digest{};  // of whichever column had its turn
};

struct Peer {
  std::string name;
  std::function<void(std::size_t first, std::size_t count)> hash;  // writes the digests of so many clients
};

// They keep a reference to the clients.
std::vector<Peer> peers(std::vector<Client>& clients);
// Which peer this build lacks and what to do about it; else empty.
const char* peers_missing();

}  // namespace shearline::bench
