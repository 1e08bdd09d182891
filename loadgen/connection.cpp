#include "loadgen/connection.hpp"

#include <algorithm>

namespace shearline::loadgen {

Connection::Connection(loop::Loop& loop, const Target& target, const Script& script, std::size_t first_frame,
                       Role role, Time& time, ConnectionOwner& owner, Observed& observed)
    : Link(loop, target),
      script_(script),
      role_(role),
      time_(time),
      owner_(owner),
      observed_(observed),
      reader_(script, first_frame, observed.tally),
      next_frame_(first_frame) {}

std::size_t Connection::room() const {
  if (!is_up() || sending() || shortened_is_next_) return 0;
  const std::size_t open = unanswered_ + unsent_;
  const std::size_t free = open < role_.pipeline ? role_.pipeline - open : 0;
  if (role_.frames_per_life == 0) return free;
  return std::min(free, role_.frames_per_life - frames_in_life_);
}

bool Connection::take(std::int64_t intended_ns) {
  const std::size_t wanted = script_.checks(next_frame_);
  const std::size_t granted = owner_.grant(wanted);
  if (granted == 0) return false;
  if (granted < wanted) {
    shortened_ = script_.shortened(next_frame_, granted);
    shortened_is_next_ = true;
    reader_.shorten_last(unanswered_ + unsent_, granted);
  } else {
    next_frame_ = (next_frame_ + 1) % script_.frames();
    ++unsent_;
  }
  ++frames_in_life_;
  if (unsent_groups_ == 0 || groups_.back().intended_ns != intended_ns) {
    groups_.push_back({0, intended_ns, 0});
    ++unsent_groups_;
  }
  ++groups_.back().frames;
  return true;
}

// Frames that lie in one piece of the script go out with one send; the rest follows when that is done.
void Connection::flush() {
  if (!is_up() || sending() || (unsent_ == 0 && !shortened_is_next_)) return;
  std::size_t frames = 0;
  if (unsent_ > 0) {
    const std::size_t first =
        (next_frame_ + script_.frames() - unsent_ % script_.frames()) % script_.frames();
    frames = std::min(unsent_, script_.frames() - first);
    unsent_ -= frames;
    unanswered_ += frames;
    send(script_.bytes(first, first + frames));
  } else {
    frames = 1;
    shortened_is_next_ = false;
    ++unanswered_;
    send(as_bytes(shortened_));
  }
  mark_sent(frames);
}

// The oldest groups that have not gone out; one that is cut by the end of the script is split.
void Connection::mark_sent(std::size_t frames) {
  const std::int64_t now = time_.now_ns();
  for (std::size_t i = groups_.size() - unsent_groups_; frames > 0; ++i) {
    if (groups_[i].frames > frames) {
      const Group rest{groups_[i].frames - frames, groups_[i].intended_ns, 0};
      groups_[i].frames = frames;
      groups_.insert(groups_.begin() + static_cast<std::ptrdiff_t>(i) + 1, rest);
      ++unsent_groups_;
    }
    groups_[i].sent_ns = now;
    --unsent_groups_;
    frames -= groups_[i].frames;
  }
}

void Connection::on_up() {
  if (connecting_since_ns_ != 0) {
    observed_.connect_ns.record(static_cast<std::uint64_t>(time_.now_ns() - connecting_since_ns_));
  }
  frames_in_life_ = 0;
  reader_.begin_at(next_frame_);
  receive();
  owner_.ready(*this);
}

void Connection::on_received(ByteView bytes) {
  const Tally& tally = observed_.tally;
  const std::uint64_t before[] = {tally.checks, tally.mismatches, tally.errors};
  const auto frames = reader_.feed(bytes);
  Interval& interval = owner_.interval();
  interval.checks += tally.checks - before[0];
  interval.mismatches += tally.mismatches - before[1];
  interval.errors += tally.errors - before[2];
  if (!frames) return end(frames.error().message);
  if (*frames > unanswered_) return end("more answers than questions");
  answered(*frames);
  if (life_is_over()) return end({});
  receive();
  if (room() > 0) owner_.ready(*this);
}

bool Connection::life_is_over() const {
  return role_.frames_per_life > 0 && frames_in_life_ == role_.frames_per_life && unanswered() == 0 &&
         !sending() && !shortened_is_next_;
}

void Connection::answered(std::size_t frames) {
  const std::int64_t now = time_.now_ns();
  Interval& interval = owner_.interval();
  interval.frames += frames;
  unanswered_ -= frames;
  while (frames > 0) {
    Group& oldest = groups_.front();
    const std::size_t of_it = std::min(frames, oldest.frames);
    interval.latency_ns.record(
        static_cast<std::uint64_t>(std::max<std::int64_t>(0, now - oldest.intended_ns)), of_it);
    if (role_.open_loop) interval.service_ns.record(static_cast<std::uint64_t>(now - oldest.sent_ns), of_it);
    frames -= of_it;
    oldest.frames -= of_it;
    if (oldest.frames == 0) groups_.pop_front();
  }
}

void Connection::on_sent() {
  flush();
  if (life_is_over()) return end({});
  if (room() > 0) owner_.ready(*this);
}

void Connection::on_down(const std::string& why) {
  const std::size_t open = unanswered() + (shortened_is_next_ ? 1 : 0);
  observed_.unanswered += open;
  unanswered_ = unsent_ = 0;
  shortened_is_next_ = false;
  groups_.clear();
  unsent_groups_ = 0;
  // Nothing is lost with a connection that the server closes after the last answer.
  const bool is_loss = !why.empty() && (open > 0 || owner_.may_ask());
  if (is_loss) observed_.losses.count(why, why);
  if (is_loss ? owner_.lost(why, auth_refused()) : owner_.may_ask()) connect_again(is_loss);
}

}  // namespace shearline::loadgen
