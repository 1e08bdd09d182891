// Every bound of this room in one place. RFC 9420 leaves them to the application (sections 2.1.2, 7.2, 9.2,
// 15.3); without them a peer would choose how much we store, derive or allocate.
#pragma once

#include <cstddef>
#include <cstdint>

namespace shearline::mls {

inline constexpr std::size_t message_bytes_max = 4 << 20;            // one MLSMessage
inline constexpr std::size_t application_data_bytes_max = 60 << 10;  // plaintexts lie in the locked arena
inline constexpr std::size_t padding_bytes_max = 4 << 10;
inline constexpr std::size_t authenticated_data_bytes_max = 64 << 10;
inline constexpr std::size_t identity_bytes_max = 4 << 10;  // a credential's identity, a group id
inline constexpr std::uint32_t tree_leaves_max = 4096;      // a power of two: trees are always full
inline constexpr std::size_t path_nodes_max = 12;           // log2 of tree_leaves_max
inline constexpr std::size_t extensions_max = 64;           // in one list
inline constexpr std::size_t certificates_max = 16;
inline constexpr std::size_t pre_shared_keys_max = 16;  // in one commit
inline constexpr std::size_t proposals_per_commit_max = 4096;
inline constexpr std::size_t proposals_pending_max =
    4096;  // received or sent in one epoch, not committed yet
// How often a committer tries which of the received proposals go together; the rest stays out of the commit.
inline constexpr std::size_t commit_trials_max = 64;

// Sections 9.2 and 15.3: how far a message may lie ahead of the newest one, and how many keys of skipped
// generations are kept. A skipped key takes 64 to 96 bytes of the arena's 1 MiB.
inline constexpr std::uint32_t ratchet_steps_max = 1000;
inline constexpr std::size_t skipped_keys_per_ratchet_max = 256;
inline constexpr std::size_t skipped_keys_per_epoch_max = 512;
inline constexpr std::size_t retained_epochs_max = 3;  // whose late messages can still be read

// Some peers refuse gaps of more than 200 generations: commit before that many messages in one epoch.
inline constexpr std::uint32_t messages_per_epoch_advised_max = 200;

// Section 7.2: the longest total lifetime of a key package that we issue, or accept unless the caller says more.
inline constexpr std::uint64_t key_package_lifetime_seconds_max = 180ULL * 24 * 3600;
inline constexpr std::uint64_t clock_skew_seconds_max = 3600;  // we date not_before this much earlier

static_assert(tree_leaves_max == 1U << path_nodes_max);
static_assert(skipped_keys_per_ratchet_max <= skipped_keys_per_epoch_max);
static_assert(skipped_keys_per_ratchet_max <= ratchet_steps_max);
static_assert(messages_per_epoch_advised_max <= skipped_keys_per_ratchet_max);

}  // namespace shearline::mls
