// What holds of every state of an MLS group, however it came about. Used by the fuzzers of process and join.
#pragma once

#include "mls/tree_validation.hpp"
#include "tests/fuzz/expect.hpp"
#include "tests/mls/insider.hpp"

namespace shearline::fuzz {

inline void expect_rule(const Error& error) {
  expect(error.message.starts_with("RFC 9420 section "), "a refusal names its rule");
}

template <class T>
void expect_value(const Result<T>& result, const char* what) {
  if (!result) std::fprintf(stderr, "%s\n", result.error().message.c_str());
  expect(result.has_value(), what);
}

inline mls::Group restored(const mls::SavedGroup& saved) {
  auto out = mls::Group::restore(saved, mls::Standing::current);
  expect_value(out, "a saved state is restored");
  expect(mls::testing::same_state(out->serialize(), saved), "and saved again as it was");
  return std::move(*out);
}

inline void expect_valid_tree(const mls::Group& group, const mls::Outside& outside) {
  mls::RatchetTree tree = group.tree();
  expect(equal(tree.tree_hash(), group.group_context().tree_hash), "the context has the tree's hash");
  expect(tree.leaf(group.own_leaf()) != nullptr, "our leaf is not blank");
  const Status valid = mls::validate_tree(tree, {.cipher_suite = group.cipher_suite(),
                                                 .group_id = group.group_id(),
                                                 .group_context_extensions = group.group_context().extensions,
                                                 .now_s = outside.now_s,
                                                 .identities = outside.identities});
  expect_value(valid, "the tree is valid");
}

// Whoever is in a group can move it on, whatever the others did before.
inline mls::Group::Committed expect_can_commit(const mls::Group& group, const mls::Outside& outside) {
  auto made = group.commit({}, outside);
  expect_value(made, "we can commit");
  return std::move(*made);
}

}  // namespace shearline::fuzz
