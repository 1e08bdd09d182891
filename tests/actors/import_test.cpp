// What an import says about its items, and that it fits into one answer whatever became of them.
#include "actors/import.hpp"

#include "policy/jws.hpp"

#include <gtest/gtest.h>

namespace shearline::actors {
namespace {

Result<ImportedItem> refused(std::string why) { return fail(Code::invalid, std::move(why)); }

TEST(ImportReport, CountsWhatWasTakenAndNamesWhatWasNot) {
  ImportReport report;
  report.add("a", ImportedItem{});
  report.add("b", ImportedItem{.repeated = true});
  report.add("c", ImportedItem{.shared_secret = true});
  report.add("d", fail(Code::conflict, "the credential exists"));
  EXPECT_EQ(report.summary(), "3 imported, 1 refused");
  EXPECT_EQ(report.first_code(), Code::conflict);
  EXPECT_EQ(
      report.json(),
      R"({"imported":3,"refused":[{"client_ids":["d"],"code":"conflict","detail":"the credential exists"}],)"
      R"("repeated":1,"shared_secret":["c"]})");
}

TEST(ImportReport, TellsItemsRefusedForOneReasonTogether) {
  ImportReport report;
  for (const char* id : {"a", "b"}) report.add(id, fail(Code::conflict, "the credential exists"));
  report.add("c", refused("too short"));
  report.add("d", fail(Code::conflict, "the credential exists"));
  EXPECT_EQ(report.refused(), 4U);
  EXPECT_NE(report.json().find(R"("client_ids":["a","b","d"])"), std::string::npos) << report.json();
}

TEST(ImportReport, FitsIntoAnAnswerWhateverBecameOfItsItems) {
  // As many items with ids as long as a command of 64 KiB can hold, each refused for a reason of its own.
  constexpr std::size_t items = 230;
  ImportReport report;
  for (std::size_t i = 1000; i < 1000 + items; ++i) {
    report.add(std::string(60, 'c') + std::to_string(i), refused(std::string(300, 'w') + std::to_string(i)));
  }
  const std::string told = report.json();
  EXPECT_LT(told.size() * 4 / 3 + 4096, policy::jws_bytes_max);
  for (std::size_t i = 1000; i < 1000 + items; ++i) {
    EXPECT_NE(told.find("c" + std::to_string(i)), std::string::npos) << "every item is named";
  }
}

}  // namespace
}  // namespace shearline::actors
