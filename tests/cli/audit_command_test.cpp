// `shearline audit` over files as nodes leave them.
#include "cli/commands.hpp"
#include "ledger/hash_chain.hpp"

#include <gtest/gtest.h>

#include <cstdlib>
#include <filesystem>
#include <fstream>

namespace shearline::cli {
namespace {

class AuditCommand : public ::testing::Test {
 protected:
  AuditCommand() {
    std::string pattern = (std::filesystem::temp_directory_path() / "shearline-test-XXXXXX").string();
    folder = ::mkdtemp(pattern.data());
  }
  ~AuditCommand() override { std::filesystem::remove_all(folder); }

  struct Event {
    std::string type;
    TimeMs at_ms;
  };
  std::string file(const std::string& name, const std::vector<Event>& events) const {
    ledger::HashChain::Draft draft = ledger::HashChain().draft();
    for (const Event& event : events) {
      const std::string json = R"({"type":")" + event.type + R"(","at":"then","at_ms":)" +
                               std::to_string(event.at_ms) + R"(,"who":"alice","subject":"acme"})";
      const auto counter = static_cast<std::uint64_t>(event.at_ms);
      ledger::HashChain::add(draft, {1, counter, 0, {}}, as_bytes(json), json);
    }
    std::ofstream(folder + "/" + name) << draft.text;
    return folder + "/" + name;
  }

  Exit run(const AuditOf& options, bool json = false) {
    const Settings settings;
    const Output output(json);
    testing::internal::CaptureStdout();
    testing::internal::CaptureStderr();
    const Exit exit = audit({settings, output, clock, random}, options);
    said = testing::internal::GetCapturedStdout();
    warned = testing::internal::GetCapturedStderr();
    return exit;
  }

  SystemClock clock;
  SystemRandom random;
  std::string folder;
  std::string said;
  std::string warned;
};

TEST_F(AuditCommand, ShowsTheEventsOfAllFilesOnceEachInTheOrderOfTime) {
  const std::string one = file("one", {{"created", 1}, {"rotated", 2}});
  const std::string two = file("two", {{"rotated", 2}, {"promoted", 3}});
  EXPECT_EQ(run({{two, one}}), Exit::ok) << warned;
  const std::string events = said.substr(said.find("then"));
  EXPECT_EQ(events,
            "then  acme  created by alice\nthen  acme  rotated by alice\nthen  acme  promoted by alice\n"
            "3 events, 1 of them in more than one line\n");
  EXPECT_NE(said.find(two + ": the chain holds over 2 lines, head "), std::string::npos) << said;
}

TEST_F(AuditCommand, WithJsonNamesTheLinesInWhichAnEventStands) {
  const std::string one = file("one", {{"created", 1}, {"rotated", 2}});
  const std::string two = file("two", {{"rotated", 2}});
  EXPECT_EQ(run({{one, two}}, true), Exit::ok) << warned;
  EXPECT_NE(said.find("\"stands_in\":[{\"file\":\"" + one + "\",\"line\":2},{\"file\":\"" + two +
                      "\",\"line\":1}],\"event\":{\"type\":\"rotated\","),
            std::string::npos)
      << said;
  EXPECT_NE(said.find(R"({"events":2,"in_more_than_one_line":1})"), std::string::npos) << said;
}

TEST_F(AuditCommand, NamesFileAndLineWhereAChainIsBrokenAndShowsNoEvents) {
  const std::string good = file("good", {{"created", 1}});
  const std::string bad = file("bad", {{"created", 1}, {"rotated", 2}});
  std::fstream(bad, std::ios::in | std::ios::out) << R"({"seq":1,"prev":"1)";
  EXPECT_EQ(run({{good, bad}}), Exit::invalid);
  EXPECT_NE(warned.find(bad + ", line 1: "), std::string::npos) << warned;
  EXPECT_EQ(said.find("created"), std::string::npos) << said;
}

TEST_F(AuditCommand, WarnsOfALineThatIsNotWholeAndGoesOn) {
  const std::string torn = file("torn", {{"created", 1}});
  std::ofstream(torn, std::ios::app) << R"({"seq":2)";
  EXPECT_EQ(run({{torn}}), Exit::ok);
  EXPECT_NE(warned.find("8 bytes behind the last whole line"), std::string::npos) << warned;
}

TEST_F(AuditCommand, SaysWhatItCannotRead) {
  EXPECT_EQ(run({{folder + "/nothing"}}), Exit::not_found);
  EXPECT_EQ(run({{folder}}), Exit::unavailable) << warned;
  std::ofstream(folder + "/other") << "hello\n";
  EXPECT_EQ(run({{folder + "/other"}}), Exit::invalid);
}

TEST_F(AuditCommand, QuietlySaysOnlyWhetherItHolds) {
  EXPECT_EQ(run({{file("one", {{"created", 1}})}, true}), Exit::ok);
  EXPECT_EQ(said.find("created"), std::string::npos) << said;
  EXPECT_NE(said.find("1 event"), std::string::npos) << said;
}

}  // namespace
}  // namespace shearline::cli
