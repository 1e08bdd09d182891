// The common form of files that hold wrapped keys: public facts, keys with a purpose each, one KEK, and a seal
// over everything. Keyrings and admin files are this with names of their own; nobody else uses it.
//
//   type, version   "shearline-keyring", 1
//   facts           public text by name
//   kek             {"kind": "passphrase", "scrypt": {n, r, p, salt}} or {"kind": "key"}
//   keys            [{purpose, nonce, wrapped}]: AES-256-GCM under a key derived from the KEK, the associated
//                   data names type and purpose, so a wrapped key cannot take another's place
//   mac             HMAC under another key derived from the KEK, over all of the above: facts cannot be changed
//   checksum        of all of the above without any key: tells damage from a wrong passphrase
// Bytes are base64url. mac and checksum are over the JSON with sorted names and without white space.
#pragma once

#include "io/keys/keyring.hpp"

#include <map>
#include <string>
#include <vector>

namespace shearline::keys {

struct PurposedKey {
  std::string purpose;
  Key key;
};

struct KeyFile {
  std::map<std::string, std::string> facts;
  std::vector<PurposedKey> keys;
};

// What the file is: its `type`, and what messages call it.
struct KeyFileType {
  std::string_view type;
  std::string_view what;
};

std::string encode_key_file(const KeyFileType& type, const KeyFile& file, const KekSource& kek,
                            Random& random);
// unauthorized: the passphrase or key is wrong; invalid: damaged or changed, says where.
Result<KeyFile> decode_key_file(const KeyFileType& type, std::string_view json, const KekSource& kek);

// Takes the key of one purpose, or a fact, out of the file; invalid, naming it, when there is none.
Result<Key> take_key(const KeyFileType& type, KeyFile& file, std::string_view purpose);
Result<std::string> take_fact(const KeyFileType& type, KeyFile& file, const std::string& name);

}  // namespace shearline::keys
