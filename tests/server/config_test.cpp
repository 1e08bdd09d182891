// What the configuration accepts, and that it says everything that is wrong at once, with its origin.
#include "server/config.hpp"

#include "base/encoding.hpp"
#include "io/keys/keyring.hpp"
#include "server/preconditions.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cstdlib>
#include <expected>
#include <filesystem>
#include <fstream>

namespace shearline::server {
namespace {

using ::testing::HasSubstr;
using ::testing::Not;

class Configuration : public ::testing::Test {
 protected:
  void SetUp() override {
    std::string pattern = (std::filesystem::temp_directory_path() / "shearline-config-XXXXXX").string();
    folder = ::mkdtemp(pattern.data());
    write("keyring.json", "{}");
  }
  void TearDown() override { std::filesystem::remove_all(folder); }

  std::string path(const std::string& name) const { return folder + "/" + name; }
  void write(const std::string& name, const std::string& text) const {
    std::ofstream(path(name)) << text;
    std::filesystem::permissions(path(name), std::filesystem::perms::owner_all);
  }

  std::string admin_lines(const std::string& id) {
    const Key seed = random_key(random);
    const PublicKey sealing = x25519_public(random_key(random));
    return "[[admin]]\nid = \"" + id + "\"\nperson = \"" + id + "@example.test\"\nsigning_key = \"" +
           base64url(ed25519_public(seed)) + "\"\nsealing_key = \"" + base64url(sealing) +
           "\"\nsealing_key_proof = \"" + base64url(keys::prove_sealing_key(seed, id, sealing)) + "\"\n";
  }
  std::string good_file() {
    return "deployment = \"staging-1\"\ndata = \"" + path("data") + "\"\n[keyring]\nfile = \"" +
           path("keyring.json") + "\"\nkek = \"passphrase-env:X\"\n" + admin_lines("alice");
  }
  using Loaded = std::expected<LoadedConfig, std::vector<Fault>>;  // an error: nothing may start with it
  static Loaded loaded_from(const Arguments& arguments) {
    LoadedConfig loaded = load_config(arguments);
    if (!loaded.faults.empty()) return std::unexpected(loaded.faults);
    return loaded;
  }
  Arguments given(const std::string& file, std::vector<std::string> flags = {},
                  std::map<std::string, std::string> environment = {}) const {
    write("shearline.toml", file);
    flags.insert(flags.begin(), "--config=" + path("shearline.toml"));
    return {flags, environment};
  }
  Loaded load(const std::string& file, std::vector<std::string> flags = {},
              std::map<std::string, std::string> environment = {}) const {
    return loaded_from(given(file, std::move(flags), std::move(environment)));
  }
  static std::string said(const Loaded& loaded) {
    std::string text;
    if (!loaded) {
      for (const Fault& fault : loaded.error()) text += fault.origin + ": " + fault.message + "\n";
    }
    return text;
  }

  SeededRandom random{3};
  std::string folder;
};

TEST_F(Configuration, ASmallFileIsEnough) {
  const auto loaded = load(good_file());
  ASSERT_TRUE(loaded) << said(loaded);
  EXPECT_EQ(loaded->config.deployment, "staging-1");
  EXPECT_EQ(loaded->config.resp_listeners.front().text(), "127.0.0.1:7411");
  EXPECT_EQ(loaded->config.founding_admins.front().admin_id, "alice");
  EXPECT_GE(loaded->config.workers, 1U);
}

TEST_F(Configuration, FlagsWinOverTheEnvironmentAndTheEnvironmentOverTheFile) {
  const std::string file = "workers = 1\n" + good_file();
  EXPECT_EQ(load(file)->config.workers, 1U);
  EXPECT_EQ(load(file, {}, {{"SHEARLINE_WORKERS", "2"}})->config.workers, 2U);
  EXPECT_EQ(load(file, {"--workers", "3"}, {{"SHEARLINE_WORKERS", "2"}})->config.workers, 3U);
}

TEST_F(Configuration, TheBackendIsChosenWhereNobodyNamesOne) {
  EXPECT_EQ(load(good_file())->config.backend, loop::Backend::automatic);
  EXPECT_EQ(load("backend = \"epoll\"\n" + good_file())->config.backend, loop::Backend::epoll);
  EXPECT_EQ(load(good_file(), {}, {{"SHEARLINE_BACKEND", "io_uring"}})->config.backend,
            loop::Backend::io_uring);
  EXPECT_THAT(said(load(good_file(), {"--backend", "kqueue"})),
              HasSubstr("must be auto, io_uring or epoll, not `kqueue`"));
}

TEST_F(Configuration, TenMistakesAreTenFaultsEachWithItsOrigin) {
  const std::string file =
      "deployment = \"has spaces\"\nworkers = 1000\nlog = \"loud\"\nwrokers = 2\n" + admin_lines("alice") +
      "[listen]\nresp = [\"0.0.0.0:7411\", \"nowhere\"]\ndrain = \"soon\"\n[store]\nkind = "
      "\"postgres\"\nlease = \"1ms\"\n[keyring]\nfile = \"/does/not/exist\"\n";
  const auto loaded = load(file, {"--nonsense", "1"}, {{"SHEARLINE_STORE_TIMEOUT", "never"}});
  ASSERT_FALSE(loaded);
  const std::string text = said(loaded);
  EXPECT_GE(loaded.error().size(), 12U) << text;
  EXPECT_THAT(text, HasSubstr("shearline.toml:1: `deployment`"));
  EXPECT_THAT(text, HasSubstr("shearline.toml:2: `workers`"));
  EXPECT_THAT(text, HasSubstr("did you mean `workers`?"));
  EXPECT_THAT(text, HasSubstr("flag --nonsense"));
  EXPECT_THAT(text, HasSubstr("environment SHEARLINE_STORE_TIMEOUT"));
  EXPECT_THAT(text, HasSubstr("0.0.0.0:7411 is beyond loopback"));
  EXPECT_THAT(text, HasSubstr("`data`: must be set"));
  EXPECT_THAT(text, HasSubstr("`keyring.kek`: must be set"));
  EXPECT_THAT(text, HasSubstr("/does/not/exist"));
}

TEST_F(Configuration, OfAFileThatCannotBeReadNothingIsSaidToBeMissing) {
  for (const std::string& file : {std::string("deployment = \n"), std::string()}) {
    const auto loaded = load(file);
    ASSERT_FALSE(loaded);
    EXPECT_EQ(loaded.error().size(), 1U) << said(loaded);
  }
  const auto nowhere = loaded_from({{"--config=" + path("nowhere.toml")}, {}});
  ASSERT_FALSE(nowhere);
  EXPECT_EQ(nowhere.error().size(), 1U) << said(nowhere);
  const auto none = loaded_from({{}, {}});
  EXPECT_THAT(said(none), HasSubstr("`deployment`: must be set"));
}

TEST_F(Configuration, KeyringAndKekAreJudgedBeforeTheyAreNeeded) {
  std::string file = good_file();
  file.replace(file.find("passphrase-env:X"), 16, "passphrase-file:" + path("kek"));
  EXPECT_THAT(said(load(file)), HasSubstr("`keyring.kek`: " + path("kek") + ": No such file or directory"));
  write("kek", "a passphrase\n");
  EXPECT_TRUE(load(file)) << said(load(file));
  for (const std::string name : {"kek", "keyring.json"}) {
    std::filesystem::permissions(path(name), std::filesystem::perms(0644));
    EXPECT_THAT(said(load(file)), HasSubstr("run chmod 600 " + path(name)));
    std::filesystem::permissions(path(name), std::filesystem::perms(0600));
  }
  file.replace(file.find("passphrase-file:"), 16, "the passphrase itself ");
  EXPECT_THAT(said(load(file)), HasSubstr("`keyring.kek`: this names no source"));
  EXPECT_THAT(said(load(file)), Not(HasSubstr("itself")));
}

TEST_F(Configuration, ASyntaxErrorNamesItsLineAndHidesNoFaultOfTheFlags) {
  const auto loaded = load("deployment = \"x\nworkers = 1\n", {"--wrokers", "1"});
  ASSERT_FALSE(loaded);
  EXPECT_THAT(said(loaded), HasSubstr("shearline.toml:1: "));
  EXPECT_THAT(said(loaded), HasSubstr("flag --wrokers"));
}

TEST_F(Configuration, BeyondLoopbackNeedsInsecureToBeSaid) {
  EXPECT_FALSE(load(good_file(), {"--listen.resp", "0.0.0.0:7411"}));
  EXPECT_TRUE(load(good_file(), {"--listen.resp", "0.0.0.0:7411", "--insecure"}));
  EXPECT_FALSE(load(good_file(), {"--store.redis", "10.0.0.1:6379"}));
}

TEST_F(Configuration, AnAdminWhoseSealingKeyIsNotProvenIsRefused) {
  std::string file = good_file();
  file.replace(file.find("id = \"alice\""), 12, "id = \"alicf\"");
  EXPECT_THAT(said(load(file)), HasSubstr("not signed by its signing key"));
}

TEST_F(Configuration, FaultsOfTheRulesAreAmongTheOthers) {
  write("rules.toml", "bootstrap = true\n[class.default]\ngrace = \"90d\"\n");
  const auto loaded = load("workers = 0.5\nrules = \"" + path("rules.toml") + "\"\n" + good_file());
  EXPECT_THAT(said(loaded), HasSubstr("rules.toml:3"));
  EXPECT_THAT(said(loaded), HasSubstr("`workers` must be text, a whole number"));
}

TEST_F(Configuration, AVariableThatLooksLikeASlipIsAFaultAndAnotherToolsVariableIsNot) {
  EXPECT_THAT(said(load(good_file(), {}, {{"SHEARLINE_WROKERS", "2"}})),
              HasSubstr("did you mean SHEARLINE_WORKERS?"));
  EXPECT_TRUE(
      load(good_file(), {}, {{"SHEARLINE_VECTORS", "x"}, {"SHEARLINE_KEYS", "y"}, {"SHEARLINE_REDIS", "z"}}));
}

TEST_F(Configuration, GatewaysAreKnownByTheHashOfTheirToken) {
  const std::string token = std::string(64, 'a');
  const auto loaded = load(good_file() + "[[gateway]]\nname = \"edge\"\ntoken_sha256 = \"" + token + "\"\n");
  ASSERT_TRUE(loaded) << said(loaded);
  EXPECT_EQ(loaded->config.gateways.front().name, "edge");
  const auto bad = load(good_file() + "[[gateway]]\nname = \"edge\"\ntoken = \"clear\"\n");
  EXPECT_THAT(said(bad), HasSubstr("unknown field `token` of a gateway"));
  EXPECT_THAT(said(bad), HasSubstr("64 hex digits"));
}

TEST_F(Configuration, HelpNamesEverySettingAndItsEnvironmentVariable) {
  EXPECT_THAT(config_help(), HasSubstr("--store.redis"));
  EXPECT_THAT(config_help(), HasSubstr("SHEARLINE_STORE_REDIS"));
}

TEST_F(Configuration, WhatAStartNeedsIsJudgedBesideAFaultOfAnotherSetting) {
  write("blocked", "a file where a folder should be\n");
  const LoadedConfig loaded =
      load_config(given("colour = \"red\"\n" + good_file(), {"--data", path("blocked") + "/data"},
                        {{"SHEARLINE_WORKERS", "x"}}));
  EXPECT_EQ(loaded.faults.size(), 2U);
  std::string text;
  for (const Fault& fault : judge_preconditions(loaded).faults)
    text += fault.origin + ": " + fault.message + "\n";
  EXPECT_THAT(text, HasSubstr("flag --data: `data`: the data folder " + path("blocked")));
  EXPECT_THAT(text, HasSubstr("shearline.toml:6: `keyring.kek`: "));
}

TEST_F(Configuration, WhatHangsOnASettingWithAFaultIsNotJudged) {
  const LoadedConfig wrong = load_config(given(good_file(), {"--keyring.kek", "no source", "--data", ""}));
  EXPECT_FALSE(wrong.faults.empty());
  EXPECT_TRUE(judge_preconditions(wrong).faults.empty());
  // What is not set here may stand in the file.
  const LoadedConfig unreadable = load_config(given("deployment = \n"));
  EXPECT_EQ(unreadable.faults.size(), 1U);
  EXPECT_TRUE(judge_preconditions(unreadable).faults.empty());
  const LoadedConfig shapeless = load_config(given("[listen]\nresp = [7411]\n"));
  EXPECT_FALSE(shapeless.is_read("listen.resp"));
}

}  // namespace
}  // namespace shearline::server
