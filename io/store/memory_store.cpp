#include "io/store/memory_store.hpp"

#include "io/loop/fiber_scheduler.hpp"

#include <algorithm>
#include <charconv>

namespace shearline::store {
namespace {

// Fibers waiting for something to change in one place; without a loop nobody can wait.
class Waiters {
 public:
  explicit Waiters(loop::Loop* loop) : loop_(loop) {
    if (loop != nullptr) event_.emplace(*loop);
  }
  void wake() {
    if (event_) event_->set();
  }
  // False when the time is up.
  bool wait(std::int64_t deadline_ms) {
    if (!event_ || loop_->monotonic_ms() >= deadline_ms) return false;
    event_->reset();
    return event_->wait(deadline_ms);
  }
  std::int64_t deadline(std::int64_t wait_ms) const {
    return loop_ == nullptr ? 0 : loop_->monotonic_ms() + wait_ms;
  }

 private:
  loop::Loop* loop_;
  std::optional<loop::Event> event_;
};

// Entry ids look like those of Redis, "<number>-0".
std::optional<std::uint64_t> number_of(std::string_view id) {
  if (id.empty()) return 0;
  std::uint64_t number = 0;
  const auto [end, error] = std::from_chars(id.data(), id.data() + id.size(), number);
  if (error != std::errc{} || std::string_view(end, id.data() + id.size()) != "-0") return std::nullopt;
  return number;
}

class MemoryStoreImpl final : public MemoryStore {
 public:
  MemoryStoreImpl(loop::Loop* loop, Clock& clock) : loop_(loop), clock_(clock) {
    for (unsigned i = 0; i < partition_count; ++i) change_waiters_.push_back(std::make_unique<Waiters>(loop));
  }

  MemoryContents& contents() override { return contents_; }

  Status scan(unsigned partition, const TakePage& take) override {
    std::vector<RawRecord> page;
    for (const auto& [field, value] : at(partition).records) {
      page.push_back({field, value});
      if (page.size() < scan_page_records) continue;
      take(page);
      page.clear();
    }
    if (!page.empty()) take(page);
    return {};
  }

  Result<std::optional<Bytes>> get(unsigned partition, std::string_view field) override {
    const auto& records = at(partition).records;
    const auto found = records.find(field);
    return found == records.end() ? std::nullopt : std::optional(found->second);
  }

  Result<RawHead> head(unsigned partition) override {
    return RawHead{at(partition).counter, at(partition).head};
  }

  Result<std::vector<RawChange>> changes(unsigned partition, const Position& from,
                                         std::int64_t wait_ms) override {
    Waiters& waiters = *change_waiters_.at(partition);
    const std::int64_t deadline = waiters.deadline(wait_ms);
    do {
      auto news = changes_now(partition, from);
      if (!news || !news->empty()) return news;
    } while (waiters.wait(deadline));
    return std::vector<RawChange>{};
  }

  Result<std::optional<RawChange>> change_at(unsigned partition, std::uint64_t counter) override {
    for (const RawChange& change : at(partition).changes) {
      if (change.counter == counter) return change;
    }
    return std::nullopt;
  }

  Result<PutOutcome> compare_and_put(const RawPut& put) override;

  Result<std::vector<OutboxEntry>> outbox(unsigned partition, std::size_t at_most) override {
    const auto& all = at(partition).outbox;
    return std::vector<OutboxEntry>(all.begin(),
                                    all.begin() + static_cast<std::ptrdiff_t>(std::min(at_most, all.size())));
  }

  Result<PutOutcome> acknowledge_outbox(unsigned partition, std::uint64_t counter, std::uint32_t index,
                                        std::uint64_t fence) override {
    if (fence == 0 || fence != at(partition).fence) return PutOutcome::fenced;
    std::erase_if(at(partition).outbox, [&](const OutboxEntry& entry) {
      return std::pair(entry.counter, entry.index) <= std::pair(counter, index);
    });
    return PutOutcome::ok;
  }

  Result<std::vector<DueEntry>> due(unsigned partition, TimeMs until, std::size_t at_most) override {
    std::vector<DueEntry> entries;
    for (const auto& [field, when] : at(partition).due) {
      if (when <= until) entries.push_back({field, when});
    }
    std::ranges::stable_sort(entries, {}, &DueEntry::at_ms);
    if (entries.size() > at_most) entries.resize(at_most);
    return entries;
  }

  Result<std::optional<TimeMs>> next_due(unsigned partition) override {
    std::optional<TimeMs> next;
    for (const auto& [field, when] : at(partition).due) next = std::min(next.value_or(when), when);
    return next;
  }

  Result<PutOutcome> append(std::string_view group_id, ByteView envelope, std::uint64_t fence) override {
    if (!is_group_id(group_id)) return fail(Code::invalid, "a group id with forbidden characters");
    auto& group = contents_.groups[std::string(group_id)];
    if (fence == 0 || fence < group.fence) return PutOutcome::fenced;
    group.fence = fence;
    group.entries.push_back({std::to_string(++group.last) + "-0", to_bytes(envelope)});
    group_waiters(group_id).wake();
    return PutOutcome::ok;
  }

  Result<std::vector<StreamEntry>> read_group(std::string_view group_id, std::string_view after,
                                              std::size_t at_most, std::int64_t wait_ms) override {
    if (!is_group_id(group_id)) return fail(Code::invalid, "a group id with forbidden characters");
    const auto from = number_of(after);
    if (!from) return fail(Code::invalid, "not the id of a stream entry: " + std::string(after));
    Waiters& waiters = group_waiters(group_id);
    const std::int64_t deadline = waiters.deadline(wait_ms);
    std::vector<StreamEntry> entries;
    do {
      for (const StreamEntry& entry : contents_.groups[std::string(group_id)].entries) {
        if (entries.size() < at_most && number_of(entry.id) > from) entries.push_back(entry);
      }
    } while (entries.empty() && waiters.wait(deadline));
    return entries;
  }

  Result<Lease> lease(std::string_view node_id, std::int64_t ttl_ms) override {
    const TimeMs now = clock_.now_ms();
    std::string& holder = contents_.lease_holder;
    if (now >= contents_.lease_ends_at) holder.clear();
    if (holder.empty()) holder = node_id;
    if (holder == node_id) contents_.lease_ends_at = now + ttl_ms;
    return Lease{holder == node_id, holder};
  }

  Status release_lease(std::string_view node_id) override {
    if (contents_.lease_holder == node_id) contents_.lease_holder.clear();
    return {};
  }

  Result<std::uint64_t> raise_fences() override {
    std::uint64_t highest = 0;
    for (const auto& partition : contents_.partitions) highest = std::max(highest, partition.fence);
    for (auto& partition : contents_.partitions) partition.fence = highest + 1;
    return highest + 1;
  }

  Status raise_group_fence(std::string_view group_id, std::uint64_t fence) override {
    if (!is_group_id(group_id)) return fail(Code::invalid, "a group id with forbidden characters");
    auto& group = contents_.groups[std::string(group_id)];
    group.fence = std::max(group.fence, fence);
    return {};
  }

  Result<TimeMs> store_time_ms() override { return clock_.now_ms(); }

 private:
  MemoryContents::Partition& at(unsigned partition) { return contents_.partitions.at(partition); }

  Waiters& group_waiters(std::string_view group_id) {
    auto& waiters = group_waiters_[std::string(group_id)];
    if (waiters == nullptr) waiters = std::make_unique<Waiters>(loop_);
    return *waiters;
  }

  Result<std::vector<RawChange>> changes_now(unsigned partition, const Position& from) {
    const auto& here = at(partition);
    const auto known = change_at(partition, from.counter);
    if (here.counter < from.counter || (from.seen && (!*known || hash_of(**known) != *from.seen))) {
      return fail(Code::not_found, "the change seen last is no longer in the stream");
    }
    std::vector<RawChange> news;
    for (const RawChange& change : here.changes) {
      if (change.counter > from.counter) news.push_back(change);
    }
    const bool hole = news.empty() ? here.counter > from.counter : news.front().counter != from.counter + 1;
    if (hole) return fail(Code::not_found, "the next change is no longer in the stream");
    return news;
  }

  loop::Loop* loop_;
  Clock& clock_;
  MemoryContents contents_;
  std::vector<std::unique_ptr<Waiters>> change_waiters_;
  std::map<std::string, std::unique_ptr<Waiters>, std::less<>> group_waiters_;
};

// The same checks in the same order as the script of Redis (redis_scripts.cpp).
Result<PutOutcome> MemoryStoreImpl::compare_and_put(const RawPut& put) {
  auto& here = at(put.partition);
  if (put.fence == 0 || put.fence != here.fence) return PutOutcome::fenced;
  if (here.counter != put.expected_counter) return PutOutcome::conflict;
  const auto stored = here.records.find(put.field);
  std::uint64_t revision = 0;
  if (stored != here.records.end()) {
    if (stored->second.size() < value_prefix_bytes) return PutOutcome::broken;
    revision = load_be64(stored->second.data());
  }
  if (revision != put.expected_revision) return PutOutcome::conflict;
  if (here.head != put.expected_head) return PutOutcome::broken;

  here.changes.push_back({++here.counter, put.field, put.value});
  if (here.changes.size() > changes_kept) here.changes.pop_front();
  for (std::uint32_t i = 0; i < put.events.size(); ++i) {
    here.outbox.push_back({here.counter, i, put.events[i]});
  }
  here.due.erase(put.field);
  if (put.due_at) here.due.emplace(put.field, *put.due_at);
  here.head = put.head;
  here.records[put.field] = put.value;
  change_waiters_[put.partition]->wake();
  return PutOutcome::ok;
}

}  // namespace

std::unique_ptr<MemoryStore> make_memory_store(loop::Loop* loop, Clock& clock) {
  return std::make_unique<MemoryStoreImpl>(loop, clock);
}

}  // namespace shearline::store
