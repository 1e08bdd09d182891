#include "loadgen/observed.hpp"

namespace shearline::loadgen {

void Observed::merge(const Observed& other) {
  tally.merge(other.tally);
  punctuality.merge(other.punctuality);
  connect_ns.merge(other.connect_ns);
  losses.merge(other.losses);
  unanswered += other.unanswered;
  garbage.pieces += other.garbage.pieces;
  garbage.refused += other.garbage.refused;
  garbage.closed += other.garbage.closed;
  garbage.answered += other.garbage.answered;
  garbage.ignored += other.garbage.ignored;
  slow.frames_asked += other.slow.frames_asked;
  slow.bytes_read += other.slow.bytes_read;
  slow.cut_off += other.slow.cut_off;
  rotated.learnt += other.rotated.learnt;
  rotated.checks += other.rotated.checks;
  rotated.mismatches += other.rotated.mismatches;
  rotated.not_yet_accepted += other.rotated.not_yet_accepted;
  for (std::size_t i = 0; i < rotated.old_by_letter.size(); ++i) {
    rotated.old_by_letter[i] += other.rotated.old_by_letter[i];
    rotated.new_by_letter[i] += other.rotated.new_by_letter[i];
  }
}

}  // namespace shearline::loadgen
