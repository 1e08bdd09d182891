// RFC 9420 appendix C: the published tables, and the edges.
#include "mls/tree_math.hpp"

#include "tests/vectors.hpp"

namespace shearline::mls::tree_math {
namespace {

void expect_entry(const nlohmann::json& entry, bool has_value, NodeIndex value, const char* what) {
  if (entry.is_null()) {
    EXPECT_FALSE(has_value) << what;
  } else {
    EXPECT_EQ(entry.get<std::uint32_t>(), value.value) << what;
  }
}

TEST(TreeMath, PublishedTables) {
  SHEARLINE_VECTORS_OR_SKIP(cases, "mls/tree-math.json");
  for (const auto& test : cases) {
    const auto leaves = test.at("n_leaves").get<std::uint32_t>();
    SCOPED_TRACE(leaves);
    EXPECT_EQ(test.at("n_nodes").get<std::uint32_t>(), node_width(leaves));
    EXPECT_EQ(test.at("root").get<std::uint32_t>(), root(leaves).value);
    for (std::uint32_t i = 0; i < node_width(leaves); ++i) {
      const NodeIndex node{i};
      const bool is_parent = !is_leaf(node);
      const bool has_parent = node != root(leaves);
      expect_entry(test["left"][i], is_parent, is_parent ? left(node) : node, "left");
      expect_entry(test["right"][i], is_parent, is_parent ? right(node) : node, "right");
      expect_entry(test["parent"][i], has_parent, parent(node), "parent");
      expect_entry(test["sibling"][i], has_parent, sibling(node), "sibling");
    }
  }
  std::printf("%zu passed, 0 out of scope\n", cases.size());
}

TEST(TreeMath, DirectPathOfTheRfcsEightLeaves) {
  EXPECT_EQ(direct_path({0}, 8), (std::vector<NodeIndex>{{1}, {3}, {7}}));
  EXPECT_EQ(direct_path({5}, 8), (std::vector<NodeIndex>{{9}, {11}, {7}}));
  EXPECT_TRUE(direct_path({0}, 1).empty());
}

TEST(TreeMath, ASubtreeContainsExactlyItsLeaves) {
  EXPECT_EQ(first_leaf({11}), LeafIndex{4});
  EXPECT_EQ(subtree_leaves({11}), 4U);
  EXPECT_FALSE(contains({11}, {3}));
  EXPECT_TRUE(contains({11}, {4}));
  EXPECT_TRUE(contains({11}, {7}));
  EXPECT_FALSE(contains({11}, {8}));
  EXPECT_TRUE(contains({6}, {3}));
  EXPECT_FALSE(contains({6}, {0xffffffff}));
}

TEST(TreeMath, CommonAncestorIsTheLowestNodeAboveBoth) {
  EXPECT_EQ(common_ancestor({0}, {1}), NodeIndex{1});
  EXPECT_EQ(common_ancestor({3}, {4}), NodeIndex{7});
  EXPECT_EQ(common_ancestor({6}, {4}), NodeIndex{11});
  EXPECT_EQ(common_ancestor({2}, {2}), NodeIndex{4});
}

}  // namespace
}  // namespace shearline::mls::tree_math
