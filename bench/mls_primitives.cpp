#include "bench/mls_primitives.hpp"

#include "base/bytes.hpp"
#include "base/openssl.hpp"
#include "bench/measuring.hpp"

#include <openssl/core_names.h>

#include <algorithm>
#include <array>
#include <cstdint>
#include <vector>

namespace shearline::bench {
namespace {

using namespace openssl;

Primitives calls;

// ---- what each costs ----

constexpr std::size_t short_bytes = 64;
constexpr std::size_t long_bytes = 16384;
constexpr std::size_t signed_bytes = 256;  // about a leaf

// ns of one call of `work`: the fastest of several slices.
template <class Work>
double ns_of_one(double seconds, Work work) {
  constexpr int slices = 5;
  constexpr int calls_between_looks = 16;  // at the clock, which costs more than a short hash
  double best = 0;
  for (int slice = 0; slice < slices; ++slice) {
    const double begin = cpu_us();
    double us = 0;
    std::uint64_t times = 0;
    do {
      for (int i = 0; i < calls_between_looks; ++i) must(work(), "a primitive measured by itself");
      times += calls_between_looks;
      us = cpu_us() - begin;
    } while (us < seconds * 1e6 / slices);
    const double ns = us * 1000 / static_cast<double>(times);
    best = slice == 0 ? ns : std::min(best, ns);
  }
  return best;
}

// A cost of every call and one of every byte, from a short and a long input.
template <class Work>
void measure_by_length(double seconds, Work work, double& each, double& byte) {
  const double of_short = ns_of_one(seconds, [&] { return work(short_bytes); });
  const double of_long = ns_of_one(seconds, [&] { return work(long_bytes); });
  byte = std::max(0.0, (of_long - of_short) / static_cast<double>(long_bytes - short_bytes));
  each = std::max(0.0, of_short - byte * static_cast<double>(short_bytes));
}

PKey generated(const char* type) {
  PKey key(EVP_PKEY_Q_keygen(nullptr, nullptr, type));
  must(key != nullptr, type);
  return key;
}

// Many keys and messages in turn, as in a tree of leaves: a processor that verifies one signature again and again
// foresees its branches and is 5 % faster.
void measure_ed25519(double seconds, Primitives& out) {
  struct Signed {
    PKey key = generated("ED25519");
    MdCtx sign{EVP_MD_CTX_new()};
    MdCtx verify{EVP_MD_CTX_new()};
    std::array<Byte, signed_bytes> message{};
    std::array<Byte, 64> signature{};
    std::size_t signature_bytes = 64;

    bool sign_it() {
      return EVP_DigestSignInit(sign.get(), nullptr, nullptr, nullptr, nullptr) == 1 &&
             EVP_DigestSign(sign.get(), signature.data(), &signature_bytes, message.data(), message.size()) ==
                 1;
    }
    bool verify_it() {
      return EVP_DigestVerifyInit(verify.get(), nullptr, nullptr, nullptr, nullptr) == 1 &&
             EVP_DigestVerify(verify.get(), signature.data(), signature_bytes, message.data(),
                              message.size()) == 1;
    }
  };
  std::vector<Signed> all(128);
  for (Signed& one : all) {
    must(EVP_DigestSignInit(one.sign.get(), nullptr, nullptr, nullptr, one.key.get()) == 1 &&
             EVP_DigestVerifyInit(one.verify.get(), nullptr, nullptr, nullptr, one.key.get()) == 1 &&
             one.sign_it(),
         "Ed25519");
  }
  std::size_t turn = 0;
  out.ed25519_sign = ns_of_one(seconds, [&] { return all[turn++ % all.size()].sign_it(); });
  out.ed25519_verify = ns_of_one(seconds, [&] { return all[turn++ % all.size()].verify_it(); });
}

void measure_x25519(double seconds, Primitives& out) {
  const PKey own = generated("X25519");
  const PKey peer = generated("X25519");
  const PKeyCtx generate(EVP_PKEY_CTX_new_from_name(nullptr, "X25519", nullptr));
  const PKeyCtx derive(EVP_PKEY_CTX_new(own.get(), nullptr));
  must(EVP_PKEY_keygen_init(generate.get()) == 1 && EVP_PKEY_derive_init(derive.get()) == 1 &&
           EVP_PKEY_derive_set_peer(derive.get(), peer.get()) == 1,
       "X25519");
  out.x25519_public = ns_of_one(seconds, [&] {
    EVP_PKEY* made = nullptr;
    const bool generated_one = EVP_PKEY_generate(generate.get(), &made) == 1;
    EVP_PKEY_free(made);
    return generated_one;
  });
  std::array<Byte, 32> shared{};
  std::size_t size = shared.size();
  out.x25519_shared =
      ns_of_one(seconds, [&] { return EVP_PKEY_derive(derive.get(), shared.data(), &size) == 1; });
}

// Every message of MLS has a key of its own, so setting it is part of the primitive.
void measure_aead(double seconds, Primitives& out) {
  EVP_CIPHER* const cipher = EVP_CIPHER_fetch(nullptr, "AES-128-GCM", nullptr);
  const CipherCtx ctx(EVP_CIPHER_CTX_new());
  std::array<Byte, 16> key{};
  std::array<Byte, 12> nonce{};
  std::array<Byte, 16> tag{};
  std::vector<Byte> text(long_bytes);
  const auto seal = [&](std::size_t bytes) {
    int size = 0;
    ++key[0];
    return EVP_EncryptInit_ex2(ctx.get(), cipher, key.data(), nonce.data(), nullptr) == 1 &&
           EVP_EncryptUpdate(ctx.get(), text.data(), &size, text.data(), static_cast<int>(bytes)) == 1 &&
           EVP_EncryptFinal_ex(ctx.get(), tag.data(), &size) == 1 &&
           EVP_CIPHER_CTX_ctrl(ctx.get(), EVP_CTRL_AEAD_GET_TAG, static_cast<int>(tag.size()), tag.data()) ==
               1;
  };
  measure_by_length(seconds, seal, out.aead, out.aead_byte);
  EVP_CIPHER_free(cipher);
}

void measure_sha256(double seconds, Primitives& out) {
  EVP_MD* const sha256 = EVP_MD_fetch(nullptr, "SHA256", nullptr);
  const MdCtx ctx(EVP_MD_CTX_new());
  std::vector<Byte> text(long_bytes);
  std::array<Byte, 32> digest{};
  const auto hash = [&](std::size_t bytes) {
    return EVP_DigestInit_ex2(ctx.get(), sha256, nullptr) == 1 &&
           EVP_DigestUpdate(ctx.get(), text.data(), bytes) == 1 &&
           EVP_DigestFinal_ex(ctx.get(), digest.data(), nullptr) == 1;
  };
  measure_by_length(seconds, hash, out.sha256, out.sha256_byte);
  EVP_MD_free(sha256);
}

}  // namespace

const Primitives& calls_so_far() { return calls; }

Primitives measure_primitives(double seconds_each) {
  Primitives out;
  measure_ed25519(seconds_each, out);
  measure_x25519(seconds_each, out);
  measure_aead(seconds_each, out);
  measure_sha256(seconds_each, out);
  return out;
}

double verifying_ns(const Primitives& calls_made, const Primitives& ns) {
  return calls_made.ed25519_verify * ns.ed25519_verify;
}

double asymmetric_and_aead_ns(const Primitives& calls_made, const Primitives& ns) {
  return verifying_ns(calls_made, ns) + calls_made.ed25519_sign * ns.ed25519_sign +
         calls_made.x25519_public * ns.x25519_public + calls_made.x25519_shared * ns.x25519_shared +
         calls_made.aead * ns.aead + calls_made.aead_byte * ns.aead_byte;
}

double hashing_ns(const Primitives& calls_made, const Primitives& ns) {
  return calls_made.sha256 * ns.sha256 + calls_made.sha256_byte * ns.sha256_byte;
}

}  // namespace shearline::bench

// ---- where the linker leads the calls of OpenSSL ----

using shearline::bench::calls;

// The names are the linker's.
// NOLINTBEGIN(bugprone-reserved-identifier,readability-identifier-naming)
extern "C" {

decltype(EVP_DigestSign) __real_EVP_DigestSign;
decltype(EVP_DigestVerify) __real_EVP_DigestVerify;
decltype(EVP_PKEY_fromdata) __real_EVP_PKEY_fromdata;
decltype(EVP_PKEY_derive) __real_EVP_PKEY_derive;
decltype(EVP_EncryptUpdate) __real_EVP_EncryptUpdate;
decltype(EVP_EncryptFinal_ex) __real_EVP_EncryptFinal_ex;
decltype(EVP_DecryptUpdate) __real_EVP_DecryptUpdate;
decltype(EVP_DecryptFinal_ex) __real_EVP_DecryptFinal_ex;
decltype(EVP_DigestUpdate) __real_EVP_DigestUpdate;
decltype(EVP_DigestFinal_ex) __real_EVP_DigestFinal_ex;

int __wrap_EVP_DigestSign(EVP_MD_CTX* ctx, unsigned char* signature, std::size_t* signature_bytes,
                          const unsigned char* message, std::size_t message_bytes) {
  ++calls.ed25519_sign;
  return __real_EVP_DigestSign(ctx, signature, signature_bytes, message, message_bytes);
}

int __wrap_EVP_DigestVerify(EVP_MD_CTX* ctx, const unsigned char* signature, std::size_t signature_bytes,
                            const unsigned char* message, std::size_t message_bytes) {
  ++calls.ed25519_verify;
  return __real_EVP_DigestVerify(ctx, signature, signature_bytes, message, message_bytes);
}

// OpenSSL computes the public half when it is given the private one alone.
int __wrap_EVP_PKEY_fromdata(EVP_PKEY_CTX* ctx, EVP_PKEY** made, int selection, OSSL_PARAM* params) {
  const bool is_private = OSSL_PARAM_locate_const(params, OSSL_PKEY_PARAM_PRIV_KEY) != nullptr;
  if (is_private && OSSL_PARAM_locate_const(params, OSSL_PKEY_PARAM_PUB_KEY) == nullptr) {
    ++(EVP_PKEY_CTX_is_a(ctx, "X25519") == 1 ? calls.x25519_public : calls.ed25519_sign);
  }
  return __real_EVP_PKEY_fromdata(ctx, made, selection, params);
}

int __wrap_EVP_PKEY_derive(EVP_PKEY_CTX* ctx, unsigned char* key, std::size_t* key_bytes) {
  ++calls.x25519_shared;
  return __real_EVP_PKEY_derive(ctx, key, key_bytes);
}

int __wrap_EVP_EncryptUpdate(EVP_CIPHER_CTX* ctx, unsigned char* out, int* out_bytes, const unsigned char* in,
                             int in_bytes) {
  calls.aead_byte += static_cast<double>(in_bytes);
  return __real_EVP_EncryptUpdate(ctx, out, out_bytes, in, in_bytes);
}

int __wrap_EVP_EncryptFinal_ex(EVP_CIPHER_CTX* ctx, unsigned char* out, int* out_bytes) {
  ++calls.aead;
  return __real_EVP_EncryptFinal_ex(ctx, out, out_bytes);
}

int __wrap_EVP_DecryptUpdate(EVP_CIPHER_CTX* ctx, unsigned char* out, int* out_bytes, const unsigned char* in,
                             int in_bytes) {
  calls.aead_byte += static_cast<double>(in_bytes);
  return __real_EVP_DecryptUpdate(ctx, out, out_bytes, in, in_bytes);
}

int __wrap_EVP_DecryptFinal_ex(EVP_CIPHER_CTX* ctx, unsigned char* out, int* out_bytes) {
  ++calls.aead;
  return __real_EVP_DecryptFinal_ex(ctx, out, out_bytes);
}

int __wrap_EVP_DigestUpdate(EVP_MD_CTX* ctx, const void* in, std::size_t in_bytes) {
  calls.sha256_byte += static_cast<double>(in_bytes);
  return __real_EVP_DigestUpdate(ctx, in, in_bytes);
}

int __wrap_EVP_DigestFinal_ex(EVP_MD_CTX* ctx, unsigned char* out, unsigned int* out_bytes) {
  ++calls.sha256;
  return __real_EVP_DigestFinal_ex(ctx, out, out_bytes);
}

}  // extern "C"
// NOLINTEND(bugprone-reserved-identifier,readability-identifier-naming)
