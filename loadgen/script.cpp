#include "loadgen/script.hpp"

#include <algorithm>
#include <charconv>
#include <cmath>
#include <numeric>

namespace shearline::loadgen {

void append_bulk(std::string& out, std::string_view text) {
  out += '$';
  out += std::to_string(text.size());
  out += "\r\n";
  out += text;
  out += "\r\n";
}

void append_command(std::string& out, std::size_t items, std::string_view name) {
  out += '*';
  out += std::to_string(items);
  out += "\r\n";
  append_bulk(out, name);
}

namespace {

// A random order of 0..count-1, drawn anew whenever it is used up.
class Shuffled {
 public:
  Shuffled(std::size_t count, Random& random) : order_(count), random_(random) {
    std::iota(order_.begin(), order_.end(), std::uint32_t{0});
  }
  std::uint32_t next() {
    const std::size_t left = order_.size() - drawn_;
    std::swap(order_[drawn_], order_[drawn_ + random_.next_u64() % left]);
    const std::uint32_t index = order_[drawn_];
    drawn_ = (drawn_ + 1) % order_.size();
    return index;
  }

 private:
  std::vector<std::uint32_t> order_;
  std::size_t drawn_ = 0;
  Random& random_;
};

// Same length and alphabet as the right one, so that it costs the server the same.
std::string wrong_secret(const std::string& right, Random& random) {
  std::string wrong;
  do {
    wrong.clear();
    while (wrong.size() < right.size()) wrong += make_load_secret(random);
    wrong.resize(right.size());
  } while (wrong == right);
  return wrong;
}

// Draws the kind of each next frame. Kinds with small shares come as often as they should over the whole script.
class KindDraw {
 public:
  KindDraw(const std::vector<FrameKind>& kinds, Random& random) : kinds_(kinds), random_(random) {
    for (const FrameKind& kind : kinds) sum_ += kind.share;
  }
  const FrameKind& next() {
    if (kinds_.size() == 1) return kinds_.front();
    double left = std::ldexp(static_cast<double>(random_.next_u64()), -64) * sum_;
    for (const FrameKind& kind : kinds_) {
      if (left < kind.share) return kind;
      left -= kind.share;
    }
    return kinds_.back();
  }

 private:
  const std::vector<FrameKind>& kinds_;
  Random& random_;
  double sum_ = 0;
};

}  // namespace

Script::Script(const Population& population, const ScriptOptions& options) {
  static_assert(population_max <= UINT32_MAX && script_checks_max + pairs_per_frame_max <= UINT32_MAX);
  const std::size_t wanted = std::clamp(population.size(), script_checks_min, script_checks_max);
  SeededRandom random(options.seed);
  Shuffled order(population.size(), random);
  KindDraw kinds(options.kinds, random);
  const auto draw = [&] {
    const double at = std::ldexp(static_cast<double>(random.next_u64()), -64);
    if (at < options.wrong_share) return Kind::wrong;
    return at < options.wrong_share + options.unknown_share ? Kind::unknown : Kind::right;
  };

  const Credential typical = population.at(0);
  text_.reserve(wanted * (typical.client_id.size() + typical.secret.size() + 16) + wanted / 8);
  right_.reserve(wanted + pairs_per_frame_max);
  while (right_.size() < wanted) {
    const FrameKind& kind = kinds.next();
    append_command(text_, 1 + 2 * kind.checks(), kind.mode == Mode::verify ? "VERIFY" : "MVERIFY");
    for (std::size_t i = 0; i < kind.checks(); ++i) append_check(population.at(order.next()), draw(), random);
    frames_.push_back({text_.size(), static_cast<std::uint32_t>(right_.size()), kind.mode});
    longest_ = std::max(longest_, kind.checks());
  }
}

void Script::append_check(const Credential& credential, Kind kind, Random& random) {
  if (kind == Kind::unknown) {
    // As long as a known one, so that it costs the wire the same.
    std::string nobody = "nobody-" + make_load_secret(random);
    nobody.resize(std::clamp<std::size_t>(credential.client_id.size(), 16, nobody.size()));
    append_bulk(text_, nobody);
  } else {
    append_bulk(text_, credential.client_id);
  }
  append_bulk(text_, kind == Kind::wrong ? wrong_secret(credential.secret, random) : credential.secret);
  right_.push_back(kind == Kind::right ? 1 : 0);
}

double Script::checks_per_frame() const {
  return static_cast<double>(right_.size()) / static_cast<double>(frames_.size());
}

ByteView Script::bytes(std::size_t first_frame, std::size_t end_frame) const {
  const std::uint64_t begin = text_begin(first_frame);
  return as_bytes(std::string_view(text_).substr(begin, frames_[end_frame - 1].text_end - begin));
}

std::string Script::shortened(std::size_t frame, std::size_t checks) const {
  std::string_view rest = as_text(bytes(frame, frame + 1));
  const auto skip = [&rest] { rest.remove_prefix(rest.find('\n') + 1); };
  // "*N", "$7", "MVERIFY"; then per pair twice a length and that many bytes.
  for (int line = 0; line < 3; ++line) skip();
  const std::string_view pairs = rest;
  for (std::size_t item = 0; item < 2 * checks; ++item) {
    std::size_t length = 0;
    std::from_chars(rest.data() + 1, rest.data() + rest.size(), length);
    skip();
    rest.remove_prefix(length + 2);
  }
  std::string out;
  append_command(out, 1 + 2 * checks, "MVERIFY");
  out += pairs.substr(0, pairs.size() - rest.size());
  return out;
}

}  // namespace shearline::loadgen
