// A member of a group, whoever's implementation it is: ours, or ts-mls at the other end of a NodePeer. Tests over
// Client say the same of both. A refusal of either is the exception Refused, and leaves the client as it was.
#pragma once

#include "tests/mls/group_fixture.hpp"
#include "tests/mls/peer/node_peer.hpp"

#include <memory>

namespace shearline::mls::testing {

struct ClientFacts {
  std::uint64_t epoch = 0;
  std::string epoch_authenticator;  // hex
  std::string tree_hash;            // hex
  std::size_t members = 0;
  bool operator==(const ClientFacts&) const = default;
};

struct Heard {
  std::string text;  // of an application message
  std::string authenticated_data;
  bool operator==(const Heard&) const = default;
};

struct MadeCommit {
  Bytes commit;
  Bytes welcome;  // empty where nobody was added
};

class Client {
 public:
  explicit Client(std::string name) : name_(std::move(name)) {}
  Client(const Client&) = delete;
  Client& operator=(const Client&) = delete;
  virtual ~Client() = default;

  const std::string& name() const { return name_; }
  // A KeyPackage MLSMessage, fresh; the client keeps its private half.
  virtual Bytes key_package() = 0;
  virtual void create(ByteView group_id) = 0;
  virtual void join(ByteView welcome) = 0;
  // With the proposals that wait here, by reference. In force at once for this client.
  virtual MadeCommit commit(const std::vector<Bytes>& add, const std::vector<LeafIndex>& remove) = 0;
  virtual Bytes propose_remove(LeafIndex leaf) = 0;
  virtual Bytes protect(std::string_view text, std::string_view authenticated_data) = 0;
  // Any message but a Welcome. A commit that is not the leader's (leaf 0) is refused as the group's policy says.
  virtual Heard hear(ByteView message) = 0;
  virtual ClientFacts facts() = 0;
  virtual std::string exported(std::string_view label, std::string_view context) = 0;  // 32 bytes, hex
  // Turned into bytes, given up, and made anew from those.
  virtual void restart() = 0;
  virtual bool is_removed() = 0;
  // What was saved now can be gone back to.
  virtual void remember() = 0;
  virtual void go_back() = 0;

 private:
  std::string name_;
};

std::unique_ptr<Client> our_client(World& world, std::string name);
std::unique_ptr<Client> their_client(World& world, NodePeer& peer, std::string name);

}  // namespace shearline::mls::testing
