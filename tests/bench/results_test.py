"""scripts/bench measures nothing where the answers are not those it asks for: redis-benchmark itself takes any reply for one."""

import pathlib
import sys
import tempfile
import unittest

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent.parent.parent / "bench"))
sys.dont_write_bytecode = True

from comparisons import bulk, world  # noqa: E402

THERE, SECONDS = 900, 0.01
GET, VERIFY = ("GET", "key:__rand_int__"), ("VERIFY", "load-__rand_int__", "0" * 43)


class Results(unittest.TestCase):
    def setUp(self):
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        self.folder = pathlib.Path(folder.name)

    def test_a_get_that_finds_nothing_is_not_measured(self):
        with world.redis(self.folder, "peer") as (_, port):
            world.fill_peer(port, THERE)
            done, seconds = bulk.redis_benchmark(port, THERE, SECONDS, GET, bulk.FOUND)()
            self.assertGreater(done / seconds, 0)
            with self.assertRaisesRegex(world.Failed, "keyspace_misses"):
                bulk.redis_benchmark(port, 2 * THERE, SECONDS, GET, bulk.FOUND)

    def test_a_check_with_another_outcome_is_not_measured(self):
        keys = world.Keys(self.folder)
        with world.redis(self.folder, "state") as (_, state_port):
            keys.fill(state_port, THERE)
            with world.engine(self.folder, keys, state_port) as ours:
                done, seconds = bulk.redis_benchmark(ours.port, THERE, SECONDS, VERIFY, bulk.MISMATCH)()
                self.assertGreater(done / seconds, 0)
                with self.assertRaisesRegex(world.Failed, "shearline_checks_unknown_client"):
                    bulk.redis_benchmark(ours.port, 2 * THERE, SECONDS, VERIFY, bulk.MISMATCH)


if __name__ == "__main__":
    unittest.main(verbosity=2)
