#include "cli/secret_input.hpp"

#include <gtest/gtest.h>
#include <unistd.h>

#include <array>

namespace shearline::cli {
namespace {

Result<Secret> read_from(std::string_view content, std::size_t bytes_max = 512) {
  std::array<int, 2> ends{};
  EXPECT_EQ(::pipe(ends.data()), 0);
  EXPECT_EQ(::write(ends[1], content.data(), content.size()), static_cast<ssize_t>(content.size()));
  ::close(ends[1]);
  auto secret = read_secret(ends[0], "the pipe", bytes_max);
  ::close(ends[0]);
  return secret;
}

std::string text_of(const Result<Secret>& secret) {
  return secret ? to_string(secret->reveal()) : "refused: " + secret.error().message;
}

TEST(SecretInput, LosesOneLineEndingAndNothingElse) {
  EXPECT_EQ(text_of(read_from("s3cret")), "s3cret");
  EXPECT_EQ(text_of(read_from("s3cret\n")), "s3cret");
  EXPECT_EQ(text_of(read_from("s3cret\r\n")), "s3cret");
  EXPECT_EQ(text_of(read_from("s3cret\n\n")), "s3cret\n");
  EXPECT_EQ(text_of(read_from("s3cret\r")), "s3cret\r");
  EXPECT_EQ(text_of(read_from(" s3cret ")), " s3cret ");
}

TEST(SecretInput, IsNeverCut) {
  EXPECT_EQ(text_of(read_from(std::string(512, 'x') + "\n")), std::string(512, 'x'));
  EXPECT_EQ(text_of(read_from(std::string(512, 'x') + "\r\n")), std::string(512, 'x'));
  EXPECT_FALSE(read_from(std::string(513, 'x')));
  EXPECT_FALSE(read_from(std::string(513, 'x') + "\n"));
  EXPECT_FALSE(read_from(std::string(5000, 'x')));
}

TEST(SecretInput, IsNeverEmpty) {
  EXPECT_FALSE(read_from(""));
  EXPECT_FALSE(read_from("\n"));
  EXPECT_FALSE(read_from("\r\n"));
}

TEST(SecretInput, AMissingFileIsNotFound) {
  const auto secret = read_secret_file("/nonexistent/secret", 512);
  ASSERT_FALSE(secret);
  EXPECT_EQ(secret.error().code, Code::not_found);
}

}  // namespace
}  // namespace shearline::cli
