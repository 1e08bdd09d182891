// Reads an interval log and a percentile file with HdrHistogram's own JavaScript port and prints what it found, so that
// files_test.py can hold it against the report.
const fs = require("fs");
const hdr = require("hdr-histogram-js");

const [log, distribution] = process.argv.slice(2);
const percents = [50, 90, 99, 99.9, 99.99];

function describe(histogram) {
  const out = { count: histogram.totalCount, max: histogram.maxValue, min: histogram.minNonZeroValue, mean: histogram.mean };
  for (const percent of percents) out["p" + percent] = histogram.getValueAtPercentile(percent);
  return out;
}

const found = {};
const intervals = {};
const reader = new hdr.HistogramLogReader(fs.readFileSync(log, "utf8"), 64, false);
let end = 0;
for (let each = reader.nextIntervalHistogram(); each; each = reader.nextIntervalHistogram()) {
  const tag = each.tag === "NO TAG" || !each.tag ? "" : each.tag;
  intervals[tag] = (intervals[tag] || 0) + 1;
  if (each.startTimeStampMsec > each.endTimeStampMsec) throw new Error("an interval that ends before it begins");
  end = Math.max(end, each.endTimeStampMsec);
  if (found[tag]) found[tag].add(each);
  else found[tag] = each;
}
const result = { end_ms: end, intervals, start_s: reader.startTimeSec };
for (const tag of Object.keys(found)) result[tag || "latency"] = describe(found[tag]);

const row = /^\s*([0-9.]+)\s+([0-9.]+)\s+([0-9]+)/;
result.distribution = fs.readFileSync(distribution, "utf8").split("\n").map((line) => row.exec(line)).filter(Boolean)
  .map((match) => ({ ms: Number(match[1]), percentile: Number(match[2]), count: Number(match[3]) }));
console.log(JSON.stringify(result));
