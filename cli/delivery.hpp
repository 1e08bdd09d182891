// What becomes of a delivered secret on the admin's machine: a file with mode 0600, or the terminal when it
// is asked for. The only place of the CLI that lets a secret out, and it goes from the arena straight to a
// descriptor.
#pragma once

#include "base/error.hpp"
#include "cli/output.hpp"
#include "io/wire/envelope.hpp"

#include <string>
#include <string_view>

namespace shearline::cli {

struct DeliveredFiles {
  std::string secret;   // empty: shown instead
  std::string api_key;  // empty: the credential has no key form
};

class Delivery {
 public:
  // folder: where files go. show: to stdout instead of files.
  Delivery(const Output& output, std::string folder, bool show)
      : output_(output), folder_(std::move(folder)), show_(show) {}

  // Before anything is waited for: the folder is there (made with mode 0700) and takes files.
  Status make_ready() const;
  // Durable when it returns: acknowledge only after.
  Result<DeliveredFiles> keep(const wire::DeliveredSecret& delivered) const;
  // What a person or script is told; with show, the secret itself.
  Status tell(const wire::DeliveredSecret& delivered, const DeliveredFiles& files, std::string_view group_id,
              const Ulid& envelope_id, const policy::Answer* acknowledged) const;

 private:
  Status tell_people(const wire::DeliveredSecret& delivered, const DeliveredFiles& files,
                     const policy::Answer* acknowledged) const;

  const Output& output_;
  std::string folder_;
  bool show_;
};

}  // namespace shearline::cli
