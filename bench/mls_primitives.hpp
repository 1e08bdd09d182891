// The primitives below MLS suite 1: how often an operation really calls each of them, and what each costs by itself on
// this machine. Calls are counted because the linker leads this program's calls of OpenSSL through counters
// (bench/CMakeLists.txt, --wrap); mls/ knows nothing of it. Used by mls_bench alone.
#pragma once

#include <array>
#include <string_view>

namespace shearline::bench {

// An amount for each primitive: calls of it, or ns that one takes.
struct Primitives {
  double ed25519_sign = 0;  // also the public half of a signature key, which costs as much
  double ed25519_verify = 0;
  double x25519_public = 0;
  double x25519_shared = 0;
  double aead = 0;  // sealed or opened, each with a key of its own
  double aead_byte = 0;
  double sha256 = 0;  // digests; an HMAC has two
  double sha256_byte = 0;
};

struct PrimitiveField {
  std::string_view name;
  double Primitives::* amount;
};
inline constexpr std::array<PrimitiveField, 8> primitive_fields{{
    {"ed25519_sign", &Primitives::ed25519_sign},
    {"ed25519_verify", &Primitives::ed25519_verify},
    {"x25519_public", &Primitives::x25519_public},
    {"x25519_shared", &Primitives::x25519_shared},
    {"aead", &Primitives::aead},
    {"aead_byte", &Primitives::aead_byte},
    {"sha256", &Primitives::sha256},
    {"sha256_byte", &Primitives::sha256_byte},
}};

// Calls by this process since it began.
const Primitives& calls_so_far();

// ns of each by itself, as `openssl speed` finds them: keys are parsed and contexts made before the clock starts.
Primitives measure_primitives(double seconds_each);

// ns that these calls take.
double verifying_ns(const Primitives& calls, const Primitives& ns);
double asymmetric_and_aead_ns(const Primitives& calls, const Primitives& ns);
double hashing_ns(const Primitives& calls, const Primitives& ns);

}  // namespace shearline::bench
