#include "cli/import_batch.hpp"

#include "mls/hpke.hpp"
#include "policy/jws.hpp"

#include <cassert>

namespace shearline::cli {
namespace {

constexpr std::size_t header_bytes_max =
    96;  // {"alg":"EdDSA","kid":"","typ":"shearline-command+jwt"} and room
constexpr std::size_t signature_text_bytes = 86;
constexpr std::size_t encapsulated_bytes = 32;
constexpr std::size_t gcm_overhead_bytes = 16;

constexpr std::size_t base64url_bytes(std::size_t bytes) { return (bytes * 4 + 2) / 3; }

// `jti || 0x00 || client_id`: a sealed secret serves one command and one client.
Bytes import_aad(const Ulid& jti, std::string_view client_id) {
  Bytes aad = to_bytes(as_bytes(jti.text()));
  aad.push_back(0);
  append(aad, as_bytes(client_id));
  return aad;
}

}  // namespace

std::size_t jws_bytes_for(std::size_t claims_bytes, std::string_view kid) {
  return base64url_bytes(header_bytes_max + kid.size()) + 1 + base64url_bytes(claims_bytes) + 1 +
         signature_text_bytes;
}

// What an item costs besides its id and sealed bytes is measured on the encoder itself, so the two cannot drift
// apart: it is what the second of two items adds, its comma included.
ImportBatch::ImportBatch(policy::Command base, bool insist) : command_(std::move(base)), insist_(insist) {
  const policy::ImportItem probe{
      .client_id = "x", .encapsulated = Bytes(3), .ciphertext = Bytes(3), .insist = insist};
  command_.params.items = {probe};
  const std::size_t with_one = policy::encode_command(command_).size();
  command_.params.items = {probe, probe};
  const std::size_t one_more = policy::encode_command(command_).size() - with_one;
  command_.params.items.clear();
  claims_bytes_ = with_one - one_more + 1;
  item_bytes_ = one_more - probe.client_id.size() - base64url_bytes(6);
}

std::size_t ImportBatch::bytes_of(const ImportLine& line) const {
  return item_bytes_ + line.client_id.size() +
         base64url_bytes(encapsulated_bytes + line.secret.size() + gcm_overhead_bytes);
}

bool ImportBatch::fits(const ImportLine& line) const {
  return size() < policy::import_items_max &&
         jws_bytes_for(claims_bytes_ + bytes_of(line), command_.kid) <= policy::jws_bytes_max;
}

Status ImportBatch::add(const ImportLine& line, const PublicKey& engine_key, Random& random) {
  assert(fits(line));
  auto sealed = mls::hpke::seal_base(mls::hpke::default_suite, engine_key, as_bytes("shearline v1 import"),
                                     import_aad(command_.jti, line.client_id), line.secret.reveal(), random);
  if (!sealed) return std::unexpected(sealed.error());
  claims_bytes_ += bytes_of(line);
  command_.params.items.push_back({.client_id = line.client_id,
                                   .encapsulated = std::move(sealed->encapsulated),
                                   .ciphertext = std::move(sealed->ciphertext),
                                   .insist = insist_});
  return {};
}

}  // namespace shearline::cli
