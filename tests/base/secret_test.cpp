// What must never be seen: what these types cannot do is checked while compiling, what they do at run time is
// wiping and leaving the arena as it was. Statements that must not compile are in compile_fail/.
#include "base/secret.hpp"

#include "base/log.hpp"

#include <fmt/format.h>
#include <fmt/ostream.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <concepts>
#include <functional>
#include <ostream>
#include <string>
#include <type_traits>

namespace shearline {
namespace {

template <class T>
concept Streamable = requires(std::ostream& stream, const T& value) { stream << value; };
template <class T>
concept EqualityComparable = requires(const T& a, const T& b) { a == b; };
template <class T>
concept InequalityComparable = requires(const T& a, const T& b) { a != b; };
template <class T>
concept Ordered = requires(const T& a, const T& b) { a < b; };
template <class T>
concept Hashable = requires(const T& value) { std::hash<T>{}(value); };
template <class T>
concept Loggable = std::constructible_from<log::Field, std::string_view, const T&>;
template <class T>
concept BecomesText =
    std::convertible_to<T, std::string_view> || std::constructible_from<std::string, const T&>;

// The concepts themselves see what they look for: without this, a typo would make every check below pass.
static_assert(Streamable<std::string> && EqualityComparable<std::string> &&
              InequalityComparable<std::string> && Ordered<std::string> && Hashable<std::string> &&
              Loggable<std::string> && BecomesText<std::string> && fmt::is_formattable<std::string>::value);

template <class T>
constexpr bool never_seen = !std::copy_constructible<T> && !std::is_copy_assignable_v<T> && !Streamable<T> &&
                            !EqualityComparable<T> && !InequalityComparable<T> && !Ordered<T> &&
                            !Hashable<T> && !Loggable<T> && !BecomesText<T> && !fmt::is_formattable<T>::value;

static_assert(never_seen<Secret> && std::is_nothrow_move_constructible_v<Secret>);
static_assert(never_seen<Key> && std::is_nothrow_move_constructible_v<Key>);
static_assert(never_seen<Plaintext> && std::is_nothrow_move_constructible_v<Plaintext>);
static_assert(never_seen<Digest> && std::is_nothrow_move_constructible_v<Digest>);
static_assert(never_seen<AckTag> && std::is_nothrow_move_constructible_v<AckTag>);

// Each use is a type of its own: a key is no plaintext.
static_assert(!std::convertible_to<Key, Plaintext> && !std::convertible_to<Secret, Key> &&
              !std::convertible_to<Digest, AckTag>);

// A pointer into a secret must not turn into a logged `true` either, nor its bytes into text.
static_assert(!Loggable<const Byte*> && !Loggable<ByteView> && !Loggable<void*>);

std::size_t used() { return arena_state().used_bytes; }

TEST(Arena, IsAsEmptyAsBeforeWhenSecretsAreGone) {
  const std::size_t before = used();
  {
    const Secret one = Secret::of_size(43);
    Key two = Key::of_size(32);
    const Key three = std::move(two);
    const Key four = three.clone();
    EXPECT_GT(used(), before);
  }
  EXPECT_EQ(used(), before);
}

// Looks at memory that went back to the arena, which stays mapped but is nobody's to read.
__attribute__((no_sanitize("address"))) bool is_all_zero(const volatile Byte* block, std::size_t size) {
  for (std::size_t i = 0; i < size; ++i) {
    if (block[i] != 0) return false;
  }
  return true;
}

TEST(Arena, HandsOutZeroedMemoryAndWipesWhatComesBack) {
  Byte* block = detail::arena_allocate(61);
  EXPECT_TRUE(is_all_zero(block, 61));
  std::fill(block, block + 61, Byte{0xaa});
  detail::arena_release(block, 61);
  EXPECT_TRUE(is_all_zero(block, 64));
}

TEST(Arena, ThrowsWhenFullAndGoesOnWorking) {
  const std::size_t before = used();
  {
    EXPECT_THROW((void)Plaintext::of_size(arena_bytes_max + 1), std::bad_alloc);
    const Plaintext most = Plaintext::of_size(arena_bytes_max - before - 64 * 1024);
    EXPECT_THROW((void)Plaintext::of_size(128 * 1024), std::bad_alloc);
    EXPECT_EQ(Plaintext::of_size(1024).size(), 1024U);
  }
  EXPECT_EQ(used(), before);
}

TEST(Arena, JoinsFreedNeighboursAgain) {
  const std::size_t before = used();
  {
    std::vector<Plaintext> blocks;
    for (int i = 0; i < 100; ++i) blocks.push_back(Plaintext::of_size(4096));
    for (std::size_t i = 0; i < blocks.size(); i += 2) blocks[i] = Plaintext();
    for (std::size_t i = 1; i < blocks.size(); i += 2) blocks[i] = Plaintext();
    EXPECT_EQ(used(), before);
    EXPECT_NO_THROW((void)Plaintext::of_size(arena_bytes_max - before - 64 * 1024));
  }
}

TEST(Secret, MovesWithoutLeavingAnythingBehind) {
  Secret from = Secret::copy_of(as_bytes("0123456789"));
  const Secret to = std::move(from);
  EXPECT_EQ(as_text(to.reveal()), "0123456789");
  EXPECT_TRUE(from.empty());  // NOLINT(bugprone-use-after-move): that is what is tested
  EXPECT_TRUE(from.reveal().empty());
}

TEST(Secret, SurvivesMovingOntoItself) {
  Secret secret = Secret::copy_of(as_bytes("0123456789"));
  Secret& same = secret;
  secret = std::move(same);
  EXPECT_EQ(as_text(secret.reveal()), "0123456789");
}

TEST(Secret, WipesWhatItIsShortenedBy) {
  const std::size_t before = used();
  {
    Secret secret = Secret::copy_of(as_bytes("0123456789"));
    const Byte* const start = secret.reveal().data();
    secret.shrink(4);
    EXPECT_EQ(as_text(secret.reveal()), "0123");
    EXPECT_TRUE(std::all_of(start + 4, start + 10, [](Byte byte) { return byte == 0; }));
    secret.shrink(9);
    EXPECT_EQ(secret.size(), 4U) << "shrinking never grows";
  }
  EXPECT_EQ(used(), before) << "the whole block goes back, not only what is left of it";
}

TEST(Digest, IsWipedWhereItMovedFrom) {
  const std::array<Byte, 32> bytes = [] {
    std::array<Byte, 32> out;
    out.fill(7);
    return out;
  }();
  Digest from = Digest::copy_of(bytes);
  const Digest to = std::move(from);
  EXPECT_TRUE(equal(to.reveal(), bytes));
  EXPECT_TRUE(equal(from.reveal(), std::array<Byte, 32>{}));  // NOLINT(bugprone-use-after-move)
}

TEST(ConstantTime, ComparesLengthsAndBytes) {
  EXPECT_TRUE(equal_in_constant_time(as_bytes("abc"), as_bytes("abc")));
  EXPECT_FALSE(equal_in_constant_time(as_bytes("abc"), as_bytes("abd")));
  EXPECT_FALSE(equal_in_constant_time(as_bytes("abc"), as_bytes("ab")));
  EXPECT_FALSE(equal_in_constant_time(as_bytes("abc"), {}));
  EXPECT_TRUE(equal_in_constant_time({}, {}));
}

}  // namespace
}  // namespace shearline
