"""Redis as somebody sees it who may read and write all of it: keys by partition, copies of values, putting copies back."""

import redis.crc

KINDS = ("records", "head", "changes", "outbox", "due", "fence")
PARTITIONS = 16


def partition_of(client_id):
    return "{p%02d}" % (redis.crc.key_slot(client_id.encode()) % PARTITIONS)


def client_in_another_partition(client_id, name=None):
    """An id like it, or like the name, whose record stands elsewhere."""
    return next(other for other in ("%s-%d" % (name or client_id, n) for n in range(100)) if partition_of(other) != partition_of(client_id))


def client_in_the_same_partition(client_id):
    return next(other for other in ("%s-%d" % (client_id, n) for n in range(500)) if partition_of(other) == partition_of(client_id))


class Store:
    def __init__(self, client):
        self.client = client

    @staticmethod
    def key(tag, name):
        return "shearline:%s:%s" % (tag, name)

    def copy(self, *keys):
        """The values as they are now, missing ones included."""
        return {key: self.client.dump(key) for key in keys}

    def put_back(self, copies):
        """In one step, as an attacker would who wants no one to look in between."""
        pipeline = self.client.pipeline(transaction=True)
        for key, value in copies.items():
            pipeline.delete(key)
            if value is not None:
                pipeline.restore(key, 0, value)
        pipeline.execute()

    def partition(self, tag, *names):
        """Copies of a partition's keys; its fence is the lease's business and stays out."""
        return self.copy(*[self.key(tag, name) for name in names or KINDS[:-1]])

    def outbox_is_empty(self):
        return not any(self.client.xlen(key) for key in self.client.keys("shearline:*:outbox") if self.client.type(key) == b"stream")

    def state(self):
        """Everything that decides: records, heads, deadlines, envelopes. Refused commands go on record as a count that is
        written now and then; that one fact, and the head and changes that come with it, are left out."""
        state = {}
        for key in sorted(self.client.keys("shearline:*")):
            name = key.decode()
            kind = name.rsplit(":", 1)[1]
            if "{sys}" in name and kind == "records":
                state[name] = {field: value for field, value in self.client.hgetall(key).items() if field != b"fact:refusals"}
            elif "{sys}" not in name and kind == "records":
                state[name] = self.client.hgetall(key)  # a dump tells the order of the fields too, which may change by itself
            elif "{sys}" not in name and kind in ("head", "changes", "due", "stream"):
                state[name] = self.client.dump(key)
        return state
