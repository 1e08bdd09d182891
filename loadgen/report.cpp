#include "loadgen/report.hpp"

#include "loadgen/text.hpp"

#include <algorithm>

namespace shearline::loadgen {
namespace {

std::string number(std::uint64_t value) { return std::to_string(value); }

std::string plural(std::size_t count, const char* word) {
  return std::to_string(count) + " " + word + (count == 1 ? "" : "s");
}

std::string kinds_text(const Kinds& kinds) {
  std::string out;
  for (const auto& [kind, entry] : kinds.entries()) {
    out += (out.empty() ? "" : "; ") + number(entry.count) + " x " + kind;
    if (entry.first != kind && !entry.first.empty()) out += " (the first: " + entry.first + ")";
  }
  return out;
}

}  // namespace

std::string frames_text(const ScriptOptions& script) {
  std::string out;
  for (std::size_t i = 0; i < script.kinds.size(); ++i) {
    const FrameKind& kind = script.kinds[i];
    if (i > 0) out += i + 1 == script.kinds.size() ? " and " : ", ";
    out += kind.mode == Mode::verify ? "VERIFY" : "MVERIFY of " + std::to_string(kind.batch);
  }
  return out;
}

std::size_t threads_of(const Plan& plan) { return std::min(plan.threads, plan.connections); }

const char* arrivals_name(Arrivals arrivals) {
  return arrivals == Arrivals::poisson ? "poisson" : "constant";
}

std::string verdict_counts(const std::array<std::uint64_t, 256>& by_letter) {
  std::string out;
  for (const char letter : Tally::letters) {
    const std::uint64_t count = by_letter[static_cast<Byte>(letter)];
    if (count == 0) continue;
    out += (out.empty() ? "" : ", ") + std::string(Tally::name_of(letter)) + " " + number(count);
  }
  return out.empty() ? "none" : out;
}

std::string description(const Results& results) {
  const Plan& plan = results.scenario.plan;
  std::string out = frames_text(results.scenario.script) + " to " + plan.server + ": " +
                    plural(plan.connections, "connection") + ", pipeline " + std::to_string(plan.pipeline) +
                    ", " + plural(threads_of(plan), "thread");
  if (!plan.is_open_loop()) return out + ", closed loop";
  return out + ", open loop at " + rate_text(*plan.checks_per_s) + " (" + arrivals_name(plan.arrivals) +
         " arrivals)";
}

Judgement judge_generator(const Results& results) {
  const Punctuality& kept = results.outcome.observed.punctuality;
  if (!results.scenario.plan.is_open_loop()) return judge_closed_loop(kept);
  return judge_open_loop(kept, results.outcome.total.latency_ns);
}

std::vector<std::pair<std::string, std::string>> incidents(const Results& results) {
  const Outcome& outcome = results.outcome;
  const Observed& seen = outcome.observed;
  const Plan& plan = results.scenario.plan;
  std::vector<std::pair<std::string, std::string>> out;
  if (seen.tally.errors > 0) out.emplace_back("errors", kinds_text(seen.tally.error_kinds));
  if (seen.punctuality.held_back > 0) {
    out.emplace_back("held back",
                     number(seen.punctuality.held_back) + " frames by a server that took no more, at worst " +
                         time_text(seen.punctuality.held_ns_max) + "; counted in their latencies");
  }
  if (seen.punctuality.never_sent > 0) {
    out.emplace_back("never sent", number(seen.punctuality.never_sent) +
                                       " frames that were due: the server is slower than the rate");
  }
  if (seen.unanswered > 0) out.emplace_back("unanswered", number(seen.unanswered) + " frames");
  if (seen.losses.total() > 0) out.emplace_back("lost", "connections: " + kinds_text(seen.losses));
  if (seen.connect_ns.count() > 0) {
    out.emplace_back("connects", number(seen.connect_ns.count()) + ": " +
                                     rate_text(per_second(seen.connect_ns.count(), outcome.elapsed_ns)) +
                                     ", p50 " + time_text(seen.connect_ns.percentile(50)) + ", p99 " +
                                     time_text(seen.connect_ns.percentile(99)) + ", max " +
                                     time_text(seen.connect_ns.maximum()));
  }
  if (plan.slow_readers.connections > 0) {
    out.emplace_back("slow readers", number(seen.slow.frames_asked) + " frames asked, " +
                                         number(seen.slow.bytes_read) + " bytes read, " +
                                         number(seen.slow.cut_off) + " times cut off by the server");
  }
  if (plan.garbage_connections > 0) {
    const GarbageCounts& garbage = seen.garbage;
    out.emplace_back("garbage", number(garbage.pieces) + " pieces: " + number(garbage.refused) +
                                    " refused, " + number(garbage.closed) + " cut off, " +
                                    number(garbage.answered) + " taken for a question, " +
                                    number(garbage.ignored) + " waited for more");
  }
  if (std::ranges::any_of(plan.during, &DuringCommand::learn)) {
    const RotatedCounts& rotated = seen.rotated;
    out.emplace_back("rotated", number(rotated.learnt) + " new secrets learnt: " +
                                    rate_text(per_second(rotated.learnt, outcome.elapsed_ns)) + "; " +
                                    number(rotated.mismatches) + " mismatches, " +
                                    number(rotated.not_yet_accepted) +
                                    " never accepted; old: " + verdict_counts(rotated.old_by_letter) +
                                    "; new: " + verdict_counts(rotated.new_by_letter));
  }
  for (const DuringCounts& each : outcome.during) {
    std::string text = each.run + ": " + number(each.succeeded) + " done, " + number(each.failed) + " failed";
    if (each.clients > 0) {
      text += ", " + number(each.clients) +
              " clients: " + rate_text(per_second(each.clients, outcome.elapsed_ns));
    }
    if (each.ended_by_us > 0) text += ", " + number(each.ended_by_us) + " ended with the run";
    if (each.ran_out_of_clients) text += ", stopped when every client had had its turn";
    if (each.failed > 0) text += ": " + kinds_text(each.failures);
    out.emplace_back("during", std::move(text));
  }
  if (outcome.interrupted) out.emplace_back("interrupted", "the run was ended early");
  if (outcome.failure) out.emplace_back("failed", outcome.failure->message);
  return out;
}

}  // namespace shearline::loadgen
