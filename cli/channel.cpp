#include "cli/channel.hpp"

#include "cli/redis_refusal.hpp"
#include "io/loop/fiber_scheduler.hpp"

#include <algorithm>
#include <optional>
#include <set>

namespace shearline::cli {

// One question on its way. The subscriber is a link of its own for each question: a late second answer to the
// last one can then never be taken for something else.
struct Channel::Attempt {
  std::string reply_channel;
  std::unique_ptr<store::RedisLink> subscriber;
  std::optional<policy::Answer> answer;
  std::int64_t listeners = -1;  // of the last PUBLISH; -1: none went out
  std::string last_fault;
  std::set<std::string> refusals;  // each is said once
};

Channel::Channel(loop::Loop& loop, store::RedisOptions redis, std::int64_t answer_timeout_ms,
                 const Output& output)
    : loop_(loop), redis_(std::move(redis)), answer_timeout_ms_(answer_timeout_ms), output_(output) {}
Channel::~Channel() = default;

Result<policy::Answer> Channel::ask(std::string_view compact_jws, const Expected& expected) {
  Attempt attempt;
  attempt.reply_channel = redis_.prefix + "replies:" + expected.jti.text();
  const std::int64_t asked_at = loop_.monotonic_ms();
  const std::int64_t deadline = asked_at + answer_timeout_ms_;
  bool ever_reached = publisher_ != nullptr;
  for (std::int64_t pause = first_repeat_ms; loop_.monotonic_ms() < deadline; pause = next_repeat_ms(pause)) {
    const std::int64_t until = std::min(deadline, loop_.monotonic_ms() + pause);
    Status step = publish(compact_jws, attempt);
    if (step) {
      ever_reached = true;
      step = listen(attempt, expected, until);
    }
    if (attempt.answer) return std::move(*attempt.answer);
    if (step) continue;
    if (step.error().code != Code::unavailable) return std::unexpected(step.error());
    attempt.last_fault = step.error().message;
    ever_reached = ever_reached || attempt.subscriber != nullptr;
    attempt.subscriber.reset();
    publisher_.reset();
    // A Redis that restarts is back in a moment; one that was never there is a wrong address, and waiting hides it.
    if (!ever_reached && loop_.monotonic_ms() - asked_at > unreached_patience_ms) break;
    loop::sleep_for_ms(loop_, std::max<std::int64_t>(0, until - loop_.monotonic_ms()));
  }
  return std::unexpected(unheard(attempt, expected));
}

// Subscribes before the first PUBLISH, so that the answer cannot pass unheard.
Status Channel::publish(std::string_view compact_jws, Attempt& attempt) {
  if (!attempt.subscriber) {
    auto link = store::RedisLink::connect(loop_, redis_);
    if (!link) return std::unexpected(link.error());
    const auto subscribed = (*link)->command({"SUBSCRIBE", attempt.reply_channel});
    if (!subscribed) return std::unexpected(subscribed.error());
    if (subscribed->is_error()) {
      return std::unexpected(refusal_of("SUBSCRIBE " + attempt.reply_channel, *subscribed));
    }
    attempt.subscriber = std::move(*link);
  }
  if (!publisher_) {
    auto link = store::RedisLink::connect(loop_, redis_);
    if (!link) return std::unexpected(link.error());
    publisher_ = std::move(*link);
  }
  const std::string commands = redis_.prefix + "commands";
  const auto heard = publisher_->command({"PUBLISH", commands, compact_jws});
  if (!heard) return std::unexpected(heard.error());
  if (heard->is_error()) {
    return std::unexpected(refusal_of("PUBLISH " + commands, *heard));
  }
  attempt.listeners = heard->integer;
  return {};
}

// Until an answer stands in the attempt or the time has come to repeat.
Status Channel::listen(Attempt& attempt, const Expected& expected, std::int64_t until_ms) {
  while (true) {
    const std::int64_t left = until_ms - loop_.monotonic_ms();
    if (left <= 0) return {};
    const auto push = attempt.subscriber->next(left);
    if (!push) return std::unexpected(push.error());
    const auto message = pushed_message(*push, attempt.reply_channel);
    if (!message) continue;
    auto answer = judge_answer(*message, expected);
    if (answer) {
      attempt.answer = std::move(*answer);
      return {};
    }
    if (attempt.refusals.insert(answer.error().message).second) {
      output_.warn("a message on " + attempt.reply_channel + " was refused: " + answer.error().message +
                   "; still waiting for the engine's own answer");
    }
  }
}

Error Channel::unheard(const Attempt& attempt, const Expected& expected) const {
  const std::string where = redis_.address.text();
  if (attempt.listeners < 0) {
    return {Code::unavailable, "Redis at " + where + " cannot be used (" + attempt.last_fault +
                                   "); is it running? Another one is named by --redis or SHEARLINE_REDIS"};
  }
  if (attempt.listeners == 0) {
    return {Code::unavailable, "no engine listens on " + redis_.prefix + "commands at Redis " + where +
                                   "; is `shearline server` running with this Redis and this prefix?"};
  }
  std::string text = "no answer from the engine within " + std::to_string(answer_timeout_ms_ / 1000) +
                     " s; what command " + expected.jti.text() +
                     " changes may still take effect: look with `shearline status` before repeating it";
  if (!attempt.refusals.empty()) {
    text += " (messages that came were refused: " + *attempt.refusals.begin() + ")";
  }
  return {Code::unavailable, std::move(text)};
}

std::optional<std::string_view> pushed_message(const store::RedisReply& reply, std::string_view channel) {
  if (reply.type != store::RedisReply::Type::array || reply.items.size() != 3) return std::nullopt;
  if (reply.items[0].view() != "message" || reply.items[1].view() != channel) return std::nullopt;
  return reply.items[2].view();
}

}  // namespace shearline::cli
