// A rotation inside its credential's record, with the members' ack tags sealed. Private to this room.
#pragma once

#include "base/crypto.hpp"
#include "base/random.hpp"
#include "io/wire/record_parts.hpp"

namespace shearline::wire {

Bytes encode_rotation(const Key& tag_key, Random& random, std::string_view client_id,
                      const policy::Rotation& rotation);
policy::Rotation read_rotation(const Key& tag_key, std::string_view client_id, const Fields& fields);

void write_ended(MapWriter& map, const std::vector<policy::EndedRotation>& ended);
std::vector<policy::EndedRotation> read_ended(const Fields& fields);

}  // namespace shearline::wire
