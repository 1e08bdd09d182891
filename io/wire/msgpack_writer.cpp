// Out of line: inlined into many small writes, g++ 12 warns of overflows that cannot happen.
#include "io/wire/msgpack_writer.hpp"

namespace shearline::wire {

void GrowingSink::write(const char* data, std::size_t size) { append(bytes, as_bytes({data, size})); }

}  // namespace shearline::wire
