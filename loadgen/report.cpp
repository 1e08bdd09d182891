#include "loadgen/report.hpp"

#include "loadgen/text.hpp"

#include <nlohmann/json.hpp>

#include <algorithm>

namespace shearline::loadgen {
namespace {

using Json = nlohmann::ordered_json;

std::string percent_name(double percent) { return format("p%g", percent); }

std::string number(std::uint64_t value) { return std::to_string(value); }

std::string plural(std::size_t count, const char* word) {
  return std::to_string(count) + " " + word + (count == 1 ? "" : "s");
}

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

std::string latency_line(const char* name, const Histogram& latency) {
  std::string out = format("%-12sof a frame, us: min %.1f", name, microseconds(latency.minimum()));
  for (const double percent : reported_percents) {
    out += format("  %s %.1f", percent_name(percent).c_str(), microseconds(latency.percentile(percent)));
  }
  return out + format("  max %.1f\n", microseconds(latency.maximum()));
}

Json latency_json(const Histogram& latency) {
  Json out = {{"min", microseconds(latency.minimum())}, {"mean", latency.mean() / 1000}};
  for (const double percent : reported_percents) {
    out[percent_name(percent)] = microseconds(latency.percentile(percent));
  }
  out["max"] = microseconds(latency.maximum());
  return out;
}

Json verdicts_json(const std::array<std::uint64_t, 256>& by_letter) {
  Json out = Json::object();
  for (const char letter : Tally::letters) {
    out[std::string(Tally::name_of(letter))] = by_letter[static_cast<Byte>(letter)];
  }
  return out;
}

Json kinds_json(const Kinds& kinds) {
  Json out = Json::object();
  for (const auto& [kind, entry] : kinds.entries())
    out[kind] = {{"count", entry.count}, {"first", entry.first}};
  return out;
}

std::string kinds_text(const Kinds& kinds) {
  std::string out;
  for (const auto& [kind, entry] : kinds.entries()) {
    out += (out.empty() ? "" : "; ") + number(entry.count) + " x " + kind;
    if (entry.first != kind && !entry.first.empty()) out += " (the first: " + entry.first + ")";
  }
  return out;
}

Json bystanders_json(const Results& results) {
  const Observed& seen = results.outcome.observed;
  const Plan& plan = results.scenario.plan;
  Json out = Json::object();
  if (plan.slow_readers.connections > 0) {
    out["slow_readers"] = {{"frames_asked", seen.slow.frames_asked},
                           {"bytes_read", seen.slow.bytes_read},
                           {"cut_off", seen.slow.cut_off}};
  }
  if (plan.garbage_connections > 0) {
    out["garbage"] = {{"pieces", seen.garbage.pieces},
                      {"refused", seen.garbage.refused},
                      {"closed", seen.garbage.closed},
                      {"answered", seen.garbage.answered},
                      {"ignored", seen.garbage.ignored}};
  }
  if (std::ranges::any_of(plan.during, &During::learn)) {
    out["rotated"] = {{"learnt", seen.rotated.learnt},
                      {"checks", seen.rotated.checks},
                      {"mismatches", seen.rotated.mismatches},
                      {"never_accepted", seen.rotated.not_yet_accepted},
                      {"old", verdicts_json(seen.rotated.old_by_letter)},
                      {"new", verdicts_json(seen.rotated.new_by_letter)}};
  }
  for (const CompanionCounts& each : results.outcome.companions) {
    out["during"].push_back({{"run", each.run},
                             {"started", each.started},
                             {"succeeded", each.succeeded},
                             {"failed", each.failed},
                             {"ended_at_the_end", each.ended_by_us},
                             {"failures", kinds_json(each.failures)}});
  }
  return out;
}

Json points_json(const std::vector<Point>& points) {
  Json out = Json::array();
  for (const Point& each : points) {
    out.push_back({{"at_s", each.at_s},
                   {"length_s", each.length_s},
                   {"checks", each.checks},
                   {"frames", each.frames},
                   {"mismatches", each.mismatches},
                   {"errors", each.errors},
                   {"p50_us", microseconds(each.p50_ns)},
                   {"p99_us", microseconds(each.p99_ns)},
                   {"p99.9_us", microseconds(each.p999_ns)},
                   {"max_us", microseconds(each.max_ns)}});
  }
  return out;
}

Json generator_json(const Results& results) {
  const Punctuality& kept = results.outcome.observed.punctuality;
  const auto [is_trusted, words] = generator_judgement(results);
  Json out = {{"kept_up", is_trusted}, {"judgement", words}, {"busy_share_max", kept.busy_share_max}};
  if (!results.scenario.plan.is_open_loop()) return out;
  out["late_frames"] = kept.late;
  out["own_delay_us"] = latency_json(kept.own_delay_ns);
  out["held_back_frames"] = kept.held_back;
  out["held_back_us_max"] = microseconds(kept.held_ns_max);
  out["never_sent_frames"] = kept.never_sent;
  return out;
}

}  // namespace

std::string verdict_counts(const std::array<std::uint64_t, 256>& by_letter) {
  std::string out;
  for (const char letter : Tally::letters) {
    const std::uint64_t count = by_letter[static_cast<Byte>(letter)];
    if (count == 0) continue;
    out += (out.empty() ? "" : ", ") + std::string(Tally::name_of(letter)) + " " + number(count);
  }
  return out.empty() ? "none" : out;
}

std::string progress_text(const Progress& progress) {
  std::string out =
      format("%4lld s  %-12s p99 %-10s mismatches %llu", static_cast<long long>(progress.second),
             rate_text(static_cast<double>(progress.checks_in_it)).c_str(),
             time_text(progress.p99_ns).c_str(), static_cast<unsigned long long>(progress.mismatches));
  if (progress.errors > 0) out += "  errors " + number(progress.errors);
  return out;
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

std::pair<bool, std::string> generator_judgement(const Results& results) {
  const Punctuality& kept = results.outcome.observed.punctuality;
  const std::string busy = format("its busiest thread needed %.0f %% of a core", kept.busy_share_max * 100);
  const bool is_saturated = kept.busy_share_max > Punctuality::saturated_share;
  if (!results.scenario.plan.is_open_loop()) {
    if (!is_saturated) return {true, "was not the slower side: " + busy};
    return {false, "may have been the slower side: " + busy + "; more threads on more cores may show more"};
  }
  const std::uint64_t due = kept.own_delay_ns.count();
  const std::string worst = time_text(kept.own_delay_ns.maximum());
  if (kept.late == 0 && !is_saturated)
    return {true, "kept its schedule: at worst " + worst + " late by itself, " + busy};
  if (kept.late == 0) return {false, "was at its limit: " + busy + "; latencies may hold its own delays"};
  return {false, "was late by itself, by over 1 ms with " + number(kept.late) + " of " + number(due) +
                     " frames, at worst by " + worst + ": that much of the latencies is not the server's; " +
                     busy};
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
  if (std::ranges::any_of(plan.during, &During::learn)) {
    const RotatedCounts& rotated = seen.rotated;
    out.emplace_back("rotated", number(rotated.learnt) + " new secrets learnt; " +
                                    number(rotated.mismatches) + " mismatches, " +
                                    number(rotated.not_yet_accepted) +
                                    " never accepted; old: " + verdict_counts(rotated.old_by_letter) +
                                    "; new: " + verdict_counts(rotated.new_by_letter));
  }
  for (const CompanionCounts& each : outcome.companions) {
    std::string text = each.run + ": " + number(each.succeeded) + " done, " + number(each.failed) + " failed";
    if (each.ended_by_us > 0) text += ", " + number(each.ended_by_us) + " ended with the run";
    if (each.ran_out_of_clients) text += ", stopped when every client had had its turn";
    if (each.failed > 0) text += ": " + kinds_text(each.failures);
    out.emplace_back("during", std::move(text));
  }
  if (outcome.interrupted) out.emplace_back("interrupted", "the run was ended early");
  if (outcome.failure) out.emplace_back("failed", outcome.failure->message);
  return out;
}

std::string report_text(const Results& results) {
  const Outcome& outcome = results.outcome;
  const Tally& tally = outcome.observed.tally;
  const bool is_open = results.scenario.plan.is_open_loop();
  std::string out = description(results) + "\n";
  out += format("checks      %llu in %.3f s: %s\n", static_cast<unsigned long long>(tally.checks),
                static_cast<double>(outcome.elapsed_ns) / 1e9,
                rate_text(per_second(tally.checks, outcome.elapsed_ns)).c_str());
  out += format("frames      %llu: %s\n", static_cast<unsigned long long>(tally.frames),
                rate_text(per_second(tally.frames, outcome.elapsed_ns)).c_str());
  out += latency_line("latency", outcome.total.latency_ns);
  if (is_open) {
    out += "            (from when each frame was due: what a stall held up is counted)\n";
    out += latency_line("service", outcome.total.service_ns);
    out += "            (from when it went out)\n";
  } else {
    out += "            (closed loop: a slow answer delays the next question, so waiting is not counted)\n";
  }
  out += "verdicts    " + verdict_counts(tally.by_letter) + "\n";
  out += "mismatches  " + number(tally.mismatches) + "\n";
  out += "generator   " + generator_judgement(results).second + "\n";
  for (const auto& [name, text] : incidents(results)) out += format("%-11s ", name.c_str()) + text + "\n";
  return out;
}

std::string report_json(const Results& results) {
  const Outcome& outcome = results.outcome;
  const Plan& plan = results.scenario.plan;
  const Observed& seen = outcome.observed;
  const Tally& tally = seen.tally;
  Json report = {
      {"scenario", results.scenario.name},
      {"frames_of", frames_text(results.scenario.script)},
      {"server", plan.server},
      {"checks_per_frame", results.script.checks_per_frame()},
      {"connections", plan.connections},
      {"pipeline", plan.pipeline},
      {"threads", threads_of(plan)},
      {"loop", plan.is_open_loop() ? "open" : "closed"},
      {"started_at", rfc3339(outcome.started_at)},
      {"elapsed_s", static_cast<double>(outcome.elapsed_ns) / 1e9},
      {"checks", tally.checks},
      {"checks_per_s", per_second(tally.checks, outcome.elapsed_ns)},
      {"frames", tally.frames},
      {"frames_per_s", per_second(tally.frames, outcome.elapsed_ns)},
      {"latency_us", latency_json(outcome.total.latency_ns)},
  };
  if (plan.is_open_loop()) {
    report["rate"] = *plan.checks_per_s;
    report["arrivals"] = arrivals_name(plan.arrivals);
    report["service_us"] = latency_json(outcome.total.service_ns);
  }
  report["generator"] = generator_json(results);
  report["verdicts"] = verdicts_json(tally.by_letter);
  report["mismatches"] = tally.mismatches;
  report["errors"] = tally.errors;
  report["error_kinds"] = kinds_json(tally.error_kinds);
  report["unanswered_frames"] = seen.unanswered;
  report["lost_connections"] = kinds_json(seen.losses);
  if (seen.connect_ns.count() > 0) {
    report["connects"] = seen.connect_ns.count();
    report["connect_us"] = latency_json(seen.connect_ns);
  }
  report.update(bystanders_json(results));
  report["intervals"] = points_json(outcome.points);
  report["interrupted"] = outcome.interrupted;
  report["failure"] = outcome.failure ? Json(outcome.failure->message) : Json();
  report["clean"] = outcome.clean();
  // A server's error text may be any bytes: they are shown, not trusted to be UTF-8.
  return report.dump(-1, ' ', false, Json::error_handler_t::replace) + "\n";
}

}  // namespace shearline::loadgen
