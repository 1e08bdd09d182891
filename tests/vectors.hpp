// Where published test vectors are found (SHEARLINE_VECTORS, default ../shared/vectors beside the source
// root) and how they are read. They are never copied into the project; without them a test says it was
// skipped.
#pragma once

#include "base/bytes.hpp"
#include "base/encoding.hpp"

#include <gtest/gtest.h>
#include <nlohmann/json.hpp>

#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <functional>
#include <optional>
#include <stdexcept>
#include <string>

namespace shearline::testing {

inline std::string vectors_folder() {
  const char* const folder = std::getenv("SHEARLINE_VECTORS");
  return folder != nullptr ? folder : SHEARLINE_VECTORS_DEFAULT;
}

inline bool vectors_expected() {
  return std::getenv("SHEARLINE_VECTORS") != nullptr || std::filesystem::is_directory(vectors_folder());
}

// Nothing when the file is not there; a file that is there and no JSON is a failure of the test.
inline std::optional<nlohmann::json> read_vectors(const std::string& name) {
  std::ifstream file(vectors_folder() + "/" + name);
  if (!file) return std::nullopt;
  return nlohmann::json::parse(file);
}

inline Bytes hex_field(const nlohmann::json& object, const char* name) {
  std::optional<Bytes> bytes = from_hex(object.at(name).get_ref<const std::string&>());
  if (!bytes) throw std::runtime_error(std::string("not hex: ") + name);
  return *std::move(bytes);
}

// ---- Wycheproof ----

inline bool is_valid(const nlohmann::json& test) { return test.at("result") == "valid"; }

struct Tally {
  std::size_t checked = 0;
  std::size_t out_of_scope = 0;
};

// Calls `check(group, test)` for every case of the file; false: the case is not about us, and is counted.
inline Tally for_every_case(const nlohmann::json& file,
                            const std::function<bool(const nlohmann::json&, const nlohmann::json&)>& check) {
  Tally tally;
  for (const nlohmann::json& group : file.at("testGroups")) {
    for (const nlohmann::json& test : group.at("tests")) {
      SCOPED_TRACE(::testing::Message() << "tcId " << test.at("tcId") << ": " << test.at("comment"));
      ++(check(group, test) ? tally.checked : tally.out_of_scope);
    }
  }
  std::printf("%zu cases checked, %zu out of scope\n", tally.checked, tally.out_of_scope);
  EXPECT_EQ(tally.checked + tally.out_of_scope, file.at("numberOfTests").get<std::size_t>());
  return tally;
}

}  // namespace shearline::testing

// Skips the test, saying which file is missing and how to name the folder. Where the folder is there or was named, a
// file that is missing from it is a failure.
#define SHEARLINE_VECTORS_OR_SKIP(variable, name)                                               \
  const std::optional<nlohmann::json> variable##_file = shearline::testing::read_vectors(name); \
  if (!variable##_file && shearline::testing::vectors_expected())                               \
    FAIL() << "no " << name << " in " << shearline::testing::vectors_folder();                  \
  if (!variable##_file) {                                                                       \
    GTEST_SKIP() << "no " << name << " in " << shearline::testing::vectors_folder()             \
                 << "; set SHEARLINE_VECTORS to the folder that has it";                        \
  }                                                                                             \
  const nlohmann::json& variable = *variable##_file
