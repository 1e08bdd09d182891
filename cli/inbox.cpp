#include "cli/inbox.hpp"

#include "cli/follow.hpp"
#include "cli/moments.hpp"

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
  bool ever_worked = false;
  std::string last_fault;
  while (!options_.once || secrets_ == 0) {
    const std::int64_t now = loop.monotonic_ms();
    if (deadline >= 0 && now >= deadline) {
      if (secrets_ > 0) return last_exit_;
      return output_.error({Code::unavailable, "no secret came in time"});
    }
    const std::int64_t wait = deadline < 0 ? block_ms : std::min(block_ms, deadline - now);
    Status step = learn_groups();
    if (step) step = read_once(wait);
    if (step) {
      ever_worked = true;
      last_fault.clear();
      continue;
    }
    // Once Redis or the engine was there, both may go and come back; who waits for a secret waits for them too.
    ever_worked = ever_worked || link_ != nullptr || groups_learned_ms_ >= 0;
    link_.reset();
    // What was refused, or was never there, will not come right by waiting.
    if (!ever_worked || step.error().code != Code::unavailable) return output_.error(step.error());
    if (std::exchange(last_fault, step.error().message) != step.error().message) {
      output_.warn(last_fault + "; trying again");
    }
    loop::sleep_for_ms(loop, reconnect_pause_ms);
  }
  return last_exit_;
}

Status Inbox::learn_groups() {
  const std::int64_t now = session_.loop().monotonic_ms();
  if (!options_.groups.empty() || (groups_learned_ms_ >= 0 && now - groups_learned_ms_ < groups_stale_ms))
    return {};
  const auto listed = ask_for_groups();
  // Once we know our groups, the streams are readable without an engine.
  if (!listed && !groups_.empty()) {
    groups_learned_ms_ = now;
    return {};
  }
  if (!listed) return std::unexpected(listed.error());
  std::vector<std::string> found = *listed;
  if (found.empty()) {
    return fail(Code::not_found,
                session_.keys().admin_id + " is in no group yet; `shearline group add` adds members");
  }
  if (found != groups_) {
    std::string names;
    for (const std::string& group : found) names += (names.empty() ? "" : ", ") + group;
    if (!output_.json()) output_.warn("following " + names);
  }
  groups_ = std::move(found);
  groups_learned_ms_ = now;
  return {};
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

// One XREAD over all groups; every entry is dealt with and remembered before the next.
Status Inbox::read_once(std::int64_t wait_ms) {
  if (Status connected = connect(); !connected) return connected;
  const std::string block = std::to_string(std::max<std::int64_t>(1, wait_ms));
  std::vector<std::string> keys;
  keys.reserve(groups_.size());
  for (const std::string& group : groups_) keys.push_back(group_stream_key(session_.redis().prefix, group));
  store::RedisLink::Args args{"XREAD", "COUNT", entries_per_read, "BLOCK", block, "STREAMS"};
  args.insert(args.end(), keys.begin(), keys.end());
  for (const std::string& group : groups_) args.push_back(state_[group].after);

  const auto reply = link_->command(args, wait_ms + reply_slack_ms);
  if (!reply) return std::unexpected(reply.error());
  const auto items = stream_items(*reply);
  if (!items) return std::unexpected(items.error());
  for (const StreamItem& item : *items) {
    const auto key = std::find(keys.begin(), keys.end(), item.stream);
    if (key == keys.end()) continue;
    const std::string& group_id = groups_[static_cast<std::size_t>(key - keys.begin())];
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
  const std::string state_file = keys_file + ".inbox";
  const auto lock = StateLock::take(state_file + ".lock");
  if (!lock) return context.output.error(lock.error());
  auto state = load_inbox_state(state_file);
  if (!state) return context.output.error(state.error());
  Delivery delivery(context.output, delivery_folder(options, keys_file), options.show);
  return Inbox(**session, options, delivery, state_file, std::move(*state)).run(*timeout_ms);
}

}  // namespace shearline::cli
