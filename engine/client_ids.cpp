#include "engine/client_ids.hpp"

#include "engine/api_key.hpp"
#include "engine/lanes.hpp"

#include <algorithm>

namespace shearline::engine::client_ids {

std::uint64_t detail::examine_portable(const KeyedHasher& hasher, std::span<const ByteView> ids,
                                       KeyedHash* hashes) {
  std::uint64_t sound = 0;
  for (std::size_t i = 0; i < ids.size(); ++i) {
    sound |= std::uint64_t{is_client_id(ids[i])} << i;
    hashes[i] = hasher(ids[i].first(std::min(ids[i].size(), client_id_bytes_max)));
  }
  return sound;
}

std::uint64_t examine(const KeyedHasher& hasher, std::span<const ByteView> ids, KeyedHash* hashes) {
  // What this processor has is found out, and what is forced upon it, in one place.
  static const auto examine_here =
      lanes::uses(lanes::Kernel::avx512) ? detail::examine_avx512 : detail::examine_portable;
  return examine_here(hasher, ids, hashes);
}

}  // namespace shearline::engine::client_ids
