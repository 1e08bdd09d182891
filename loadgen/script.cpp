#include "loadgen/script.hpp"

#include <algorithm>
#include <cmath>
#include <numeric>

namespace shearline::loadgen {
namespace {

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

}  // namespace

Script::Script(const Population& population, const ScriptOptions& options)
    : mode_(options.mode), batch_(options.mode == Mode::verify ? 1 : options.batch) {
  static_assert(population_max <= UINT32_MAX);
  const std::size_t wanted = std::clamp(population.size(), script_checks_min, script_checks_max);
  const std::size_t frame_count = (wanted + batch_ - 1) / batch_;
  SeededRandom random(options.seed);
  Shuffled order(population.size(), random);
  // A 64-bit draw below this bound is a wrong secret; 2^64 itself does not fit, hence the comparison with 1.
  const double bound = std::ldexp(options.wrong_share, 64);
  const auto is_wrong = [&] {
    return options.wrong_share >= 1 || static_cast<double>(random.next_u64()) < bound;
  };

  const Credential typical = population.at(0);
  text_.reserve(frame_count * (32 + batch_ * (typical.client_id.size() + typical.secret.size() + 16)));
  ends_.reserve(frame_count);
  right_.reserve(frame_count * batch_);
  for (std::size_t frame = 0; frame < frame_count; ++frame) {
    append_command(text_, 1 + 2 * batch_, mode_ == Mode::verify ? "VERIFY" : "MVERIFY");
    for (std::size_t i = 0; i < batch_; ++i) append_check(population.at(order.next()), !is_wrong(), random);
    ends_.push_back(text_.size());
  }
}

void Script::append_check(const Credential& credential, bool is_right, Random& random) {
  append_bulk(text_, credential.client_id);
  append_bulk(text_, is_right ? credential.secret : wrong_secret(credential.secret, random));
  right_.push_back(is_right ? 1 : 0);
}

ByteView Script::bytes(std::size_t first_frame, std::size_t end_frame) const {
  const std::uint64_t begin = first_frame == 0 ? 0 : ends_[first_frame - 1];
  return as_bytes(std::string_view(text_).substr(begin, ends_[end_frame - 1] - begin));
}

}  // namespace shearline::loadgen
