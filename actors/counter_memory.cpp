#include "actors/counter_memory.hpp"

#include "io/keys/keyring.hpp"

#include <unistd.h>

#include <charconv>
#include <string_view>

namespace shearline::actors {

Status CounterMemory::read() {
  if (path_.empty() || ::access(path_.c_str(), F_OK) != 0) return {};
  const Result<Bytes> content = keys::read_file(path_, 4096);
  if (!content) return std::unexpected(content.error());
  std::string_view rest = as_text(*content);
  for (std::uint64_t& counter : counters_) {
    const auto [end, error] = std::from_chars(rest.data(), rest.data() + rest.size(), counter);
    if (error != std::errc() || end == rest.data() + rest.size() || *end != '\n') {
      return fail(Code::invalid,
                  path_ + " does not hold " + std::to_string(store::partition_count) +
                      " counters, one a line; restore it, or remove it if this store is the right one");
    }
    rest.remove_prefix(static_cast<std::size_t>(end - rest.data()) + 1);
  }
  return {};
}

void CounterMemory::note(unsigned partition, std::uint64_t counter) {
  if (counter <= counters_[partition]) return;
  counters_[partition] = counter;
  changed_ = true;
}

void CounterMemory::lower(unsigned partition, std::uint64_t counter) {
  if (counter >= counters_[partition]) return;
  counters_[partition] = counter;
  changed_ = true;
}

Status CounterMemory::write() {
  if (path_.empty() || !changed_) return {};
  std::string text;
  for (const std::uint64_t counter : counters_) text += std::to_string(counter) + "\n";
  Status written = keys::write_private_file(path_, as_bytes(text), true);
  changed_ = !written;
  return written;
}

}  // namespace shearline::actors
