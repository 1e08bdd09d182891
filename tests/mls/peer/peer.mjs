// Any number of ts-mls clients behind a line protocol: one JSON object a line comes in on stdin, one goes out on stdout
// for each, in order. Bytes are hex. Used by peer_test.cpp, which holds the other side; knows nothing of our library.
//
//   {"do": "create", "client": "a", ...}  ->  {"done": {...}}  or  {"refused": "why"}
//
// A refusal leaves the client as it was. ts-mls is found through NODE_PATH, as scripts/test sets it.
import { createRequire } from "node:module";
import { createInterface } from "node:readline";
import { pathToFileURL } from "node:url";
import { webcrypto } from "node:crypto";

globalThis.crypto ??= webcrypto; // Node 18 has it, but not as a global
process.on("unhandledRejection", () => {}); // ts-mls drops promises on the floor where it refuses; the first one answers

const require = createRequire(import.meta.url);
const entry = require.resolve("ts-mls"); // import() does not look at NODE_PATH, require does
const mls = await import(pathToFileURL(entry).href);

const suites = {
  1: "MLS_128_DHKEMX25519_AES128GCM_SHA256_Ed25519",
  2: "MLS_128_DHKEMP256_AES128GCM_SHA256_P256",
  3: "MLS_128_DHKEMX25519_CHACHA20POLY1305_SHA256_Ed25519",
};

const hex = (bytes) => Buffer.from(bytes).toString("hex");
const bytes = (text) => new Uint8Array(Buffer.from(text, "hex"));

let suite;
const clients = new Map(); // name -> {own: key package with its private half, state}

function client(name) {
  const found = clients.get(name);
  if (found === undefined) throw new Error(`no client ${name}`);
  return found;
}

function decoded(text, wireformat) {
  const whole = bytes(text);
  const result = mls.decodeMlsMessage(whole, 0);
  if (result === undefined) throw new Error("not an MLSMessage");
  const [message, length] = result;
  if (length !== whole.length) throw new Error("bytes are left over");
  if (wireformat !== undefined && message.wireformat !== wireformat) throw new Error(`not a ${wireformat}`);
  return message;
}

function encoded(content) {
  return hex(mls.encodeMlsMessage({ version: "mls10", ...content }));
}

function proposals({ add = [], remove = [] }) {
  return [
    ...add.map((text) => ({
      proposalType: "add",
      add: { keyPackage: decoded(text, "mls_key_package").keyPackage },
    })),
    ...remove.map((removed) => ({ proposalType: "remove", remove: { removed } })),
  ];
}

// RFC 9420 section 5.1.1 wants P-256 keys uncompressed; ts-mls 1.6.4 makes its signature keys compressed, and we refuse
// those. With a key of the right form it takes and verifies both.
async function signature_key() {
  const pair = await suite.signature.keygen();
  if (suite.name !== suites[2]) return pair;
  const { p256 } = await import(pathToFileURL(require.resolve("@noble/curves/nist.js")).href);
  return { ...pair, publicKey: p256.getPublicKey(pair.signKey, false) };
}

const commands = {
  async suite({ number }) {
    // In JavaScript alone: no OpenSSL on both sides, and no hash waits for a thread of Node's pool, which on a busy machine
    // is most of the time.
    suite = await mls.getCiphersuiteImpl(mls.getCiphersuiteFromName(suites[number]), mls.nobleCryptoProvider);
    return { name: suite.name, node: process.version };
  },

  async key_package({ client: name, not_before, not_after }) {
    const { publicPackage, privatePackage } = await mls.generateKeyPackageWithKey(
      { credentialType: "basic", identity: new TextEncoder().encode(name) },
      mls.defaultCapabilities(),
      { notBefore: BigInt(not_before), notAfter: BigInt(not_after) },
      [],
      await signature_key(),
      suite,
    );
    clients.set(name, { own: { publicPackage, privatePackage }, state: undefined });
    return { key_package: encoded({ wireformat: "mls_key_package", keyPackage: publicPackage }) };
  },

  async create({ client: name, group_id }) {
    const one = client(name);
    one.state = await mls.createGroup(bytes(group_id), one.own.publicPackage, one.own.privatePackage, [], suite);
    return {};
  },

  async join({ client: name, welcome }) {
    const one = client(name);
    const { publicPackage, privatePackage } = one.own;
    one.state = await mls.joinGroup(
      decoded(welcome, "mls_welcome").welcome,
      publicPackage,
      privatePackage,
      mls.emptyPskIndex,
      suite,
    );
    one.own = undefined; // used once
    return {};
  },

  // In force at once for the committer.
  async commit({ client: name, public_message = false, ...what }) {
    const one = client(name);
    const made = await mls.createCommit(
      { state: one.state, cipherSuite: suite },
      { extraProposals: proposals(what), ratchetTreeExtension: true, wireAsPublicMessage: public_message },
    );
    one.state = made.newState;
    const welcome = made.welcome && encoded({ wireformat: "mls_welcome", welcome: made.welcome });
    return { commit: hex(mls.encodeMlsMessage(made.commit)), welcome: welcome ?? "" };
  },

  async propose({ client: name, public_message = false, ...what }) {
    const one = client(name);
    const made = await mls.createProposal(one.state, public_message, proposals(what)[0], suite);
    one.state = made.newState;
    return { proposal: hex(mls.encodeMlsMessage(made.message)) };
  },

  async protect({ client: name, data, authenticated_data }) {
    const one = client(name);
    const made = await mls.createApplicationMessage(one.state, bytes(data), suite, bytes(authenticated_data));
    one.state = made.newState;
    return { message: encoded({ wireformat: "mls_private_message", privateMessage: made.privateMessage }) };
  },

  // `only_committer`: a commit of any other leaf is refused, as the group's policy.
  async process({ client: name, message: text, only_committer }) {
    const one = client(name);
    const message = decoded(text);
    const policy = (incoming) =>
      incoming.kind === "commit" && only_committer !== undefined && incoming.senderLeafIndex !== only_committer
        ? "reject"
        : "accept";
    const result = await mls.processMessage(message, one.state, mls.emptyPskIndex, policy, suite);
    one.state = result.newState;
    if (result.kind !== "applicationMessage") return { what: "handshake", action: result.actionTaken };
    return {
      what: "application",
      data: hex(result.message),
      authenticated_data: hex(message.privateMessage.authenticatedData),
    };
  },

  async facts({ client: name }) {
    const { groupContext, keySchedule, ratchetTree, groupActiveState } = client(name).state;
    return {
      epoch: Number(groupContext.epoch),
      epoch_authenticator: hex(keySchedule.epochAuthenticator),
      tree_hash: hex(groupContext.treeHash),
      members: ratchetTree.filter((node) => node?.nodeType === "leaf").length,
      standing: groupActiveState.kind,
    };
  },

  async export_secret({ client: name, label, context, length }) {
    const { keySchedule } = client(name).state;
    return { secret: hex(await mls.mlsExporter(keySchedule.exporterSecret, label, bytes(context), length, suite)) };
  },

  // The state as bytes, and a client that has nothing but those.
  async save({ client: name }) {
    return { state: hex(mls.encodeGroupState(client(name).state)) };
  },
  async restore({ client: name, state }) {
    const result = mls.decodeGroupState(bytes(state), 0);
    if (result === undefined) throw new Error("not a saved state");
    clients.set(name, { own: undefined, state: { ...result[0], clientConfig: client(name).state.clientConfig } });
    return {};
  },
};

async function answer(line) {
  try {
    const { do: command, ...parameters } = JSON.parse(line);
    if (!Object.hasOwn(commands, command)) throw new Error(`no command ${command}`);
    return { done: await commands[command](parameters) };
  } catch (error) {
    return { refused: `${error.name}: ${error.message}` };
  }
}

for await (const line of createInterface({ input: process.stdin })) {
  process.stdout.write(`${JSON.stringify(await answer(line))}\n`);
}
