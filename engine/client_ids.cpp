#include "engine/client_ids.hpp"

#include "engine/api_key.hpp"
#include "engine/lanes.hpp"

#include <algorithm>

namespace shearline::engine::client_ids {

void detail::examine_portable(const KeyedHasher& hasher, std::span<const ByteView> ids,
                              std::span<Examined> examined) {
  for (std::size_t i = 0; i < ids.size(); ++i) {
    examined[i].sound = is_client_id(ids[i]);
    examined[i].hash = hasher(ids[i].first(std::min(ids[i].size(), client_id_bytes_max)));
  }
}

void examine(const KeyedHasher& hasher, std::span<const ByteView> ids, std::span<Examined> examined) {
  // What this processor has is found out, and what is forced upon it, in one place.
  static const auto kernel =
      lanes::uses(lanes::Kernel::avx512) ? detail::examine_avx512 : detail::examine_portable;
  kernel(hasher, ids, examined);
}

}  // namespace shearline::engine::client_ids
