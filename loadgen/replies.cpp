#include "loadgen/replies.hpp"

#include <algorithm>
#include <charconv>
#include <cstring>

namespace shearline::loadgen {
namespace {

constexpr std::array<std::string_view, Tally::letters.size()> names = {
    "current", "grace", "next", "rejected", "malformed", "throttled", "unavailable"};

// The verdict's letter is its name's first one.
char letter_of(std::string_view name) {
  for (std::size_t i = 0; i < names.size(); ++i) {
    if (name == names[i]) return Tally::letters[i];
  }
  return 0;
}

// What the verdict byte says about the secret: 1 accepted, 0 rejected, 2 neither.
constexpr std::array<Byte, 256> meaning = [] {
  std::array<Byte, 256> table{};
  table.fill(2);
  table['c'] = table['g'] = table['n'] = 1;
  table['r'] = 0;
  return table;
}();

// For messages. Cut at the first comma: a server that does not know our commands may repeat their arguments
// behind it, and those are secrets.
std::string excerpt(std::string_view line) {
  return std::string(line.substr(0, std::min(line.find(','), std::size_t{80})));
}

}  // namespace

std::string_view Tally::name_of(char letter) {
  const std::size_t index = letters.find(letter);
  return index == std::string_view::npos ? "unknown" : names[index];
}

Kinds::Entry& Kinds::entry(std::string_view kind) {
  if (const auto found = entries_.find(kind); found != entries_.end()) return found->second;
  return entries_[entries_.size() < kinds_max ? std::string(kind) : std::string("other")];
}

void Kinds::count(std::string_view kind, std::string_view example) {
  Entry& counted = entry(kind);
  if (counted.count++ == 0) counted.first = example;
}

void Kinds::merge(const Kinds& other) {
  for (const auto& [kind, theirs] : other.entries_) {
    Entry& ours = entry(kind);
    if (ours.count == 0) ours.first = theirs.first;
    ours.count += theirs.count;
  }
}

std::uint64_t Kinds::total() const {
  std::uint64_t sum = 0;
  for (const auto& [kind, each] : entries_) sum += each.count;
  return sum;
}

void Tally::merge(const Tally& other) {
  for (std::size_t i = 0; i < by_letter.size(); ++i) by_letter[i] += other.by_letter[i];
  checks += other.checks;
  frames += other.frames;
  mismatches += other.mismatches;
  errors += other.errors;
  error_kinds.merge(other.error_kinds);
}

void ReplyReader::begin_at(std::size_t frame) {
  frame_ = frame;
  shortened_.reset();
  line_.clear();
  body_left_ = 0;
}

std::span<const Byte> ReplyReader::right() const {
  const std::span<const Byte> whole = script_.right(frame_);
  return shortened_ && shortened_->frames_before == 0 ? whole.first(shortened_->checks) : whole;
}

Result<std::size_t> ReplyReader::feed(ByteView bytes) {
  ended_ = 0;
  while (!bytes.empty()) {
    if (body_left_ > 0) {
      const ByteView part = bytes.first(std::min(body_left_, bytes.size()));
      if (Status taken = take_body(part); !taken) return std::unexpected(taken.error());
      bytes = bytes.subspan(part.size());
      continue;
    }
    const auto* newline = static_cast<const Byte*>(std::memchr(bytes.data(), '\n', bytes.size()));
    const std::size_t length =
        newline == nullptr ? bytes.size() : static_cast<std::size_t>(newline - bytes.data()) + 1;
    if (line_.size() + length > reply_line_bytes_max) return fail(Code::invalid, "a reply line without end");
    std::string_view line = as_text(bytes.first(length));
    bytes = bytes.subspan(length);
    if (newline == nullptr || !line_.empty()) {
      line_ += line;
      if (newline == nullptr) break;
      line = line_;
    }
    if (!line.ends_with("\r\n")) return fail(Code::invalid, "a reply line without CRLF");
    const Status taken = take_line(line.substr(0, line.size() - 2));
    line_.clear();
    if (!taken) return std::unexpected(taken.error());
  }
  return ended_;
}

Status ReplyReader::take_line(std::string_view line) {
  if (line.starts_with("-UNAVAILABLE")) {
    count_all('u');
    return {};
  }
  if (line.starts_with('-')) {
    ++tally_.errors;
    const std::string text = excerpt(line.substr(1));
    tally_.error_kinds.count(text.substr(0, text.find(' ')), text);
    end_frame();
    return {};
  }
  if (script_.mode(frame_) == Mode::verify && line.starts_with('+')) {
    const char letter = letter_of(line.substr(1));
    if (letter != 0) {
      count_all(letter);
      return {};
    }
  }
  if (script_.mode(frame_) == Mode::mverify && line.starts_with('$')) {
    std::size_t length = 0;
    const auto parsed = std::from_chars(line.data() + 1, line.data() + line.size(), length);
    if (parsed.ec == std::errc{} && parsed.ptr == line.data() + line.size() && length == right().size()) {
      body_left_ = length + 2;
      return {};
    }
  }
  return fail(Code::invalid, "not an answer to what was asked: " + excerpt(line));
}

Status ReplyReader::take_body(ByteView part) {
  const std::span<const Byte> right = this->right();
  const std::size_t done = right.size() + 2 - body_left_;
  if (done < right.size()) {
    const std::size_t verdicts = std::min(part.size(), right.size() - done);
    count(right.subspan(done, verdicts), part.first(verdicts));
  }
  body_left_ -= part.size();
  if (body_left_ > 0) return {};
  if (part.back() != '\n') return fail(Code::invalid, "an MVERIFY answer without CRLF at its end");
  end_frame();
  return {};
}

void ReplyReader::count(std::span<const Byte> right, ByteView verdicts) {
  for (std::size_t i = 0; i < verdicts.size(); ++i) {
    ++tally_.by_letter[verdicts[i]];
    tally_.mismatches += meaning[verdicts[i]] != right[i] ? 1 : 0;
  }
  tally_.checks += verdicts.size();
}

void ReplyReader::count_all(char letter) {
  const std::span<const Byte> right = this->right();
  for (const Byte expected : right) {
    tally_.mismatches += meaning[static_cast<Byte>(letter)] != expected ? 1 : 0;
  }
  tally_.by_letter[static_cast<Byte>(letter)] += right.size();
  tally_.checks += right.size();
  end_frame();
}

void ReplyReader::end_frame() {
  ++tally_.frames;
  ++ended_;
  if (++frame_ == script_.frames()) frame_ = 0;
  if (shortened_ && shortened_->frames_before > 0) --shortened_->frames_before;
}

}  // namespace shearline::loadgen
