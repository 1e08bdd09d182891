#include "policy/claims_reader.hpp"

#include "base/encoding.hpp"
#include "base/nearest.hpp"
#include "policy/model.hpp"

#include <algorithm>
#include <cmath>

namespace shearline::policy {
namespace {

using nlohmann::json;

constexpr std::int64_t year_9999_s = 253'402'300'799;
constexpr TimeMs year_2001_ms = 1'000'000'000'000;  // a smaller number was meant as seconds

bool is_control(char c) { return static_cast<unsigned char>(c) < 0x20 || c == 0x7f; }

}  // namespace

void ClaimsReader::refuse(std::string message) {
  if (!fault_) fault_ = Error{Code::invalid, std::move(message)};
}

void ClaimsReader::refuse_value(std::string_view name, std::string_view must) {
  refuse("`" + prefix_ + std::string(name) + "` must " + std::string(must));
}

const json* ClaimsReader::find(std::string_view name) const {
  const auto found = object_.find(name);
  return found == object_.end() ? nullptr : &*found;
}

void ClaimsReader::only(std::span<const std::string_view> known, std::string_view subject) {
  for (const auto& [name, value] : object_.items()) {
    if (std::ranges::find(known, std::string_view(name)) != known.end()) continue;
    refuse("`" + prefix_ + name.substr(0, 64) + "` is not known to " + std::string(subject) +
           did_you_mean(name, known));
  }
}

void ClaimsReader::require(std::string_view name) {
  if (!has(name)) refuse("`" + prefix_ + std::string(name) + "` is missing");
}

bool ClaimsReader::is_text(std::string_view name, const json& value, std::size_t bytes_max) {
  const auto* text = value.get_ptr<const std::string*>();
  if (text != nullptr && !text->empty() && text->size() <= bytes_max &&
      std::ranges::none_of(*text, is_control)) {
    return true;
  }
  refuse_value(name, "be a text of 1 to " + std::to_string(bytes_max) + " bytes without control characters");
  return false;
}

std::string ClaimsReader::text(std::string_view name, std::size_t bytes_max) {
  const json* value = find(name);
  if (value == nullptr || !is_text(name, *value, bytes_max)) return {};
  return value->get<std::string>();
}

std::string ClaimsReader::id(std::string_view name) {
  const json* value = find(name);
  if (value == nullptr) return {};
  const auto* text = value->get_ptr<const std::string*>();
  if (text != nullptr && is_id(*text)) return *text;
  refuse_value(name, "be 1 to 64 of A-Z a-z 0-9 . _ ~ -");
  return {};
}

std::optional<Ulid> ClaimsReader::ulid(std::string_view name) {
  const json* value = find(name);
  if (value == nullptr) return std::nullopt;
  const auto* text = value->get_ptr<const std::string*>();
  const std::optional<Ulid> ulid = text == nullptr ? std::nullopt : Ulid::parse(*text);
  if (!ulid || ulid->is_none()) {
    refuse_value(name, "be a ULID (26 characters, upper case)");
    return std::nullopt;
  }
  return ulid;
}

std::optional<std::int64_t> ClaimsReader::integer(std::string_view name, std::int64_t least,
                                                  std::int64_t most) {
  const json* value = find(name);
  if (value == nullptr) return std::nullopt;
  const bool fits_signed = value->is_number_integer() &&
                           (!value->is_number_unsigned() || value->get<std::uint64_t>() <= INT64_MAX);
  if (fits_signed) {
    const auto number = value->get<std::int64_t>();
    if (number >= least && number <= most) return number;
  }
  refuse_value(name, "be a whole number from " + std::to_string(least) + " to " + std::to_string(most));
  return std::nullopt;
}

bool ClaimsReader::boolean(std::string_view name) {
  const json* value = find(name);
  if (value == nullptr) return false;
  if (value->is_boolean()) return value->get<bool>();
  refuse_value(name, "be true or false");
  return false;
}

TimeMs ClaimsReader::numeric_date_ms(std::string_view name) {
  const json* value = find(name);
  if (value == nullptr) return 0;
  // RFC 7519 allows fractions of a second.
  const double seconds = value->is_number() ? value->get<double>() : -1;
  if (seconds >= 0 && seconds <= static_cast<double>(year_9999_s)) {
    return static_cast<TimeMs>(std::floor(seconds * 1000));
  }
  refuse_value(name, "be a time in seconds since 1970 (RFC 7519 NumericDate)");
  return 0;
}

std::optional<TimeMs> ClaimsReader::unix_ms(std::string_view name) {
  const std::optional<std::int64_t> time = integer(name, 0, year_9999_s * 1000);
  if (time && *time < year_2001_ms)
    refuse_value(name, "be in milliseconds since 1970, this looks like seconds");
  return time;
}

Bytes ClaimsReader::bytes(std::string_view name, std::size_t least, std::size_t most) {
  const json* value = find(name);
  if (value == nullptr) return {};
  const auto* text = value->get_ptr<const std::string*>();
  std::optional<Bytes> bytes = text == nullptr ? std::nullopt : from_base64url(*text);
  if (bytes && bytes->size() >= least && bytes->size() <= most) return std::move(*bytes);
  const std::string count =
      least == most ? std::to_string(least) : std::to_string(least) + " to " + std::to_string(most);
  refuse_value(name, "be " + count + " bytes in base64url without padding");
  return {};
}

std::vector<std::string> ClaimsReader::texts(std::string_view name, std::size_t count_max,
                                             std::size_t bytes_max) {
  std::vector<std::string> out;
  const json* values = array(name, count_max);
  if (values == nullptr) return out;
  std::set<std::string> seen;
  for (const json& value : *values) {
    if (!is_text(name, value, bytes_max)) return {};
    out.push_back(value.get<std::string>());
    if (!seen.insert(out.back()).second) refuse_value(name, "not name `" + out.back() + "` twice");
  }
  return out;
}

const json* ClaimsReader::object(std::string_view name) {
  const json* value = find(name);
  if (value == nullptr || value->is_object()) return value;
  refuse_value(name, "be an object");
  return nullptr;
}

const json* ClaimsReader::array(std::string_view name, std::size_t count_max) {
  const json* value = find(name);
  if (value == nullptr) return nullptr;
  if (value->is_array() && !value->empty() && value->size() <= count_max) return value;
  refuse_value(name, "be a list of 1 to " + std::to_string(count_max));
  return nullptr;
}

}  // namespace shearline::policy
