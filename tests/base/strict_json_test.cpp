// JSON that others wrote: bounded, and without the two readings that nlohmann's parser would choose between.
#include "base/strict_json.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <nlohmann/json.hpp>

namespace shearline {
namespace {

using ::testing::HasSubstr;

std::string refusal(std::string_view text, JsonLimits limits = {}) {
  const Result<nlohmann::json> parsed = parse_json_object(text, "thing", limits);
  return parsed ? "" : parsed.error().message;
}

TEST(StrictJson, BuildsWhatItAccepts) {
  EXPECT_EQ(parse_json_object(R"({"a":[1,{"b":null}]})", "thing")->at("a").at(0), 1);
}

TEST(StrictJson, RefusesANameTwiceAtAnyDepth) {
  EXPECT_THAT(refusal(R"({"a":1,"a":2})"), HasSubstr("names `a` twice"));
  EXPECT_THAT(refusal(R"({"x":[{"a":1,"\u0061":2}]})"), HasSubstr("names `a` twice"));
  EXPECT_EQ(refusal(R"({"x":{"a":1},"y":{"a":2}})"), "");
}

TEST(StrictJson, RefusesWhatIsDeeperOrLongerThanItsLimits) {
  const JsonLimits limits{.bytes_max = 1024, .depth_max = 3};
  EXPECT_EQ(refusal(R"({"a":[[1]]})", limits), "");
  EXPECT_THAT(refusal(R"({"a":[[[1]]]})", limits), HasSubstr("deeper than 3 levels"));
  EXPECT_THAT(refusal("{\"a\":\"" + std::string(1020, 'x') + "\"}", limits), HasSubstr("exceeds 1 KiB"));
  EXPECT_THAT(refusal(std::string(100'000, '['), {.bytes_max = 1 << 20}), HasSubstr("must be a JSON object"));
  EXPECT_THAT(refusal("{\"a\":" + std::string(100'000, '['), {.bytes_max = 1 << 20}),
              HasSubstr("deeper than 8 levels"));
}

TEST(StrictJson, RefusesWhatIsNoObjectOrMoreThanOne) {
  for (const char* const text : {"[]", "1", "\"x\"", "null"}) {
    EXPECT_THAT(refusal(text), HasSubstr("must be a JSON object")) << text;
  }
  for (const char* const text : {"", "{", "{}{}", "{}x", "{\"a\":1,}", "{\"a\":\"\xff\"}"}) {
    EXPECT_THAT(refusal(text), HasSubstr("is not JSON")) << text;
  }
}

TEST(StrictJson, NamesTheTextAndThePlaceOfAMistake) {
  EXPECT_EQ(refusal("{\"a\": nul}"), "the thing is not JSON at byte 10");
}

}  // namespace
}  // namespace shearline
