#include "loadgen/scenario.hpp"

#include <array>

namespace shearline::loadgen {
namespace {

constexpr std::array<BuiltInScenario, 7> scenarios = {{
    {"bulk", R"(about = "As many checks as the server can take, in batches of 512"
duration = "10s"
connections = 4
pipeline = 16
wrong_share = 0.1

[[frames]]
command = "MVERIFY"
batch = 512
)"},
    {"single", R"(about = "One check in a frame, as a gateway asks for each request"
duration = "10s"
connections = 50
pipeline = 32
wrong_share = 0.1

[[frames]]
command = "VERIFY"
)"},
    {"mixed",
     R"(about = "Gateways of all kinds at a steady rate: single checks, small and large batches, unknown clients"
duration = "10s"
rate = 100000 # checks a second
arrivals = "poisson"
connections = 32
pipeline = 64
wrong_share = 0.05
unknown_share = 0.05

[[frames]]
command = "VERIFY"
share = 90

[[frames]]
command = "MVERIFY"
batch = 16
share = 8

[[frames]]
command = "MVERIFY"
batch = 512
share = 2
)"},
    {"rotation-storm",
     R"(about = "Rotations while the load goes on; every new secret is checked beside the one before"
# The commands run as the admin of SHEARLINE_KEYS, SHEARLINE_PASSPHRASE and SHEARLINE_REDIS, who is a member of the
# group that receives the secrets. They land in the folder below. The old secret must stay good for longer than the run
# takes: hence the grace. Rules limit how many commands an admin may send (commands_per_minute_per_admin).
duration = "30s"
rate = 100000
arrivals = "poisson"
connections = 8
pipeline = 64
wrong_share = 0.05

[[frames]]
command = "MVERIFY"
batch = 64

[[during]]
run = 'exec shearline --json inbox --out rotation-storm.secrets'
every = "1s"
learn = true # its output tells the new secrets

[[during]]
run = 'exec shearline rotate --clients "$CLIENT_IDS" --grace 24h --reason "load test"'
parallel = 4 # each sends one command after another
)"},
    {"slow-readers",
     R"(about = "Clients that ask and hardly read, beside ones that do: the server must bound what it keeps for them"
duration = "90s" # longer than the minute in which replies must be taken: then it cuts them off
rate = 100000
arrivals = "poisson"
connections = 8
pipeline = 64
wrong_share = 0.1

[[frames]]
command = "MVERIFY"
batch = 64

[slow_readers]
connections = 32
bytes_per_s = 100
)"},
    {"reconnect-storm", R"(about = "Every connection asks once, closes and comes back"
duration = "10s"
connections = 64
pipeline = 1
frames_per_connection = 1
on_loss = "reconnect"
wrong_share = 0.1

[[frames]]
command = "VERIFY"
)"},
    {"garbage",
     R"(about = "Other protocols, broken frames and noise beside a steady load, which must not notice"
duration = "10s"
rate = 100000
arrivals = "poisson"
connections = 8
pipeline = 64
wrong_share = 0.1

[[frames]]
command = "MVERIFY"
batch = 64

[garbage]
connections = 16
)"},
}};

}  // namespace

std::span<const BuiltInScenario> built_in_scenarios() { return scenarios; }

}  // namespace shearline::loadgen
