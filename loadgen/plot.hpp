// Lines over axes as SVG, for the page (page.hpp). Knows numbers and labels, not what they mean; colours are CSS
// classes of the page.
#pragma once

#include <functional>
#include <string>
#include <string_view>
#include <vector>

namespace shearline::loadgen {

struct Tick {
  double at;
  std::string label;
};

struct Axis {
  std::string label;
  double from = 0;
  double to = 1;
  bool is_logarithmic = false;
  std::vector<Tick> ticks;
};

struct Series {
  std::string name;
  std::string css_class;
  std::vector<std::pair<double, double>> points;
  bool is_filled = false;
  bool is_stepped = false;
};

struct Plot {
  std::string title;  // for those who do not see it
  Axis x;
  Axis y;
  std::vector<Series> series;
  std::function<std::string(double x, double y)> point_text;  // shown over a point
};

std::string svg(const Plot& plot);

// From zero: steps of 1, 2 or 5 that end at or above `highest`.
Axis linear_axis(std::string label, double highest, const std::function<std::string(double)>& text);
// Whole decades around both values, at least one; where few, with 2 and 5 between.
Axis logarithmic_axis(std::string label, double lowest, double highest,
                      const std::function<std::string(double)>& text);

std::string escaped(std::string_view text);  // for HTML; bytes that are no UTF-8 text become "?"

}  // namespace shearline::loadgen
