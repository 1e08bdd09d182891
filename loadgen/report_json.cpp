#include "loadgen/report.hpp"
#include "loadgen/text.hpp"

#include <nlohmann/json.hpp>

#include <algorithm>

namespace shearline::loadgen {
namespace {

using Json = nlohmann::ordered_json;

std::string percent_name(double percent) { return format("p%g", percent); }

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
  if (std::ranges::any_of(plan.during, &DuringCommand::learn)) {
    out["rotated"] = {{"learnt", seen.rotated.learnt},
                      {"learnt_per_s", per_second(seen.rotated.learnt, results.outcome.elapsed_ns)},
                      {"checks", seen.rotated.checks},
                      {"mismatches", seen.rotated.mismatches},
                      {"never_accepted", seen.rotated.not_yet_accepted},
                      {"old", verdicts_json(seen.rotated.old_by_letter)},
                      {"new", verdicts_json(seen.rotated.new_by_letter)}};
  }
  for (const DuringCounts& each : results.outcome.during) {
    out["during"].push_back({{"run", each.run},
                             {"started", each.started},
                             {"clients", each.clients},
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
  const Judgement judgement = judge_generator(results);
  Json out = {{"kept_up", judgement.is_trusted},
              {"judgement", judgement.words},
              {"busy_share_max", kept.busy_share_max}};
  if (!results.scenario.plan.is_open_loop()) return out;
  out["late_frames"] = kept.late;
  out["own_delay_us"] = latency_json(kept.own_delay_ns);
  out["held_back_frames"] = kept.held_back;
  out["held_back_us_max"] = microseconds(kept.held_ns_max);
  out["never_sent_frames"] = kept.never_sent;
  return out;
}

}  // namespace

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
