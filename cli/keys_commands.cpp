// `pepper init`, `admin init`, `admin show`: keys are made, wrapped and written; nothing goes over a network.
#include "cli/admin_public.hpp"
#include "cli/commands.hpp"
#include "cli/moments.hpp"
#include "cli/passphrase.hpp"
#include "policy/model.hpp"

#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <filesystem>

namespace shearline::cli {
namespace {

constexpr std::size_t identity_bytes_max = 16 * 1024;

// The folders above a private file, made with mode 0700 where they are missing.
Status make_folder_for(const std::string& file) {
  const std::filesystem::path folder = std::filesystem::path(file).parent_path();
  std::filesystem::path made;
  for (const auto& part : folder) {
    made /= part;
    if (::mkdir(made.c_str(), 0700) != 0 && errno != EEXIST) {
      return fail(Code::invalid, made.string() + " cannot be made: " + std::strerror(errno));
    }
  }
  return {};
}

// Asked before anything is typed: an existing file is never replaced, its keys may be the only ones.
Status must_not_exist(const std::string& path) {
  if (::access(path.c_str(), F_OK) != 0) return {};
  return fail(Code::conflict,
              path + " exists already and is not replaced; move it away or name another file");
}

// As durable as a private one, then readable for everybody.
Status write_public_file(const std::string& path, const std::string& content) {
  if (Status written = keys::write_private_file(path, as_bytes(content), false); !written) return written;
  if (::chmod(path.c_str(), 0644) != 0) return fail(Code::invalid, path + ": " + std::strerror(errno));
  return {};
}

Result<keys::KekSource> kek_for(const Context& context, const std::string& spec,
                                const std::string& what_for) {
  if (!spec.empty()) return keys::read_kek_source(spec);
  return ask_passphrase(expand_home(context.settings.passphrase_file), what_for, Asking::twice);
}

Status write_keyring(const Context& context, const PepperInit& options, const std::string& public_file,
                     keys::EngineIdentity& identity) {
  for (const std::string& path : {options.keyring_file, public_file}) {
    if (Status free = must_not_exist(path); !free) return free;
  }
  const auto kek = kek_for(context, options.kek, "the new keyring " + options.keyring_file);
  if (!kek) return std::unexpected(kek.error());
  const keys::Keyring keyring = keys::make_keyring(options.deployment, context.random);
  identity = keys::identity_of(keyring);
  if (Status folder = make_folder_for(options.keyring_file); !folder) return folder;
  const std::string wrapped = keys::encode_keyring(keyring, *kek, context.random);
  if (Status written = keys::write_private_file(options.keyring_file, as_bytes(wrapped), false); !written)
    return written;
  return write_public_file(public_file, on_one_line(keys::encode_identity(identity)) + "\n");
}

void show_admin(const Output& output, const AdminPublic& admin, const std::string& public_file) {
  output.line("# Into the server's configuration, if this is the first admin:");
  output.line(admin_toml(admin));
  output.line("\n# Otherwise give " + public_file +
              " to an enrolled admin, and compare the fingerprint by voice:");
  output.line("# " + fingerprint(admin));
  output.object(json_object({{"admin_id", admin.admin_id},
                             {"person", admin.person},
                             {"public_file", public_file},
                             {"fingerprint", fingerprint(admin)},
                             Member::raw("public", encode_admin_public(admin)),
                             {"toml", admin_toml(admin)}}));
}

Result<AdminPublic> make_admin(const Context& context, const AdminInit& options, const std::string& keys_file,
                               const std::string& public_file) {
  for (const std::string& path : {keys_file, public_file}) {
    if (const Status free = must_not_exist(path); !free) return std::unexpected(free.error());
  }
  const auto pinned = keys::read_file(expand_home(options.engine_file), identity_bytes_max);
  if (!pinned) return std::unexpected(pinned.error());
  const auto engine = keys::decode_identity(as_text(*pinned));
  if (!engine) return fail(engine.error().code, options.engine_file + ": " + engine.error().message);
  const auto passphrase = ask_passphrase(expand_home(context.settings.passphrase_file),
                                         "the new admin keys " + keys_file, Asking::twice);
  if (!passphrase) return std::unexpected(passphrase.error());

  keys::AdminKeys made;
  made.admin_id = options.admin_id;
  made.person = options.person;
  made.signing_seed = random_key(context.random);
  made.opening_key = random_key(context.random);
  made.engine = *engine;
  if (const Status folder = make_folder_for(keys_file); !folder) return std::unexpected(folder.error());
  const std::string wrapped = keys::encode_admin_keys(made, *passphrase, context.random);
  if (const Status written = keys::write_private_file(keys_file, as_bytes(wrapped), false); !written) {
    return std::unexpected(written.error());
  }
  AdminPublic admin = public_half(made);
  const std::string content = encode_admin_public(admin) + "\n";
  if (const Status written = write_public_file(public_file, content); !written) {
    return std::unexpected(written.error());
  }
  return admin;
}

}  // namespace

Exit pepper_init(const Context& context, const PepperInit& given) {
  PepperInit options = given;
  options.keyring_file = expand_home(options.keyring_file);
  const std::string public_file =
      options.public_file.empty() ? public_name_of(options.keyring_file) : expand_home(options.public_file);
  keys::EngineIdentity identity;
  if (const Status made = write_keyring(context, options, public_file, identity); !made) {
    return context.output.error(made.error());
  }
  context.output.line("The keyring of " + options.deployment + " is in " + options.keyring_file +
                      " (mode 0600). Keep a copy offline: without it no secret can be checked again.");
  context.output.line("The public half is in " + public_file +
                      "; admins pin it with `shearline admin init --engine " + public_file + "`:");
  context.output.line(on_one_line(keys::encode_identity(identity)));
  context.output.object(json_object({{"keyring_file", options.keyring_file},
                                     {"public_file", public_file},
                                     Member::raw("identity", on_one_line(keys::encode_identity(identity)))}));
  return Exit::ok;
}

Exit admin_init(const Context& context, const AdminInit& options) {
  const std::string keys_file = expand_home(context.settings.keys_file);
  const std::string public_file = public_name_of(keys_file);
  const auto admin = make_admin(context, options, keys_file, public_file);
  if (!admin) return context.output.error(admin.error());
  context.output.line("# The keys of " + options.admin_id + " are in " + keys_file +
                      " (mode 0600, under the passphrase).");
  show_admin(context.output, *admin, public_file);
  return Exit::ok;
}

Exit admin_show(const Context& context) {
  const auto keys = unlock_keys(context);
  if (!keys) return context.output.error(keys.error());
  show_admin(context.output, public_half(*keys), public_name_of(expand_home(context.settings.keys_file)));
  return Exit::ok;
}

}  // namespace shearline::cli
