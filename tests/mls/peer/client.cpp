#include "tests/mls/peer/client.hpp"

#include "base/encoding.hpp"

namespace shearline::mls::testing {
namespace {

template <class T>
T or_refused(Result<T> result) {
  if (!result) throw Refused(result.error().message);
  return std::move(*result);
}

constexpr LeafIndex leader{0};

// ---- ours ----

class OurClient final : public Client {
 public:
  OurClient(World& world, std::string name) : Client(std::move(name)), world_(world) {}

  Bytes key_package() override {
    own_ = world_.key_package(name());
    return encode_message(own_->key_package);
  }
  void create(ByteView group_id) override {
    group_ = or_refused(Group::create(*own_, group_id, {}, world_.outside()));
    own_.reset();
  }
  void join(ByteView welcome) override {
    group_ = std::move(or_refused(Group::join(welcome, *own_, world_.outside())).group);
    own_.reset();
  }

  MadeCommit commit(const std::vector<Bytes>& add, const std::vector<LeafIndex>& remove) override {
    CommitRequest request;
    for (const Bytes& message : add) {
      request.proposals.emplace_back(Add{std::get<KeyPackage>(or_refused(decode_message(message)))});
    }
    for (const LeafIndex leaf : remove) request.proposals.emplace_back(Remove{leaf});
    Group::Committed made = or_refused(group_->commit(request, world_.outside()));
    Group::Accepted accepted = or_refused(made.next.accept_commit());
    group_ = std::move(accepted.next);
    return {.commit = std::move(made.message), .welcome = accepted.welcome.value_or(Bytes())};
  }
  Bytes propose_remove(LeafIndex leaf) override {
    return take(or_refused(group_->propose_remove(leaf, world_.outside())));
  }
  Bytes protect(std::string_view text, std::string_view authenticated_data) override {
    return take(or_refused(
        group_->protect(as_bytes(text), as_bytes(authenticated_data), text.size() % 32, world_.outside())));
  }

  Heard hear(ByteView message) override {
    Group::Received received = or_refused(group_->process(message, world_.outside()));
    const auto* const change = std::get_if<EpochChange>(&received.what);
    if (change != nullptr && change->committer != leader) throw Refused("policy: only the leader commits");
    Heard heard;
    if (const auto* const data = std::get_if<ApplicationMessage>(&received.what)) {
      heard = {.text = to_string(data->data.reveal()),
               .authenticated_data = to_string(data->authenticated_data)};
    }
    group_ = std::move(received.next);
    return heard;
  }

  ClientFacts facts() override {
    return {.epoch = group_->epoch(),
            .epoch_authenticator = hex(group_->epoch_authenticator().reveal()),
            .tree_hash = hex(group_->group_context().tree_hash),
            .members = group_->members().size()};
  }
  std::string exported(std::string_view label, std::string_view context) override {
    return hex(group_->export_secret(label, as_bytes(context), 32).reveal());
  }

  void restart() override { group_ = or_refused(Group::restore(group_->serialize(), Standing::current)); }
  bool is_removed() override { return group_->standing() == Standing::removed; }
  void remember() override { remembered_ = group_->clone(); }
  void go_back() override { group_ = std::move(*remembered_); }

 private:
  Bytes take(Group::Sent sent) {
    group_ = std::move(sent.next);
    return std::move(sent.message);
  }

  World& world_;
  std::optional<OwnKeyPackage> own_;
  std::optional<Group> group_;
  std::optional<Group> remembered_;
};

// ---- theirs ----

class TheirClient final : public Client {
 public:
  TheirClient(World& world, NodePeer& peer, std::string name)
      : Client(std::move(name)), world_(world), peer_(peer) {}

  Bytes key_package() override {
    return bytes_of(ask({{"do", "key_package"},
                         {"not_before", std::to_string(world_.now_s - 60)},
                         {"not_after", std::to_string(world_.now_s + test_lifetime_seconds)}}),
                    "key_package");
  }
  void create(ByteView group_id) override { ask({{"do", "create"}, {"group_id", hex(group_id)}}); }
  void join(ByteView welcome) override { ask({{"do", "join"}, {"welcome", hex(welcome)}}); }

  MadeCommit commit(const std::vector<Bytes>& add, const std::vector<LeafIndex>& remove) override {
    nlohmann::json request = {
        {"do", "commit"}, {"add", nlohmann::json::array()}, {"remove", nlohmann::json::array()}};
    for (const Bytes& message : add) request["add"].push_back(hex(message));
    for (const LeafIndex leaf : remove) request["remove"].push_back(leaf.value);
    // Every second commit in the clear: ours never sends a PublicMessage, so this is where it reads one.
    request["public_message"] = commits_++ % 2 == 1;
    const nlohmann::json made = ask(std::move(request));
    return {.commit = bytes_of(made, "commit"), .welcome = bytes_of(made, "welcome")};
  }
  Bytes propose_remove(LeafIndex leaf) override {
    return bytes_of(
        ask({{"do", "propose"}, {"remove", {leaf.value}}, {"public_message", leaf.value % 2 == 0}}),
        "proposal");
  }
  Bytes protect(std::string_view text, std::string_view authenticated_data) override {
    return bytes_of(ask({{"do", "protect"},
                         {"data", hex(as_bytes(text))},
                         {"authenticated_data", hex(as_bytes(authenticated_data))}}),
                    "message");
  }

  Heard hear(ByteView message) override {
    const nlohmann::json heard =
        ask({{"do", "process"}, {"message", hex(message)}, {"only_committer", leader.value}});
    if (heard.value("action", "") == "reject") throw Refused("policy: only the leader commits");
    if (heard.at("what") != "application") return {};
    return {.text = to_string(bytes_of(heard, "data")),
            .authenticated_data = to_string(bytes_of(heard, "authenticated_data"))};
  }

  ClientFacts facts() override {
    const nlohmann::json facts = ask({{"do", "facts"}});
    return {.epoch = facts.at("epoch"),
            .epoch_authenticator = facts.at("epoch_authenticator"),
            .tree_hash = facts.at("tree_hash"),
            .members = facts.at("members")};
  }
  std::string exported(std::string_view label, std::string_view context) override {
    return ask({{"do", "export_secret"},
                {"label", label},
                {"context", hex(as_bytes(context))},
                {"length", 32}})
        .at("secret");
  }

  void restart() override {
    remember();
    go_back();
  }
  bool is_removed() override { return ask({{"do", "facts"}}).at("standing") == "removedFromGroup"; }
  void remember() override { saved_ = ask({{"do", "save"}}).at("state"); }
  void go_back() override { ask({{"do", "restore"}, {"state", saved_}}); }

 private:
  nlohmann::json ask(nlohmann::json request) {
    request["client"] = name();
    return peer_.ask(request);
  }
  static Bytes bytes_of(const nlohmann::json& answer, const char* name) {
    return from_hex(answer.at(name).get<std::string>()).value();
  }

  World& world_;
  NodePeer& peer_;
  std::string saved_;  // hex
  int commits_ = 0;
};

}  // namespace

std::unique_ptr<Client> our_client(World& world, std::string name) {
  return std::make_unique<OurClient>(world, std::move(name));
}

std::unique_ptr<Client> their_client(World& world, NodePeer& peer, std::string name) {
  return std::make_unique<TheirClient>(world, peer, std::move(name));
}

}  // namespace shearline::mls::testing
