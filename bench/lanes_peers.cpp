#include "bench/lanes_peers.hpp"

#include <openssl/core_names.h>
#include <openssl/evp.h>
#include <openssl/hmac.h>
#include <openssl/params.h>

#include <cstdlib>
#include <memory>

#if SHEARLINE_HAVE_IPSEC_MB
#include <intel-ipsec-mb.h>
#endif

namespace shearline::bench {
namespace {

Peer one_shot(std::vector<Client>& clients) {
  return {"HMAC() one-shot", [&clients](std::size_t first, std::size_t count) {
            for (std::size_t i = first; i < first + count; ++i) {
              Client& client = clients[i];
              unsigned length = 0;
              HMAC(EVP_sha256(), client.key.data(), static_cast<int>(client.key.size()), client.secret.data(),
                   client.secret.size(), client.digest.data(), &length);
            }
          }};
}

Peer keyed_evp_mac(std::vector<Client>& clients) {
  const std::unique_ptr<EVP_MAC, decltype(&EVP_MAC_free)> mac(EVP_MAC_fetch(nullptr, "HMAC", nullptr),
                                                              EVP_MAC_free);
  std::array<char, 7> digest_name{"SHA256"};
  const std::array<OSSL_PARAM, 2> params{
      OSSL_PARAM_construct_utf8_string(OSSL_MAC_PARAM_DIGEST, digest_name.data(), 0),
      OSSL_PARAM_construct_end()};
  std::vector<std::shared_ptr<EVP_MAC_CTX>> contexts;
  for (const Client& client : clients) {
    contexts.emplace_back(EVP_MAC_CTX_new(mac.get()), EVP_MAC_CTX_free);
    EVP_MAC_init(contexts.back().get(), client.key.data(), client.key.size(), params.data());
  }
  return {"keyed EVP_MAC", [&clients, contexts = std::move(contexts)](std::size_t first, std::size_t count) {
            for (std::size_t i = first; i < first + count; ++i) {
              Client& client = clients[i];
              std::size_t length = 0;
              EVP_MAC_init(contexts[i].get(), nullptr, 0, nullptr);  // the key stays
              EVP_MAC_update(contexts[i].get(), client.secret.data(), client.secret.size());
              EVP_MAC_final(contexts[i].get(), client.digest.data(), &length, client.digest.size());
            }
          }};
}

#if SHEARLINE_HAVE_IPSEC_MB
struct IpsecMb {
  std::shared_ptr<IMB_MGR> manager;
  std::vector<std::array<Byte, 64>> keys;  // the hashes of key xor ipad, key xor opad; 32 bytes each
  std::vector<IMB_JOB> jobs;
};

// The jobs are filled in for every burst, as a batch of checks would; sizes and algorithm stay as they are.
void burst(IpsecMb& with, std::vector<Client>& clients, std::size_t first, std::size_t count) {
  for (std::size_t i = 0; i < count; ++i) {
    Client& client = clients[first + i];
    IMB_JOB& job = with.jobs[i];
    job.src = client.secret.data();
    job.msg_len_to_hash_in_bytes = client.secret.size();
    job.auth_tag_output = client.digest.data();
    job.u.HMAC._hashed_auth_key_xor_ipad = with.keys[first + i].data();
    job.u.HMAC._hashed_auth_key_xor_opad = with.keys[first + i].data() + 32;
  }
  IMB_SUBMIT_HASH_BURST_NOCHECK(with.manager.get(), with.jobs.data(), static_cast<std::uint32_t>(count),
                                IMB_AUTH_HMAC_SHA_256);
}

Peer ipsec_mb(const char* name, std::vector<Client>& clients, std::uint64_t flags, void (*init)(IMB_MGR*)) {
  IpsecMb made{{alloc_mb_mgr(flags), free_mb_mgr}, {}, std::vector<IMB_JOB>(clients.size())};
  if (made.manager == nullptr) std::abort();
  init(made.manager.get());
  for (const Client& client : clients) {
    std::array<Byte, 64> block;
    auto& hashes = made.keys.emplace_back();
    for (const std::size_t half : {0, 1}) {
      block.fill(half == 0 ? 0x36 : 0x5c);
      for (std::size_t i = 0; i < client.key.size(); ++i) block[i] ^= client.key[i];
      IMB_SHA256_ONE_BLOCK(made.manager.get(), block.data(), hashes.data() + 32 * half);
    }
  }
  for (IMB_JOB& job : made.jobs) {
    job = {};
    job.hash_alg = IMB_AUTH_HMAC_SHA_256;
    job.cipher_mode = IMB_CIPHER_NULL;
    job.chain_order = IMB_ORDER_HASH_CIPHER;
    job.cipher_direction = IMB_DIR_ENCRYPT;
    job.auth_tag_output_len_in_bytes = 32;
  }
  return {name, [&clients, with = std::move(made)](std::size_t first, std::size_t count) mutable {
            burst(with, clients, first, count);
          }};
}

void init_best(IMB_MGR* manager) { init_mb_mgr_auto(manager, nullptr); }
#endif

}  // namespace

std::vector<Peer> peers(std::vector<Client>& clients) {
  std::vector<Peer> all;
  all.push_back(one_shot(clients));
  all.push_back(keyed_evp_mac(clients));
#if SHEARLINE_HAVE_IPSEC_MB
  all.push_back(ipsec_mb("ipsec-mb, its choice", clients, 0, init_best));
  if (__builtin_cpu_supports("avx512bw")) {
    all.push_back(ipsec_mb("ipsec-mb AVX-512", clients, IMB_FLAG_SHANI_OFF, init_mb_mgr_avx512));
  }
  all.push_back(ipsec_mb("ipsec-mb SSE and SHA-NI", clients, 0, init_mb_mgr_sse));
  if (__builtin_cpu_supports("avx2")) {
    all.push_back(ipsec_mb("ipsec-mb AVX2", clients, IMB_FLAG_SHANI_OFF, init_mb_mgr_avx2));
  }
#endif
  return all;
}

const char* peers_missing() {
#if SHEARLINE_HAVE_IPSEC_MB
  return "";
#else
  return "ipsec-mb, which was not there when this was built (scripts/install-packages bench, then configure "
         "again)";
#endif
}

}  // namespace shearline::bench
