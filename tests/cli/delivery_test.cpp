#include "cli/delivery.hpp"

#include <gtest/gtest.h>
#include <unistd.h>

#include <filesystem>
#include <fstream>
#include <iterator>

namespace shearline::cli {
namespace {

class DeliveryTest : public testing::Test {
 protected:
  void SetUp() override {
    std::string pattern = (std::filesystem::temp_directory_path() / "shearline-delivery-XXXXXX").string();
    ASSERT_NE(::mkdtemp(pattern.data()), nullptr);
    folder_ = pattern;
    delivered_.client_id = "acme";
    delivered_.version_id = "V1";
    delivered_.rotation_id = "R1";
    delivered_.secret = Secret::copy_of(as_bytes("s3cret\"with quote"));
    delivered_.api_key = Plaintext::copy_of(as_bytes("sl_acme.s3cret"));
    delivered_.issued_at_ms = 1'700'000'000'000;
    delivered_.grace_ms = 86'400'000;
  }
  void TearDown() override { std::filesystem::remove_all(folder_); }

  std::string inbox() const { return folder_ / "inbox"; }
  static std::string content_of(const std::string& path) {
    std::ifstream file(path);
    return {std::istreambuf_iterator<char>(file), {}};
  }
  std::string told(const Delivery& delivery, const DeliveredFiles& files, const policy::Answer* answer) {
    testing::internal::CaptureStdout();
    EXPECT_TRUE(delivery.tell(delivered_, files, "payments", Ulid{}, answer));
    return testing::internal::GetCapturedStdout();
  }

  std::filesystem::path folder_;
  wire::DeliveredSecret delivered_;
  Output for_people_{false};
  Output as_json_{true};
};

TEST_F(DeliveryTest, WritesFilesThatOnlyTheirOwnerCanRead) {
  const auto files = Delivery(for_people_, inbox(), false).keep(delivered_);
  ASSERT_TRUE(files) << files.error().message;
  EXPECT_EQ(files->secret, inbox() + "/acme.V1.secret");
  EXPECT_EQ(content_of(files->secret), "s3cret\"with quote");
  EXPECT_EQ(content_of(files->api_key), "sl_acme.s3cret");
  using std::filesystem::perms;
  for (const std::string& path : {files->secret, files->api_key}) {
    EXPECT_EQ(std::filesystem::status(path).permissions(), perms::owner_read | perms::owner_write) << path;
  }
  EXPECT_EQ(std::filesystem::status(inbox()).permissions(), perms::owner_all);
}

TEST_F(DeliveryTest, TheSameSecretAgainGoesIntoTheSameFile) {
  const Delivery delivery(for_people_, inbox(), false);
  ASSERT_TRUE(delivery.keep(delivered_));
  ASSERT_TRUE(delivery.keep(delivered_));
  EXPECT_EQ(std::distance(std::filesystem::directory_iterator(inbox()), {}), 2);
}

TEST_F(DeliveryTest, AFolderThatCannotBeMadeIsAnError) {
  EXPECT_FALSE(Delivery(for_people_, folder_ / "no" / "such", false).keep(delivered_));
}

TEST_F(DeliveryTest, WithoutShowNoSecretIsPrinted) {
  for (const Output* output : {&for_people_, &as_json_}) {
    const Delivery delivery(*output, inbox(), false);
    const auto files = delivery.keep(delivered_);
    ASSERT_TRUE(files);
    const std::string text = told(delivery, *files, nullptr);
    EXPECT_NE(text.find(files->secret), std::string::npos);
    EXPECT_EQ(text.find("s3cret"), std::string::npos) << text;
  }
}

TEST_F(DeliveryTest, WithShowItIsPrintedAndNotWritten) {
  const Delivery delivery(for_people_, inbox(), true);
  const auto files = delivery.keep(delivered_);
  ASSERT_TRUE(files);
  const std::string text = told(delivery, *files, nullptr);
  EXPECT_NE(text.find("  secret   s3cret\"with quote\n  api key  sl_acme.s3cret\n"), std::string::npos)
      << text;
  EXPECT_FALSE(std::filesystem::exists(inbox()));
}

TEST_F(DeliveryTest, AsJsonTheSecretIsAQuotedMember) {
  const std::string text = told(Delivery(as_json_, inbox(), true), {}, nullptr);
  EXPECT_TRUE(text.ends_with(",\"secret\":\"s3cret\\\"with quote\",\"api_key\":\"sl_acme.s3cret\"}\n"))
      << text;
  EXPECT_EQ(text_member(text, "client_id"), "acme");
  EXPECT_EQ(text_member(text, "secret"), "s3cret\"with quote");
}

TEST_F(DeliveryTest, SaysWhetherTheEngineTookTheAcknowledgement) {
  policy::Answer answer;
  answer.status = policy::AnswerStatus::done;
  answer.code = Code::ok;
  answer.rotation_json = R"({"state":"promoted"})";
  const Delivery people(for_people_, inbox(), true);
  EXPECT_NE(told(people, {}, &answer).find("acknowledged; the rotation is promoted"), std::string::npos);
  EXPECT_NE(told(Delivery(as_json_, inbox(), true), {}, &answer).find("\"acknowledged\":true"),
            std::string::npos);
  answer.status = policy::AnswerStatus::rejected;
  answer.code = Code::conflict;
  answer.detail = "expired";
  EXPECT_NE(told(people, {}, &answer).find("not acknowledged (conflict): expired"), std::string::npos);
  EXPECT_NE(told(Delivery(as_json_, inbox(), true), {}, &answer).find("\"acknowledged\":false"),
            std::string::npos);
}

}  // namespace
}  // namespace shearline::cli
