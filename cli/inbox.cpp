#include "cli/inbox.hpp"

#include "cli/follow.hpp"
#include "cli/moments.hpp"
#include "cli/redis_refusal.hpp"

#include <fcntl.h>
#include <nlohmann/json.hpp>
#include <sys/file.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <filesystem>

namespace shearline::cli {
namespace {

constexpr std::int64_t block_ms = 5000;           // one wait in Redis
constexpr std::int64_t groups_stale_ms = 30'000;  // somebody may have added us to another group
constexpr std::int64_t no_group_pause_ms = 2000;  // while we are in none, whoever waits waits for that
constexpr std::int64_t reconnect_pause_ms = 1000;
constexpr std::int64_t reply_slack_ms = 2000;
constexpr std::string_view entries_per_read = "16";
constexpr std::uint32_t groups_per_list = 1000;

// Two inboxes on one state file would each drop what the other has not seen.
class StateLock {
 public:
  static Result<StateLock> take(const std::string& path) {
    const int descriptor = ::open(path.c_str(), O_RDWR | O_CREAT | O_CLOEXEC, 0600);
    if (descriptor < 0) return fail(Code::invalid, path + ": " + std::strerror(errno));
    StateLock lock(descriptor);
    if (::flock(descriptor, LOCK_EX | LOCK_NB) != 0) {
      return fail(Code::conflict,
                  "another `shearline inbox` is running with these keys (" + path + " is locked)");
    }
    return lock;
  }
  StateLock(StateLock&& other) noexcept : descriptor_(std::exchange(other.descriptor_, -1)) {}
  StateLock(const StateLock&) = delete;
  StateLock& operator=(const StateLock&) = delete;
  StateLock& operator=(StateLock&&) = delete;
  ~StateLock() {
    if (descriptor_ >= 0) ::close(descriptor_);
  }

 private:
  explicit StateLock(int descriptor) : descriptor_(descriptor) {}
  int descriptor_;
};

std::string delivery_folder(const InboxOptions& options, const std::string& keys_file) {
  if (!options.out.empty()) return expand_home(options.out);
  return (std::filesystem::path(keys_file).parent_path() / "inbox").string();
}

}  // namespace

Inbox::Inbox(Session& session, const InboxOptions& options, Delivery& delivery, std::string state_file,
             InboxState state)
    : session_(session),
      options_(options),
      output_(session.context().output),
      delivery_(delivery),
      state_file_(std::move(state_file)),
      state_(std::move(state)),
      groups_(options.groups) {}

Exit Inbox::run(std::int64_t timeout_ms) {
  loop::Loop& loop = session_.loop();
  const std::int64_t deadline = timeout_ms < 0 ? -1 : loop.monotonic_ms() + timeout_ms;
  if (!groups_.empty()) tell_groups(groups_);
  bool ever_looked = false;
  bool ever_worked = false;
  std::string last_fault;
  while (!options_.once || secrets_ == 0) {
    if (output_.is_lost()) return Exit::internal_error;  // nobody would hear of the next secret
    const std::int64_t now = loop.monotonic_ms();
    if (deadline >= 0 && now >= deadline && ever_looked) return time_is_over();
    const std::int64_t wait = deadline < 0 ? block_ms : std::clamp<std::int64_t>(deadline - now, 1, block_ms);
    ever_looked = true;
    if (const Status step = look(wait); !step) {
      // Once Redis or the engine was there, both may go and come back; who waits for a secret waits for them
      // too.
      ever_worked = ever_worked || link_ != nullptr || groups_learned_ms_ >= 0;
      link_.reset();
      // What was refused, or was never there, will not come right by waiting.
      if (!ever_worked || step.error().code != Code::unavailable) return output_.error(step.error());
      if (std::exchange(last_fault, step.error().message) != step.error().message) {
        output_.warn(last_fault + "; trying again");
      }
      loop::sleep_for_ms(loop, reconnect_pause_ms);
      continue;
    }
    ever_worked = true;
    last_fault.clear();
  }
  return last_exit_;
}

Exit Inbox::time_is_over() const {
  if (secrets_ > 0) return last_exit_;
  if (groups_.empty()) return output_.error({Code::not_found, in_no_group()});
  return output_.error({Code::unavailable, "no secret came in time"});
}

Status Inbox::look(std::int64_t wait_ms) {
  if (Status learned = learn_groups(); !learned) return learned;
  if (!groups_.empty()) return read_once(wait_ms);
  loop::sleep_for_ms(session_.loop(), std::min(wait_ms, no_group_pause_ms));
  return {};
}

std::string Inbox::in_no_group() const {
  return session_.keys().admin_id +
         " is in no group yet; `shearline group create` makes one, `group add` adds members";
}

Status Inbox::learn_groups() {
  const std::int64_t now = session_.loop().monotonic_ms();
  const std::int64_t fresh_ms = groups_.empty() ? no_group_pause_ms : groups_stale_ms;
  const bool are_fresh = groups_learned_ms_ >= 0 && now - groups_learned_ms_ < fresh_ms;
  if (!options_.groups.empty() || are_fresh) return {};
  auto listed = ask_for_groups();
  const bool first_time = groups_learned_ms_ < 0;
  // Once we know our groups, the streams are readable without an engine.
  if (!listed && groups_.empty()) return std::unexpected(listed.error());
  groups_learned_ms_ = now;
  if (!listed) return {};
  if (*listed != groups_ || first_time) tell_groups(*listed);
  groups_ = std::move(*listed);
  return {};
}

void Inbox::tell_groups(const std::vector<std::string>& groups) const {
  if (groups.empty()) return output_.warn(in_no_group() + "; waiting for that");
  std::string names;
  for (const std::string& group : groups) names += (names.empty() ? "" : ", ") + group;
  if (!output_.json()) output_.warn("following " + names);
}

// Page by page: an answer holds only so much.
Result<std::vector<std::string>> Inbox::ask_for_groups() {
  std::vector<std::string> found;
  std::string after;
  for (;;) {
    policy::Command question = session_.command(policy::Verb::list);
    question.params.what = "groups";
    question.params.limit = groups_per_list;
    question.params.after = after;
    const auto answer = session_.ask(question);
    if (!answer) return std::unexpected(answer.error());
    if (answer->status == policy::AnswerStatus::rejected) return fail(answer->code, answer->detail);
    for (std::string& group : groups_with(answer->result_json, session_.keys().admin_id)) {
      found.push_back(std::move(group));
    }
    std::string next = groups_go_on_after(answer->result_json);
    if (next <= after) return found;
    after = std::move(next);
  }
}

Status Inbox::connect() {
  if (link_) return {};
  auto made = store::RedisLink::connect(session_.loop(), session_.redis());
  if (!made) return std::unexpected(made.error());
  link_ = std::move(*made);
  return {};
}

std::vector<std::string> Inbox::stream_keys(const std::vector<std::string>& groups) const {
  std::vector<std::string> keys;
  keys.reserve(groups.size());
  for (const std::string& group : groups) keys.push_back(group_stream_key(session_.redis().prefix, group));
  return keys;
}

// Asked before each wait: which streams can be read, and does each still reach to where we have read? One of
// another type must not keep the others from us.
Result<std::vector<std::string>> Inbox::readable_groups() {
  const std::vector<std::string> keys = stream_keys(groups_);
  std::vector<store::RedisLink::Args> questions;
  questions.reserve(keys.size());
  for (const std::string& key : keys) questions.push_back({"XREVRANGE", key, "+", "-", "COUNT", "1"});
  const auto replies = link_->pipeline(questions);
  if (!replies) return std::unexpected(replies.error());

  std::vector<std::string> readable;
  for (std::size_t i = 0; i < groups_.size(); ++i) {
    const auto end = stream_end((*replies)[i]);
    if (!end && end.error().code != Code::invalid) return std::unexpected(end.error());
    if (!end) {
      if (unreadable_.insert(groups_[i]).second) tell_unreadable(groups_[i], end.error());
      continue;
    }
    unreadable_.erase(groups_[i]);
    if (Status rewound = rewind_behind(groups_[i], *end); !rewound) return std::unexpected(rewound.error());
    readable.push_back(groups_[i]);
  }
  return readable;
}

// Whoever can write Redis can put an entry with an id of next year into a stream and take it away again, and
// a Redis that crashed may have lost its newest entries: what comes then stands before where we would read
// on. So from the beginning; what we have had is known by its own id and not taken twice.
Status Inbox::rewind_behind(const std::string& group_id, const std::string& end) {
  GroupPosition& position = state_[group_id];
  if (!stands_before(end, position.after)) return {};
  output_.warn("the stream of " + group_id + " ends before what was read of it already (" + position.after +
               "): Redis lost entries, or somebody put one in and took it away; reading it again from its "
               "beginning");
  output_.object(json_object(
      {{"event", "stream_went_backwards"}, {"group", group_id}, {"read", position.after}, {"end", end}}));
  position.after = "0-0";
  return save_inbox_state(state_file_, state_);
}

// One XREAD over all groups; every entry is dealt with and remembered before the next.
Status Inbox::read_once(std::int64_t wait_ms) {
  if (Status connected = connect(); !connected) return connected;
  const auto groups = readable_groups();
  if (!groups) return std::unexpected(groups.error());
  if (groups->empty()) {
    loop::sleep_for_ms(session_.loop(), std::min(wait_ms, reconnect_pause_ms));
    return {};
  }
  const std::string block = std::to_string(std::max<std::int64_t>(1, wait_ms));
  const std::vector<std::string> keys = stream_keys(*groups);
  store::RedisLink::Args args{"XREAD", "COUNT", entries_per_read, "BLOCK", block, "STREAMS"};
  args.insert(args.end(), keys.begin(), keys.end());
  for (const std::string& group : *groups) args.push_back(state_[group].after);

  const auto reply = link_->command(args, wait_ms + reply_slack_ms);
  if (!reply) return std::unexpected(reply.error());
  if (reply->is_error() && refusal_of("XREAD", *reply).code == Code::invalid)
    return {};  // the next look tells
  const auto items = stream_items(*reply);
  if (!items) return std::unexpected(items.error());
  for (const StreamItem& item : *items) {
    const auto key = std::find(keys.begin(), keys.end(), item.stream);
    if (key == keys.end()) continue;
    const std::string& group_id = (*groups)[static_cast<std::size_t>(key - keys.begin())];
    if (Status taken = take(item, group_id); !taken) return taken;
    if (options_.once && secrets_ > 0) return {};
  }
  return {};
}

Status Inbox::take(const StreamItem& item, const std::string& group_id) {
  GroupPosition& position = state_[group_id];
  auto entry = judge_entry(item.envelope, group_id, position, session_.keys());
  if (!entry) {
    tell_refused(group_id, item, entry.error());
  } else {
    if (entry->kind == EntryKind::secret) {
      if (Status taken = take_secret(group_id, *entry); !taken) return taken;
    }
    if (entry->kind == EntryKind::notice) tell_notice(group_id, entry->envelope);
    position.remember(entry->envelope.id);
    position.generation = std::max(position.generation, entry->envelope.generation);
  }
  position.after = item.id;
  return save_inbox_state(state_file_, state_);
}

// Kept first, acknowledged second, remembered last: whatever interrupts us, the next run takes the entry
// again. An error: the entry is not dealt with.
Status Inbox::take_secret(const std::string& group_id, Entry& entry) {
  const wire::DeliveredSecret& delivered = *entry.delivered;
  const auto files = delivery_.keep(delivered);
  if (!files) return std::unexpected(files.error());
  std::optional<policy::Answer> answer;
  if (options_.acknowledge) {
    auto acknowledged = acknowledge(delivered);
    if (!acknowledged) return std::unexpected(acknowledged.error());
    if (acknowledged->code == Code::unavailable || acknowledged->code == Code::rate_limited) {
      return fail(Code::unavailable,
                  "the engine cannot take the acknowledgement now: " + acknowledged->detail);
    }
    answer = std::move(*acknowledged);
  }
  ++secrets_;
  const bool refused = answer && answer->status == policy::AnswerStatus::rejected;
  last_exit_ = refused ? exit_of(answer->code) : Exit::ok;
  return delivery_.tell(delivered, *files, group_id, entry.envelope.id, answer ? &*answer : nullptr);
}

Result<policy::Answer> Inbox::acknowledge(const wire::DeliveredSecret& delivered) {
  policy::Command command = session_.command(policy::Verb::ack);
  command.credential = delivered.client_id;
  command.rotation_id = delivered.rotation_id;
  const AckTag tag = wire::ack_tag(delivered.secret, delivered.rotation_id, session_.keys().admin_id);
  command.params.ack_tag = to_bytes(tag.reveal());
  return session_.ask(command);
}

void Inbox::tell_notice(const std::string& group_id, const wire::Envelope& notice) const {
  const TimeMs ends = notice.window_ends_ms.value_or(0);
  output_.line(rfc3339(notice.at_ms) + "  " + notice.client_id + " was promoted to version " +
               notice.version_id +
               (ends > notice.at_ms ? "; the secret before it works until " + rfc3339(ends) : std::string()));
  output_.object(json_object({{"event", "notice"},
                              {"group", group_id},
                              {"envelope", notice.id.text()},
                              {"client_id", notice.client_id},
                              {"version_id", notice.version_id},
                              {"rotation_id", notice.rotation_id},
                              {"window_ends_ms", ends}}));
}

void Inbox::tell_refused(const std::string& group_id, const StreamItem& item, const Error& why) const {
  output_.warn("entry " + item.id + " in the stream of " + group_id +
               " was refused and ignored: " + why.message);
  output_.object(json_object({{"event", "refused"},
                              {"group", group_id},
                              {"entry", item.id},
                              {"code", code_name(why.code)},
                              {"detail", why.message}}));
}

void Inbox::tell_unreadable(const std::string& group_id, const Error& why) const {
  output_.warn("the stream of " + group_id + " cannot be read: " + why.message);
  output_.object(json_object({{"event", "stream_unreadable"}, {"group", group_id}, {"detail", why.message}}));
}

std::vector<std::string> groups_with(std::string_view list_json, std::string_view admin_id) {
  using nlohmann::json;
  std::vector<std::string> found;
  const json list = json::parse(list_json, nullptr, false);
  const json& groups = list.is_object() && list.contains("groups") ? list["groups"] : list;
  if (!groups.is_array()) return found;
  for (const json& group : groups) {
    if (!group.is_object()) continue;
    const auto id = group.find("group_id");
    const auto members = group.find("members");
    if (id == group.end() || !id->is_string() || members == group.end() || !members->is_array()) continue;
    const bool ours = std::any_of(members->begin(), members->end(), [&](const json& member) {
      return member.is_string() && member.get_ref<const std::string&>() == admin_id;
    });
    if (ours && policy::is_id(id->get_ref<const std::string&>())) found.push_back(id->get<std::string>());
  }
  return found;
}

std::string groups_go_on_after(std::string_view list_json) {
  using nlohmann::json;
  const json list = json::parse(list_json, nullptr, false);
  const auto more = list.is_object() ? list.find("more") : list.end();
  if (more == list.end() || *more != true) return {};
  const auto groups = list.find("groups");
  if (groups == list.end() || !groups->is_array() || groups->empty()) return {};
  const json& last = groups->back();
  const auto id = last.is_object() ? last.find("group_id") : last.end();
  if (id == last.end() || !id->is_string() || !policy::is_id(id->get_ref<const std::string&>())) return {};
  return id->get<std::string>();
}

Exit inbox(const Context& context, const InboxOptions& options) {
  const auto timeout_ms = timeout_from(options.timeout);
  if (!timeout_ms) return context.output.error(timeout_ms.error());
  const auto session = Session::open(context);
  if (!session) return context.output.error(session.error());
  const std::string keys_file = expand_home(context.settings.keys_file);
  Delivery delivery(context.output, delivery_folder(options, keys_file), options.show);
  if (const Status ready = delivery.make_ready(); !ready) return context.output.error(ready.error());
  const std::string state_file = keys_file + ".inbox";
  const auto lock = StateLock::take(state_file + ".lock");
  if (!lock) return context.output.error(lock.error());
  auto state = load_inbox_state(state_file);
  if (!state) return context.output.error(state.error());
  return Inbox(**session, options, delivery, state_file, std::move(*state)).run(*timeout_ms);
}

}  // namespace shearline::cli
