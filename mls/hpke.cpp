// The key schedule, contexts and single-shot functions of RFC 9180 sections 5 and 6.
#include "mls/hpke.hpp"

#include "mls/hpke_context.hpp"
#include "mls/hpke_kdf.hpp"
#include "mls/hpke_kem.hpp"

namespace shearline::mls::hpke {
namespace {

constexpr std::size_t exporter_secret_bytes = 32;  // Nh
constexpr std::size_t psk_bytes_min = 32;          // section 5.1.2: at least 32 bytes of entropy

Mode mode_of(bool has_psk, bool authenticated) {
  if (has_psk) return authenticated ? Mode::auth_psk : Mode::psk;
  return authenticated ? Mode::auth : Mode::base;
}

Status check_pre_shared(const PreShared* pre_shared) {
  if (pre_shared == nullptr) return {};
  if (pre_shared->psk.size() < psk_bytes_min) return fail(Code::invalid, "HPKE: the PSK is below 32 bytes");
  if (pre_shared->psk_id.empty()) return fail(Code::invalid, "HPKE: a PSK needs its id");
  return {};
}

// key_schedule_context: mode || psk_id_hash || info_hash.
Bytes schedule_context(Suite suite, Mode mode, ByteView info, ByteView psk_id) {
  const Bytes suite_id = hpke_suite_id(suite);
  Bytes context = {static_cast<Byte>(mode)};
  append(context, labeled_extract(suite_id, {}, "psk_id_hash", psk_id).reveal());
  append(context, labeled_extract(suite_id, {}, "info_hash", info).reveal());
  return context;
}

KeySchedule expand_schedule(Suite suite, const Key& shared_secret, ByteView context, ByteView psk) {
  const Bytes suite_id = hpke_suite_id(suite);
  const Key secret = labeled_extract(suite_id, shared_secret.reveal(), "secret", psk);
  KeySchedule out;
  out.exporter_secret = labeled_expand(suite_id, secret, "exp", context, exporter_secret_bytes);
  if (suite.aead != Aead::export_only) {
    out.key = labeled_expand(suite_id, secret, "key", context, aead_key_bytes(suite.aead));
    out.base_nonce = labeled_expand(suite_id, secret, "base_nonce", context, aead_nonce_bytes);
  }
  return out;
}

}  // namespace

Result<KeySchedule> key_schedule(Suite suite, Mode mode, const Key& shared_secret, ByteView info,
                                 const PreShared* pre_shared) {
  if (const Status sound = check_pre_shared(pre_shared); !sound) return std::unexpected(sound.error());
  const ByteView psk = pre_shared == nullptr ? ByteView{} : pre_shared->psk.reveal();
  const ByteView psk_id = pre_shared == nullptr ? ByteView{} : pre_shared->psk_id;
  return expand_schedule(suite, shared_secret, schedule_context(suite, mode, info, psk_id), psk);
}

Key Context::export_secret(ByteView exporter_context, std::size_t length) const {
  return labeled_expand(hpke_suite_id(suite_), schedule_.exporter_secret, "sec", exporter_context, length);
}

// base_nonce XOR I2OSP(sequence, Nn). 64 bits of sequence are more than anyone can use up.
std::array<Byte, aead_nonce_bytes> Context::next_nonce() const {
  std::array<Byte, aead_nonce_bytes> nonce{};
  store_be64(sequence_, nonce.data() + aead_nonce_bytes - 8);
  const ByteView base = schedule_.base_nonce.reveal();
  for (std::size_t i = 0; i < nonce.size(); ++i) nonce[i] = static_cast<Byte>(nonce[i] ^ base[i]);
  return nonce;
}

Result<Bytes> SenderContext::seal(ByteView aad, ByteView plaintext) {
  if (suite_.aead == Aead::export_only) return fail(Code::invalid, "HPKE: this suite only exports");
  Result<Bytes> sealed = aead_seal(suite_.aead, schedule_.key, next_nonce(), aad, plaintext);
  if (sealed) ++sequence_;
  return sealed;
}

Result<Plaintext> ReceiverContext::open(ByteView aad, ByteView ciphertext) {
  if (suite_.aead == Aead::export_only) return fail(Code::invalid, "HPKE: this suite only exports");
  Result<Plaintext> opened = aead_open(suite_.aead, schedule_.key, next_nonce(), aad, ciphertext);
  if (opened) ++sequence_;
  return opened;
}

Result<SenderContext> setup_sender(Suite suite, ByteView recipient_public, ByteView info,
                                   const KeyPair& ephemeral, const SenderOptions& options) {
  const Result<Key> shared = encapsulate(suite.kem, ephemeral, recipient_public, options.sender);
  if (!shared) return std::unexpected(shared.error());
  const Mode mode = mode_of(options.pre_shared != nullptr, options.sender != nullptr);
  Result<KeySchedule> schedule = key_schedule(suite, mode, *shared, info, options.pre_shared);
  if (!schedule) return std::unexpected(schedule.error());
  return SenderContext(suite, std::move(*schedule));
}

Result<ReceiverContext> setup_receiver(Suite suite, ByteView encapsulated, const KeyPair& recipient,
                                       ByteView info, const ReceiverOptions& options) {
  const Result<Key> shared = decapsulate(suite.kem, encapsulated, recipient, options.sender_public);
  if (!shared) return std::unexpected(shared.error());
  const Mode mode = mode_of(options.pre_shared != nullptr, !options.sender_public.empty());
  Result<KeySchedule> schedule = key_schedule(suite, mode, *shared, info, options.pre_shared);
  if (!schedule) return std::unexpected(schedule.error());
  return ReceiverContext(suite, std::move(*schedule));
}

BaseContext base_context(Suite suite, ByteView info) {
  return {schedule_context(suite, Mode::base, info, {})};
}

Result<Sealed> seal_base(Suite suite, ByteView recipient_public, ByteView info, ByteView aad,
                         ByteView plaintext, Random& random) {
  return seal_in_context(suite, recipient_public, base_context(suite, info), aad, plaintext, random);
}

Result<Sealed> seal_in_context(Suite suite, ByteView recipient_public, const BaseContext& context,
                               ByteView aad, ByteView plaintext, Random& random) {
  KeyPair ephemeral = generate_key_pair(suite, random);
  const Result<Key> shared = encapsulate(suite.kem, ephemeral, recipient_public, nullptr);
  if (!shared) return std::unexpected(shared.error());
  SenderContext sender(suite, expand_schedule(suite, *shared, context.bytes, {}));
  Result<Bytes> ciphertext = sender.seal(aad, plaintext);
  if (!ciphertext) return std::unexpected(ciphertext.error());
  return Sealed{.encapsulated = std::move(ephemeral.public_key), .ciphertext = std::move(*ciphertext)};
}

Result<Plaintext> open_base(Suite suite, ByteView encapsulated, const Key& recipient_private, ByteView info,
                            ByteView aad, ByteView ciphertext) {
  Result<Bytes> recipient_public = public_key_of(suite.kem, recipient_private);
  if (!recipient_public) return std::unexpected(recipient_public.error());
  const KeyPair recipient{.private_key = recipient_private.clone(),
                          .public_key = std::move(*recipient_public)};
  return open_base(suite, encapsulated, recipient, info, aad, ciphertext);
}

Result<Plaintext> open_base(Suite suite, ByteView encapsulated, const KeyPair& recipient, ByteView info,
                            ByteView aad, ByteView ciphertext) {
  Result<ReceiverContext> context = setup_receiver(suite, encapsulated, recipient, info);
  if (!context) return std::unexpected(context.error());
  return context->open(aad, ciphertext);
}

}  // namespace shearline::mls::hpke
