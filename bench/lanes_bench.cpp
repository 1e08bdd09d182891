// What the HMAC of one check costs on one core (performance.md P1): every kernel of engine/lanes by number of jobs,
// beside what people would take instead: OpenSSL's one-shot HMAC(), one keyed EVP_MAC context per client, and
// ipsec-mb's bursts with each key's midstates computed beforehand, as ours are. All columns go through the same
// clients and take turns in every round; the medians of the rounds are printed, and a hash of all digests, which
// is compared with OpenSSL's, so that no column can measure nothing.
#include "base/crypto.hpp"
#include "base/encoding.hpp"
#include "base/random.hpp"
#include "bench/lanes_peers.hpp"
#include "engine/digest.hpp"
#include "engine/lanes.hpp"
#include "engine/lanes_plan.hpp"

#include <CLI/CLI.hpp>
#include <sched.h>

#include <algorithm>
#include <array>
#include <chrono>
#include <cstdio>
#include <functional>
#include <string>
#include <vector>

#if defined(__x86_64__)
#include <x86intrin.h>
#endif

namespace shearline::bench {
namespace {

namespace lanes = engine::lanes;
using Clock = std::chrono::steady_clock;

// Few enough to stay near the core: this is about arithmetic. Memory is what scripts/bench measures.
constexpr std::size_t clients = 256;
// Of the mixed batches: one long secret among many short ones.
constexpr std::size_t mixed_batch = 64;
constexpr std::size_t long_secret_bytes = 512;

struct Options {
  int rounds = 31;
  std::size_t checks_per_turn = 8192;  // of one column in one round
  std::size_t secret_bytes_min = 43;
  std::size_t secret_bytes_max = 55;
  int core = -1;  // the last one this process may use
  std::vector<std::size_t> batches = {1, 2, 4, 8, 16, 32, 64, 256};
};

struct Sample {
  double ns = 0;
  double cycles = 0;  // of the time-stamp counter
};

struct Column {
  std::string name;
  std::function<void(std::size_t first, std::size_t count)> hash;  // clients first to first + count
};

std::uint64_t time_stamp() {
#if defined(__x86_64__)
  return __rdtsc();
#else
  return static_cast<std::uint64_t>(Clock::now().time_since_epoch().count());
#endif
}

// Additions that wait for each other take one cycle of the core each, whatever its clock is just now.
double core_cycles_per_time_stamp() {
#if defined(__x86_64__)
  double best = 0;
  for (int attempt = 0; attempt < 50; ++attempt) {
    constexpr int additions = 20'000;
    std::uint64_t value = 1;
    const std::uint64_t begin = time_stamp();
    for (int i = 0; i < additions / 10; ++i) {
      asm volatile(
          "add $1, %0\nadd $1, %0\nadd $1, %0\nadd $1, %0\nadd $1, %0\n"
          "add $1, %0\nadd $1, %0\nadd $1, %0\nadd $1, %0\nadd $1, %0"
          : "+r"(value));
    }
    best = std::max(best, additions / static_cast<double>(time_stamp() - begin));
  }
  return best;
#else
  return 1;
#endif
}

// Of one client in `long_one_in` the secret has long_secret_bytes; 0: of none.
std::vector<Client> make_clients(const Options& options, std::size_t long_one_in) {
  SeededRandom random(1);
  std::vector<Client> made(clients);
  const std::size_t spread = options.secret_bytes_max - options.secret_bytes_min + 1;
  for (Client& client : made) {
    random.fill(client.key);
    client.secret.resize(options.secret_bytes_min + random.next_u64() % spread);
    const auto at = static_cast<std::size_t>(&client - made.data());
    if (long_one_in != 0 && at % long_one_in == 0) client.secret.resize(long_secret_bytes);
    random.fill(client.secret);
    client.midstates = engine::hmac_midstates(client.key);
  }
  return made;
}

// What hash() of a kernel needs; made anew for every call, as a batch makes it.
template <class Hash>
Column lanes_column(std::string name, std::vector<Client>& all, Hash hash) {
  return {std::move(name), [&all, hash, jobs = std::vector<lanes::Job>(clients)](std::size_t first,
                                                                                 std::size_t count) mutable {
            for (std::size_t i = 0; i < count; ++i) {
              Client& client = all[first + i];
              jobs[i] = {&client.midstates, client.secret.data(), client.secret.size(), client.digest.data()};
            }
            hash(std::span<const lanes::Job>(jobs).first(count));
          }};
}

// What hmac(jobs) does on them with few jobs is held against a peer that does without the SHA extensions too.
constexpr struct {
  const char* name;
  lanes::Features features;
} lesser_processors[] = {{"AVX2 alone", {.avx2 = true}},
                         {"AVX-512 without SHA-NI", {.avx512 = true, .avx2 = true}}};

std::vector<Column> columns(std::vector<Client>& all) {
  std::vector<Column> made;
  for (Peer& peer : peers(all)) made.push_back({std::move(peer.name), std::move(peer.hash)});
  made.push_back(lanes_column("lanes", all, [](std::span<const lanes::Job> jobs) { lanes::hmac(jobs); }));
  for (const lanes::Kernel kernel : lanes::kernels()) {
    made.push_back(lanes_column("lanes " + std::string(name_of(kernel)), all,
                                [kernel](std::span<const lanes::Job> jobs) { lanes::hmac(kernel, jobs); }));
  }
  for (const auto& [name, features] : lesser_processors) {
    const lanes::Plan plan = lanes::plan_of(features);
    if (std::ranges::count(lanes::kernels(), plan.many) == 0) continue;
    made.push_back(lanes_column(std::string("lanes as on ") + name, all,
                                [plan](std::span<const lanes::Job> jobs) { lanes::hmac(plan, jobs); }));
  }
  return made;
}

Hash hash_of_digests(const std::vector<Client>& all) {
  Bytes digests;
  for (const Client& client : all) append(digests, client.digest);
  return sha256(digests);
}

Hash hash_by_openssl(const std::vector<Client>& all) {
  Bytes digests;
  for (const Client& client : all) append(digests, hmac_sha256(client.key, {client.secret}));
  return sha256(digests);
}

// One column's turn: the clients in batches, again and again. false when a digest is wrong.
bool measure(const Column& column, std::size_t batch, std::size_t checks, std::vector<Client>& all,
             const Hash& expected, Sample& sample) {
  for (Client& client : all) client.digest.fill(0);
  const std::size_t batches = (clients + batch - 1) / batch;
  const std::size_t passes = std::max<std::size_t>(1, checks / (batches * batch));
  const auto hash_all = [&](std::size_t times) {
    for (std::size_t pass = 0; pass < times; ++pass) {
      // The last batch is a whole one too and does some clients again.
      for (std::size_t i = 0; i < batches; ++i) column.hash(std::min(i * batch, clients - batch), batch);
    }
  };
  // Not counted: the processor's clock, caches and predictors are the last column's when a turn begins.
  hash_all(1 + passes / 4);
  const auto begin = Clock::now();
  const std::uint64_t begin_stamp = time_stamp();
  hash_all(passes);
  const auto stamps = static_cast<double>(time_stamp() - begin_stamp);
  const double ns = std::chrono::duration<double, std::nano>(Clock::now() - begin).count();
  const auto hashed = static_cast<double>(passes * batches * batch);
  sample = {ns / hashed, stamps / hashed};
  return equal(hash_of_digests(all), expected);
}

Sample median(std::vector<Sample>& samples) {
  std::ranges::sort(samples, {}, &Sample::ns);
  return samples[samples.size() / 2];
}

// By column and batch size; empty when a column is wrong.
std::vector<std::vector<Sample>> run(const Options& options, std::vector<Client>& all,
                                     std::vector<Column>& measured, std::span<const std::size_t> sizes) {
  const Hash expected = hash_by_openssl(all);
  std::vector<std::vector<std::vector<Sample>>> samples(measured.size(),
                                                        std::vector<std::vector<Sample>>(sizes.size()));
  for (int round = 0; round < options.rounds; ++round) {
    for (std::size_t s = 0; s < sizes.size(); ++s) {
      for (std::size_t c = 0; c < measured.size(); ++c) {
        Sample sample;
        if (!measure(measured[c], sizes[s], options.checks_per_turn, all, expected, sample)) {
          std::fprintf(stderr, "lanes_bench: '%s' gave a wrong digest in batches of %zu\n",
                       measured[c].name.c_str(), sizes[s]);
          return {};
        }
        samples[c][s].push_back(sample);
      }
    }
  }
  std::vector<std::vector<Sample>> medians(measured.size());
  for (std::size_t c = 0; c < measured.size(); ++c) {
    for (auto& of_size : samples[c]) medians[c].push_back(median(of_size));
  }
  std::printf("sha-256 of all digests, the same of every column as of OpenSSL: %s\n\n",
              hex(expected).c_str());
  return medians;
}

void print_table(const char* unit, const std::vector<Column>& measured, std::span<const std::size_t> sizes,
                 const std::vector<std::vector<Sample>>& medians, double Sample::* value) {
  std::printf("| %s |", unit);
  for (const std::size_t size : sizes) std::printf(" %zu |", size);
  std::printf("\n|---|");
  for (std::size_t i = 0; i < sizes.size(); ++i) std::printf("---|");
  std::printf("\n");
  for (std::size_t c = 0; c < measured.size(); ++c) {
    std::printf("| %s |", measured[c].name.c_str());
    for (const Sample& sample : medians[c]) std::printf(" %.1f |", sample.*value);
    std::printf("\n");
  }
  std::printf("\n");
}

void pin_to(int core) {
  cpu_set_t allowed;
  if (sched_getaffinity(0, sizeof allowed, &allowed) != 0) return;
  for (int i = 0; core < 0 && i < CPU_SETSIZE; ++i) {
    if (CPU_ISSET(CPU_SETSIZE - 1 - i, &allowed)) core = CPU_SETSIZE - 1 - i;
  }
  CPU_ZERO(&allowed);
  CPU_SET(core, &allowed);
  if (sched_setaffinity(0, sizeof allowed, &allowed) != 0)
    std::fprintf(stderr, "lanes_bench: not pinned to %d\n", core);
}

int main_bench(const Options& options) {
  pin_to(options.core);
  std::vector<Client> all = make_clients(options, 0);
  std::vector<Column> measured = columns(all);
  std::printf("HMAC-SHA-256 of %zu to %zu bytes, own key each, one core, %d rounds of %zu checks, medians.\n",
              options.secret_bytes_min, options.secret_bytes_max, options.rounds, options.checks_per_turn);
  if (*peers_missing() != 0) std::printf("Not compared: %s\n", peers_missing());
  std::printf("Core clock / time-stamp clock before: %.2f, ", core_cycles_per_time_stamp());
  const auto medians = run(options, all, measured, options.batches);
  if (medians.empty()) return 1;
  print_table("ns per check, by batch", measured, options.batches, medians, &Sample::ns);
  print_table("time-stamp cycles per check", measured, options.batches, medians, &Sample::cycles);
  std::vector<Client> mixed = make_clients(options, mixed_batch);
  std::vector<Column> mixed_columns = columns(mixed);
  constexpr std::array<std::size_t, 1> mixed_sizes = {mixed_batch};
  std::printf("One secret of %zu bytes among each %zu: ", long_secret_bytes, mixed_batch);
  const auto mixed_medians = run(options, mixed, mixed_columns, mixed_sizes);
  if (mixed_medians.empty()) return 1;
  print_table("ns per check, one long secret in the batch", mixed_columns, mixed_sizes, mixed_medians,
              &Sample::ns);
  std::printf("Core clock / time-stamp clock after: %.2f\n", core_cycles_per_time_stamp());
  return 0;
}

}  // namespace
}  // namespace shearline::bench

int main(int argc, char** argv) {
  shearline::bench::Options options;
  CLI::App app{"The HMACs of a batch of checks: this engine's lanes beside OpenSSL and ipsec-mb"};
  app.add_option("--rounds", options.rounds)->check(CLI::PositiveNumber);
  app.add_option("--checks", options.checks_per_turn, "of one column in one round")
      ->check(CLI::PositiveNumber);
  app.add_option("--secret-bytes-min", options.secret_bytes_min)
      ->check(CLI::Range(std::size_t{0}, std::size_t{512}));
  app.add_option("--secret-bytes-max", options.secret_bytes_max)
      ->check(CLI::Range(std::size_t{0}, std::size_t{512}));
  app.add_option("--batches", options.batches, "numbers of checks hashed in one call")
      ->delimiter(',')
      ->check(CLI::Range(std::size_t{1}, shearline::bench::clients));
  app.add_option("--core", options.core, "default: the last one allowed");
  CLI11_PARSE(app, argc, argv);
  if (options.secret_bytes_min > options.secret_bytes_max) {
    std::fprintf(stderr, "lanes_bench: --secret-bytes-min is above --secret-bytes-max\n");
    return 64;
  }
  return shearline::bench::main_bench(options);
}
