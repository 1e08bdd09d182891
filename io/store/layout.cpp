#include "io/store/layout.hpp"

namespace shearline::store {
namespace {

// {"layout": 1, "partitions": 16} in msgpack; the only form ever written, so it is compared byte for byte.
constexpr std::string_view payload_text =
    "\x82\xA6"
    "layout"
    "\x01\xAA"
    "partitions"
    "\x10";
static_assert(layout_version == 0x01 && credential_partitions == 0x10, "payload_text says the same");

Status verify(const Record& record) {
  if (as_text(record.payload) == payload_text) return {};
  return fail(Code::policy_violation, "the store is laid out otherwise than this program expects (layout " +
                                          std::to_string(layout_version) + ", " +
                                          std::to_string(credential_partitions) +
                                          " partitions): use the version that wrote it");
}

// Whoever takes the fact away must not get a second one written over existing records.
Status all_empty(SealedStore& store) {
  for (unsigned partition = 0; partition < partition_count; ++partition) {
    const auto head = store.raw().head(partition);
    if (!head) return std::unexpected(head.error());
    if (head->counter != 0 || !head->head.empty()) {
      return fail(Code::policy_violation, "the store holds records in " + partition_tag(partition) +
                                              " but no layout: it was damaged, or belongs to something else");
    }
  }
  return {};
}

}  // namespace

RecordKey layout_key() { return {Kind::fact, "layout"}; }
ByteView layout_payload() { return as_bytes(payload_text); }

Status check_layout(SealedStore& store) {
  const RecordKey key = layout_key();
  auto record = store.get(key, 0);
  if (record) return verify(*record);
  if (record.error().code != Code::not_found) return std::unexpected(record.error());
  if (const auto empty = all_empty(store); !empty) {
    // Another node may have written the fact between the two looks.
    record = store.get(key, 0);
    return record ? verify(*record) : empty;
  }
  if (store.fence() == 0) return fail(Code::not_found, "the store is empty and waits for the lease holder");

  const auto put = store.compare_and_put({key, 0, to_bytes(layout_payload()), {}, std::nullopt});
  if (put) return {};
  if (put.error().code != Code::conflict) return std::unexpected(put.error());
  record = store.get(key, 0);
  if (!record) return std::unexpected(record.error());
  return verify(*record);
}

}  // namespace shearline::store
