#include "io/front/info.hpp"

#include <unistd.h>

#include <algorithm>
#include <cctype>
#include <cstdio>

namespace shearline::front {
namespace {

// The Redis whose command set clients may assume of us: they read features off this number.
constexpr std::string_view redis_version = "7.0.0";

class Page {
 public:
  explicit Page(std::span<const std::string_view> sections) : sections_(sections) {}

  // True: the section is wanted, its heading is written.
  bool begin(std::string_view heading) {
    if (!wanted(heading)) return false;
    if (!text_.empty()) text_ += "\r\n";
    text_.append("# ").append(heading).append("\r\n");
    return true;
  }
  void line(std::string_view name, std::string_view value) {
    text_.append(name).append(":").append(value).append("\r\n");
  }
  void line(std::string_view name, std::integral auto value) { line(name, std::to_string(value)); }
  std::string take() { return std::move(text_); }

 private:
  bool wanted(std::string_view heading) const {
    return sections_.empty() || std::ranges::any_of(sections_, [heading](std::string_view section) {
             return is(section, heading) || is(section, "all") || is(section, "everything") ||
                    is(section, "default");
           });
  }
  static bool is(std::string_view text, std::string_view word) {
    return std::ranges::equal(
        text, word, [](unsigned char a, unsigned char b) { return std::tolower(a) == std::tolower(b); });
  }

  std::span<const std::string_view> sections_;
  std::string text_;
};

template <class Member>
std::uint64_t sum(const Front& front, Member member) {
  std::uint64_t total = 0;
  for (std::size_t i = 0; i < front.workers(); ++i) total += member(front.counters(i)).value();
  return total;
}

void describe_traffic(Page& page, const Front& front) {
  using C = const WorkerCounters&;
  page.line("total_connections_received", sum(front, [](C c) -> auto& { return c.connections_opened; }));
  page.line("rejected_connections", sum(front, [](C c) -> auto& { return c.connections_refused; }));
  page.line("total_commands_processed", sum(front, [](C c) -> auto& { return c.commands; }));
  page.line("total_net_input_bytes", sum(front, [](C c) -> auto& { return c.received_bytes; }));
  page.line("total_net_output_bytes", sum(front, [](C c) -> auto& { return c.sent_bytes; }));
  page.line("shearline_command_errors", sum(front, [](C c) -> auto& { return c.command_errors; }));
  page.line("shearline_protocol_errors", sum(front, [](C c) -> auto& { return c.protocol_errors; }));
  page.line("shearline_slow_readers_closed", sum(front, [](C c) -> auto& { return c.slow_readers_closed; }));
  page.line("shearline_refused_logins", sum(front, [](C c) -> auto& { return c.refused_logins; }));
  page.line("shearline_batches", sum(front, [](C c) -> auto& { return c.batches; }));
  std::uint64_t checks = 0;
  for (std::size_t i = 0; i < engine::outcome_count; ++i) {
    const std::uint64_t seen = sum(front, [i](C c) -> auto& { return c.checks[i]; });
    page.line("shearline_checks_" + std::string(engine::name_of(static_cast<engine::Outcome>(i))), seen);
    checks += seen;
  }
  page.line("shearline_checks", checks);
}

// One line each, written as Redis writes its databases.
void describe_workers(Page& page, const Front& front) {
  for (std::size_t i = 0; i < front.workers(); ++i) {
    const WorkerCounters& counters = front.counters(i);
    page.line("shearline_worker_" + std::to_string(i),
              "connections=" + std::to_string(counters.connections()) +
                  ",checks=" + std::to_string(counters.checks_total()) +
                  ",turns=" + std::to_string(counters.turns.value()));
  }
}

void describe_readiness(Page& page, const SessionRules& rules) {
  const bool stopping = rules.front.stopping();
  const bool whole = rules.view.whole();
  page.line("shearline_version", rules.engine_version);
  page.line("shearline_ready", whole && !stopping ? 1 : 0);
  page.line("shearline_not_ready", stopping ? "stopping" : whole ? "" : rules.front.why_not_ready());
  const TimeMs now = rules.clock.now_ms();
  const std::size_t partitions = std::min(rules.partitions, engine::View::partitions_max);
  for (std::size_t i = 0; i < partitions; ++i) {
    char name[40];
    std::snprintf(name, sizeof name, "shearline_view_age_ms_p%02u", static_cast<unsigned>(i));
    const bool heard = rules.view.heard_at_ms[i].load(std::memory_order_relaxed) != 0;
    page.line(name, heard ? rules.view.age_ms(i, now) : -1);  // -1: never heard of
  }
}

}  // namespace

std::string render_info(std::span<const std::string_view> sections, const SessionRules& rules) {
  const bool loaded = rules.view.loaded.load(std::memory_order_acquire);
  Page page(sections);
  if (page.begin("Server")) {
    page.line("redis_version", redis_version);
    page.line("redis_mode", "standalone");
    page.line("multiplexing_api", rules.backend);
    page.line("process_id", getpid());
  }
  if (page.begin("Clients")) {
    page.line("connected_clients", rules.front.connections());
    page.line("maxclients", rules.connections_max);
  }
  if (page.begin("Persistence")) page.line("loading", loaded ? 0 : 1);  // clients wait while it says 1
  if (page.begin("Stats")) describe_traffic(page, rules.front);
  if (page.begin("Workers")) describe_workers(page, rules.front);
  if (page.begin("Replication")) {
    page.line("role", "master");
    page.line("connected_slaves", 0);
  }
  if (page.begin("Shearline")) describe_readiness(page, rules);
  return page.take();
}

}  // namespace shearline::front
