#include "io/front/turn.hpp"

#include "base/arena.hpp"

#include <sys/mman.h>

#include <algorithm>
#include <string_view>

namespace shearline::front {
namespace {

// loaded: before the batch ran; what could not be decided then is of a partition that could not be loaded.
std::string_view reply_of(engine::Outcome outcome, bool loaded) {
  using engine::Verdict;
  if (outcome == engine::Outcome::loading)
    return loaded ? "-UNAVAILABLE partition withheld\r\n" : "-UNAVAILABLE loading\r\n";
  switch (engine::verdict_of(outcome)) {
    case Verdict::current:
      return "+current\r\n";
    case Verdict::grace:
      return "+grace\r\n";
    case Verdict::next:
      return "+next\r\n";
    case Verdict::rejected:
      return "+rejected\r\n";
    case Verdict::malformed:
      return "+malformed\r\n";
    case Verdict::throttled:
      return "+throttled\r\n";
    case Verdict::unavailable:
      return "-UNAVAILABLE stale view\r\n";
  }
  return "-UNAVAILABLE\r\n";
}

constexpr auto verdict_bytes = [] {
  std::array<Byte, engine::outcome_count> bytes{};
  for (std::size_t i = 0; i < bytes.size(); ++i) {
    bytes[i] = static_cast<Byte>(engine::verdict_of(static_cast<engine::Outcome>(i)));
  }
  return bytes;
}();

bool accepts(engine::Verdict verdict) {
  using enum engine::Verdict;
  return verdict == current || verdict == grace || verdict == next;
}

}  // namespace

Turn::Turn(const Options& options, engine::Table& table, const engine::View& view, Clock& clock,
           WorkerCounters& counters)
    : options_(options),
      table_(table),
      view_(view),
      clock_(clock),
      counters_(counters),
      batch_(table, view),
      kept_(std::make_unique<std::array<Byte, kept_bytes_max>>()) {
  pending_.reserve(1024);
}

Turn::~Turn() { wipe(ByteSpan(*kept_).first(kept_bytes_)); }

void Turn::abandon(Replies& to) { add(to, Kind::abandoned, 0, 0); }

void Turn::verify_pair(Replies& to, Argument client_id, Argument secret) {
  const std::size_t index = add_pair(client_id, secret);
  add(to, Kind::verdict_replies, index, 1);
}

void Turn::verify_key(Replies& to, Argument api_key) {
  const std::size_t index = add_key(api_key);
  add(to, Kind::verdict_replies, index, 1);
}

void Turn::check_pair(Replies& to, Argument client_id, Argument secret) {
  const std::size_t index = add_pair(client_id, secret);
  add(to, Kind::verdict_bytes, index, 1);
}

void Turn::check_key(Replies& to, Argument api_key) {
  const std::size_t index = add_key(api_key);
  add(to, Kind::verdict_bytes, index, 1);
}

void Turn::explain_pair(Replies& to, Argument client_id, Argument secret, wire::RespVersion version) {
  const std::size_t index = add_pair(client_id, secret);
  add(to, Kind::explanation, index, 1);
  pending_.back().version = version;
}

std::size_t Turn::add_pair(Argument client_id, Argument secret) {
  make_room();
  const ByteView id = keep(client_id);
  return batch_.add_pair(id, keep(secret));
}

std::size_t Turn::add_key(Argument api_key) {
  make_room();
  return batch_.add_key(keep(api_key));
}

void Turn::make_room() {
  if (batch_.full() || kept_bytes_max - kept_bytes_ < 2 * wire::resp_argument_bytes_max) resolve();
  if (!in_table_) {
    table_.enter_turn(options_.worker);
    in_table_ = true;
  }
}

ByteView Turn::keep(Argument argument) {
  if (argument.stable) return argument.bytes;
  const ByteSpan copy = ByteSpan(*kept_).subspan(kept_bytes_, argument.bytes.size());
  std::ranges::copy(argument.bytes, copy.begin());
  kept_bytes_ += copy.size();
  return copy;
}

void Turn::add_text(Replies& to, Ends ends, std::size_t from) {
  const std::size_t size = text_.size() - from;
  to.promise(size);
  add(to, ends == Ends::reply ? Kind::text_ending_reply : Kind::text, from, size);
}

// Neighbours of one kind become one entry: a thousand pipelined checks cost one, not a thousand.
void Turn::add(Replies& to, Kind kind, std::size_t first, std::size_t count) {
  if (!pending_.empty() && kind != Kind::explanation) {
    Pending& last = pending_.back();
    if (last.to == &to && last.kind == kind && last.first + last.count == first) {
      last.count += static_cast<std::uint32_t>(count);
      return;
    }
  }
  pending_.push_back({&to, static_cast<std::uint32_t>(first), static_cast<std::uint32_t>(count), kind});
}

void Turn::resolve() {
  if (batch_.size() > 0) run_batch();
  for (const Pending& pending : pending_) write(pending);
  pending_.clear();
  text_.clear();
  batch_.clear();
  wipe(ByteSpan(*kept_).first(kept_bytes_));
  kept_bytes_ = 0;
}

void Turn::end() {
  if (!pending_.empty()) resolve();
  if (in_table_) table_.leave_turn(options_.worker);
  in_table_ = false;
}

void Turn::run_batch() {
  resolved_at_ms_ = clock_.now_ms();
  was_loaded_ = view_.loaded.load(std::memory_order_acquire);
  batch_.run(resolved_at_ms_);
  // In turn in four columns, because outcomes come in runs: a number is not raised before it was stored the last time.
  constexpr std::size_t columns = 4;
  std::array<std::array<std::uint32_t, engine::outcome_count>, columns> seen{};
  const std::span<const engine::Outcome> outcomes = batch_.outcomes();
  for (std::size_t i = 0; i < outcomes.size(); ++i)
    ++seen[i % columns][static_cast<std::size_t>(outcomes[i])];
  for (std::size_t i = 0; i < engine::outcome_count; ++i) {
    const std::uint32_t all = seen[0][i] + seen[1][i] + seen[2][i] + seen[3][i];
    if (all > 0) counters_.checks[i].add(all);
  }
  counters_.batches.add(1);
}

void Turn::write(const Pending& pending) {
  Replies& to = *pending.to;
  switch (pending.kind) {
    case Kind::text:
    case Kind::text_ending_reply:
      append(to.out(), ByteView(text_).subspan(pending.first, pending.count));
      to.fulfil();
      if (pending.kind == Kind::text_ending_reply) to.finish();
      return;
    case Kind::verdict_replies:
      return write_verdict_replies(pending);
    case Kind::verdict_bytes:
      return write_verdict_bytes(pending);
    case Kind::explanation:
      return write_explanation(pending);
    case Kind::abandoned:
      to.abandon();
      return;
  }
}

void Turn::write_verdict_replies(const Pending& pending) {
  Bytes& out = pending.to->out();
  for (std::size_t i = 0; i < pending.count; ++i) {
    append(out, as_bytes(reply_of(batch_.outcome(pending.first + i), was_loaded_)));
  }
  pending.to->finish();
}

void Turn::write_verdict_bytes(const Pending& pending) {
  Bytes& out = pending.to->out();
  const std::size_t from = out.size();
  out.resize(from + pending.count);
  std::ranges::transform(
      batch_.outcomes().subspan(pending.first, pending.count), &out[from],
      [](engine::Outcome outcome) { return verdict_bytes[static_cast<std::size_t>(outcome)]; });
}

// Only an accepted credential is told more than its verdict; a rejected caller learns nothing else.
void Turn::write_explanation(const Pending& pending) {
  Bytes& out = pending.to->out();
  const engine::Match match = batch_.match(pending.first);
  const engine::Verdict verdict = batch_.verdict(pending.first);
  if (verdict == engine::Verdict::unavailable) {
    append(out, as_bytes(reply_of(match.outcome, was_loaded_)));
  } else if (!accepts(verdict)) {
    wire::write_map_header(out, 1, pending.version);
    wire::write_bulk(out, "verdict");
    wire::write_bulk(out, engine::name_of(verdict));
  } else {
    wire::write_map_header(out, 6, pending.version);
    wire::write_bulk(out, "verdict");
    wire::write_bulk(out, engine::name_of(verdict));
    wire::write_bulk(out, "client_id");
    wire::write_bulk(out, batch_.client_id(pending.first));
    wire::write_bulk(out, "version_id");
    const auto version_id = match.version_id.digits();
    wire::write_bulk(out, {version_id.data(), version_id.size()});
    wire::write_bulk(out, "retires_at");
    if (match.retires_at_ms == time_never) {
      wire::write_null(out, pending.version);
    } else {
      wire::write_integer(out, match.retires_at_ms);
    }
    wire::write_bulk(out, "max_age_ms");
    const TimeMs left = std::max<TimeMs>(0, match.retires_at_ms - resolved_at_ms_);
    wire::write_integer(out, std::min(left, options_.answer_max_age_ms));
    wire::write_bulk(out, "view_age_ms");
    wire::write_integer(out, view_.age_ms(match.partition, resolved_at_ms_));
  }
  pending.to->finish();
}

}  // namespace shearline::front
