// The credentials a load test presents: read from a file or derived one by one from a seed, which needs
// neither file nor memory. The file's form (one JSON object a line: {"client_id":"...","secret":"..."}) is
// what `shearline credential import` reads. These secrets are test material, made by the million and shown to
// a file on request, so they live in ordinary memory, unlike every secret of the engine.
#pragma once

#include "base/error.hpp"
#include "base/random.hpp"

#include <cstdint>
#include <cstdio>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace shearline::loadgen {

inline constexpr std::size_t client_id_bytes_max = 64;
inline constexpr std::size_t secret_bytes_max = 512;
inline constexpr std::size_t population_max = 100'000'000;
inline constexpr std::size_t credential_line_bytes_max = 64 * 1024;

struct Credential {
  std::string client_id;
  std::string secret;
};

class Population {
 public:
  // Credential i is "load-" and i as twelve digits, as redis-benchmark writes its __rand_int__; its secret is made of
  // bytes 32 i to 32 i + 31 of SeededRandom(seed), as 43 base62 digits.
  static Population generated(std::size_t count, std::uint64_t seed);
  // invalid with "FILE: line N: why" for the first line that is not a credential. Empty lines are skipped.
  static Result<Population> read(const std::string& path);
  static Result<Population> parse(std::string_view text, std::string_view origin);

  std::size_t size() const { return count_; }
  Credential at(std::size_t index) const;
  // Slow for a list that was read: it looks through all of it.
  std::optional<std::size_t> find(std::string_view client_id) const;

 private:
  std::size_t count_ = 0;
  std::uint64_t seed_ = 0;
  std::vector<Credential> listed_;  // empty when derived
};

// 43 base62 digits from 32 bytes of `random`.
std::string make_load_secret(Random& random);
std::string load_client_id(std::size_t index);  // "load-000000000000" for 0

// Writes `count` lines; secrets from `random`. With SeededRandom(seed) they are those of generated(count,
// seed).
Status write_credentials(std::FILE* out, std::size_t count, Random& random);

}  // namespace shearline::loadgen
