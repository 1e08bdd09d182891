#include "io/store/redis_link.hpp"

#include "base/secret.hpp"

#include <fcntl.h>
#include <hiredis/hiredis.h>
#include <unistd.h>

#include <algorithm>
#include <array>

namespace shearline::store {
namespace {

constexpr std::size_t receive_bytes = 64 * 1024;
// A sanity bound, not a limit anyone should meet: more than this in one answer is not ours.
constexpr std::size_t reply_bytes_max = 512UL << 20;
constexpr std::size_t password_bytes_max = 512;

struct FreeReader {
  void operator()(redisReader* reader) const { redisReaderFree(reader); }
};
RedisReply::Type type_of(int type) {
  switch (type) {
    case REDIS_REPLY_STATUS:
      return RedisReply::Type::status;
    case REDIS_REPLY_ERROR:
      return RedisReply::Type::error;
    case REDIS_REPLY_INTEGER:
      return RedisReply::Type::integer;
    case REDIS_REPLY_STRING:
      return RedisReply::Type::bulk;
    case REDIS_REPLY_ARRAY:
      return RedisReply::Type::array;
    default:
      return RedisReply::Type::nil;
  }
}

// The reader makes our replies itself, through these. Null is how it is told that memory ran out.
//
// An array grows as its items come, so that a count alone takes no memory; only finished siblings move when it does.
RedisReply* add_reply(const redisReadTask* task, RedisReply reply) {
  if (task->parent == nullptr) return new RedisReply(std::move(reply));
  return &static_cast<RedisReply*>(task->parent->obj)->items.emplace_back(std::move(reply));
}

template <class Make>
void* made(const redisReadTask* task, const Make& make) {
  try {
    RedisReply reply;
    reply.type = type_of(task->type);
    make(reply);
    return add_reply(task, std::move(reply));
  } catch (const std::bad_alloc&) {
    return nullptr;
  }
}

constexpr std::size_t items_reserved_max = 4096;

// Lambdas, because versions of hiredis differ in the type of an array's count.
redisReplyObjectFunctions reply_functions() {
  redisReplyObjectFunctions functions{};
  functions.createString = [](const redisReadTask* task, char* text, std::size_t size) {
    return made(task, [&](RedisReply& reply) { reply.text = to_bytes(as_bytes({text, size})); });
  };
  functions.createArray = [](const redisReadTask* task, auto count) {
    return made(task, [&](RedisReply& reply) {
      reply.items.reserve(std::min(static_cast<std::size_t>(count), items_reserved_max));
    });
  };
  functions.createInteger = [](const redisReadTask* task, long long value) {
    return made(task, [&](RedisReply& reply) { reply.integer = value; });
  };
  // The task is that of the text or array that is not there.
  functions.createNil = [](const redisReadTask* task) {
    return made(task, [](RedisReply& reply) { reply.type = RedisReply::Type::nil; });
  };
  functions.freeObject = [](void* reply) { delete static_cast<RedisReply*>(reply); };
  return functions;
}

redisReader* make_reader() {
  static redisReplyObjectFunctions functions = reply_functions();
  return redisReaderCreateWithFunctions(&functions);
}

void format(Bytes& out, const RedisLink::Args& args) {
  std::vector<const char*> parts;
  std::vector<std::size_t> sizes;
  for (const std::string_view arg : args) {
    parts.push_back(arg.data());
    sizes.push_back(arg.size());
  }
  char* text = nullptr;
  const auto size = redisFormatCommandArgv(&text, static_cast<int>(args.size()), parts.data(), sizes.data());
  if (size < 0) throw std::bad_alloc();
  append(out, as_bytes({text, static_cast<std::size_t>(size)}));
  redisFreeCommand(text);
}

Result<Plaintext> read_password(const std::string& path) {
  const auto cannot = [&] { return fail(Code::invalid, "cannot read the Redis password file " + path); };
  const int file = ::open(path.c_str(), O_RDONLY | O_CLOEXEC);
  if (file < 0) return cannot();
  auto password = Plaintext::of_size(password_bytes_max + 1);
  const ssize_t size = ::read(file, password.writable().data(), password.size());
  ::close(file);
  if (size < 0) return cannot();
  std::size_t length = static_cast<std::size_t>(size);
  if (length > password_bytes_max) return fail(Code::invalid, path + " is too long for a Redis password");
  while (length > 0 && (password.reveal()[length - 1] == '\n' || password.reveal()[length - 1] == '\r')) {
    --length;
  }
  if (length == 0) return fail(Code::invalid, "the Redis password file " + path + " is empty");
  password.shrink(length);
  return password;
}

// AUTH is put together in wiped memory; every other command goes through hiredis.
Plaintext auth_command(std::string_view username, const Plaintext& password) {
  std::string head = username.empty() ? "*2\r\n$4\r\nAUTH\r\n" : "*3\r\n$4\r\nAUTH\r\n";
  if (!username.empty()) {
    head += "$" + std::to_string(username.size()) + "\r\n" + std::string(username) + "\r\n";
  }
  head += "$" + std::to_string(password.size()) + "\r\n";
  auto command = Plaintext::of_size(head.size() + password.size() + 2);
  Byte* end = std::ranges::copy(head, command.writable().data()).out;
  end = std::ranges::copy(password.reveal(), end).out;
  std::ranges::copy(std::string_view("\r\n"), end);
  return command;
}

}  // namespace

struct RedisLink::Impl {
  Impl(loop::Loop& on, const RedisOptions& with, loop::Stream connected)
      : loop(on), options(with), stream(std::move(connected)), reader(make_reader()) {
    if (reader == nullptr) throw std::bad_alloc();
  }

  std::int64_t deadline(std::int64_t timeout_ms) const {
    return loop.monotonic_ms() + (timeout_ms > 0 ? timeout_ms : options.timeout_ms);
  }
  std::int64_t left(std::int64_t deadline_ms) const {
    return std::max<std::int64_t>(deadline_ms - loop.monotonic_ms(), 0);
  }
  std::unexpected<Error> dead(std::string why) {
    well = false;
    return fail(Code::unavailable, "Redis: " + std::move(why));
  }

  // An answer that is already here.
  Result<std::optional<RedisReply>> parse() {
    void* parsed = nullptr;
    if (redisReaderGetReply(reader.get(), &parsed) != REDIS_OK) {
      return dead(std::string("no answer of the Redis protocol: ") + reader->errstr);
    }
    if (parsed == nullptr) return std::nullopt;
    fed_bytes = 0;
    return std::move(*std::unique_ptr<RedisReply>(static_cast<RedisReply*>(parsed)));
  }

  Status receive(std::int64_t deadline_ms) {
    const auto count = stream.read_some(chunk, left(deadline_ms));
    if (!count) return std::unexpected(count.error());
    fed_bytes += *count;
    if (fed_bytes > reply_bytes_max) return dead("an answer larger than any of ours");
    if (redisReaderFeed(reader.get(), reinterpret_cast<const char*>(chunk.data()), *count) != REDIS_OK) {
      return dead(reader->errstr);
    }
    return {};
  }

  Result<RedisReply> answer(std::int64_t deadline_ms) {
    for (;;) {
      auto reply = parse();
      if (!reply) return std::unexpected(reply.error());
      if (*reply) return std::move(**reply);
      if (auto received = receive(deadline_ms); !received) return dead(received.error().message);
    }
  }

  Status write(ByteView bytes, std::int64_t deadline_ms) {
    if (!well) return fail(Code::unavailable, "Redis: the connection was lost");
    if (const auto sent = stream.write_all(bytes, left(deadline_ms)); !sent)
      return dead(sent.error().message);
    return {};
  }

  Result<RedisReply> ask(ByteView bytes, std::int64_t deadline_ms) {
    if (const auto sent = write(bytes, deadline_ms); !sent) return std::unexpected(sent.error());
    return answer(deadline_ms);
  }

  Status greet(std::int64_t deadline_ms);

  loop::Loop& loop;
  const RedisOptions options;
  loop::Stream stream;
  std::unique_ptr<redisReader, FreeReader> reader;
  std::array<Byte, receive_bytes> chunk;
  std::size_t fed_bytes = 0;  // since the last whole answer
  bool well = true;
};

// One round trip at least: a proxy that accepts for a Redis that is away must not look like a connection.
Status RedisLink::Impl::greet(std::int64_t deadline_ms) {
  if (!options.password_file.empty()) {
    const auto password = read_password(options.password_file);
    if (!password) return std::unexpected(password.error());
    const auto reply = ask(auth_command(options.username, *password).reveal(), deadline_ms);
    if (!reply) return std::unexpected(reply.error());
    if (reply->is_error()) {
      return fail(Code::unauthorized, "Redis refuses us: " + std::string(reply->view()));
    }
  }
  const std::string database = std::to_string(options.database);
  for (const Args& args : {Args{"SELECT", database}, Args{"PING"}}) {
    if (args[0] == "SELECT" && options.database == 0) continue;  // Redis Cluster knows no other
    Bytes bytes;
    format(bytes, args);
    const auto reply = ask(bytes, deadline_ms);
    if (!reply) return std::unexpected(reply.error());
    if (!reply->is_error()) continue;
    const bool refused = reply->view().starts_with("NOAUTH") || reply->view().starts_with("NOPERM");
    return fail(refused ? Code::unauthorized : Code::unavailable, "Redis: " + std::string(reply->view()));
  }
  return {};
}

RedisLink::RedisLink(std::unique_ptr<Impl> impl) : impl_(std::move(impl)) {}
RedisLink::~RedisLink() = default;

Result<std::unique_ptr<RedisLink>> RedisLink::connect(loop::Loop& loop, const RedisOptions& options) {
  const std::int64_t deadline_ms = loop.monotonic_ms() + options.timeout_ms;
  auto stream = loop::Stream::connect(loop, options.address, options.timeout_ms);
  if (!stream) return std::unexpected(stream.error());
  auto impl = std::make_unique<Impl>(loop, options, std::move(*stream));
  if (const auto greeted = impl->greet(deadline_ms); !greeted) return std::unexpected(greeted.error());
  return std::unique_ptr<RedisLink>(new RedisLink(std::move(impl)));
}

Result<RedisReply> RedisLink::command(const Args& args, std::int64_t timeout_ms) {
  Bytes bytes;
  format(bytes, args);
  return impl_->ask(bytes, impl_->deadline(timeout_ms));
}

Result<std::vector<RedisReply>> RedisLink::pipeline(const std::vector<Args>& commands,
                                                    std::int64_t timeout_ms) {
  const std::int64_t deadline_ms = impl_->deadline(timeout_ms);
  Bytes bytes;
  for (const Args& args : commands) format(bytes, args);
  if (const auto sent = impl_->write(bytes, deadline_ms); !sent) return std::unexpected(sent.error());
  std::vector<RedisReply> replies;
  while (replies.size() < commands.size()) {
    auto reply = impl_->answer(deadline_ms);
    if (!reply) return std::unexpected(reply.error());
    replies.push_back(std::move(*reply));
  }
  return replies;
}

Result<RedisReply> RedisLink::next(std::int64_t timeout_ms) {
  const std::int64_t deadline_ms = impl_->loop.monotonic_ms() + timeout_ms;
  for (;;) {
    auto reply = impl_->parse();
    if (!reply) return std::unexpected(reply.error());
    if (*reply) return std::move(**reply);
    if (!impl_->well) return fail(Code::unavailable, "Redis: the connection was lost");
    if (impl_->loop.monotonic_ms() >= deadline_ms) return RedisReply{};
    const auto received = impl_->receive(deadline_ms);
    // A failure at the deadline is the deadline; a peer that closed then is noticed by the next call.
    if (!received && impl_->loop.monotonic_ms() < deadline_ms) return impl_->dead(received.error().message);
  }
}

Status RedisLink::send(const Args& args) {
  Bytes bytes;
  format(bytes, args);
  return impl_->write(bytes, impl_->deadline(0));
}

Result<RedisReply> RedisLink::answer() { return impl_->answer(impl_->deadline(0)); }

void RedisLink::shut_down() {
  impl_->well = false;
  impl_->stream.shut_down();
}

bool RedisLink::is_well() const { return impl_->well; }

}  // namespace shearline::store
