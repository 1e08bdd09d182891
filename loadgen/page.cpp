#include "loadgen/page.hpp"

#include "loadgen/plot.hpp"
#include "loadgen/text.hpp"

#include <algorithm>
#include <cmath>

namespace shearline::loadgen {
namespace {

constexpr std::size_t points_max = 300;
constexpr double ns_per_us = 1e3;

constexpr std::string_view style = R"(
:root { --ground: #f6f7f9; --card: #ffffff; --ink: #1b2330; --quiet: #5d6879; --rule: #dfe3ea;
  --one: #2563b8; --two: #c2570c; --three: #9aa3b2; --good: #1a7f47; --bad: #b42318; }
@media (prefers-color-scheme: dark) {
  :root { --ground: #12161d; --card: #1a2029; --ink: #e4e8ee; --quiet: #98a3b3; --rule: #2d3541;
    --one: #6ea8ff; --two: #f2a65a; --three: #6b7686; --good: #4cc38a; --bad: #ff7b6e; } }
* { box-sizing: border-box; }
body { margin: 0; background: var(--ground); color: var(--ink);
  font: 15px/1.5 system-ui, -apple-system, "Segoe UI", "Liberation Sans", sans-serif; }
main { max-width: 1100px; margin: 0 auto; padding: 32px 24px 64px; }
h1 { font-size: 26px; line-height: 1.25; margin: 0 0 4px; font-weight: 650; }
h2 { font-size: 15px; margin: 0 0 12px; font-weight: 650; }
p { margin: 0 0 4px; } .quiet { color: var(--quiet); }
.verdict { display: inline-block; margin: 14px 0 20px; padding: 5px 12px; border-radius: 6px; font-weight: 600;
  border: 1px solid currentColor; }
.good { color: var(--good); } .bad { color: var(--bad); }
.tiles { display: grid; grid-template-columns: repeat(auto-fit, minmax(150px, 1fr)); gap: 12px; margin-bottom: 16px; }
.tile, section { background: var(--card); border: 1px solid var(--rule); border-radius: 10px; }
.tile { padding: 12px 16px; } .tile b { display: block; font-size: 22px; font-weight: 650;
  font-variant-numeric: tabular-nums; } .tile span { color: var(--quiet); font-size: 13px; }
section { padding: 18px 20px; margin-bottom: 16px; }
.pair { display: grid; grid-template-columns: repeat(auto-fit, minmax(420px, 1fr)); gap: 16px; align-items: start; }
.pair section { margin-bottom: 0; } .pair { margin-bottom: 16px; }
table { border-collapse: collapse; width: 100%; } td, th { padding: 5px 0; border-top: 1px solid var(--rule);
  text-align: left; vertical-align: top; font-weight: 400; overflow-wrap: anywhere; }
th { color: var(--quiet); padding-right: 16px; white-space: nowrap; } tr:first-child > * { border-top: 0; }
td.number { text-align: right; font-variant-numeric: tabular-nums; white-space: nowrap; }
svg { width: 100%; height: auto; display: block; }
svg text { font: 12px system-ui, -apple-system, "Segoe UI", "Liberation Sans", sans-serif; fill: var(--quiet); }
svg .legend { fill: var(--ink); } .grid { stroke: var(--rule); } .base { stroke: var(--quiet); }
.line { fill: none; stroke-width: 2; stroke-linejoin: round; stroke-linecap: round; } .area { opacity: .12; }
.one.line { stroke: var(--one); } .two.line { stroke: var(--two); } .three.line { stroke: var(--three); }
.one.area, .one.point { fill: var(--one); } .two.point { fill: var(--two); } .three.point { fill: var(--three); }
.point { opacity: 0; } .point:hover { opacity: 1; }
@media print { body { background: none; } section, .tile { break-inside: avoid; } }
)";

std::string time_of(double ns) { return time_text(static_cast<std::uint64_t>(std::llround(ns))); }

// For the ticks of an axis: "500 us", "2 ms" without needless zeros.
std::string short_time(double ns) {
  if (ns < 1e3) return format("%g ns", ns);
  if (ns < 1e6) return format("%g us", ns / 1e3);
  if (ns < 1e9) return format("%g ms", ns / 1e6);
  return format("%g s", ns / 1e9);
}

std::string short_rate(double each_second) {
  if (each_second >= 1e6) return format("%g M/s", each_second / 1e6);
  if (each_second >= 1e3) return format("%g k/s", each_second / 1e3);
  return format("%g /s", each_second);
}

// "12,345,678"
std::string grouped(std::uint64_t value) {
  std::string out = std::to_string(value);
  for (std::size_t at = out.size(); at > 3; at -= 3) out.insert(at - 3, ",");
  return out;
}

// At most points_max of them: neighbours are put together, highest latencies kept. What is shorter than a fifth of an
// interval, the end of a run, says nothing about a rate and is left out.
std::vector<Point> thinned(const std::vector<Point>& points) {
  std::vector<Point> out;
  const std::size_t of_each = points.size() / points_max + 1;
  const double full = points.empty() ? 0 : points.front().length_s;
  for (std::size_t i = 0; i < points.size(); ++i) {
    const Point& next = points[i];
    if (next.length_s < full / 5) continue;
    if (i % of_each == 0 || out.empty()) {
      out.push_back(next);
      continue;
    }
    Point& last = out.back();
    last.length_s = next.at_s + next.length_s - last.at_s;
    last.checks += next.checks;
    last.frames += next.frames;
    last.p50_ns = std::max(last.p50_ns, next.p50_ns);
    last.p99_ns = std::max(last.p99_ns, next.p99_ns);
    last.max_ns = std::max(last.max_ns, next.max_ns);
  }
  return out;
}

Axis seconds_axis(const std::vector<Point>& points) {
  const double end = points.empty() ? 1 : points.back().at_s + points.back().length_s;
  Axis axis = linear_axis("seconds since the start", end, [](double at) { return format("%g", at); });
  axis.to = end;
  std::erase_if(axis.ticks, [end](const Tick& tick) { return tick.at > end * 1.001; });
  return axis;
}

double rate_of(const Point& point) {
  return point.length_s > 0 ? static_cast<double>(point.checks) / point.length_s : 0;
}

std::string throughput_plot(const std::vector<Point>& points, const Plan& plan) {
  double highest = plan.checks_per_s.value_or(0);
  Series done{"checks answered", "one", {}, true, true};
  for (const Point& each : points) {
    done.points.emplace_back(each.at_s, rate_of(each));
    highest = std::max(highest, rate_of(each));
  }
  if (!points.empty())
    done.points.emplace_back(points.back().at_s + points.back().length_s, rate_of(points.back()));
  Plot plot{"Throughput over time",
            seconds_axis(points),
            linear_axis("checks a second", highest, short_rate),
            {},
            [](double x, double y) { return rate_text(y) + format(" at %.1f s", x); }};
  plot.series.push_back(std::move(done));
  if (plan.checks_per_s) {
    plot.series.push_back({"wanted", "three", {{0, *plan.checks_per_s}, {plot.x.to, *plan.checks_per_s}}});
  }
  return svg(plot);
}

std::string latency_over_time(const std::vector<Point>& points) {
  Series half{"p50", "one", {}};
  Series most{"p99", "two", {}};
  Series all{"max", "three", {}};
  double lowest = 1e18;
  double highest = 0;
  for (const Point& each : points) {
    if (each.frames == 0) continue;
    const double middle = each.at_s + each.length_s / 2;
    half.points.emplace_back(middle, static_cast<double>(each.p50_ns));
    most.points.emplace_back(middle, static_cast<double>(each.p99_ns));
    all.points.emplace_back(middle, static_cast<double>(each.max_ns));
    lowest = std::min(lowest, static_cast<double>(each.p50_ns));
    highest = std::max(highest, static_cast<double>(each.max_ns));
  }
  const Plot plot{"Latency over time",
                  seconds_axis(points),
                  logarithmic_axis("latency of a frame", lowest, std::max(highest, ns_per_us), short_time),
                  {std::move(all), std::move(most), std::move(half)},
                  [](double x, double y) { return time_of(y) + format(" at %.1f s", x); }};
  return svg(plot);
}

// What is left to 100 % on a logarithmic scale, so that 99.9 % has as much room as 90 %.
Series distribution(std::string name, std::string css_class, const Histogram& latency) {
  Series series{std::move(name), std::move(css_class), {}};
  const double most = std::max(static_cast<double>(latency.count()), 10.0);
  constexpr double steps_per_decade = 16;
  const double decades = std::log10(most);
  for (double step = 0; step <= decades * steps_per_decade + 0.5; ++step) {
    const double rest = std::pow(10, -std::min(step / steps_per_decade, decades));
    series.points.emplace_back(1 / rest, static_cast<double>(latency.percentile(100 * (1 - rest))));
  }
  return series;
}

std::string percent_text(double one_in) {
  const double percent = 100 * (1 - 1 / one_in);
  const int digits = std::max(0, static_cast<int>(std::floor(std::log10(one_in) + 1e-9)) - 2);
  return format("%.*f %%", one_in > 100 ? digits : 0, percent);
}

std::string distribution_plot(const Interval& total, bool is_open) {
  Axis x{"share of all frames that were at least that fast", 1, 10, true, {}};
  x.to = std::pow(
      10,
      std::max(1.0, std::log10(static_cast<double>(std::max<std::uint64_t>(total.latency_ns.count(), 10)))));
  for (double one_in = 1; one_in <= x.to * 1.001; one_in *= 10)
    x.ticks.push_back({one_in, percent_text(one_in)});
  std::vector<Series> series;
  if (is_open) series.push_back(distribution("service, from when it went out", "three", total.service_ns));
  series.push_back(
      distribution(is_open ? "latency, from when it was due" : "latency", "one", total.latency_ns));
  const auto lowest =
      static_cast<double>(is_open ? std::min(total.latency_ns.minimum(), total.service_ns.minimum())
                                  : total.latency_ns.minimum());
  const Plot plot{
      "Latency distribution", std::move(x),
      logarithmic_axis("latency of a frame", std::max(lowest, 1.0),
                       std::max(static_cast<double>(total.latency_ns.maximum()), ns_per_us), short_time),
      std::move(series), [](double one_in, double y) {
        return time_of(y) + " at " + format("%.6g %%", 100 * (1 - 1 / one_in));
      }};
  return svg(plot);
}

std::string row(const std::string& name, const std::string& text) {
  return "<tr><th>" + escaped(name) + "</th><td>" + escaped(text) + "</td></tr>\n";
}

std::string number_row(const std::string& name, const std::vector<std::string>& numbers) {
  std::string out = "<tr><th>" + escaped(name) + "</th>";
  for (const std::string& each : numbers) out += "<td class=\"number\">" + escaped(each) + "</td>";
  return out + "</tr>\n";
}

std::string section(const std::string& title, const std::string& content) {
  return "<section><h2>" + escaped(title) + "</h2>\n" + content + "</section>\n";
}

std::string percentile_table(const Results& results) {
  const Interval& total = results.outcome.total;
  const bool is_open = results.scenario.plan.is_open_loop();
  const auto values = [&](const auto& of) {
    std::vector<std::string> out = {of(total.latency_ns)};
    if (is_open) out.push_back(of(total.service_ns));
    return out;
  };
  std::string rows;
  if (is_open) rows += number_row("", {"latency", "service"});
  rows += number_row("min", values([](const Histogram& each) { return time_text(each.minimum()); }));
  for (const double percent : reported_percents) {
    rows +=
        number_row(format("p%g", percent),
                   values([percent](const Histogram& each) { return time_text(each.percentile(percent)); }));
  }
  rows += number_row("max", values([](const Histogram& each) { return time_text(each.maximum()); }));
  rows += number_row("mean", values([](const Histogram& each) { return time_of(each.mean()); }));
  return "<table>" + rows + "</table>";
}

std::string verdict_table(const Results& results) {
  const Tally& tally = results.outcome.observed.tally;
  std::string rows;
  for (const char letter : Tally::letters) {
    const std::uint64_t count = tally.by_letter[static_cast<Byte>(letter)];
    if (count > 0) rows += number_row(std::string(Tally::name_of(letter)), {grouped(count)});
  }
  rows += number_row("frames", {grouped(tally.frames)});
  rows += number_row("mismatches", {grouped(tally.mismatches)});
  rows += number_row("errors", {grouped(tally.errors)});
  return "<table>" + rows + "</table>";
}

std::string tile(const std::string& value, const std::string& name) {
  return "<div class=\"tile\"><b>" + escaped(value) + "</b><span>" + escaped(name) + "</span></div>\n";
}

std::string tiles(const Results& results) {
  const Outcome& outcome = results.outcome;
  const Tally& tally = outcome.observed.tally;
  const Histogram& latency = outcome.total.latency_ns;
  return "<div class=\"tiles\">\n" + tile(rate_text(per_second(tally.checks, outcome.elapsed_ns)), "checks") +
         tile(grouped(tally.checks),
              format("checks in %.2f s", static_cast<double>(outcome.elapsed_ns) / 1e9)) +
         tile(time_text(latency.percentile(50)), "p50 of a frame") +
         tile(time_text(latency.percentile(99)), "p99") + tile(time_text(latency.percentile(99.9)), "p99.9") +
         tile(grouped(tally.mismatches), "mismatches") + "</div>\n";
}

std::string heading(const Results& results) {
  const Scenario& scenario = results.scenario;
  const bool is_clean = results.outcome.clean();
  std::string out = "<h1>Load test: " + escaped(scenario.name) + "</h1>\n";
  if (!scenario.about.empty()) out += "<p>" + escaped(scenario.about) + "</p>\n";
  out += "<p class=\"quiet\">" + escaped(description(results)) + "</p>\n";
  out += "<p class=\"quiet\">" + escaped(rfc3339(results.outcome.started_at)) + "</p>\n";
  out += is_clean ? "<p class=\"verdict good\">Every verdict was the one its secret deserved</p>\n"
                  : "<p class=\"verdict bad\">Not everything was as it should be: see below</p>\n";
  return out;
}

std::string happenings(const Results& results) {
  std::string rows = row("generator", judge_generator(results).words);
  for (const auto& [name, text] : incidents(results)) rows += row(name, text);
  if (!results.scenario.plan.is_open_loop()) {
    rows += row("closed loop",
                "a slow answer delays the next question, so waiting is not counted in the latencies");
  }
  return "<table>" + rows + "</table>";
}

}  // namespace

std::string report_html(const Results& results) {
  const std::vector<Point> points = thinned(results.outcome.points);
  const Plan& plan = results.scenario.plan;
  std::string out =
      "<!DOCTYPE html>\n<html lang=\"en\" xmlns=\"http://www.w3.org/1999/xhtml\">\n<head><meta "
      "charset=\"utf-8\"/>"
      "<meta name=\"viewport\" content=\"width=device-width, initial-scale=1\"/>\n<title>Load test: " +
      escaped(results.scenario.name) + "</title>\n<style>" + std::string(style) +
      "</style></head>\n<body><main>\n";
  out += heading(results) + tiles(results);
  out += section("Throughput", throughput_plot(points, plan));
  out += section("Latency over time", latency_over_time(points));
  out += section("Latency distribution", distribution_plot(results.outcome.total, plan.is_open_loop()));
  out += "<div class=\"pair\">\n" + section("Percentiles", percentile_table(results)) +
         section("Verdicts", verdict_table(results)) + "</div>\n";
  out += section("What else happened", happenings(results));
  return out + "</main></body>\n</html>\n";
}

}  // namespace shearline::loadgen
