// What one check's hashing costs on one core, against what people would write with OpenSSL (performance.md P1): the
// one-shot HMAC(), one keyed EVP_MAC context per client, and the engine's lanes on each kernel this processor has.
// Every run checks its last digest against OpenSSL's, so it cannot measure nothing.
#include "base/crypto.hpp"
#include "engine/digest.hpp"
#include "engine/lanes.hpp"
#include "loadgen/population.hpp"

#include <benchmark/benchmark.h>
#include <openssl/core_names.h>
#include <openssl/evp.h>
#include <openssl/hmac.h>
#include <openssl/params.h>

#include <array>
#include <memory>
#include <string>
#include <vector>

namespace shearline {
namespace {

// Few enough to stay in cache: this is about arithmetic. Memory is what scripts/bench measures.
constexpr std::size_t clients = 256;

struct Client {
  std::string id;
  std::string secret;
  std::array<Byte, 32> key{};  // K_c, in the open: made up for this benchmark
  engine::Midstates midstates;
  Hash expected{};
};

const std::vector<Client>& population() {
  static const std::vector<Client> made = [] {
    const Key pepper = Key::copy_of(std::array<Byte, 32>{1, 2, 3});
    const auto credentials = loadgen::Population::generated(clients, 1);
    std::vector<Client> all(clients);
    for (std::size_t i = 0; i < clients; ++i) {
      auto credential = credentials.at(i);
      Client& client = all[i];
      client.id = std::move(credential.client_id);
      client.secret = std::move(credential.secret);
      const Byte zero = 0;
      hmac_sha256(pepper.reveal(), {as_bytes("shearline v1 credential"), {&zero, 1}, as_bytes(client.id)},
                  client.key);
      client.midstates = engine::derive_midstates(pepper, client.id);
      client.expected = hmac_sha256(client.key, {as_bytes(client.secret)});
    }
    return all;
  }();
  return made;
}

void finish(benchmark::State& state, std::size_t index, ByteView digest) {
  if (!equal(digest, population()[index].expected)) state.SkipWithError("a wrong digest");
  state.SetItemsProcessed(state.iterations() * static_cast<std::int64_t>(state.range(0)));
}

void one_shot(benchmark::State& state) {
  std::array<Byte, 32> digest{};
  std::size_t index = 0;
  for (auto _ : state) {
    index = (index + 1) % clients;
    const Client& client = population()[index];
    unsigned length = 0;
    HMAC(EVP_sha256(), client.key.data(), static_cast<int>(client.key.size()), as_bytes(client.secret).data(),
         client.secret.size(), digest.data(), &length);
    benchmark::DoNotOptimize(digest);
  }
  finish(state, index, digest);
}

void keyed_evp_mac(benchmark::State& state) {
  using Context = std::unique_ptr<EVP_MAC_CTX, decltype(&EVP_MAC_CTX_free)>;
  const std::unique_ptr<EVP_MAC, decltype(&EVP_MAC_free)> mac(EVP_MAC_fetch(nullptr, "HMAC", nullptr),
                                                              EVP_MAC_free);
  std::array<char, 7> digest_name{"SHA256"};
  const std::array<OSSL_PARAM, 2> params{
      OSSL_PARAM_construct_utf8_string(OSSL_MAC_PARAM_DIGEST, digest_name.data(), 0),
      OSSL_PARAM_construct_end()};
  std::vector<Context> contexts;
  for (const Client& client : population()) {
    contexts.emplace_back(EVP_MAC_CTX_new(mac.get()), EVP_MAC_CTX_free);
    EVP_MAC_init(contexts.back().get(), client.key.data(), client.key.size(), params.data());
  }
  std::array<Byte, 32> digest{};
  std::size_t index = 0;
  for (auto _ : state) {
    index = (index + 1) % clients;
    EVP_MAC_CTX* context = contexts[index].get();
    std::size_t length = 0;
    EVP_MAC_init(context, nullptr, 0, nullptr);  // the key stays
    EVP_MAC_update(context, as_bytes(population()[index].secret).data(), population()[index].secret.size());
    EVP_MAC_final(context, digest.data(), &length, digest.size());
    benchmark::DoNotOptimize(digest);
  }
  finish(state, index, digest);
}

void lanes(benchmark::State& state, engine::lanes::Kernel kernel) {
  const auto at_once = static_cast<std::size_t>(state.range(0));
  std::vector<std::array<Byte, 32>> digests(at_once);
  std::vector<engine::lanes::Job> jobs(at_once);
  std::size_t next = 0;
  std::size_t last = 0;
  for (auto _ : state) {
    for (std::size_t i = 0; i < at_once; ++i) {
      last = next;
      next = (next + 1) % clients;
      const Client& client = population()[last];
      jobs[i] = {&client.midstates, as_bytes(client.secret).data(), client.secret.size(), digests[i].data()};
    }
    engine::lanes::hmac(kernel, jobs);
    benchmark::DoNotOptimize(digests.data());
  }
  finish(state, last, digests.back());
}

}  // namespace
}  // namespace shearline

int main(int argc, char** argv) {
  using shearline::engine::lanes::Kernel;
  benchmark::RegisterBenchmark("HMAC() one-shot", shearline::one_shot)->Arg(1);
  benchmark::RegisterBenchmark("keyed EVP_MAC", shearline::keyed_evp_mac)->Arg(1);
  for (const Kernel kernel : shearline::engine::lanes::kernels()) {
    benchmark::RegisterBenchmark(("lanes, " + std::string(name_of(kernel))).c_str(), shearline::lanes, kernel)
        ->Arg(1)
        ->Arg(8)
        ->Arg(16)
        ->Arg(256);
  }
  benchmark::Initialize(&argc, argv);
  if (benchmark::ReportUnrecognizedArguments(argc, argv)) return 64;
  benchmark::RunSpecifiedBenchmarks();
  benchmark::Shutdown();
  return 0;
}
