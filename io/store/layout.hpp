// How the deployment's data is laid out, as a fact that stands in {sys} under a MAC: a node that was built
// for another number of partitions must not touch what is there. Called by server/ at start and by the CLI.
#pragma once

#include "io/store/sealed.hpp"

namespace shearline::store {

// The fact itself, for check_layout and for tools that write a whole store (bench/fill_redis).
RecordKey layout_key();
ByteView layout_payload();

// The holder of the lease writes the fact into an empty store; everyone else only reads it.
// not_found: nothing there yet and this node does not hold the lease, ask again later.
// policy_violation: another layout, or records without the fact. Others as SealedStore::get.
Status check_layout(SealedStore& store);

}  // namespace shearline::store
