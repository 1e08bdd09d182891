// Which secrets were imported, as the first 8 bytes of their keyed fingerprints: of ten million, none is taken for
// another by chance. Dense, because a deployment may have imported every credential it holds. Used by the replica.
#pragma once

#include "base/crypto.hpp"
#include "engine/region.hpp"

#include <array>
#include <cstdint>
#include <memory>
#include <utility>

namespace shearline::actors {

class FingerprintSet {
 public:
  void insert(const Hash& fingerprint) {
    const std::uint64_t bits = short_form(fingerprint);
    part_of(bits).insert(bits);
  }
  bool contains(const Hash& fingerprint) const {
    const std::uint64_t bits = short_form(fingerprint);
    return part_of(bits).contains(bits);
  }
  void prefetch(const Hash& fingerprint) const {
    const std::uint64_t bits = short_form(fingerprint);
    part_of(bits).prefetch(bits);
  }

 private:
  // One part grows at a time, so that nobody waits until all of ten million are moved.
  class Part {
   public:
    void insert(std::uint64_t wanted) {
      if ((count_ + 1) * 4 > slots_ * 3) grow();
      std::uint64_t& slot = slot_for(wanted);
      if (slot != 0) return;
      slot = wanted;
      ++count_;
    }
    bool contains(std::uint64_t wanted) const { return slots_ > 0 && slot_for(wanted) != 0; }
    void prefetch(std::uint64_t wanted) const {
      if (slots_ > 0) __builtin_prefetch(slots() + (wanted & (slots_ - 1)), 1);
    }

   private:
    std::uint64_t* slots() const { return reinterpret_cast<std::uint64_t*>(memory_->data()); }
    std::uint64_t& slot_for(std::uint64_t wanted) const {
      std::size_t position = wanted & (slots_ - 1);
      while (slots()[position] != 0 && slots()[position] != wanted) position = (position + 1) & (slots_ - 1);
      return slots()[position];
    }
    void grow() {
      const std::unique_ptr<engine::Region> before = std::move(memory_);
      const std::size_t slots_before = slots_;
      slots_ = slots_ == 0 ? slots_min : slots_ * 2;
      memory_ = std::make_unique<engine::Region>(slots_ * sizeof(std::uint64_t));
      for (std::size_t i = 0; i < slots_before; ++i) {
        const std::uint64_t kept = reinterpret_cast<const std::uint64_t*>(before->data())[i];
        if (kept != 0) slot_for(kept) = kept;
      }
    }

    static constexpr std::size_t slots_min = 512;
    std::unique_ptr<engine::Region> memory_;  // zeroed when it comes
    std::size_t slots_ = 0;                   // a power of two, at most three quarters of them in use
    std::size_t count_ = 0;
  };

  // The output of a MAC: its bits are spread as a hash table wants them. 0 is a free slot.
  static std::uint64_t short_form(const Hash& fingerprint) {
    const std::uint64_t bits = load_be64(fingerprint.data());
    return bits == 0 ? 1 : bits;
  }
  static constexpr unsigned parts_bits = 6;
  // By the upper bits: the place within a part is chosen by the lower ones.
  static std::size_t part_index(std::uint64_t bits) { return bits >> (64 - parts_bits); }
  Part& part_of(std::uint64_t bits) { return parts_[part_index(bits)]; }
  const Part& part_of(std::uint64_t bits) const { return parts_[part_index(bits)]; }

  std::array<Part, std::size_t{1} << parts_bits> parts_;
};

}  // namespace shearline::actors
