#include "cli/delivery.hpp"

#include "io/keys/keyring.hpp"
#include "policy/rules.hpp"

#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <vector>

namespace shearline::cli {
namespace {

// One write of public and secret parts, gathered in the arena.
Status write_gathered(int descriptor, const std::vector<ByteView>& parts) {
  std::size_t size = 0;
  for (const ByteView part : parts) size += part.size();
  Plaintext whole = Plaintext::of_size(size);
  auto out = whole.writable().begin();
  for (const ByteView part : parts) out = std::copy(part.begin(), part.end(), out);
  return write_all(descriptor, whole.reveal());
}

std::string acknowledged_text(const policy::Answer* answer) {
  if (answer == nullptr) return "not acknowledged (--no-ack); `shearline ack` does it later";
  if (answer->status == policy::AnswerStatus::rejected) {
    return "not acknowledged (" + std::string(code_name(answer->code)) + "): " + answer->detail;
  }
  const std::string state = text_member(answer->rotation_json, "state");
  return "acknowledged" + (state.empty() ? std::string() : "; the rotation is " + state);
}

// All but the secret, as the members of one JSON object without its closing brace.
std::string event_head(const wire::DeliveredSecret& delivered, const DeliveredFiles& files,
                       std::string_view group_id, const Ulid& envelope_id,
                       const policy::Answer* acknowledged) {
  const bool accepted = acknowledged != nullptr && acknowledged->status != policy::AnswerStatus::rejected;
  std::string head =
      json_object({{"event", "secret"},
                   {"group", group_id},
                   {"envelope", envelope_id.text()},
                   {"client_id", delivered.client_id},
                   {"version_id", delivered.version_id},
                   {"rotation_id", delivered.rotation_id},
                   {"issued_at_ms", delivered.issued_at_ms},
                   {"not_before_ms", delivered.not_before_ms},
                   {"grace_ms", delivered.grace_ms},
                   {"secret_file", files.secret},
                   {"api_key_file", files.api_key},
                   {"acknowledged", accepted},
                   Member::raw("ack", acknowledged == nullptr ? "null" : answer_json(*acknowledged))});
  head.pop_back();
  return head;
}

}  // namespace

Status Delivery::make_ready() const {
  if (show_) return {};
  if (::mkdir(folder_.c_str(), 0700) != 0 && errno != EEXIST) {
    return fail(Code::invalid, folder_ + " cannot be made: " + std::strerror(errno));
  }
  // The slash makes it an error if it is no folder.
  if (::access((folder_ + "/").c_str(), W_OK | X_OK) != 0) {
    return fail(Code::invalid, folder_ + " takes no files: " + std::strerror(errno));
  }
  return {};
}

Result<DeliveredFiles> Delivery::keep(const wire::DeliveredSecret& delivered) const {
  DeliveredFiles files;
  if (show_) return files;
  if (Status ready = make_ready(); !ready) return std::unexpected(ready.error());
  // Ids have no '/', and the ending keeps "." and ".." from being names.
  const std::string base = folder_ + "/" + delivered.client_id + "." + delivered.version_id;
  files.secret = base + ".secret";
  if (Status written = keys::write_private_file(files.secret, delivered.secret.reveal(), true); !written) {
    return std::unexpected(written.error());
  }
  if (delivered.api_key.empty()) return files;
  files.api_key = base + ".api_key";
  if (Status written = keys::write_private_file(files.api_key, delivered.api_key.reveal(), true); !written) {
    return std::unexpected(written.error());
  }
  return files;
}

Status Delivery::tell(const wire::DeliveredSecret& delivered, const DeliveredFiles& files,
                      std::string_view group_id, const Ulid& envelope_id,
                      const policy::Answer* acknowledged) const {
  if (!output_.json()) return tell_people(delivered, files, acknowledged);
  const std::string head = event_head(delivered, files, group_id, envelope_id, acknowledged);
  if (!show_) {
    output_.object(head + "}");
    return {};
  }
  const Plaintext secret = json_quoted(delivered.secret.reveal());
  const Plaintext api_key = json_quoted(delivered.api_key.reveal());
  return write_gathered(STDOUT_FILENO, {as_bytes(head), as_bytes(",\"secret\":"), secret.reveal(),
                                        as_bytes(",\"api_key\":"), api_key.reveal(), as_bytes("}\n")});
}

Status Delivery::tell_people(const wire::DeliveredSecret& delivered, const DeliveredFiles& files,
                             const policy::Answer* acknowledged) const {
  output_.line(rfc3339(delivered.issued_at_ms) + "  new secret for " + delivered.client_id + " (version " +
               delivered.version_id + ", rotation " + delivered.rotation_id + ")");
  if (show_) {
    const bool has_key = !delivered.api_key.empty();
    Status shown = write_gathered(STDOUT_FILENO, {as_bytes("  secret   "), delivered.secret.reveal(),
                                                  as_bytes(has_key ? "\n  api key  " : ""),
                                                  delivered.api_key.reveal(), as_bytes("\n")});
    if (!shown) return shown;
  } else {
    output_.line("  secret in " + files.secret);
    if (!files.api_key.empty()) output_.line("  api key in " + files.api_key);
  }
  if (delivered.grace_ms > 0) {
    output_.line("  the secret before it keeps working for " + policy::duration_text(delivered.grace_ms) +
                 " after the promotion");
  }
  output_.line("  " + acknowledged_text(acknowledged));
  return {};
}

}  // namespace shearline::cli
