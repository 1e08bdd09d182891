// A first pass that only looks, then nlohmann builds what passed.
#include "base/strict_json.hpp"

#include <nlohmann/json.hpp>

#include <set>
#include <string>
#include <vector>

namespace shearline {
namespace {

using nlohmann::json;

// Sees every token in order and stops at the first thing we do not take. nlohmann by itself keeps the last
// of two equal names and nests without limit.
class Inspector final : public nlohmann::json_sax<json> {
 public:
  explicit Inspector(std::size_t depth_max) : depth_max_(depth_max) {}

  std::string fault;

  bool null() override { return value(); }
  bool boolean(bool /*value*/) override { return value(); }
  bool number_integer(number_integer_t /*value*/) override { return value(); }
  bool number_unsigned(number_unsigned_t /*value*/) override { return value(); }
  bool number_float(number_float_t /*value*/, const string_t& /*text*/) override { return value(); }
  bool string(string_t& /*value*/) override { return value(); }
  bool binary(binary_t& /*value*/) override { return refuse("holds binary data"); }
  bool start_object(std::size_t /*size*/) override { return open(); }
  bool end_object() override { return close(); }
  bool start_array(std::size_t /*size*/) override {
    if (names_.empty()) return refuse("must be a JSON object");
    return open();
  }
  bool end_array() override { return close(); }
  bool key(string_t& name) override {
    if (names_.back().insert(name).second) return true;
    return refuse("names `" + name.substr(0, 64) + "` twice in one object");
  }
  bool parse_error(std::size_t position, const std::string& /*token*/,
                   const nlohmann::detail::exception& /*why*/) override {
    return refuse("is not JSON at byte " + std::to_string(position));
  }

 private:
  bool refuse(std::string why) {
    if (fault.empty()) fault = std::move(why);
    return false;
  }
  bool value() { return names_.empty() ? refuse("must be a JSON object") : true; }
  bool open() {
    if (names_.size() == depth_max_) {
      return refuse("is nested deeper than " + std::to_string(depth_max_) + " levels");
    }
    names_.emplace_back();
    return true;
  }
  bool close() {
    names_.pop_back();
    return true;
  }

  std::size_t depth_max_;
  std::vector<std::set<std::string>> names_;  // of each open object; empty for an array
};

}  // namespace

Status check_json_object(std::string_view text, std::string_view what, JsonLimits limits) {
  const auto refuse = [&](std::string_view why) {
    return fail(Code::invalid, "the " + std::string(what) + " " + std::string(why));
  };
  if (text.size() > limits.bytes_max) {
    return refuse("exceeds " + std::to_string(limits.bytes_max / 1024) + " KiB");
  }
  Inspector inspector(limits.depth_max);
  if (!json::sax_parse(text, &inspector)) {
    return refuse(inspector.fault.empty() ? "is not JSON" : inspector.fault);
  }
  return {};
}

Result<json> parse_json_object(std::string_view text, std::string_view what, JsonLimits limits) {
  if (Status status = check_json_object(text, what, limits); !status) return std::unexpected(status.error());
  return json::parse(text, nullptr, false);
}

}  // namespace shearline
