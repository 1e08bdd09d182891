// Key files on disk and where the KEK comes from: modes, no overwriting, nothing half written, clear refusals.
#include "base/encoding.hpp"
#include "io/keys/keyring.hpp"
#include "tests/io/keys/temporary_folder.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cstdlib>

namespace shearline::keys {
namespace {

using ::testing::HasSubstr;
using ::testing::Not;
using testing::TemporaryFolder;

unsigned mode_of(const std::string& path) {
  struct stat facts{};
  EXPECT_EQ(::stat(path.c_str(), &facts), 0);
  return facts.st_mode & 07777U;
}

std::size_t files_in(const TemporaryFolder& folder) {
  std::size_t count = 0;
  for ([[maybe_unused]] const auto& entry : std::filesystem::directory_iterator(folder.file(""))) ++count;
  return count;
}

void write(const std::string& path, std::string_view text) {
  ASSERT_TRUE(write_private_file(path, as_bytes(text), true));
}

TEST(PrivateFile, IsReadableByItsOwnerOnly) {
  const TemporaryFolder folder;
  const std::string path = folder.file("keyring");
  ASSERT_TRUE(write_private_file(path, as_bytes("content"), false));
  EXPECT_EQ(mode_of(path), 0600U);
  EXPECT_EQ(as_text(*read_file(path, 100)), "content");
  EXPECT_EQ(files_in(folder), 1U) << "the temporary file is gone";
}

TEST(PrivateFile, IsNotOverwrittenUnlessAsked) {
  const TemporaryFolder folder;
  const std::string path = folder.file("keyring");
  ASSERT_TRUE(write_private_file(path, as_bytes("old"), false));
  const Status refused = write_private_file(path, as_bytes("new"), false);
  ASSERT_FALSE(refused);
  EXPECT_EQ(refused.error().code, Code::conflict);
  EXPECT_EQ(as_text(*read_file(path, 100)), "old");
  EXPECT_EQ(files_in(folder), 1U);
  ASSERT_TRUE(write_private_file(path, as_bytes("new"), true));
  EXPECT_EQ(as_text(*read_file(path, 100)), "new");
}

TEST(PrivateFile, InAFolderThatIsNotThereNamesTheFolder) {
  const TemporaryFolder folder;
  const Status status = write_private_file(folder.file("missing/keyring"), as_bytes("x"), false);
  ASSERT_FALSE(status);
  EXPECT_EQ(status.error().code, Code::not_found);
  EXPECT_THAT(status.error().message, HasSubstr("missing: No such file"));
}

TEST(ReadFile, RefusesWhatIsLongerThanItsLimit) {
  const TemporaryFolder folder;
  const std::string path = folder.file("long");
  write(path, std::string(101, 'x'));
  EXPECT_EQ(read_file(path, 100).error().code, Code::invalid);
  EXPECT_EQ(read_file(path, 101)->size(), 101U);
  EXPECT_EQ(read_file(folder.file("none"), 100).error().code, Code::not_found);
}

TEST(ReadFile, OfAFolderIsInvalidAndNoMatterOfWaiting) {
  const TemporaryFolder folder;
  EXPECT_EQ(read_file(folder.file("."), 10).error().code, Code::invalid);
  EXPECT_EQ(read_file(folder.file("none"), 10).error().code, Code::not_found);
}

TEST(CheckPrivate, RefusesAFileOthersMayReadAndNamesTheModeToSet) {
  const TemporaryFolder folder;
  const std::string path = folder.file("keyring");
  write(path, "x");
  EXPECT_TRUE(check_private(path));
  for (const mode_t mode : {0640, 0604, 0602, 0666}) {
    ASSERT_EQ(::chmod(path.c_str(), mode), 0);
    const Status status = check_private(path);
    ASSERT_FALSE(status);
    EXPECT_THAT(status.error().message, HasSubstr("chmod 600 " + path));
  }
}

TEST(KekSource, ReadsAPassphraseFromAFileWithoutItsNewline) {
  const TemporaryFolder folder;
  write(folder.file("pass"), "open sesame\n");
  const Result<KekSource> source = read_kek_source("passphrase-file:" + folder.file("pass"));
  ASSERT_TRUE(source) << source.error().message;
  EXPECT_EQ(source->kind, KekSource::Kind::passphrase);
  EXPECT_EQ(as_text(source->material.reveal()), "open sesame");
}

TEST(KekSource, RefusesAPassphraseFileOthersMayRead) {
  const TemporaryFolder folder;
  write(folder.file("pass"), "open sesame\n");
  ASSERT_EQ(::chmod(folder.file("pass").c_str(), 0644), 0);
  EXPECT_THAT(read_kek_source("passphrase-file:" + folder.file("pass")).error().message,
              HasSubstr("chmod 600"));
}

TEST(KekSource, RefusesEmptyAndEndlessPassphrases) {
  const TemporaryFolder folder;
  write(folder.file("empty"), "\n");
  write(folder.file("endless"), std::string(2000, 'x'));
  EXPECT_THAT(read_kek_source("passphrase-file:" + folder.file("empty")).error().message,
              HasSubstr("is empty"));
  EXPECT_THAT(read_kek_source("passphrase-file:" + folder.file("endless")).error().message,
              HasSubstr("longer than"));
  EXPECT_EQ(read_kek_source("passphrase-file:" + folder.file("none")).error().code, Code::not_found);
}

TEST(KekSource, ReadsAPassphraseFromAPipe) {
  int ends[2];
  ASSERT_EQ(::pipe(ends), 0);
  ASSERT_EQ(::write(ends[1], "piped\n", 6), 6);
  ::close(ends[1]);
  const Result<KekSource> source = read_kek_source("passphrase-file:/dev/fd/" + std::to_string(ends[0]));
  ::close(ends[0]);
  ASSERT_TRUE(source) << source.error().message;
  EXPECT_EQ(as_text(source->material.reveal()), "piped");
}

TEST(KekSource, ReadsKeysAsRawBytesAndAsHex) {
  const TemporaryFolder folder;
  const Bytes key(32, 0x0a);  // newlines throughout: raw bytes are taken as they are
  ASSERT_TRUE(write_private_file(folder.file("raw"), key, false));
  write(folder.file("hex"), hex(key) + "\n");
  for (const char* const name : {"raw", "hex"}) {
    const Result<KekSource> source = read_kek_source("key-file:" + folder.file(name));
    ASSERT_TRUE(source) << source.error().message;
    EXPECT_EQ(source->kind, KekSource::Kind::key);
    EXPECT_TRUE(equal(source->material.reveal(), key));
  }
}

TEST(KekSource, RefusesKeysOfAnotherLengthOrAlphabet) {
  const TemporaryFolder folder;
  write(folder.file("short"), std::string(62, 'a'));
  write(folder.file("letters"), std::string(64, 'g'));
  for (const char* const name : {"short", "letters"}) {
    EXPECT_THAT(read_kek_source("key-file:" + folder.file(name)).error().message, HasSubstr("64 hex digits"));
  }
}

TEST(KekSource, ReadsTheEnvironment) {
  ASSERT_EQ(::setenv("SHEARLINE_TEST_KEK", std::string(64, 'a').c_str(), 1), 0);
  EXPECT_EQ(read_kek_source("key-env:SHEARLINE_TEST_KEK")->kind, KekSource::Kind::key);
  EXPECT_EQ(read_kek_source("passphrase-env:SHEARLINE_TEST_KEK")->kind, KekSource::Kind::passphrase);
  ASSERT_EQ(::unsetenv("SHEARLINE_TEST_KEK"), 0);
  EXPECT_THAT(read_kek_source("key-env:SHEARLINE_TEST_KEK").error().message, HasSubstr("is not set"));
}

TEST(KekSource, ReadsSystemdCredentials) {
  const TemporaryFolder folder;
  write(folder.file("as-key"), std::string(64, 'a'));
  write(folder.file("as-passphrase"), "open sesame");
  ASSERT_EQ(::setenv("CREDENTIALS_DIRECTORY", folder.file("").c_str(), 1), 0);
  EXPECT_EQ(read_kek_source("systemd:as-key")->kind, KekSource::Kind::key);
  EXPECT_EQ(read_kek_source("systemd:as-passphrase")->kind, KekSource::Kind::passphrase);
  EXPECT_EQ(read_kek_source("systemd:../as-key").error().code, Code::invalid);
  ASSERT_EQ(::unsetenv("CREDENTIALS_DIRECTORY"), 0);
  EXPECT_EQ(read_kek_source("systemd:as-key").error().code, Code::not_found);
}

TEST(KekSource, IsJudgedByItsPathWithoutBeingRead) {
  const TemporaryFolder folder;
  EXPECT_EQ(check_kek_source("key-file:" + folder.file("none")).error().code, Code::not_found);
  write(folder.file("pass"), "a passphrase\n");
  EXPECT_TRUE(check_kek_source("passphrase-file:" + folder.file("pass")));
  ASSERT_EQ(::chmod(folder.file("pass").c_str(), 0644), 0);
  EXPECT_THAT(check_kek_source("passphrase-file:" + folder.file("pass")).error().message,
              HasSubstr("chmod 600"));
  // Opened for reading, a pipe would wait for a writer for ever.
  ASSERT_EQ(::mkfifo(folder.file("pipe").c_str(), 0600), 0);
  EXPECT_TRUE(check_kek_source("passphrase-file:" + folder.file("pipe")));
  EXPECT_TRUE(check_kek_source("passphrase-env:NOT_SET_YET"));
  for (const char* wrong : {"", "itself", "passphrase-file:", "key_file:x"}) {
    EXPECT_EQ(check_kek_source(wrong).error().code, Code::invalid) << wrong;
  }
}

TEST(KekSource, NeverRepeatsWhatItDoesNotUnderstand) {
  for (const char* const text : {"hunter2", "passphrase:hunter2", "key-env:", ":hunter2"}) {
    const Result<KekSource> source = read_kek_source(text);
    ASSERT_FALSE(source);
    EXPECT_THAT(source.error().message, Not(HasSubstr("hunter2")));
    EXPECT_THAT(source.error().message, HasSubstr("passphrase-file:PATH"));
  }
}

}  // namespace
}  // namespace shearline::keys
