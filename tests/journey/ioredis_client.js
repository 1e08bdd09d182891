// A gateway written with npm ioredis: connects as its users do, checks in every way the client offers, and prints what it
// heard as one JSON object. Arguments: an address (host:port or unix:/path), then JSON {pairs: [[id, secret], ...]}.
'use strict';
const Redis = require('ioredis');

const [address, given] = process.argv.slice(2);
const { pairs } = JSON.parse(given);

function connect(options) {
  if (address.startsWith('unix:')) return new Redis({ path: address.slice(5), ...options });
  const at = address.lastIndexOf(':');
  return new Redis({ host: address.slice(0, at), port: Number(address.slice(at + 1)), ...options });
}

async function pipelined(client) {
  const pipeline = client.pipeline();
  for (const [id, secret] of pairs) pipeline.call('VERIFY', id, secret);
  return (await pipeline.exec()).map(([error, verdict]) => (error ? error.message : verdict));
}

async function main() {
  const client = connect({ connectionName: 'gateway', maxRetriesPerRequest: 0 });
  const automatic = connect({ enableAutoPipelining: true, maxRetriesPerRequest: 0 });
  const heard = {
    ping: await client.ping(),
    name: await client.client('GETNAME'),
    one_by_one: [],
    pipelined: await pipelined(client),
    automatic: await Promise.all(pairs.map(([id, secret]) => automatic.call('VERIFY', id, secret))),
    bulk: (await client.callBuffer('MVERIFY', ...pairs.flat())).toString('latin1'),
    explained: await client.call('EXPLAIN', ...pairs[0]),
    error: await client.call('VERIFY', 'alone').catch((error) => error.message),
    after_error: await client.call('VERIFY', ...pairs[0]),
  };
  for (const [id, secret] of pairs) heard.one_by_one.push(await client.call('VERIFY', id, secret));
  await Promise.all([client.quit(), automatic.quit()]);
  console.log(JSON.stringify(heard));
}

main().catch((error) => {
  console.error(error);
  process.exit(1);
});
