#include "base/nearest.hpp"

#include <algorithm>
#include <cstddef>
#include <vector>

namespace shearline {
namespace {

constexpr std::size_t name_bytes_max = 64;  // longer ones are not typing mistakes, and cost quadratic time

std::size_t edit_distance(std::string_view a, std::string_view b) {
  std::vector<std::vector<std::size_t>> cost(a.size() + 1, std::vector<std::size_t>(b.size() + 1));
  for (std::size_t i = 0; i <= a.size(); ++i) cost[i][0] = i;
  for (std::size_t j = 0; j <= b.size(); ++j) cost[0][j] = j;
  for (std::size_t i = 1; i <= a.size(); ++i) {
    for (std::size_t j = 1; j <= b.size(); ++j) {
      const std::size_t replaced = cost[i - 1][j - 1] + (a[i - 1] == b[j - 1] ? 0 : 1);
      cost[i][j] = std::min({cost[i - 1][j] + 1, cost[i][j - 1] + 1, replaced});
      const bool swapped = i > 1 && j > 1 && a[i - 1] == b[j - 2] && a[i - 2] == b[j - 1];
      if (swapped) cost[i][j] = std::min(cost[i][j], cost[i - 2][j - 2] + 1);
    }
  }
  return cost[a.size()][b.size()];
}

}  // namespace

std::string_view nearest_name(std::string_view written, std::span<const std::string_view> known) {
  if (written.empty() || written.size() > name_bytes_max) return {};
  std::string_view best;
  std::size_t best_distance = name_bytes_max;
  for (const std::string_view name : known) {
    const std::size_t distance = edit_distance(written, name);
    const std::size_t forgiven = std::max<std::size_t>(1, name.size() / 3);
    if (distance <= forgiven && distance < best_distance) {
      best = name;
      best_distance = distance;
    }
  }
  return best;
}

std::string did_you_mean(std::string_view written, std::span<const std::string_view> known) {
  const std::string_view name = nearest_name(written, known);
  return name.empty() ? std::string() : ", did you mean `" + std::string(name) + "`?";
}

}  // namespace shearline
