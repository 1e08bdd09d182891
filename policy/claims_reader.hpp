// Reads one JSON object of a command, keeping the first thing that is wrong: a missing or unknown name, a
// wrong type, a value out of range. Private to policy/, included by .cpp files only.
#pragma once

#include "base/bytes.hpp"
#include "base/clock.hpp"
#include "base/error.hpp"
#include "base/ulid.hpp"

#include <nlohmann/json.hpp>

#include <cstdint>
#include <optional>
#include <set>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace shearline::policy {

class ClaimsReader {
 public:
  // `prefix` stands before names in messages: "params.", "params.metadata.". fault is shared by all readers
  // of one command; the first one stays.
  ClaimsReader(const nlohmann::json& object, std::string prefix, std::optional<Error>& fault)
      : object_(object), prefix_(std::move(prefix)), fault_(fault) {}

  bool has(std::string_view name) const { return object_.contains(name); }
  bool failed() const { return fault_.has_value(); }
  void refuse(std::string message);
  void refuse_value(std::string_view name, std::string_view must);  // "`params.x` must ..."

  // Every name in the object must be one of these; `subject` is whom the message says it is unknown to.
  void only(std::span<const std::string_view> known, std::string_view subject);
  void require(std::string_view name);

  // Absent: the empty value. Text is 1 to bytes_max bytes without control characters.
  std::string text(std::string_view name, std::size_t bytes_max);
  std::string id(std::string_view name);
  std::optional<Ulid> ulid(std::string_view name);
  std::optional<std::int64_t> integer(std::string_view name, std::int64_t least, std::int64_t most);
  bool boolean(std::string_view name);
  TimeMs numeric_date_ms(std::string_view name);                            // RFC 7519: seconds
  std::optional<TimeMs> unix_ms(std::string_view name);                     // ours: milliseconds
  Bytes bytes(std::string_view name, std::size_t least, std::size_t most);  // base64url
  template <std::size_t N>
  void exact_bytes(std::string_view name, std::array<Byte, N>& out) {
    const Bytes read = bytes(name, N, N);
    if (read.size() == N) std::copy(read.begin(), read.end(), out.begin());
  }
  std::vector<std::string> texts(std::string_view name, std::size_t count_max, std::size_t bytes_max);
  const nlohmann::json* object(std::string_view name);
  const nlohmann::json* array(std::string_view name, std::size_t count_max);

 private:
  const nlohmann::json* find(std::string_view name) const;
  bool is_text(std::string_view name, const nlohmann::json& value, std::size_t bytes_max);

  const nlohmann::json& object_;
  std::string prefix_;
  std::optional<Error>& fault_;
};

}  // namespace shearline::policy
