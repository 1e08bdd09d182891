#include "io/store/redis_requests.hpp"

#include "io/store/redis_replies.hpp"

#include <algorithm>
#include <cstdlib>
#include <utility>

namespace shearline::store {
namespace {

using Args = RedisLink::Args;
using Replies = std::vector<RedisReply>;

// A link for the length of one call.
class Lent {
 public:
  Lent(RedisPool& pool, std::unique_ptr<RedisLink> link) : pool_(pool), link_(std::move(link)) {}
  ~Lent() { pool_.give_back(std::move(link_)); }
  Lent(const Lent&) = delete;
  Lent& operator=(const Lent&) = delete;
  RedisLink& operator*() const { return *link_; }
  RedisLink* operator->() const { return link_.get(); }

 private:
  RedisPool& pool_;
  std::unique_ptr<RedisLink> link_;
};

// By its name first; whole when this Redis has not seen it yet (it never ran then).
Result<Replies> run_on(RedisLink& link, const RedisScript& script, const RedisRequests::Keys& keys,
                       const Args& args) {
  const std::string key_count = std::to_string(keys.size());
  Args command{"EVALSHA", script.sha1(), key_count};
  command.insert(command.end(), keys.begin(), keys.end());
  command.insert(command.end(), args.begin(), args.end());
  auto reply = link.command(command);
  if (reply && reply->is_error() && reply->view().starts_with("NOSCRIPT")) {
    command[0] = "EVAL";
    command[1] = script.text();
    reply = link.command(command);
  }
  if (!reply) return std::unexpected(reply.error());
  Replies replies;
  replies.push_back(std::move(*reply));
  return replies;
}

Result<RedisReply> only(Result<Replies> replies) {
  if (!replies) return std::unexpected(replies.error());
  return std::move(replies->front());
}

}  // namespace

RedisRequests::RedisRequests(loop::Loop& loop, const RedisOptions& options)
    : pool_(loop, options), timeout_ms_(options.timeout_ms) {}

RedisRequests::~RedisRequests() {
  for (Follower& follower : followers_) {
    if (follower.busy) std::abort();
    if (follower.link) pool_.give_back(std::move(follower.link));
  }
}

Result<Replies> RedisRequests::use(std::unique_ptr<RedisLink> link, const Request& request) {
  const Lent lent(pool_, std::move(link));
  auto replies = request(*lent);
  if (replies && std::ranges::any_of(*replies, is_wrong_server)) lent->shut_down();
  return replies;
}

Result<Replies> RedisRequests::once(const Request& request) {
  auto link = pool_.take();
  if (!link) return std::unexpected(link.error());
  return use(std::move(*link), request);
}

// Only a link that died is a reason to try again; that there is none has been tried already.
Result<Replies> RedisRequests::again_if_needed(const Request& request) {
  auto link = pool_.take();
  if (!link) return std::unexpected(link.error());
  auto replies = use(std::move(*link), request);
  if (replies || pool_.stopping()) return replies;
  return once(request);
}

Result<RedisReply> RedisRequests::ask(const Args& args, std::int64_t wait_ms) {
  return only(ask_all({args}, wait_ms));
}

Result<Replies> RedisRequests::ask_all(const std::vector<Args>& commands, std::int64_t wait_ms) {
  return again_if_needed([&](RedisLink& link) { return link.pipeline(commands, timeout_ms_ + wait_ms); });
}

RedisRequests::Ahead::Ahead(RedisRequests& owner, std::vector<std::string> args)
    : owner_(owner), args_(std::move(args)) {
  auto link = owner_.pool_.take();
  if (!link) return;
  link_ = std::move(*link);
  if (const auto sent = link_->send({args_.begin(), args_.end()}); !sent)
    owner_.pool_.give_back(std::move(link_));
}

RedisRequests::Ahead::~Ahead() {
  if (link_ == nullptr) return;
  link_->shut_down();  // its answer was not taken
  owner_.pool_.give_back(std::move(link_));
}

Result<RedisReply> RedisRequests::Ahead::answer() {
  if (link_ != nullptr) {
    auto replies = owner_.use(std::exchange(link_, nullptr), [](RedisLink& link) -> Result<Replies> {
      auto reply = link.answer();
      if (!reply) return std::unexpected(reply.error());
      Replies one;
      one.push_back(std::move(*reply));
      return one;
    });
    if (replies || owner_.pool_.stopping()) return only(std::move(replies));
  }
  return owner_.ask({args_.begin(), args_.end()});
}

Result<RedisReply> RedisRequests::run(const RedisScript& script, const Keys& keys, const Args& args) {
  return only(again_if_needed([&](RedisLink& link) { return run_on(link, script, keys, args); }));
}

Result<RedisReply> RedisRequests::run_once(const RedisScript& script, const Keys& keys, const Args& args) {
  return only(once([&](RedisLink& link) -> Result<Replies> {
    auto replies = run_on(link, script, keys, args);
    if (replies) return replies;
    return fail(Code::unavailable, "outcome unknown, the answer was lost: " + replies.error().message);
  }));
}

Result<Replies> RedisRequests::ask_as_follower(unsigned partition, const std::vector<Args>& commands,
                                               std::int64_t wait_ms) {
  Follower& follower = followers_.at(partition);
  if (wait_ms == 0 || follower.busy) return ask_all(commands, wait_ms);
  follower.busy = true;
  if (!follower.link) {
    auto link = pool_.take();
    if (!link) {
      follower.busy = false;
      return std::unexpected(link.error());
    }
    follower.link = std::move(*link);
  }
  auto replies = follower.link->pipeline(commands, timeout_ms_ + wait_ms);
  if (replies && std::ranges::any_of(*replies, is_wrong_server)) follower.link->shut_down();
  if (!follower.link->is_well()) pool_.give_back(std::move(follower.link));
  follower.busy = false;
  return replies;
}

}  // namespace shearline::store
