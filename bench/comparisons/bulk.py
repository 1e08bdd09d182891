"""P2: bulk and single checks over RESP beside Redis GET."""

from .figures import Figure, short
from .world import CLIENT_CORE, Failed, Measurement, bulk, engine, fill_peer, info, interleaved, redis, run, say

PIPELINE = 512  # performance.md P2: redis-benchmark -P 512
BATCH = 256  # pairs in one MVERIFY
CPU_NS_AT_MOST = {1_000_000: 70, 1_000: 45}
FOUND, MISMATCH = "keyspace_hits", "shearline_checks_mismatch"  # how Redis and the engine count what is asked here


def results(port):
    """What the server counts of its results, Redis or the engine."""
    return {name: int(value) for name, value in info(port).items()
            if name.startswith(("keyspace_", "shearline_checks_", "total_error_replies"))}


def redis_benchmark(port, keys, seconds, command, result):
    """redis-benchmark counts operations, not seconds: a short first run tells how many to ask for. Any reply is as good to it
    as any other, so the server says what they were: each one must have been counted as `result`, and none as another."""

    def ask_for(count):
        before = results(port)
        csv = run(["taskset", "-c", CLIENT_CORE, "redis-benchmark", "-p", port, "-P", PIPELINE, "-r", keys, "-n", count,
                   "--csv", *command])
        counted = {name: value - before.get(name, 0) for name, value in results(port).items() if value != before.get(name, 0)}
        done = counted.pop(result, 0)
        if done < count or counted:
            raise Failed(f"of {count:,} {command[0]} asked, {done:,} were counted as {result}, and beside them {counted}")
        # "command","requests per second",... ; the command's own commas stand within quotes
        return done, float(csv.strip().splitlines()[-1].split('","')[1])

    _, rate = ask_for(max(PIPELINE * 50, int(200_000 * min(seconds, 1))))

    def once():
        done, its_rate = ask_for(max(PIPELINE * 50, int(rate * seconds)))
        return done, done / its_rate

    return once


def compare(place, keys, scale, credentials):
    say(f"P2: {credentials:,} credentials")
    with redis(place, "state") as (_, state_port), redis(place, "peer") as (peer, peer_port):
        keys.fill(state_port, credentials)
        fill_peer(peer_port, credentials)
        with engine(place, keys, state_port) as ours:
            wrong = "0" * 43  # as much work as a right one, by design
            return interleaved([
                Measurement("Redis GET", peer.pid,
                            redis_benchmark(peer_port, credentials, scale.seconds, ["GET", "key:__rand_int__"], FOUND)),
                Measurement("MVERIFY", ours.pid, bulk(ours.port, credentials, scale.seconds)),
                Measurement("VERIFY, loadgen", ours.pid,
                            bulk(ours.port, credentials, scale.seconds, "--mode", "verify", "--pipeline", PIPELINE,
                                 "--connections", 50)),
                Measurement("VERIFY, redis-benchmark", ours.pid,
                            redis_benchmark(ours.port, credentials, scale.seconds,
                                            ["VERIFY", "load-__rand_int__", wrong], MISMATCH)),
            ], scale.rounds)


def rows(measurements):
    get = measurements[0]
    lines = ["| | operations/s (median) | lowest to highest, M/s | server CPU each | throughput, times GET | CPU, times GET |",
             "|---|---|---|---|---|---|"]
    return lines + [f"| {each.name} | {each.rate / 1e6:.2f} M/s | {min(each.rates) / 1e6:.2f} to {max(each.rates) / 1e6:.2f} "
                    f"| {each.cpu:.0f} ns | {each.rate / get.rate:.2f} | {each.cpu / get.cpu:.2f} |" for each in measurements]


def figures_of(credentials, measurements):
    get, mverify, _, verify = measurements
    at = f"{credentials:,} credentials"
    bound = CPU_NS_AT_MOST.get(credentials)
    figures = [Figure("P2", f"`MVERIFY`, CPU a check, {at}", short(mverify.cpu, " ns"), mverify.cpu,
                      f"GET: {short(get.cpu, ' ns')}", at_most=bound, unit=" ns",
                      note="" if bound else "the target speaks of 1,000,000")]
    if credentials == 1_000:  # GET is compared where both read memory at random
        return figures
    return figures + [
        Figure("P2", f"`MVERIFY`, throughput, {at}", f"{mverify.rate / 1e6:.2f} M/s", mverify.rate / get.rate,
               f"GET: {get.rate / 1e6:.2f} M/s", at_least=7, unit="x"),
        Figure("P2", f"`VERIFY` under redis-benchmark, CPU, {at}", short(verify.cpu, " ns"), verify.cpu / get.cpu,
               f"GET: {short(get.cpu, ' ns')}", at_most=0.5, unit="x")]


def measure(place, scale):
    figures, details = [], []
    for credentials in scale.bulk_credentials:
        measurements = compare(place.fresh(f"bulk-{credentials}"), place.keys, scale, credentials)
        figures += figures_of(credentials, measurements)
        details.append((f"P2: {credentials:,} credentials", rows(measurements)))
    details[0][1][:0] = [
        f"GET and VERIFY: pipeline {PIPELINE} on 50 connections. MVERIFY: {BATCH} pairs, 16 frames on each of 4 connections, "
        "a tenth of the secrets wrong. redis-benchmark presents wrong secrets for existing clients. Closed loop. Every GET was "
        f"counted by its server as `{FOUND}`, every VERIFY of redis-benchmark as `{MISMATCH}`.", ""]
    return figures, details
