#include "mls/p256.hpp"

#include <openssl/core_names.h>
#include <openssl/obj_mac.h>

namespace shearline::mls::p256 {
namespace {

using namespace openssl;

constexpr Byte uncompressed_point = 0x04;

const EC_GROUP* curve() {
  static const EC_GROUP* const group = EC_GROUP_new_by_curve_name(NID_X9_62_prime256v1);
  return group;
}

}  // namespace

BigNum scalar_of(const Key& key) {
  if (key.size() != scalar_bytes) return nullptr;
  BigNum scalar(BN_bin2bn(key.reveal().data(), static_cast<int>(key.size()), nullptr));
  must(scalar != nullptr, "P-256 scalar");
  BN_set_flags(scalar.get(), BN_FLG_CONSTTIME);
  const bool in_range = !BN_is_zero(scalar.get()) && BN_cmp(scalar.get(), EC_GROUP_get0_order(curve())) < 0;
  return in_range ? std::move(scalar) : nullptr;
}

Bytes public_of(const BigNum& scalar) {
  const Point point(EC_POINT_new(curve()));
  must(point && EC_POINT_mul(curve(), point.get(), scalar.get(), nullptr, nullptr, nullptr) == 1, "P-256");
  Bytes out(point_bytes);
  must(EC_POINT_point2oct(curve(), point.get(), POINT_CONVERSION_UNCOMPRESSED, out.data(), out.size(),
                          nullptr) == out.size(),
       "P-256");
  return out;
}

PKey pkey_of(ByteView public_key, const BIGNUM* scalar) {
  if (public_key.size() != point_bytes || public_key[0] != uncompressed_point) return nullptr;
  static const char group_name[] = "prime256v1";
  const ParamBuilder builder(OSSL_PARAM_BLD_new());
  must(builder &&
           OSSL_PARAM_BLD_push_utf8_string(builder.get(), OSSL_PKEY_PARAM_GROUP_NAME, group_name, 0) == 1 &&
           OSSL_PARAM_BLD_push_octet_string(builder.get(), OSSL_PKEY_PARAM_PUB_KEY, public_key.data(),
                                            public_key.size()) == 1,
       "P-256 parameters");
  if (scalar != nullptr) {
    must(OSSL_PARAM_BLD_push_BN(builder.get(), OSSL_PKEY_PARAM_PRIV_KEY, scalar) == 1, "P-256 parameters");
  }
  const Params params(OSSL_PARAM_BLD_to_param(builder.get()));
  const PKeyCtx ctx(EVP_PKEY_CTX_new_from_name(nullptr, "EC", nullptr));
  must(params && ctx && EVP_PKEY_fromdata_init(ctx.get()) == 1, "P-256");
  EVP_PKEY* made = nullptr;
  const int selection = scalar != nullptr ? EVP_PKEY_KEYPAIR : EVP_PKEY_PUBLIC_KEY;
  const bool ok = EVP_PKEY_fromdata(ctx.get(), &made, selection, params.get()) == 1;
  // The parameters hold a copy of the scalar in ordinary memory.
  if (scalar != nullptr) {
    if (OSSL_PARAM* copy = OSSL_PARAM_locate(params.get(), OSSL_PKEY_PARAM_PRIV_KEY)) {
      wipe({static_cast<Byte*>(copy->data), copy->data_size});
    }
  }
  if (!ok) ERR_clear_error();
  return PKey(ok ? made : nullptr);
}

}  // namespace shearline::mls::p256
