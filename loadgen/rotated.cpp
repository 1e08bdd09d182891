#include "loadgen/rotated.hpp"

#include "loadgen/script.hpp"

#include <algorithm>

namespace shearline::loadgen {
namespace {

bool is_accepted(char verdict) { return verdict == 'c' || verdict == 'g' || verdict == 'n'; }

}  // namespace

bool RotatedSecrets::add(std::string_view client_id, std::string_view secret) {
  if (secret.empty() || secret.size() > secret_bytes_max) return false;
  const std::lock_guard lock(mutex_);
  std::string old;
  const auto before = newest_.find(std::string(client_id));
  if (before != newest_.end()) {
    old = all_[before->second].new_secret;
  } else {
    const auto index = population_.find(client_id);
    if (!index) return false;
    old = population_.at(*index).secret;
  }
  if (old == secret) return false;
  newest_[std::string(client_id)] = all_.size();
  all_.push_back({std::string(client_id), std::move(old), std::string(secret)});
  return true;
}

std::vector<RotatedSecret> RotatedSecrets::from(std::size_t index) const {
  const std::lock_guard lock(mutex_);
  return {all_.begin() + static_cast<std::ptrdiff_t>(std::min(index, all_.size())), all_.end()};
}

RotatedChecker::RotatedChecker(loop::Loop& loop, const Target& target, const RotatedSecrets& rotated,
                               RotatedCounts& counts)
    : Link(loop, target), rotated_(rotated), counts_(counts) {
  pause_.checker = this;
  pause_.expire = [](loop::Timer* self) {
    RotatedChecker& checker = *static_cast<Pause*>(self)->checker;
    if (checker.is_up()) checker.ask();
  };
}

void RotatedChecker::on_up() {
  answer_.clear();
  receive();
  ask();
}

void RotatedChecker::learn() {
  for (RotatedSecret& each : rotated_.from(known_.size())) {
    const auto [place, is_first] = newest_.try_emplace(each.client_id, known_.size());
    if (!is_first) {
      known_[place->second].replaced = true;
      place->second = known_.size();
    }
    known_.push_back({std::move(each), loop().monotonic_ms()});
    ++counts_.learnt;
  }
}

void RotatedChecker::ask() {
  learn();
  asked_.clear();
  for (std::size_t seen = 0; seen < known_.size() && asked_.size() < pairs_per_frame; ++seen) {
    cursor_ = (cursor_ + 1) % known_.size();
    if (!known_[cursor_].replaced) asked_.push_back(cursor_);
  }
  if (asked_.empty()) return loop().start_timer(pause_, loop().monotonic_ms() + pause_ms);
  frame_.clear();
  append_command(frame_, 1 + 4 * asked_.size(), "MVERIFY");
  for (const std::size_t index : asked_) {
    const RotatedSecret& each = known_[index].secrets;
    for (const std::string& secret : {each.old_secret, each.new_secret}) {
      append_bulk(frame_, each.client_id);
      append_bulk(frame_, secret);
    }
  }
  send(as_bytes(frame_));
}

void RotatedChecker::on_received(ByteView bytes) {
  answer_ += as_text(bytes);
  const std::string head = "$" + std::to_string(2 * asked_.size()) + "\r\n";
  const std::size_t whole = head.size() + 2 * asked_.size() + 2;
  if (answer_.starts_with('-') ? !answer_.ends_with("\r\n") : answer_.size() < whole) return receive();
  // An error (still loading, say) leaves the question open; whatever else is no answer ends the connection.
  if (!answer_.starts_with('-')) {
    if (!answer_.starts_with(head) || answer_.size() != whole) return end("not an answer to MVERIFY");
    judge(std::string_view(answer_).substr(head.size(), 2 * asked_.size()));
  }
  answer_.clear();
  receive();
  loop().start_timer(pause_, loop().monotonic_ms() + pause_ms);
}

void RotatedChecker::judge(std::string_view verdicts) {
  counts_.checks += verdicts.size();
  for (std::size_t i = 0; i < asked_.size(); ++i) {
    Known& known = known_[asked_[i]];
    const char of_old = verdicts[2 * i];
    const char of_new = verdicts[2 * i + 1];
    ++counts_.old_by_letter[static_cast<Byte>(of_old)];
    ++counts_.new_by_letter[static_cast<Byte>(of_new)];
    if (!is_accepted(of_old)) ++counts_.mismatches;
    // A secret is told to admins before it is promoted; only once accepted it must stay so.
    if (known.accepted && !is_accepted(of_new)) ++counts_.mismatches;
    known.accepted = known.accepted || is_accepted(of_new);
  }
}

void RotatedChecker::on_down(const std::string&) {
  loop().stop_timer(pause_);
  connect_again(true);
}

void RotatedChecker::conclude() {
  learn();
  const std::int64_t told_by_ms =
      loop().monotonic_ms() - promotion_ms_max;  // what came later was still on its way
  counts_.not_yet_accepted +=
      static_cast<std::uint64_t>(std::ranges::count_if(known_, [=](const Known& each) {
        return !each.accepted && !each.replaced && each.learnt_at_ms <= told_by_ms;
      }));
}

}  // namespace shearline::loadgen
