// Fills an empty, private Redis with genuine records of generated credentials: sealed values, heads that add up, the
// newest change of each partition and the layout fact, as if the engine had written one revision of each. A server
// with the same keyring loads them. For benchmarks of a million and more, where creating each by command would take
// hours. The credentials are those of `shearline-loadgen run --generated N --seed S`.
#include "base/clock.hpp"
#include "base/ulid.hpp"
#include "engine/digest.hpp"
#include "io/keys/keyring.hpp"
#include "io/loop/stream.hpp"
#include "io/store/layout.hpp"
#include "io/store/sealed.hpp"
#include "io/wire/record.hpp"
#include "loadgen/population.hpp"

#include <CLI/CLI.hpp>
#include <hiredis/hiredis.h>

#include <array>
#include <chrono>
#include <cstdio>
#include <memory>
#include <stdexcept>
#include <string>
#include <vector>

namespace shearline {
namespace {

constexpr std::size_t keyring_bytes_max = 1 << 20;
constexpr std::size_t commands_in_flight_max = 1'000;

// Start-up style: whatever goes wrong ends the program with its message.
template <class T>
T must(Result<T> result) {
  if (!result) throw std::runtime_error(result.error().message);
  return std::move(*result);
}

// hiredis as it comes, pipelined: replies are only checked for errors.
class Redis {
 public:
  explicit Redis(const loop::Address& address)
      : context_(address.is_unix() ? redisConnectUnix(address.unix_path.c_str())
                                   : redisConnect(address.host.c_str(), address.port)) {
    if (context_ == nullptr) throw std::runtime_error("hiredis gave no context");
    if (context_->err != 0) throw std::runtime_error(address.text() + ": " + context_->errstr);
  }

  void send(const std::vector<std::string_view>& args) {
    std::array<const char*, 8> texts{};
    std::array<std::size_t, 8> lengths{};
    for (std::size_t i = 0; i < args.size(); ++i) {
      texts.at(i) = args[i].data();
      lengths.at(i) = args[i].size();
    }
    if (redisAppendCommandArgv(context_.get(), static_cast<int>(args.size()), texts.data(), lengths.data()) !=
        0) {
      throw std::runtime_error(context_->errstr);
    }
    // Redis works on the other half while the next commands are made.
    if (++in_flight_ == commands_in_flight_max) take_replies(commands_in_flight_max / 2);
  }

  void flush() { take_replies(0); }

  long long ask(const std::vector<std::string_view>& args) {
    send(args);
    flush();
    return last_integer_;
  }

 private:
  struct Free {
    void operator()(redisContext* context) const { redisFree(context); }
  };

  // Until so many are left on their way.
  void take_replies(std::size_t left) {
    for (; in_flight_ > left; --in_flight_) last_integer_ = take_reply();
  }

  long long take_reply() {
    void* raw = nullptr;
    if (redisGetReply(context_.get(), &raw) != REDIS_OK) throw std::runtime_error(context_->errstr);
    const std::unique_ptr<redisReply, decltype(&freeReplyObject)> reply(static_cast<redisReply*>(raw),
                                                                        freeReplyObject);
    if (reply->type == REDIS_REPLY_ERROR) throw std::runtime_error(std::string(reply->str, reply->len));
    return reply->integer;
  }

  std::unique_ptr<redisContext, Free> context_;
  std::size_t in_flight_ = 0;
  long long last_integer_ = 0;
};

// One partition while it is being written: every record is its own change, the last one stays in the stream.
class PartitionWriter {
 public:
  PartitionWriter(unsigned partition, const std::string& prefix)
      : partition_(partition), base_(prefix + store::partition_tag(partition) + ":") {}

  void put(Redis& redis, const store::Sealer& sealer, const store::RecordKey& key, ByteView payload) {
    last_field_ = key.field();
    last_value_ = sealer.seal(key, 1, payload);
    store::Sealer::add(head_, sealer.term(last_field_, last_value_));
    ++head_.counter;
    redis.send({"HSET", base_ + "records", last_field_, as_text(last_value_)});
  }

  void finish(Redis& redis, const store::Sealer& sealer) const {
    if (head_.counter == 0) return;
    const std::string id = std::to_string(head_.counter) + "-0";
    redis.send({"XADD", base_ + "changes", id, "field", last_field_, "value", as_text(last_value_)});
    const Bytes sealed = sealer.seal_head(partition_, head_);
    redis.send({"SET", base_ + "head", as_text(sealed)});
  }

 private:
  unsigned partition_;
  std::string base_;
  store::Sealer::Head head_;
  std::string last_field_;
  Bytes last_value_;
};

policy::Credential make_credential(const loadgen::Credential& load, const keys::Pepper& pepper, TimeMs now,
                                   Random& random) {
  policy::Credential credential;
  credential.client_id = load.client_id;
  credential.status = policy::CredentialStatus::active;
  credential.metadata = {"bench", "bench", "staging", "bench", "internal", 0};
  credential.group = "bench";
  credential.created_at_ms = credential.last_rotated_ms = now;
  policy::Version version;
  version.version_id = Ulid::make(now, random);
  version.mac_key_ref = pepper.id;
  version.digest = engine::digest_of(pepper.key, load.client_id, as_bytes(load.secret));
  version.state = policy::VersionState::current;
  version.created_at_ms = version.promoted_at_ms = now;
  version.created_by = "bench";
  version.reason = "made for a benchmark";
  credential.secret_fingerprint = engine::secret_fingerprint(pepper.key, as_bytes(load.secret));
  credential.versions.push_back(std::move(version));
  return credential;
}

struct Options {
  std::string redis = "unix:/run/redis.sock";
  std::string prefix = "shearline:";
  std::string keyring;
  std::string kek;
  std::size_t count = 0;
  std::uint64_t seed = 0;
};

void fill(const Options& options) {
  const Bytes text = must(keys::read_file(options.keyring, keyring_bytes_max));
  const keys::KekSource kek = must(keys::read_kek_source(options.kek));
  const keys::Keyring keyring = must(keys::decode_keyring(as_text(text), kek));
  Redis redis(must(loop::parse_address(options.redis)));
  if (redis.ask({"DBSIZE"}) != 0) throw std::runtime_error("this Redis is not empty; it is left as it is");

  SystemRandom random;
  SystemClock clock;
  const store::Sealer sealer(keyring.state_key, random);
  const wire::RecordCodec codec(keyring.state_key, random);
  std::vector<PartitionWriter> partitions;
  partitions.reserve(store::partition_count);
  for (unsigned i = 0; i < store::partition_count; ++i) partitions.emplace_back(i, options.prefix);

  const auto population = loadgen::Population::generated(options.count, options.seed);
  for (std::size_t i = 0; i < population.size(); ++i) {
    const policy::Credential credential =
        make_credential(population.at(i), keyring.current(), clock.now_ms(), random);
    const store::RecordKey key{store::Kind::credential, credential.client_id};
    partitions[key.partition()].put(redis, sealer, key, codec.encode(credential));
  }
  partitions[store::system_partition].put(redis, sealer, store::layout_key(), store::layout_payload());
  for (const PartitionWriter& partition : partitions) partition.finish(redis, sealer);
  redis.flush();
}

int run(int argc, char** argv) {
  Options options;
  CLI::App app("Fills an empty Redis with genuine records of generated credentials, for benchmarks");
  app.add_option("--redis", options.redis, "HOST:PORT or unix:/path, empty and private")->required();
  app.add_option("--prefix", options.prefix, "Of the keys")->capture_default_str();
  app.add_option("--keyring", options.keyring, "The keyring the server will use")->required();
  app.add_option("--kek", options.kek, "Where its KEK comes from, as the server's configuration says it")
      ->required();
  app.add_option("--count", options.count, "How many credentials")
      ->required()
      ->check(CLI::Range(std::size_t{1}, loadgen::population_max));
  app.add_option("--seed", options.seed, "They are those of shearline-loadgen --generated N --seed S")
      ->capture_default_str();
  try {
    app.parse(argc, argv);
  } catch (const CLI::ParseError& error) {
    return app.exit(error) == 0 ? 0 : 64;
  }
  try {
    const auto started = std::chrono::steady_clock::now();
    fill(options);
    const std::chrono::duration<double> took = std::chrono::steady_clock::now() - started;
    std::fprintf(stderr, "filled: %zu credentials in %.1f s\n", options.count, took.count());
    return 0;
  } catch (const std::exception& error) {
    std::fprintf(stderr, "fill_redis: %s\n", error.what());
    return 1;
  }
}

}  // namespace
}  // namespace shearline

int main(int argc, char** argv) { return shearline::run(argc, argv); }
