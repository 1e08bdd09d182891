// The audit file on a real disk: what a crash may leave in it, and what it tells about a subject.
#include "actors/audit_file.hpp"

#include "io/loop/fiber_scheduler.hpp"
#include "ledger/trail.hpp"
#include "tests/actors/control_plane.hpp"

#include <gtest/gtest.h>

namespace shearline::actors::test {
namespace {

class AuditTrailFile : public ::testing::Test {
 protected:
  AuditFile open() {
    Result<AuditFile> opened = AuditFile::open(*loop, path);
    if (!opened) throw std::runtime_error(opened.error().message);
    return std::move(*opened);
  }
  static void write(AuditFile& file, const std::string& subject, int from, int count,
                    unsigned partition = 1) {
    ledger::HashChain::Draft draft = file.chain().draft();
    for (int i = from; i < from + count; ++i) {
      const std::string json =
          R"({"type":"event-)" + std::to_string(i) + R"(","subject":")" + subject + "\"}";
      ledger::HashChain::add(draft, {partition, static_cast<std::uint64_t>(i), 0, {}}, as_bytes(json), json);
    }
    ASSERT_TRUE(file.append(std::move(draft)));
  }

  TemporaryFolder folder;
  std::string path = folder.file("audit.jsonl");
  std::unique_ptr<loop::Loop> loop = std::move(*loop::make_uring_loop({}));
  loop::FiberScheduler fibers{*loop};
};

TEST_F(AuditTrailFile, GoesOnWhereItStopped) {
  {
    AuditFile file = open();
    write(file, "acme", 1, 3);
  }
  AuditFile again = open();
  EXPECT_EQ(again.chain().lines(), 3U);
  write(again, "acme", 4, 1);
  std::ifstream in(path);
  EXPECT_EQ(ledger::read_chain(in)->chain.lines(), 4U);
}

TEST_F(AuditTrailFile, ATornLastLineIsCutAndTheNextOneFits) {
  {
    AuditFile file = open();
    write(file, "acme", 1, 2);
  }
  std::ofstream(path, std::ios::app) << R"({"seq":3,"prev":"to)";
  AuditFile again = open();
  EXPECT_EQ(again.chain().lines(), 2U);
  write(again, "acme", 3, 1);
  std::ifstream in(path);
  const auto state = ledger::read_chain(in);
  ASSERT_TRUE(state) << state.error().message;
  EXPECT_EQ(state->chain.lines(), 3U);
}

TEST_F(AuditTrailFile, AChangedLineKeepsItFromBeingOpened) {
  {
    AuditFile file = open();
    write(file, "acme", 1, 3);
  }
  std::fstream(path, std::ios::in | std::ios::out) << R"({"seq":1,"prev":"1)";
  const auto again = AuditFile::open(*loop, path);
  ASSERT_FALSE(again);
  EXPECT_EQ(again.error().code, Code::invalid);
}

TEST_F(AuditTrailFile, IsOpenedByItsEndHoweverLongItIs) {
  constexpr int lines = static_cast<int>(ledger::HashChain::remembered_max) + 100;
  {
    AuditFile file = open();
    write(file, "acme", 1, lines);
  }
  std::fstream(path, std::ios::in | std::ios::out)
      << "{\"spoilt\"";  // its first line, which nobody reads any more
  std::ofstream(path, std::ios::app) << R"({"seq":)";
  AuditFile again = open();
  EXPECT_EQ(again.chain().lines(), static_cast<std::uint64_t>(lines));
  write(again, "acme", lines + 1, 1);
  std::ifstream in(path);
  const auto whole = ledger::read_chain(in);
  ASSERT_FALSE(whole) << "reading all of it shows what opening it does not";
  EXPECT_NE(whole.error().message.find("line 1"), std::string::npos) << whole.error().message;
}

TEST_F(AuditTrailFile, ALineSpoiltNearItsEndIsNamedAndNothingIsCut) {
  constexpr int lines = static_cast<int>(ledger::HashChain::remembered_max) + 100;
  {
    AuditFile file = open();
    write(file, "acme", 1, lines);
  }
  const auto size = std::filesystem::file_size(path);
  const std::string spoilt = "event-" + std::to_string(lines - 5);
  std::fstream file(path, std::ios::in | std::ios::out);
  std::string line;
  std::streamoff at = 0;
  while (std::getline(file, line) && line.find(spoilt) == std::string::npos) at = file.tellg();
  file.seekp(at + static_cast<std::streamoff>(line.find(spoilt)));
  file << "EVENT";
  file.close();
  const auto again = AuditFile::open(*loop, path);
  ASSERT_FALSE(again);
  EXPECT_EQ(again.error().code, Code::invalid);
  EXPECT_NE(again.error().message.find("line " + std::to_string(lines - 4)), std::string::npos)
      << again.error().message;
  EXPECT_EQ(std::filesystem::file_size(path), size);
}

TEST_F(AuditTrailFile, WithoutAnyNewlineItIsOneTornLineOrNoTrail) {
  std::ofstream(path) << "{\"seq\":1";
  EXPECT_EQ(open().chain().lines(), 0U);
  EXPECT_EQ(std::filesystem::file_size(path), 0U);
  std::ofstream(path) << std::string(ledger::line_bytes_max * 2, '0');
  EXPECT_EQ(AuditFile::open(*loop, path).error().code, Code::invalid);
  EXPECT_EQ(std::filesystem::file_size(path), ledger::line_bytes_max * 2);
}

TEST_F(AuditTrailFile, FindsEventsHoweverFarBack) {
  AuditFile file = open();
  write(file, "acme", 1, 3000);
  const auto id_of = [](int event) {
    const std::string json = R"({"type":"event-)" + std::to_string(event) + R"(","subject":"acme"})";
    return ledger::event_id(as_bytes(json));
  };
  const auto found = events_in_file(path, {id_of(1), id_of(1500), id_of(3001)});
  ASSERT_TRUE(found);
  EXPECT_EQ(*found, (EventIds{id_of(1), id_of(1500)}));
}

TEST_F(AuditTrailFile, TwoEnginesNeverShareIt) {
  const AuditFile first = open();
  const auto second = AuditFile::open(*loop, path);
  ASSERT_FALSE(second);
  EXPECT_EQ(second.error().code, Code::conflict);
}

TEST_F(AuditTrailFile, TellsTheNewestEventsAboutASubjectOldestFirstAcrossBlocks) {
  AuditFile file = open();
  write(file, "acme", 1, 2);
  write(file, "other", 3, 3000);  // several blocks
  write(file, "acme", 3003, 1);
  const auto all = newest_events_about(path, 1, "acme", "", 10);
  ASSERT_TRUE(all);
  ASSERT_EQ(all->events.size(), 3U);
  EXPECT_FALSE(all->more);
  EXPECT_EQ(all->events.front(), R"({"type":"event-1","subject":"acme"})");
  EXPECT_EQ(all->events.back(), R"({"type":"event-3003","subject":"acme"})");
  const auto newest = newest_events_about(path, 1, "acme", "", 2);
  EXPECT_EQ(newest->events.size(), 2U);
  EXPECT_TRUE(newest->more);
  EXPECT_TRUE(newest_events_about(path, 1, "nobody", "", 2)->events.empty());
  EXPECT_TRUE(newest_events_about(path, 1, "other", "", 5000)->more)
      << "an answer has a limit in bytes as well";
}

TEST_F(AuditTrailFile, TellsACredentialFromAGroupOfTheSameNameByItsPartition) {
  AuditFile file = open();
  write(file, "payments", 1, 1, store::system_partition);  // whose number begins with the credential's
  write(file, "payments", 2, 1);
  const auto found = newest_events_about(path, 1, "payments", "", 10);
  ASSERT_TRUE(found);
  ASSERT_EQ(found->events.size(), 1U);
  EXPECT_EQ(found->events.front(), R"({"type":"event-2","subject":"payments"})");
  EXPECT_EQ(found->ids.size(), 1U);
}

}  // namespace
}  // namespace shearline::actors::test
