// Histograms as the tools around HdrHistogram read them: the interval log (.hlog, version 1.3, each histogram in
// encoding V2, compressed, base64) and the percentile distribution (.hgrm). Written by the timeline as the run
// goes on, so that a run that is killed leaves what was measured. Values are nanoseconds; the tools' usual ratio of
// 1,000,000 shows them as milliseconds.
#pragma once

#include "base/bytes.hpp"
#include "base/clock.hpp"
#include "base/error.hpp"
#include "loadgen/histogram.hpp"

#include <cstdint>
#include <cstdio>
#include <memory>
#include <string>
#include <string_view>

namespace shearline::loadgen {

Bytes hdr_v2(const Histogram& histogram);                   // the counts with their header
std::string hdr_v2_compressed(const Histogram& histogram);  // the same through zlib, base64: "HISTFAAAA..."
std::string percentile_distribution(const Histogram& histogram);  // .hgrm, in milliseconds

class HdrLog {
 public:
  // Creates or empties the file and writes the head. unavailable: "FILE: why".
  static Result<HdrLog> create(const std::string& path, TimeMs started_at);

  // An empty tag: none. Seconds are counted from the start.
  void add(std::string_view tag, double start_s, double length_s, const Histogram& histogram);
  Status close();  // what could not be written shows here at the latest

 private:
  struct CloseFile {
    void operator()(std::FILE* file) const { std::fclose(file); }
  };
  explicit HdrLog(std::string path, std::FILE* file) : path_(std::move(path)), file_(file) {}

  std::string path_;
  std::unique_ptr<std::FILE, CloseFile> file_;
  int failed_with_ = 0;  // errno of the first write that failed
};

}  // namespace shearline::loadgen
