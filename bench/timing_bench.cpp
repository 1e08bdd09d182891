// Whether the time of a check tells its verdict: Welch's t between whole batches of one outcome each, as dudect compares
// two classes of input (Reparaz, Balasch, Verbauwhede 2017). All classes take turns in random order, every two are held
// against each other, and a second class of wrong secrets shows what chance alone makes of it. Prints one JSON object.
// Run by scripts/bench; a benchmark, which decides no test but that of its own outcomes.
//
// Kept alike, so that only the outcome differs. Each sample is one batch of 64 checks, copied into the same buffer before
// the clock starts. Known clients are asked about in cohorts, always the same ones together, and every cohort as often as
// any other: there are as many cohorts of a standing as there are classes that ask about it, which share them. So how long
// ago a client was asked about last, and those beside it, is not its class. Unknown clients are new each time; what the
// table has in their place was last asked about by others. Clients are put into the table in random order, and a run goes
// over several tables, each hashed under a key of its own: where an entry lies, and which others share its place in the
// caches, is chance and not its class. `hot` are so few that their entries stay in the nearest caches, `cold` so many that
// they do not.
#include "base/crypto.hpp"
#include "base/encoding.hpp"
#include "base/random.hpp"
#include "bench/engine_setup.hpp"
#include "bench/measuring.hpp"
#include "bench/welch.hpp"
#include "engine/batch.hpp"
#include "engine/table.hpp"
#include "loadgen/population.hpp"

#include <CLI/CLI.hpp>
#include <nlohmann/json.hpp>

#include <algorithm>
#include <array>
#include <cmath>
#include <cstdio>
#include <cstring>
#include <optional>
#include <span>
#include <stdexcept>
#include <string>
#include <utility>
#include <vector>

#if defined(__x86_64__)
#include <x86intrin.h>
#endif

namespace shearline::bench {
namespace {

using engine::Outcome;
using nlohmann::json;

constexpr std::size_t checks_per_sample = 64;
constexpr std::size_t clients_per_table_max = 100'000'000;
constexpr std::size_t unmeasured_samples = 20;                       // of each class, with each table
constexpr double t_of_suspicion = 4.5;                               // dudect's
constexpr std::array<double, 4> kept_shares{1.0, 0.99, 0.95, 0.80};  // of all samples, the slowest left out
constexpr std::size_t share_of_differences = 2;

struct Options {
  std::size_t checks = 1'000'000;  // of each class
  std::size_t clients_hot = 4;     // of each class
  std::size_t clients_cold = 100'000;
  std::size_t tables_hot = 1'000;  // in turn, for a share of the checks each
  std::size_t tables_cold = 2;
};

// Secret 0 of a client is current, 1 in grace, 2 next, 3 retired, 4 revoked; any other was never the client's.
constexpr std::uint64_t known_secrets = 5;
constexpr std::uint64_t other_secret = 5;

// How the clients that a class asks about stand in the table.
struct Standing {
  bool is_known = true;
  bool is_suspended = false;
  // The secret that is a foreign key, too; it finds its client alone.
  std::optional<std::uint64_t> imported = {};
};

struct Class {
  const char* name;
  std::size_t standing;  // which
  std::uint64_t secret;  // which one is presented
  Outcome deserved;
};

// What is presented, and by whom. The second class differs in nothing from the first.
struct Question {
  const char* presented;
  bool is_key;
  std::span<const Standing> standings;
  std::span<const Class> classes;
};

constexpr std::array<Standing, 3> of_pairs{{{}, {.is_suspended = true}, {.is_known = false}}};
constexpr std::array<Class, 9> pair_classes{{
    {"wrong", 0, other_secret, Outcome::mismatch},
    {"wrong again", 0, other_secret, Outcome::mismatch},
    {"current", 0, 0, Outcome::current},
    {"grace", 0, 1, Outcome::grace},
    {"next", 0, 2, Outcome::next},
    {"retired", 0, 3, Outcome::retired},
    {"revoked", 0, 4, Outcome::revoked},
    {"suspended", 1, 0, Outcome::suspended},
    {"unknown", 2, other_secret, Outcome::unknown_client},
}};
// A client has one foreign key, so that each class has clients of its own. One that is forgotten still finds its client,
// who has had so many secrets since that the table has nothing of this one.
constexpr std::array<Standing, 8> of_keys{{{.imported = 3},
                                           {.imported = 4},
                                           {.is_suspended = true, .imported = 0},
                                           {.is_known = false},
                                           {.imported = other_secret},
                                           {.imported = 0},
                                           {.imported = 1},
                                           {.imported = 2}}};
constexpr std::array<Class, 9> key_classes{{
    {"retired", 0, 3, Outcome::retired},
    {"retired again", 0, 3, Outcome::retired},
    {"current", 5, 0, Outcome::current},
    {"grace", 6, 1, Outcome::grace},
    {"next", 7, 2, Outcome::next},
    {"revoked", 1, 4, Outcome::revoked},
    {"forgotten", 4, other_secret, Outcome::mismatch},
    {"suspended", 2, 0, Outcome::suspended},
    {"unknown", 3, other_secret, Outcome::unknown_client},
}};
constexpr std::array<Question, 2> questions{
    {{"pair", false, of_pairs, pair_classes}, {"api_key", true, of_keys, key_classes}}};

std::uint64_t time_stamp() {
#if defined(__x86_64__)
  _mm_lfence();
  const std::uint64_t stamp = __rdtsc();
  _mm_lfence();
  return stamp;
#else
  return static_cast<std::uint64_t>(Time::now().time_since_epoch().count());
#endif
}

std::vector<Key> make_peppers(std::size_t count) {
  SeededRandom random(seed);
  std::vector<Key> peppers;
  peppers.reserve(count);
  for (std::size_t i = 0; i < count; ++i) peppers.push_back(random_key(random));
  return peppers;
}

// Whatever its class, a client's secrets are derived in the same way and have the same length.
std::string secret_of(std::size_t client, std::uint64_t which) {
  SeededRandom random(client << 8 | which);
  std::array<Byte, 24> bytes{};
  random.fill(bytes);
  return hex(bytes);
}

class World {
 public:
  // `number` makes it another one: its keys, and who its clients are.
  World(const Question& question, std::size_t number, std::size_t peppers, std::size_t clients_per_class)
      : question_(question),
        random_(seed + number),
        peppers_(make_peppers(peppers)),
        cohort_clients_(std::min(checks_per_sample, clients_per_class)),
        firsts_(firsts_of(question, number * clients_per_table_max, cohort_clients_, clients_per_class)),
        next_unknown_(firsts_.back()),
        table_(
            {.capacity_hint = (firsts_.back() - firsts_.front()) * (question.is_key ? 2 : 1), .workers = 1},
            peppers_, random_) {
    for (const Key& pepper : peppers_) lookup_keys_.push_back(engine::derive_lookup_key(pepper));
    std::vector<std::pair<std::size_t, std::size_t>> known;  // standing and client
    for (std::size_t standing = 0; standing < question.standings.size(); ++standing) {
      for (std::size_t client = firsts_[standing]; client < firsts_[standing + 1]; ++client)
        known.emplace_back(standing, client);
    }
    for (std::size_t left = known.size(); left > 0; --left) {
      std::swap(known[random_.next_u64() % left], known[left - 1]);
      put(question.standings[known[left - 1].first], known[left - 1].second);
    }
  }

  // The time-stamps that one batch took. Throws when a verdict is not the one that the class deserves.
  double sample(const Class& which, Random& random) {
    const std::size_t first = first_client_of_a_cohort(which, random);
    std::array<ByteView, checks_per_sample> ids;
    std::array<ByteView, checks_per_sample> secrets;
    std::size_t used = 0;
    const auto keep = [&](const std::string& text) {
      const ByteSpan place = ByteSpan(buffer_).subspan(used, text.size());
      std::memcpy(place.data(), text.data(), text.size());
      used += text.size();
      return place;
    };
    for (std::size_t i = 0; i < checks_per_sample; ++i) {
      const std::size_t client = first + i % cohort_clients_;
      ids[i] = keep(loadgen::load_client_id(client));
      secrets[i] = keep(secret_of(client, which.secret));
    }
    const std::uint64_t begin = time_stamp();
    table_.enter_turn(0);
    for (std::size_t i = 0; i < checks_per_sample; ++i) {
      if (question_.is_key) {
        batch_.add_key(secrets[i]);
      } else {
        batch_.add_pair(ids[i], secrets[i]);
      }
    }
    batch_.run(now);
    table_.leave_turn(0);
    const auto took = static_cast<double>(time_stamp() - begin);
    for (const Outcome outcome : batch_.outcomes()) {
      if (outcome != which.deserved)
        throw std::runtime_error(std::string("a wrong verdict for: ") + which.name);
      outcomes_.push_back(static_cast<Byte>(outcome));
    }
    batch_.clear();
    return took;
  }

  // The order of classes is drawn from a seed, so these are the same whenever the options are.
  const Bytes& outcomes() const { return outcomes_; }

 private:
  // Of each standing the first client, then the first of those that are unknown.
  static std::vector<std::size_t> firsts_of(const Question& question, std::size_t first,
                                            std::size_t cohort_clients, std::size_t clients_per_class) {
    const std::size_t cohorts_per_class = clients_per_class / cohort_clients;
    std::vector<std::size_t> firsts{first};
    for (std::size_t standing = 0; standing < question.standings.size(); ++standing) {
      const auto asking = std::ranges::count_if(question.classes,
                                                [&](const Class& each) { return each.standing == standing; });
      const std::size_t cohorts =
          question.standings[standing].is_known ? static_cast<std::size_t>(asking) * cohorts_per_class : 0;
      firsts.push_back(firsts.back() + cohorts * cohort_clients);
    }
    return firsts;
  }

  std::size_t first_client_of_a_cohort(const Class& which, Random& random) {
    if (!question_.standings[which.standing].is_known)
      return std::exchange(next_unknown_, next_unknown_ + cohort_clients_);
    const std::size_t first = firsts_[which.standing];
    const std::size_t cohorts = (firsts_[which.standing + 1] - first) / cohort_clients_;
    return first + random.next_u64() % cohorts * cohort_clients_;
  }

  void put(const Standing& standing, std::size_t client) {
    // With two peppers in use, half of the clients of every class are under each.
    const auto pepper = static_cast<std::uint8_t>(client % peppers_.size());
    const std::string id = loadgen::load_client_id(client);
    const engine::Midstates midstates = engine::derive_midstates(peppers_[pepper], id);
    std::vector<Digest> digests;
    digests.reserve(known_secrets);
    for (std::uint64_t secret = 0; secret < known_secrets; ++secret)
      digests.push_back(engine::digest_of(midstates, as_bytes(secret_of(client, secret))));
    const auto version = [&](Outcome role, std::size_t secret) {
      return engine::AcceptedVersion{
          .role = role, .digest = &digests[secret], .version_id = {}, .pepper = pepper};
    };
    const std::array accepted{version(Outcome::current, 0), version(Outcome::grace, 1),
                              version(Outcome::next, 2)};
    const std::array dead{engine::DeadDigest{.digest = &digests[3], .revoked = false, .pepper = pepper},
                          engine::DeadDigest{.digest = &digests[4], .revoked = true, .pepper = pepper}};
    engine::CredentialFacts facts{.client_id = id,
                                  .revision = 1,
                                  .suspended = standing.is_suspended,
                                  .accepted = accepted,
                                  .dead = dead};
    if (standing.imported) {
      facts.foreign_key_lookup =
          engine::foreign_key_lookup(lookup_keys_[pepper], as_bytes(secret_of(client, *standing.imported)));
    }
    table_.put(facts);
  }

  const Question& question_;
  SeededRandom random_;
  const std::vector<Key> peppers_;
  std::vector<Key> lookup_keys_;
  const std::size_t cohort_clients_;
  const std::vector<std::size_t> firsts_;
  std::size_t next_unknown_;
  engine::Table table_;
  FreshView view_;
  engine::Batch batch_{table_, view_};
  std::array<Byte, 16 * 1024> buffer_{};
  Bytes outcomes_;
};

double time_stamps_per_ns() {
  const auto begin = Time::now();
  const std::uint64_t stamp = time_stamp();
  while (us_since(begin) < 20'000) {
  }
  return static_cast<double>(time_stamp() - stamp) / (us_since(begin) * 1000);
}

// The largest |t| over several shares of the samples kept. How large the difference is says the share of all but the few
// that were interrupted.
json compare(const std::vector<double>& samples, const std::vector<double>& with,
             const std::array<double, kept_shares.size()>& limits, double stamps_per_ns) {
  json out;
  double largest = -1;
  for (std::size_t i = 0; i < limits.size(); ++i) {
    const Moments one = moments_of(samples, limits[i]);
    const Moments other = moments_of(with, limits[i]);
    const double t = welch_t(one, other);
    if (std::abs(t) > largest) {
      largest = std::abs(t);
      out["t"] = t;
      out["kept_share"] = kept_shares[i];
    }
    if (i != share_of_differences) continue;
    const double deviation = std::sqrt((one.variance + other.variance) / 2);
    out["difference_ns_per_check"] = (one.mean - other.mean) / stamps_per_ns / checks_per_sample;
    out["ns_per_check"] = one.mean / stamps_per_ns / checks_per_sample;
    out["cohens_d"] = deviation > 0 ? (one.mean - other.mean) / deviation : 0;
  }
  out["suspicious"] = largest > t_of_suspicion;
  return out;
}

struct Place {
  std::size_t peppers;
  std::size_t clients_per_class;
  std::size_t tables;
};

json measure(const Question& question, const Place& place, std::size_t checks) {
  SeededRandom random(seed + 100);
  const std::span<const Class> classes = question.classes;
  const std::size_t wanted_of_each = (checks + checks_per_sample - 1) / checks_per_sample;
  const std::size_t wanted = wanted_of_each * classes.size();
  const std::size_t tables = std::min(place.tables, wanted_of_each);
  std::vector<std::vector<double>> samples(classes.size());
  Bytes outcomes;
  for (std::size_t number = 0; number < tables; ++number) {
    World world(question, number, place.peppers, place.clients_per_class);
    for (std::size_t i = 0; i < classes.size() * unmeasured_samples; ++i)
      world.sample(classes[i % classes.size()], random);
    // Drawn anew each time, so no class always follows the same one.
    for (std::size_t i = wanted * number / tables; i < wanted * (number + 1) / tables; ++i) {
      const std::size_t which = random.next_u64() % classes.size();
      samples[which].push_back(world.sample(classes[which], random));
    }
    append(outcomes, world.outcomes());
  }
  std::vector<double> all;
  for (const auto& each : samples) all.insert(all.end(), each.begin(), each.end());
  std::ranges::sort(all);
  std::array<double, kept_shares.size()> limits{};
  for (std::size_t i = 0; i < limits.size(); ++i) {
    limits[i] = all[static_cast<std::size_t>(kept_shares[i] * static_cast<double>(all.size() - 1))];
  }
  const double stamps_per_ns = time_stamps_per_ns();
  json out = {{"presented", question.presented}, {"outcomes_sha256", hex(sha256(outcomes))}};
  for (const Class& each : classes) out["classes"].push_back(each.name);
  for (std::size_t with = 0; with < classes.size(); ++with) {
    for (std::size_t i = with + 1; i < classes.size(); ++i) {
      json one = compare(samples[i], samples[with], limits, stamps_per_ns);
      one["checks"] = samples[i].size() * checks_per_sample;
      out["against"][classes[with].name][classes[i].name] = std::move(one);
    }
  }
  return out;
}

json run(const Options& options) {
  pin_to_core(0);
  json out;
  for (const Question& question : questions) {
    for (const std::size_t peppers : {1U, 2U}) {
      for (const bool is_hot : {true, false}) {
        const Place place{peppers, is_hot ? options.clients_hot : options.clients_cold,
                          is_hot ? options.tables_hot : options.tables_cold};
        json one = measure(question, place, options.checks);
        one["peppers"] = peppers;
        one["cache"] = is_hot ? "hot" : "cold";
        one["clients_per_class"] = place.clients_per_class;
        out["runs"].push_back(std::move(one));
      }
    }
  }
  out["checks_per_sample"] = checks_per_sample;
  out["t_of_suspicion"] = t_of_suspicion;
  return out;
}

}  // namespace
}  // namespace shearline::bench

int main(int argc, char** argv) {
  shearline::bench::Options options;
  CLI::App app{"Welch's t between the times of checks by outcome"};
  app.add_option("--checks", options.checks, "of each class")->check(CLI::PositiveNumber);
  app.add_option("--clients-hot", options.clients_hot, "of each class, when their entries stay in cache")
      ->check(CLI::PositiveNumber);
  app.add_option("--clients-cold", options.clients_cold, "of each class, when they do not")
      ->check(CLI::Range(std::size_t{1}, std::size_t{1'000'000}));
  app.add_option("--tables-hot", options.tables_hot, "one after another")->check(CLI::PositiveNumber);
  app.add_option("--tables-cold", options.tables_cold, "one after another")->check(CLI::PositiveNumber);
  CLI11_PARSE(app, argc, argv);
  try {
    std::printf("%s\n", shearline::bench::run(options).dump().c_str());
    return 0;
  } catch (const std::exception& error) {
    std::fprintf(stderr, "timing_bench: %s\n", error.what());
    return 1;
  }
}
