#include "server/tls.h"

#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/rand.h>
#include <openssl/x509v3.h>

#include <boost/asio/ip/address.hpp>
#include <cstdint>

#include "core/free_with.h"
#include "streamdiffusion/error.h"

namespace streamdiffusion::server {

namespace {

namespace ssl = boost::asio::ssl;

using Key = std::unique_ptr<EVP_PKEY, FreeWith<EVP_PKEY_free>>;
using Certificate = std::unique_ptr<X509, FreeWith<X509_free>>;
using Extension = std::unique_ptr<X509_EXTENSION, FreeWith<X509_EXTENSION_free>>;

constexpr long kValidSeconds = 365L * 24 * 3600;

std::unique_ptr<ssl::context> make_context() {
  auto context = std::make_unique<ssl::context>(ssl::context::tls_server);
  context->set_options(ssl::context::default_workarounds | ssl::context::no_tlsv1 | ssl::context::no_tlsv1_1);
  return context;
}

std::string alternative_names(const std::vector<std::string>& names) {
  std::string text;
  for (const std::string& name : names) {
    boost::system::error_code no_address;
    boost::asio::ip::make_address(name, no_address);
    text.append(text.empty() ? "" : ",").append(no_address ? "DNS:" : "IP:").append(name);
  }
  return text;
}

void add_extension(X509& certificate, int id, const std::string& value) {
  X509V3_CTX context{};
  X509V3_set_ctx(&context, &certificate, &certificate, nullptr, nullptr, 0);
  const Extension extension(X509V3_EXT_conf_nid(nullptr, &context, id, value.c_str()));
  if (!extension || X509_add_ext(&certificate, extension.get(), -1) != 1) {
    throw Error("cannot make a certificate for " + value);
  }
}

Certificate make_certificate(EVP_PKEY& key, const std::vector<std::string>& names) {
  Certificate certificate(X509_new());
  std::int64_t serial = 0;
  RAND_bytes(reinterpret_cast<unsigned char*>(&serial), sizeof serial);
  X509_set_version(certificate.get(), X509_VERSION_3);
  ASN1_INTEGER_set_int64(X509_get_serialNumber(certificate.get()), serial & INT64_MAX);
  X509_gmtime_adj(X509_getm_notBefore(certificate.get()), -60);
  X509_gmtime_adj(X509_getm_notAfter(certificate.get()), kValidSeconds);
  X509_set_pubkey(certificate.get(), &key);
  X509_NAME* const name = X509_get_subject_name(certificate.get());
  X509_NAME_add_entry_by_txt(name, "CN", MBSTRING_UTF8,
                             reinterpret_cast<const unsigned char*>("streamdiffusion.cpp"), -1, -1, 0);
  X509_set_issuer_name(certificate.get(), name);
  add_extension(*certificate, NID_subject_alt_name, alternative_names(names));
  add_extension(*certificate, NID_basic_constraints, "critical,CA:FALSE");
  add_extension(*certificate, NID_ext_key_usage, "serverAuth");
  if (X509_sign(certificate.get(), &key, EVP_sha256()) == 0) {
    throw Error("cannot sign a certificate");
  }
  return certificate;
}

}  // namespace

std::unique_ptr<ssl::context> load_certificate(const std::filesystem::path& certificate,
                                               const std::filesystem::path& key) {
  auto context = make_context();
  boost::system::error_code error;
  context->use_certificate_chain_file(certificate.string(), error);
  if (error) {
    throw Error("cannot read the certificate " + certificate.string() + ": " + error.message());
  }
  context->use_private_key_file(key.string(), ssl::context::pem, error);
  if (error) {
    throw Error("cannot use the key " + key.string() + " with the certificate " + certificate.string() +
                ": " + error.message());
  }
  return context;
}

std::unique_ptr<ssl::context> make_self_signed(const std::vector<std::string>& names) {
  const Key key(EVP_EC_gen("P-256"));
  if (!key) {
    throw Error("cannot make a key for TLS");
  }
  const Certificate certificate = make_certificate(*key, names);
  auto context = make_context();
  if (SSL_CTX_use_certificate(context->native_handle(), certificate.get()) != 1 ||
      SSL_CTX_use_PrivateKey(context->native_handle(), key.get()) != 1) {
    throw Error("cannot use the certificate that was made");
  }
  return context;
}

}  // namespace streamdiffusion::server
