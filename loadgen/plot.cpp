#include "loadgen/plot.hpp"

#include "loadgen/text.hpp"

#include <algorithm>
#include <cmath>

namespace shearline::loadgen {
namespace {

constexpr double width = 760;
constexpr double height = 300;
constexpr double left = 74;
constexpr double right = 16;
constexpr double top = 30;
constexpr double bottom = 46;

double place(const Axis& axis, double value, double begin, double end) {
  double share = 0;
  if (axis.is_logarithmic) {
    share = std::log(std::max(value, axis.from) / axis.from) / std::log(axis.to / axis.from);
  } else {
    share = (value - axis.from) / (axis.to - axis.from);
  }
  return begin + std::clamp(share, 0.0, 1.0) * (end - begin);
}

double x_of(const Plot& plot, double value) { return place(plot.x, value, left, width - right); }
double y_of(const Plot& plot, double value) { return place(plot.y, value, height - bottom, top); }

std::string axes(const Plot& plot) {
  std::string out;
  for (const Tick& tick : plot.y.ticks) {
    const double y = y_of(plot, tick.at);
    out += format("<line class=\"grid\" x1=\"%.1f\" y1=\"%.1f\" x2=\"%.1f\" y2=\"%.1f\"/>", left, y,
                  width - right, y);
    out += format("<text class=\"tick\" x=\"%.1f\" y=\"%.1f\" text-anchor=\"end\">", left - 8, y + 4) +
           escaped(tick.label) + "</text>\n";
  }
  for (const Tick& tick : plot.x.ticks) {
    const double x = x_of(plot, tick.at);
    out += format("<line class=\"grid\" x1=\"%.1f\" y1=\"%.1f\" x2=\"%.1f\" y2=\"%.1f\"/>", x, top, x,
                  height - bottom);
    out += format("<text class=\"tick\" x=\"%.1f\" y=\"%.1f\" text-anchor=\"middle\">", x,
                  height - bottom + 18) +
           escaped(tick.label) + "</text>\n";
  }
  out += format("<line class=\"base\" x1=\"%.1f\" y1=\"%.1f\" x2=\"%.1f\" y2=\"%.1f\"/>", left,
                height - bottom, width - right, height - bottom);
  out += format("<text class=\"label\" x=\"%.1f\" y=\"%.1f\" text-anchor=\"middle\">",
                (left + width - right) / 2, height - 8) +
         escaped(plot.x.label) + "</text>";
  out +=
      format("<text class=\"label\" x=\"%.1f\" y=\"%.1f\">", 4.0, 14.0) + escaped(plot.y.label) + "</text>\n";
  return out;
}

std::string legend(const Plot& plot) {
  if (plot.series.size() < 2) return {};
  std::string out;
  double x = width - right;
  for (auto each = plot.series.rbegin(); each != plot.series.rend(); ++each) {
    x -= 7.2 * static_cast<double>(each->name.size()) + 30;
    out += format("<line class=\"line %s\" x1=\"%.1f\" y1=\"10\" x2=\"%.1f\" y2=\"10\"/>",
                  each->css_class.c_str(), x, x + 18);
    out += format("<text class=\"legend\" x=\"%.1f\" y=\"14\">", x + 23) + escaped(each->name) + "</text>\n";
  }
  return out;
}

std::string path(const Plot& plot, const Series& series) {
  std::string line;
  double y_before = 0;
  for (const auto& [x, y] : series.points) {
    if (series.is_stepped && !line.empty()) line += format("L%.1f,%.1f", x_of(plot, x), y_before);
    y_before = y_of(plot, y);
    line += format("%s%.1f,%.1f", line.empty() ? "M" : "L", x_of(plot, x), y_before);
  }
  std::string out;
  if (series.is_filled) {
    const double base = height - bottom;
    out += "<path class=\"area " + series.css_class + "\" d=\"" + line +
           format("L%.1f,%.1fL%.1f,%.1fZ", x_of(plot, series.points.back().first), base,
                  x_of(plot, series.points.front().first), base) +
           "\"/>\n";
  }
  return out + "<path class=\"line " + series.css_class + "\" d=\"" + line + "\"/>\n";
}

std::string points(const Plot& plot, const Series& series) {
  std::string out;
  for (const auto& [x, y] : series.points) {
    out += format("<circle class=\"point %s\" cx=\"%.1f\" cy=\"%.1f\" r=\"5\"><title>",
                  series.css_class.c_str(), x_of(plot, x), y_of(plot, y)) +
           escaped(series.name + ": " + plot.point_text(x, y)) + "</title></circle>\n";
  }
  return out;
}

// 1, 2 or 5 times a power of ten.
double round_step(double wanted) {
  const double decade = std::pow(10, std::floor(std::log10(wanted)));
  for (const double factor : {1.0, 2.0, 5.0}) {
    if (factor * decade >= wanted * 0.999) return factor * decade;
  }
  return 10 * decade;
}

// Bytes of the character that the text begins with; 0: none that a page may hold. Shortest forms up to U+FFFF, which is
// what people write; the rest, surrogates among it, is refused as a whole.
std::size_t character_length(std::string_view text) {
  const auto byte = [text](std::size_t i) {
    return i < text.size() ? static_cast<unsigned char>(text[i]) : 0U;
  };
  const auto follows = [&](std::size_t i) { return (byte(i) & 0xc0U) == 0x80; };
  if (byte(0) < 0x80) return byte(0) >= ' ' && byte(0) != 0x7f ? 1 : 0;
  if (byte(0) >= 0xc3 && byte(0) < 0xe0) return follows(1) ? 2 : 0;
  if (byte(0) < 0xe0 || byte(0) > 0xef || !follows(1) || !follows(2)) return 0;
  const bool is_overlong = byte(0) == 0xe0 && byte(1) < 0xa0;
  const bool is_surrogate_or_none =
      (byte(0) == 0xed && byte(1) >= 0xa0) || (byte(0) == 0xef && byte(1) == 0xbf);
  return is_overlong || is_surrogate_or_none ? 0 : 3;
}

}  // namespace

std::string svg(const Plot& plot) {
  std::string out = format(
      "<svg viewBox=\"0 0 %.0f %.0f\" role=\"img\" xmlns=\"http://www.w3.org/2000/svg\">", width, height);
  out += "<title>" + escaped(plot.title) + "</title>\n" + axes(plot);
  for (const Series& each : plot.series) {
    if (!each.points.empty()) out += path(plot, each);
  }
  for (const Series& each : plot.series) out += points(plot, each);
  return out + legend(plot) + "</svg>\n";
}

Axis linear_axis(std::string label, double highest, const std::function<std::string(double)>& text) {
  constexpr double steps = 5;
  const double step = round_step(std::max(highest, 1e-9) / steps);
  Axis axis{std::move(label), 0, std::ceil(highest / step * 0.9999) * step, false, {}};
  if (axis.to <= 0) axis.to = step;
  for (int i = 0; step * i <= axis.to * 1.0001; ++i) axis.ticks.push_back({step * i, text(step * i)});
  return axis;
}

Axis logarithmic_axis(std::string label, double lowest, double highest,
                      const std::function<std::string(double)>& text) {
  const double least = std::clamp(lowest, 1e-9, std::max(highest, 1e-9));
  const double first = std::floor(std::log10(least));
  const double last = std::max(std::ceil(std::log10(std::max(highest, least)) - 1e-9), first + 1);
  Axis axis{std::move(label), std::pow(10, first), std::pow(10, last), true, {}};
  for (double decade = first; decade <= last; ++decade) {
    axis.ticks.push_back({std::pow(10, decade), text(std::pow(10, decade))});
    if (last - first > 2 || decade == last) continue;
    for (const double factor : {2.0, 5.0}) {
      axis.ticks.push_back({factor * std::pow(10, decade), text(factor * std::pow(10, decade))});
    }
  }
  return axis;
}

std::string escaped(std::string_view text) {
  std::string out;
  while (!text.empty()) {
    const std::size_t length = character_length(text);
    const std::string_view character = text.substr(0, std::max<std::size_t>(length, 1));
    text.remove_prefix(character.size());
    if (length == 0) {
      out += '?';
    } else if (character == "&") {
      out += "&amp;";
    } else if (character == "<") {
      out += "&lt;";
    } else if (character == ">") {
      out += "&gt;";
    } else if (character == "\"") {
      out += "&quot;";
    } else {
      out += character;
    }
  }
  return out;
}

}  // namespace shearline::loadgen
