#include "loadgen/bystanders.hpp"

#include <algorithm>

namespace shearline::loadgen {

SlowReader::SlowReader(loop::Loop& loop, const Target& target, const Script& script,
                       std::uint64_t bytes_per_s, SlowReaderCounts& counts)
    : Link(loop, target),
      script_(script),
      bytes_per_sip_(bytes_per_s == 0 ? 0 : std::max<std::uint64_t>(1, bytes_per_s * sip_ms / 1'000)),
      counts_(counts) {
  sip_.reader = this;
  sip_.expire = [](loop::Timer* self) {
    SlowReader& reader = *static_cast<Sip*>(self)->reader;
    if (reader.is_up() && !reader.receiving()) reader.receive(reader.bytes_per_sip_);
  };
}

void SlowReader::on_up() {
  next_frame_ = 0;
  ask();
  if (bytes_per_sip_ > 0) receive(bytes_per_sip_);
}

void SlowReader::ask() {
  ++counts_.frames_asked;
  send(script_.bytes(next_frame_, next_frame_ + 1));
  next_frame_ = (next_frame_ + 1) % script_.frames();
}

void SlowReader::on_received(ByteView bytes) {
  counts_.bytes_read += bytes.size();
  loop().start_timer(sip_, loop().monotonic_ms() + sip_ms);
}

void SlowReader::on_sent() { ask(); }

void SlowReader::on_down(const std::string& why) {
  loop().stop_timer(sip_);
  if (why.empty()) return;  // the run is over
  ++counts_.cut_off;
  connect_again(true);
}

std::vector<std::string> garbage_pieces(const Script& script, std::uint64_t seed) {
  SeededRandom random(seed);
  std::vector<std::string> pieces = {
      "GET / HTTP/1.1\r\nHost: localhost\r\n\r\n",
      std::string("\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03", 11),
      "SSH-2.0-OpenSSH_9.2\r\n",
      "PING\r\n",
      "\r\n\r\n",
      std::string(64, '\0'),
      "*\r\n",
      "*-1\r\n",
      "*99999999999999999999\r\n",
      "*65537\r\n",
      "*3\r\n:1\r\n:2\r\n:3\r\n",
      "*1\r\n*1\r\n$4\r\nPING\r\n",
      "*1\r\n$1048577\r\n",
      "*1\r\n$-1\r\n",
      "*2\r\n$4\r\nPINGxx$1\r\na\r\n",
      "*1\r\n$4\r\nNOPE\r\n",
      "*1\r\n$6\r\nVERIFY\r\n",
      "*2\r\n$7\r\nMVERIFY\r\n$4\r\nhalf\r\n",
      "*3\r\n$7\r\nMVERIFY\r\n$0\r\n\r\n$0\r\n\r\n",
      "*3\r\n$6\r\nVERIFY\r\n$3\r\n\xff\xfe\xfd\r\n$2\r\n\r\n\r\n",
  };
  constexpr std::size_t of_each_kind = 20;
  for (std::size_t i = 0; i < of_each_kind; ++i) {
    const std::size_t at = random.next_u64() % script.frames();
    const std::string frame = to_string(script.bytes(at, at + 1));
    pieces.push_back(frame.substr(0, 1 + random.next_u64() % (frame.size() - 1)));
    std::string changed = frame;
    changed[random.next_u64() % changed.size()] ^= static_cast<char>(1 + random.next_u64() % 255);
    pieces.push_back(std::move(changed));
    std::string noise(1 + random.next_u64() % 512, '\0');
    random.fill({reinterpret_cast<Byte*>(noise.data()), noise.size()});
    pieces.push_back(std::move(noise));
  }
  return pieces;
}

GarbageSender::GarbageSender(loop::Loop& loop, const Target& target, const std::vector<std::string>& pieces,
                             std::size_t first, GarbageCounts& counts)
    : Link(loop, target), pieces_(pieces), piece_(first % pieces.size()), counts_(counts) {
  patience_.sender = this;
  patience_.expire = [](loop::Timer* self) {
    GarbageSender& sender = *static_cast<Patience*>(self)->sender;
    if (!sender.is_up()) return;
    ++sender.counts_.ignored;
    sender.next_piece();
  };
}

void GarbageSender::on_up() {
  was_up_ = true;
  has_reaction_ = false;
  ++counts_.pieces;
  loop().start_timer(patience_, loop().monotonic_ms() + patience_ms);
  send(as_bytes(pieces_[piece_]));
  receive();
}

void GarbageSender::on_received(ByteView bytes) {
  ++(bytes.front() == '-' ? counts_.refused : counts_.answered);
  next_piece();
}

void GarbageSender::next_piece() {
  has_reaction_ = true;
  end({});
}

void GarbageSender::on_down(const std::string& why) {
  loop().stop_timer(patience_);
  if (!was_up_) return connect_again(true);
  was_up_ = false;
  if (!has_reaction_ && !why.empty()) ++counts_.closed;
  piece_ = (piece_ + 1) % pieces_.size();
  connect_after(pause_ms);
}

}  // namespace shearline::loadgen
