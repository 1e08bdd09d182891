// The command line of shearline-loadgen: what may be asked, help, and the exit status.
#pragma once

namespace shearline::loadgen {

// Exit statuses that scripts can use; 64 to 69 are those of sysexits.h.
inline constexpr int exit_clean = 0;
inline constexpr int exit_unclean = 1;        // mismatches, errors, unanswered questions, a broken connection
inline constexpr int exit_usage = 64;         // the command line
inline constexpr int exit_bad_input = 65;     // the credentials, scenario or AUTH file
inline constexpr int exit_unavailable = 69;   // the server or the output
inline constexpr int exit_interrupted = 130;  // Ctrl-C, as shells say it; the report was written

int run_command(int argc, const char* const* argv);

}  // namespace shearline::loadgen
