// The one logger: a level, an event name in snake_case, and typed fields. Fields take text and integers only,
// so a line with a Secret, Key, Digest or AckTag does not compile. Lines go to stderr as `key=value` or JSON.
#pragma once

#include <concepts>
#include <initializer_list>
#include <string>
#include <string_view>

namespace shearline::log {

enum class Level { debug, info, warning, error };

struct Field {
  Field(std::string_view field_name, std::string_view text) : name(field_name), value(text), quoted(true) {}
  Field(std::string_view field_name, const char* text) : Field(field_name, std::string_view(text)) {}
  Field(std::string_view field_name, const std::string& text) : Field(field_name, std::string_view(text)) {}
  // bool among them; as a parameter of its own it would take any pointer.
  Field(std::string_view field_name, std::integral auto number) : name(field_name), value(text_of(number)) {}

  std::string_view name;
  std::string value;
  bool quoted = false;

 private:
  static std::string text_of(std::integral auto number) {
    if constexpr (std::same_as<decltype(number), bool>) {
      return number ? "true" : "false";
    } else {
      return std::to_string(number);
    }
  }
};
using Fields = std::initializer_list<Field>;

enum class Format { text, json };
void configure(Level least, Format format);  // once, by main

void write(Level level, std::string_view event, Fields fields);
inline void debug(std::string_view event, Fields fields = {}) { write(Level::debug, event, fields); }
inline void info(std::string_view event, Fields fields = {}) { write(Level::info, event, fields); }
inline void warning(std::string_view event, Fields fields = {}) { write(Level::warning, event, fields); }
inline void error(std::string_view event, Fields fields = {}) { write(Level::error, event, fields); }

}  // namespace shearline::log
