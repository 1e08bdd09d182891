// What a connection is answered, without sockets: commands, limits, order, and that nothing depends on how
// the bytes are cut.
#include "io/front/resp_session.hpp"

#include "tests/io/front/fixture.hpp"

#include <gmock/gmock.h>

#include <memory>

namespace shearline::front {
namespace {

using testing::Credentials;
using ::testing::HasSubstr;
using ::testing::Not;
using testing::request;
using ::testing::StartsWith;

const std::string right = "right-secret-0001";
const std::string older = "older-secret-0001";
const std::string coming = "coming-secret-001";

class Session : public ::testing::Test {
 protected:
  void SetUp() override {
    credentials.put("acme", right, older, credentials.clock.now_ms() + 5'000, coming);
    credentials.put("other", "other-secret-0001");
  }

  // Feeds the pieces, each in a turn of its own; what was received is overwritten afterwards, as it is in a
  // worker.
  std::string answer(const std::vector<std::string>& pieces) {
    if (!turn) turn = make_turn();
    if (!session) session = std::make_unique<RespSession>(rules, replies, 7);
    std::string sent;
    for (const std::string& piece : pieces) {
      std::vector<Byte> received(piece.begin(), piece.end());
      session->receive(received, *turn);
      turn->end();
      std::ranges::fill(received, Byte{'#'});
      if (replies.ready()) sent += to_string(replies.take_finished());
    }
    return sent;
  }
  std::string answer(const std::string& bytes) { return answer(std::vector{bytes}); }
  std::string ask(const std::vector<std::string>& arguments) { return answer(request(arguments)); }

  std::unique_ptr<Turn> make_turn() {
    return std::make_unique<Turn>(Turn::Options{}, credentials.table, credentials.view, credentials.clock,
                                  front.counters(0));
  }

  Credentials credentials;
  Front front{1};
  std::vector<Gateway> gateways;
  SessionRules rules{.gateways = {},
                     .engine_version = "1.2.3",
                     .partitions = 2,
                     .front = front,
                     .view = credentials.view,
                     .clock = credentials.clock,
                     .counters = front.counters(0)};
  BufferPool buffers;
  Replies replies{buffers};
  std::unique_ptr<Turn> turn;
  std::unique_ptr<RespSession> session;
};

// --- verdicts -------------------------------------------------------------------------------------------

TEST_F(Session, VerifyNamesWhichVersionMatched) {
  EXPECT_EQ(ask({"VERIFY", "acme", right}), "+current\r\n");
  EXPECT_EQ(ask({"VERIFY", "acme", older}), "+grace\r\n");
  EXPECT_EQ(ask({"VERIFY", "acme", coming}), "+next\r\n");
}

TEST_F(Session, VerifyRejectsWrongSecretAndUnknownClientAlike) {
  EXPECT_EQ(ask({"VERIFY", "acme", "wrong-secret-0001"}), "+rejected\r\n");
  EXPECT_EQ(ask({"VERIFY", "nobody", right}), "+rejected\r\n");
}

TEST_F(Session, GraceEndsByTheClockWithoutAnybodysHelp) {
  credentials.clock.set(credentials.clock.now_ms() + 4'999);
  EXPECT_EQ(ask({"verify", "acme", older}), "+grace\r\n");
  credentials.clock.set(credentials.clock.now_ms() + 1);
  EXPECT_EQ(ask({"verify", "acme", older}), "+rejected\r\n");
}

TEST_F(Session, VerifykeyFindsTheClientInTheKey) {
  const std::string secret = "003aUlTJC7tjlCTQj2uNU3MFagCXG9LRKRcwGkBIDlf";
  credentials.put("acme-prod", secret);
  const std::string body = "sl_acme-prod." + secret;
  const std::string key = body + base62_of_crc(crc32(as_bytes(body)));
  EXPECT_EQ(ask({"VERIFYKEY", key}), "+current\r\n");
  EXPECT_EQ(ask({"MVERIFYKEY", key, body + "000000", key}), "$3\r\ncmc\r\n");
}

TEST_F(Session, MverifyAnswersOneBytePerPairInOrder) {
  EXPECT_EQ(
      ask({"MVERIFY", "acme", right, "acme", older, "acme", coming, "acme", "wrong-secret-0001", "a b", "x"}),
      "$5\r\ncgnrm\r\n");
}

TEST_F(Session, BadPairNeverSpoilsItsNeighbours) {
  const std::vector<std::string> forbidden = {"",
                                              "a b",
                                              "a/b",
                                              std::string("a\0b", 3),
                                              "a\r\nb",
                                              "\xc3\xa4",
                                              "*1\r\n",
                                              std::string(65, 'a'),
                                              std::string(5'000, 'a')};
  for (const auto& client_id : forbidden) {
    EXPECT_EQ(ask({"MVERIFY", "acme", right, client_id, right, "acme", right}), "$3\r\ncmc\r\n");
    EXPECT_EQ(ask({"VERIFY", client_id, right}), "+malformed\r\n");
  }
}

TEST_F(Session, SecretsOfEveryLengthFrom1To512AreHashedWhole) {
  for (const std::size_t size : {1U, 16U, 54U, 55U, 56U, 63U, 64U, 119U, 120U, 511U, 512U}) {
    const std::string secret(size, 'x');
    credentials.put("sized", secret);
    EXPECT_EQ(ask({"VERIFY", "sized", secret}), "+current\r\n") << size;
    EXPECT_EQ(ask({"VERIFY", "sized", secret.substr(1)}), size == 1 ? "+malformed\r\n" : "+rejected\r\n")
        << size;
    if (size < 512) {
      EXPECT_EQ(ask({"VERIFY", "sized", secret + "x"}), "+rejected\r\n") << size;
    }
  }
}

TEST_F(Session, SecretOfNoneOrMoreThan512BytesIsMalformed) {
  for (const std::size_t size : {0U, 513U, 640U, 641U, 70'000U}) {
    EXPECT_EQ(ask({"MVERIFY", "acme", std::string(size, 'x'), "acme", right}), "$2\r\nmc\r\n") << size;
  }
}

TEST_F(Session, BeforeTheTableIsLoadedNothingIsRejected) {
  credentials.view.loaded = false;
  EXPECT_EQ(ask({"VERIFY", "acme", "wrong-secret-0001"}), "-UNAVAILABLE loading\r\n");
  EXPECT_EQ(ask({"MVERIFY", "acme", right, "nobody", right}), "$2\r\nuu\r\n");
  EXPECT_EQ(ask({"EXPLAIN", "acme", right}), "-UNAVAILABLE loading\r\n");
  EXPECT_THAT(ask({"INFO", "shearline"}), HasSubstr("shearline_ready:0\r\nshearline_not_ready:loading\r\n"));
}

TEST_F(Session, PartitionThatCouldNotBeLoadedIsNotReadyButKeepsNobodyWaiting) {
  credentials.view.partition_of = [](std::string_view id) { return id == "nobody" ? 5U : 0U; };
  credentials.view.withheld = 1U << 5;
  front.say_why_not_ready("{p05} is not served");
  EXPECT_EQ(ask({"MVERIFY", "acme", right, "nobody", right}), "$2\r\ncu\r\n");
  EXPECT_EQ(ask({"VERIFY", "nobody", right}), "-UNAVAILABLE partition withheld\r\n");
  EXPECT_EQ(ask({"EXPLAIN", "nobody", right}), "-UNAVAILABLE partition withheld\r\n");
  EXPECT_THAT(ask({"INFO", "shearline"}),
              HasSubstr("shearline_ready:0\r\nshearline_not_ready:{p05} is not served\r\n"));
  EXPECT_THAT(ask({"INFO", "persistence"}), HasSubstr("loading:0\r\n"));
}

TEST_F(Session, StaleViewDoesNotRejectAVersionWhoseWindowEndedSince) {
  credentials.clock.set(credentials.clock.now_ms() + 6'000);
  EXPECT_EQ(ask({"VERIFY", "acme", older}), "-UNAVAILABLE stale view\r\n");
  EXPECT_EQ(ask({"MVERIFY", "acme", older, "acme", right}), "$2\r\nuc\r\n");
  EXPECT_EQ(ask({"EXPLAIN", "acme", older}), "-UNAVAILABLE stale view\r\n");
}

TEST_F(Session, OutcomesAreCountedFinerThanTheWireSays) {
  ask({"MVERIFY", "acme", right, "acme", "wrong-secret-0001", "nobody", right, "", ""});
  const auto count = [&](engine::Outcome outcome) {
    return front.counters(0).checks[static_cast<std::size_t>(outcome)].value();
  };
  EXPECT_EQ(count(engine::Outcome::current), 1U);
  EXPECT_EQ(count(engine::Outcome::mismatch), 1U);
  EXPECT_EQ(count(engine::Outcome::unknown_client), 1U);
  EXPECT_EQ(count(engine::Outcome::malformed), 1U);
  EXPECT_EQ(front.counters(0).checks_total(), 4U);
}

// --- EXPLAIN --------------------------------------------------------------------------------------------

TEST_F(Session, ExplainOfACurrentSecretMayBeKeptForAMinute) {
  EXPECT_EQ(ask({"EXPLAIN", "acme", right}),
            "*12\r\n$7\r\nverdict\r\n$7\r\ncurrent\r\n$9\r\nclient_id\r\n$4\r\nacme\r\n$10\r\nversion_id\r\n"
            "$26\r\n00000000000000000000000001\r\n$10\r\nretires_at\r\n$-1\r\n$10\r\nmax_age_ms\r\n:60000\r\n"
            "$11\r\nview_age_ms\r\n:0\r\n");
}

TEST_F(Session, ExplainOfAGraceSecretMayBeKeptUntilItRetires) {
  const TimeMs retires_at = credentials.clock.now_ms() + 5'000;
  credentials.clock.set(credentials.clock.now_ms() + 1'250);
  const std::string text = ask({"EXPLAIN", "acme", older});
  EXPECT_THAT(text, HasSubstr("$5\r\ngrace\r\n"));
  EXPECT_THAT(text, HasSubstr("retires_at\r\n:" + std::to_string(retires_at) + "\r\n"));
  EXPECT_THAT(text, HasSubstr("max_age_ms\r\n:3750\r\n"));
  EXPECT_THAT(text, HasSubstr("view_age_ms\r\n:1250\r\n"));
}

TEST_F(Session, ExplainOfARejectedSecretTellsOnlyTheVerdict) {
  EXPECT_EQ(ask({"EXPLAIN", "acme", "wrong-secret-0001"}), "*2\r\n$7\r\nverdict\r\n$8\r\nrejected\r\n");
  EXPECT_EQ(ask({"EXPLAIN", "", ""}), "*2\r\n$7\r\nverdict\r\n$9\r\nmalformed\r\n");
}

TEST_F(Session, ExplainIsAMapAfterHello3) {
  ask({"HELLO", "3"});
  EXPECT_THAT(ask({"EXPLAIN", "acme", right}), StartsWith("%6\r\n$7\r\nverdict\r\n"));
  EXPECT_THAT(ask({"EXPLAIN", "acme", right}), HasSubstr("retires_at\r\n_\r\n"));
}

// --- order and cuts -------------------------------------------------------------------------------------

const std::string mixed = request({"PING"}) + request({"VERIFY", "acme", right}) + request({"ECHO", "a"}) +
                          request({"MVERIFY", "acme", older, "acme", "no-such-secret-1"}) +
                          request({"VERIFY", "nobody", right}) + request({"NONSENSE", "x", "y"}) +
                          request({"VERIFY", "acme", coming}) + request({"MVERIFY", "acme", right, "odd"}) +
                          request({"CLIENT", "ID"}) + request({"MVERIFYKEY", std::string(1'000, 'k')}) +
                          request({"PING", "last"});
const std::string mixed_answers =
    "+PONG\r\n+current\r\n$1\r\na\r\n$2\r\ngr\r\n+rejected\r\n-ERR unknown command 'NONSENSE'\r\n+next\r\n"
    "-ERR wrong number of arguments for 'mverify' command: each client id needs its "
    "secret\r\n:7\r\n$1\r\nm\r\n"
    "$4\r\nlast\r\n";

TEST_F(Session, PipelinedMixedCommandsAreAnsweredInOrder) { EXPECT_EQ(answer(mixed), mixed_answers); }

TEST_F(Session, AnswersAreTheSameWhereverTheStreamIsCut) {
  for (std::size_t cut = 0; cut <= mixed.size(); ++cut) {
    ASSERT_EQ(answer({mixed.substr(0, cut), mixed.substr(cut)}), mixed_answers) << "cut at " << cut;
  }
}

TEST_F(Session, AnswersAreTheSameByteByByte) {
  std::vector<std::string> bytes;
  for (const char byte : mixed) bytes.emplace_back(1, byte);
  EXPECT_EQ(answer(bytes), mixed_answers);
}

TEST_F(Session, SeveralPiecesInOneTurnShareOneBatch) {
  turn = make_turn();
  session = std::make_unique<RespSession>(rules, replies, 7);
  std::vector<std::vector<Byte>> buffers_of_the_turn;
  for (std::size_t from = 0; from < mixed.size(); from += 11) {
    const std::string piece = mixed.substr(from, 11);
    session->receive(buffers_of_the_turn.emplace_back(piece.begin(), piece.end()), *turn);
  }
  turn->end();
  EXPECT_EQ(to_string(replies.take_finished()), mixed_answers);
  EXPECT_EQ(front.counters(0).batches.value(), 1U);
}

TEST_F(Session, MorePairsInOneTurnThanABatchHoldsAreAnsweredInOrder) {
  std::string bytes;
  std::string expected;
  for (std::size_t i = 0; i < 2 * engine::batch_checks_max + 5; ++i) {
    bytes += request({"VERIFY", "acme", i % 3 == 0 ? right : i % 3 == 1 ? older : "wrong-secret-0001"});
    expected += i % 3 == 0 ? "+current\r\n" : i % 3 == 1 ? "+grace\r\n" : "+rejected\r\n";
  }
  EXPECT_EQ(answer(bytes), expected);
  EXPECT_EQ(front.counters(0).batches.value(), 3U);
}

TEST_F(Session, PairsAreCheckedBeforeTheirRequestIsComplete) {
  const std::string whole = request({"MVERIFY", "acme", right, "acme", older, "acme", "wrong-secret-0001"});
  EXPECT_EQ(answer(whole.substr(0, whole.size() - 25)), "");
  EXPECT_EQ(front.counters(0).checks_total(), 2U);
  EXPECT_TRUE(session->inside_request());
  EXPECT_EQ(answer(whole.substr(whole.size() - 25)), "$3\r\ncgr\r\n");
}

// --- limits ---------------------------------------------------------------------------------------------

std::vector<std::string> many_pairs(std::size_t pairs) {
  std::vector<std::string> arguments{"MVERIFY"};
  for (std::size_t i = 0; i < pairs; ++i) {
    arguments.insert(arguments.end(), {"acme", right});
  }
  return arguments;
}

TEST_F(Session, Mverify4096PairsAreAnsweredAndOneMoreIsAnErrorThatReadsOn) {
  EXPECT_EQ(ask(many_pairs(4096)), "$4096\r\n" + std::string(4096, 'c') + "\r\n");
  EXPECT_EQ(ask(many_pairs(4097)), "-ERR at most 4096 checks in one 'mverify' command\r\n");
  EXPECT_EQ(front.counters(0).checks_total(), 4096U);
  EXPECT_EQ(ask({"PING"}), "+PONG\r\n");
}

TEST_F(Session, MverifyOfNothingOrHalfAPairIsAnError) {
  EXPECT_THAT(ask({"MVERIFY"}), StartsWith("-ERR wrong number of arguments"));
  EXPECT_THAT(ask({"MVERIFYKEY"}), StartsWith("-ERR wrong number of arguments"));
  EXPECT_THAT(ask({"MVERIFY", "acme"}), StartsWith("-ERR wrong number of arguments"));
  EXPECT_THAT(ask({"MVERIFY", "acme", right, "acme"}), StartsWith("-ERR wrong number of arguments"));
  EXPECT_THAT(ask({"VERIFY", "acme"}), StartsWith("-ERR wrong number of arguments"));
  EXPECT_THAT(ask({"VERIFY", "acme", right, "x"}), StartsWith("-ERR wrong number of arguments"));
  EXPECT_EQ(front.counters(0).command_errors.value(), 6U);
}

TEST_F(Session, BrokenFramingIsSaidOnceAndEndsTheSession) {
  EXPECT_EQ(answer("GET /v1/auth HTTP/1.1\r\nHost: x\r\n\r\n" + request({"PING"})),
            "-ERR Protocol error: expected an array ('*'); inline commands and HTTP are not spoken here\r\n");
  EXPECT_TRUE(session->finished());
  EXPECT_FALSE(session->inside_request());
  EXPECT_EQ(answer(request({"PING"})), "");
  EXPECT_EQ(front.counters(0).protocol_errors.value(), 1U);
}

TEST_F(Session, BrokenFramingTakesBackAnAnswerThatWasBegun) {
  EXPECT_EQ(answer({request({"PING"}) + "*5\r\n$7\r\nMVERIFY\r\n$4\r\nacme\r\n$2\r\nxx\r\n", "oops"}),
            "+PONG\r\n-ERR Protocol error: expected a bulk string ('$')\r\n");
}

TEST_F(Session, WhatFollowsAFaultIsNotLookedAt) {
  answer("*1\r\n:1\r\n" + request({"VERIFY", "acme", right}));
  EXPECT_EQ(front.counters(0).checks_total(), 0U);
}

TEST_F(Session, NameOfAnUnknownCommandIsRepeatedOnlyIfItCannotBeASecret) {
  EXPECT_EQ(ask({"GET", "x"}), "-ERR unknown command 'GET'\r\n");
  EXPECT_EQ(ask({"003aUlTJC7tjlCTQj2uNU3MFagCXG9LRKRcwGkBIDlf"}), "-ERR unknown command\r\n");
  EXPECT_EQ(ask({"a\r\n+OK"}), "-ERR unknown command\r\n");
  EXPECT_EQ(ask({""}), "-ERR unknown command ''\r\n");
}

// --- what clients say beside their checks ---------------------------------------------------------------

TEST_F(Session, PingAndEchoRepeatTheirArgument) {
  EXPECT_EQ(ask({"ping"}), "+PONG\r\n");
  EXPECT_EQ(ask({"PING", "hi"}), "$2\r\nhi\r\n");
  EXPECT_EQ(ask({"ECHO", ""}), "$0\r\n\r\n");
  EXPECT_THAT(ask({"ECHO", std::string(641, 'x')}), StartsWith("-ERR too long"));
  EXPECT_THAT(ask({"ECHO"}), StartsWith("-ERR wrong number"));
}

TEST_F(Session, HelloChoosesTheVersionAndGreets) {
  EXPECT_THAT(ask({"HELLO"}),
              StartsWith("*14\r\n$6\r\nserver\r\n$9\r\nshearline\r\n$7\r\nversion\r\n$5\r\n1.2.3"));
  EXPECT_THAT(ask({"HELLO", "3", "SETNAME", "gw"}), StartsWith("%7\r\n"));
  EXPECT_EQ(ask({"CLIENT", "GETNAME"}), "$2\r\ngw\r\n");
  EXPECT_EQ(ask({"HELLO", "4"}), "-NOPROTO unsupported protocol version\r\n");
  EXPECT_THAT(ask({"HELLO", "2", "SETNAME"}), StartsWith("-ERR syntax error in HELLO"));
  EXPECT_EQ(ask({"RESET"}), "+RESET\r\n");
  EXPECT_EQ(ask({"CLIENT", "GETNAME"}), "$-1\r\n");
}

TEST_F(Session, ClientSubcommandsOfCommonLibrariesAreUnderstood) {
  EXPECT_EQ(ask({"CLIENT", "SETINFO", "LIB-NAME", "redis-py"}), "+OK\r\n");
  EXPECT_EQ(ask({"CLIENT", "SETNAME", "gw-1"}), "+OK\r\n");
  EXPECT_EQ(ask({"CLIENT", "GETNAME"}), "$4\r\ngw-1\r\n");
  EXPECT_EQ(ask({"CLIENT", "ID"}), ":7\r\n");
  EXPECT_EQ(ask({"CLIENT", "NO-EVICT", "ON"}), "+OK\r\n");
  EXPECT_THAT(ask({"CLIENT", "LIST"}), HasSubstr("id=7 name=gw-1 resp=2 user=default\n"));
  EXPECT_THAT(ask({"CLIENT", "SETNAME", "a b"}), StartsWith("-ERR a client name"));
  EXPECT_THAT(ask({"CLIENT", "SETNAME", "a\r\nb"}), StartsWith("-ERR a client name"));
  EXPECT_THAT(ask({"CLIENT", "KILL", "x"}), StartsWith("-ERR unknown subcommand"));
}

TEST_F(Session, CommandConfigAndSelectSatisfyRedisTools) {
  EXPECT_EQ(ask({"COMMAND"}), "*0\r\n");
  EXPECT_EQ(ask({"COMMAND", "DOCS"}), "*0\r\n");
  EXPECT_EQ(ask({"COMMAND", "COUNT"}), ":0\r\n");
  std::vector<std::string> long_question{"COMMAND", "INFO"};
  long_question.resize(300, "get");
  EXPECT_EQ(ask(long_question), "*0\r\n");
  EXPECT_EQ(ask({"CONFIG", "GET", "save"}), "*2\r\n$4\r\nsave\r\n$0\r\n\r\n");
  EXPECT_EQ(ask({"CONFIG", "GET", "appendonly"}), "*2\r\n$10\r\nappendonly\r\n$2\r\nno\r\n");
  EXPECT_EQ(ask({"CONFIG", "GET", "requirepass"}), "*0\r\n");
  EXPECT_THAT(ask({"CONFIG", "SET", "save", "1"}), StartsWith("-ERR this engine is configured by"));
  EXPECT_EQ(ask({"SELECT", "0"}), "+OK\r\n");
  EXPECT_EQ(ask({"SELECT", "1"}), "-ERR DB index is out of range\r\n");
}

TEST_F(Session, ArgumentsBeyondAllUseAreRefused) {
  EXPECT_EQ(ask({"CLIENT", "SETNAME", std::string(5'000, 'n')}), "-ERR too many or too long arguments\r\n");
  EXPECT_EQ(ask({"PING"}), "+PONG\r\n");
}

TEST_F(Session, InfoSaysHowTheEngineIs) {
  ask({"VERIFY", "acme", right});
  credentials.view.heard_at_ms[1] = 0;
  const std::string all = ask({"INFO"});
  EXPECT_THAT(all, HasSubstr("# Server\r\nredis_version:"));
  EXPECT_THAT(all, HasSubstr("\r\nloading:0\r\n"));
  EXPECT_THAT(all, HasSubstr("\r\nshearline_checks_current:1\r\n"));
  EXPECT_THAT(all, HasSubstr("\r\nshearline_ready:1\r\nshearline_not_ready:\r\n"));
  EXPECT_THAT(all, HasSubstr("\r\nshearline_view_age_ms_p00:0\r\nshearline_view_age_ms_p01:-1\r\n"));
  const std::string one = ask({"INFO", "shearline"});
  EXPECT_THAT(one, HasSubstr("# Shearline\r\n"));
  EXPECT_THAT(one, Not(HasSubstr("# Server")));
}

TEST_F(Session, InfoIsNotAMeansToFillOurMemory) {
  rules.unsent_bytes_max = 10'000;
  std::string many;
  for (int i = 0; i < 1'000; ++i) many += request({"INFO"});
  const std::string answers = answer(many);
  EXPECT_THAT(answers, HasSubstr("# Server"));
  EXPECT_THAT(answers, ::testing::EndsWith("-ERR read your replies first\r\n"));
  EXPECT_LT(answers.size(), 50'000U);
  EXPECT_THAT(ask({"INFO"}), HasSubstr("# Server"));
}

TEST_F(Session, QuitIsAnsweredAndEndsTheSession) {
  EXPECT_EQ(answer(request({"QUIT"}) + request({"PING"})), "+OK\r\n");
  EXPECT_TRUE(session->finished());
}

TEST_F(Session, WhileStoppingChecksAreRefusedClearlyAndRequestsBegunAreFinished) {
  const std::string begun = request({"MVERIFY", "acme", right, "acme", older});
  answer(begun.substr(0, 60));
  front.stop();
  EXPECT_EQ(answer(begun.substr(60)), "$2\r\ncg\r\n");
  EXPECT_EQ(ask({"VERIFY", "acme", right}), "-UNAVAILABLE stopping\r\n");
  EXPECT_EQ(ask({"MVERIFY", "acme", right}), "-UNAVAILABLE stopping\r\n");
  EXPECT_THAT(ask({"INFO"}), HasSubstr("shearline_ready:0\r\nshearline_not_ready:stopping\r\n"));
}

// --- gateways -------------------------------------------------------------------------------------------

class GatedSession : public Session {
 protected:
  void SetUp() override {
    Session::SetUp();
    gateways = {{"edge", testing::token_hash("edge-token")},
                {"default", testing::token_hash("default-token")}};
    rules.gateways = gateways;
  }
};

TEST_F(GatedSession, NothingIsCheckedBeforeTheGatewayNamedItself) {
  for (const char* name : {"VERIFY", "EXPLAIN", "MVERIFY"}) {
    EXPECT_THAT(ask({name, "acme", right}), StartsWith("-NOAUTH ")) << name;
  }
  EXPECT_THAT(ask({"VERIFYKEY", "k"}), StartsWith("-NOAUTH "));
  EXPECT_THAT(ask({"PING"}), StartsWith("-NOAUTH "));
  EXPECT_THAT(ask({"INFO"}), StartsWith("-NOAUTH "));
  EXPECT_THAT(ask({"HELLO", "3"}), StartsWith("-NOAUTH "));
  EXPECT_EQ(front.counters(0).checks_total(), 0U);
}

TEST_F(GatedSession, RightTokenOpensTheSession) {
  EXPECT_EQ(ask({"AUTH", "edge", "edge-token"}), "+OK\r\n");
  EXPECT_EQ(ask({"VERIFY", "acme", right}), "+current\r\n");
  ASSERT_NE(session->client().gateway, nullptr);
  EXPECT_EQ(session->client().gateway->name, "edge");
}

TEST_F(GatedSession, TokenAloneIsTheDefaultGatewaysOnly) {
  EXPECT_THAT(ask({"AUTH", "edge-token"}), StartsWith("-WRONGPASS"));
  EXPECT_EQ(ask({"AUTH", "default-token"}), "+OK\r\n");
}

TEST_F(GatedSession, WrongNameOrTokenIsRefusedAlikeAndChangesNothing) {
  EXPECT_EQ(ask({"AUTH", "edge", "default-token"}), ask({"AUTH", "nobody", "edge-token"}));
  EXPECT_EQ(ask({"AUTH", "edge", "edge-token"}), "+OK\r\n");
  EXPECT_THAT(ask({"AUTH", "edge", ""}), StartsWith("-WRONGPASS"));
  EXPECT_EQ(ask({"VERIFY", "acme", right}), "+current\r\n");
  EXPECT_EQ(front.counters(0).refused_logins.value(), 3U);
}

TEST_F(GatedSession, HelloAuthenticatesAndNamesInOneStep) {
  EXPECT_THAT(ask({"HELLO", "3", "AUTH", "edge", "wrong", "SETNAME", "x"}), StartsWith("-WRONGPASS"));
  EXPECT_THAT(ask({"HELLO", "3", "AUTH", "edge", "edge-token", "SETNAME", "x"}), StartsWith("%7\r\n"));
  EXPECT_EQ(ask({"VERIFY", "acme", right}), "+current\r\n");
}

TEST_F(GatedSession, ResetForgetsWhoItWas) {
  ask({"AUTH", "edge", "edge-token"});
  EXPECT_EQ(ask({"RESET"}), "+RESET\r\n");
  EXPECT_THAT(ask({"VERIFY", "acme", right}), StartsWith("-NOAUTH "));
}

TEST_F(Session, AuthWithoutGatewaysIsToldSoInWordsThatClientsKnow) {
  EXPECT_EQ(ask({"AUTH", "x", "y"}), "-ERR Client sent AUTH, but no password is set\r\n");
}

}  // namespace
}  // namespace shearline::front
