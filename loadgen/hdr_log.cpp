#include "loadgen/hdr_log.hpp"

#include "base/encoding.hpp"
#include "loadgen/text.hpp"

#include <zlib.h>

#include <bit>
#include <cerrno>
#include <cmath>
#include <cstring>

namespace shearline::loadgen {
namespace {

// The V2 encoding: its base cookie, and the word size the V2 decoders look for in the second hex digit.
constexpr std::uint32_t cookie_v2 = 0x1c849303 | 0x10;
constexpr std::uint32_t cookie_v2_compressed = 0x1c849304 | 0x10;
constexpr std::size_t head_bytes = 40;

void put_be32(Bytes& out, std::uint32_t value) {
  for (int shift = 24; shift >= 0; shift -= 8) out.push_back(static_cast<Byte>(value >> shift));
}

void put_be64(Bytes& out, std::uint64_t value) { append(out, be64(value)); }

// ZigZag, then seven bits a byte, lowest first, at most nine bytes: the ninth has room for all eight bits.
void put_zigzag(Bytes& out, std::int64_t value) {
  auto rest = (static_cast<std::uint64_t>(value) << 1) ^ static_cast<std::uint64_t>(value >> 63);
  for (int i = 0; i < 8 && rest >= 0x80; ++i, rest >>= 7) out.push_back(static_cast<Byte>(rest | 0x80));
  out.push_back(static_cast<Byte>(rest));
}

// A run of empty buckets is one negative number.
void put_counts(Bytes& out, std::span<const std::uint64_t> counts) {
  for (std::size_t i = 0; i < counts.size();) {
    std::size_t zeros = 0;
    while (i + zeros < counts.size() && counts[i + zeros] == 0) ++zeros;
    put_zigzag(out, zeros > 0 ? -static_cast<std::int64_t>(zeros) : static_cast<std::int64_t>(counts[i]));
    i += std::max<std::size_t>(zeros, 1);
  }
}

constexpr double ns_per_ms = 1e6;

}  // namespace

Bytes hdr_v2(const Histogram& histogram) {
  Bytes counts;
  put_counts(counts, histogram.buckets());
  Bytes out;
  put_be32(out, cookie_v2);
  put_be32(out, static_cast<std::uint32_t>(counts.size()));
  put_be32(out, 0);  // normalizing index offset
  put_be32(out, Histogram::significant_digits);
  put_be64(out, 1);  // lowest value told from its neighbours
  put_be64(out, Histogram::value_max);
  put_be64(out, std::bit_cast<std::uint64_t>(1.0));  // ratio of integer to real values
  append(out, counts);
  return out;
}

std::string hdr_v2_compressed(const Histogram& histogram) {
  const Bytes plain = hdr_v2(histogram);
  static_assert(head_bytes == 4 * 4 + 3 * 8);
  uLongf size = compressBound(plain.size());
  Bytes packed(size);
  // Fails only for lack of memory or room, and there is room.
  if (compress2(packed.data(), &size, plain.data(), plain.size(), Z_DEFAULT_COMPRESSION) != Z_OK) return {};
  packed.resize(size);
  Bytes out;
  put_be32(out, cookie_v2_compressed);
  put_be32(out, static_cast<std::uint32_t>(packed.size()));
  append(out, packed);
  return base64(out);
}

// Five steps for each halving of what is left to 100 %, as HdrHistogram prints it.
std::string percentile_distribution(const Histogram& histogram) {
  constexpr double steps_per_halving = 5;
  const auto total = static_cast<double>(histogram.count());
  std::string out = "       Value     Percentile TotalCount 1/(1-Percentile)\n\n";
  const auto counts = histogram.buckets();
  std::uint64_t seen = 0;
  double next = 0;
  for (std::size_t i = 0; i < counts.size(); ++i) {
    if (counts[i] == 0) continue;
    seen += counts[i];
    const double value = static_cast<double>(Histogram::highest_in(i)) / ns_per_ms;
    const double reached = static_cast<double>(seen) / total;
    if (seen == histogram.count()) {
      out += format("%12.6f %2.12f %10llu\n", value, 1.0, static_cast<unsigned long long>(seen));
      break;
    }
    if (reached < next) continue;
    out += format("%12.6f %2.12f %10llu %14.2f\n", value, reached, static_cast<unsigned long long>(seen),
                  1 / (1 - reached));
    const double halvings = std::floor(std::log2(1 / (1 - reached))) + 1;
    while (next <= reached) next += 1 / (steps_per_halving * std::exp2(halvings));
  }
  out += format("#[Mean    = %12.6f, StdDeviation   = %12.6f]\n", histogram.mean() / ns_per_ms,
                histogram.standard_deviation() / ns_per_ms);
  out += format("#[Max     = %12.6f, Total count    = %12llu]\n",
                static_cast<double>(histogram.maximum()) / ns_per_ms,
                static_cast<unsigned long long>(histogram.count()));
  out += "#[Buckets = 32, SubBuckets = 2048]\n";
  return out;
}

Result<HdrLog> HdrLog::create(const std::string& path, TimeMs started_at) {
  std::FILE* file = std::fopen(path.c_str(), "we");
  if (file == nullptr) return fail(Code::unavailable, path + ": " + std::strerror(errno));
  HdrLog log(path, file);
  const std::string head = "#[Histogram log format version 1.3]\n#[StartTime: " +
                           format("%lld.%03lld", static_cast<long long>(started_at / 1000),
                                  static_cast<long long>(started_at % 1000)) +
                           " (seconds since epoch), " + rfc3339(started_at) +
                           "]\n\"StartTimestamp\",\"Interval_Length\",\"Interval_Max\","
                           "\"Interval_Compressed_Histogram\"\n";
  if (std::fputs(head.c_str(), file) < 0) log.failed_with_ = errno;
  return log;
}

void HdrLog::add(std::string_view tag, double start_s, double length_s, const Histogram& histogram) {
  if (failed_with_ != 0) return;
  const std::string mark = tag.empty() ? std::string() : "Tag=" + std::string(tag) + ",";
  const std::string line =
      mark +
      format("%.3f,%.3f,%.3f,", start_s, length_s, static_cast<double>(histogram.maximum()) / ns_per_ms) +
      hdr_v2_compressed(histogram) + "\n";
  if (std::fputs(line.c_str(), file_.get()) < 0 || std::fflush(file_.get()) != 0) failed_with_ = errno;
}

Status HdrLog::close() {
  errno = 0;
  if (std::fclose(file_.release()) != 0 && failed_with_ == 0) failed_with_ = errno;
  if (failed_with_ == 0) return {};
  return fail(Code::unavailable, path_ + ": " + std::strerror(failed_with_));
}

}  // namespace shearline::loadgen
