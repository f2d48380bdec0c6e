#include <cstdlib>
#include <iostream>
#include <memory>

#include "cli/checks.h"
#include "cli/commands.h"
#include "cli/common_options.h"
#include "cli/option_helpers.h"
#include "cli/settings.h"
#include "server/server.h"

namespace streamdiffusion::cli {
namespace {

struct ServeOptions : CommonOptions {
  server::ServerOptions server;
  std::vector<std::string> offers;  ///< Further models, each MODEL or NAME=MODEL.
  bool no_auth = false;
};

constexpr const char* kDefaultName = "default";

/// The name under which clients ask for a model: its file name without a model extension.
std::string name_of(const std::string& model) {
  const std::filesystem::path path = std::filesystem::path(model).lexically_normal();
  const std::filesystem::path last = path.has_filename() ? path.filename() : path.parent_path().filename();
  const bool is_file = last.extension() == ".safetensors" || last.extension() == ".dduf";
  return is_file ? last.stem().string() : last.string();
}

std::vector<server::ModelOffer> make_offers(const ServeOptions& options, const Console& console) {
  std::vector<server::ModelOffer> offers;
  offers.push_back(
      {options.model.empty() ? kDefaultName : name_of(options.model), find_model(options, console)});
  for (const std::string& offer : options.offers) {
    const std::size_t equals = offer.find('=');
    CommonOptions other = options;
    other.model = equals == std::string::npos ? offer : offer.substr(equals + 1);
    other.vae.clear();
    other.loras.clear();
    offers.push_back(
        {equals == std::string::npos ? name_of(offer) : offer.substr(0, equals), find_model(other, console)});
  }
  return offers;
}

void check_access(const ServeOptions& options) {
  const bool is_local = options.server.host == "localhost" || server::is_loopback(options.server.host);
  if (!is_local && options.server.access.token.empty() && !options.no_auth) {
    throw UsageError(
        "--host " + options.server.host +
        " lets other machines connect: set a --token TOKEN for them, or use --no-auth to let everybody in");
  }
  if (options.server.tls_certificate.empty() != options.server.tls_key.empty()) {
    throw UsageError("--tls-cert and --tls-key go together");
  }
  if (!options.server.tls_certificate.empty() && options.server.tls_self_signed) {
    throw UsageError("--tls-self-signed makes a certificate: leave it out where --tls-cert gives one");
  }
}

int serve(ServeOptions& options) {
  const Console console(options.quiet);
  check_access(options);
  draw_seeds(options, console);
  server::ServerOptions& server = options.server;
  server.defaults = make_settings(options, console);
  server.stream_defaults.width = options.width;
  server.stream_defaults.height = options.height;
  server.stream_defaults.frame_buffer = options.frame_buffer;
  server.stream_defaults.denoising_batch = !options.no_denoising_batch;
  server.stream_defaults.fit = parse_fit(options.fit);
  server.models = make_offers(options, console);
  server::Server running(server);
  std::cout << running.url() << std::endl;
  console.info("Open it in a browser; Ctrl-C stops the server.");
  running.run();
  console.info("stopped");
  return 0;
}

void add_network(CLI::App& app, server::ServerOptions& server) {
  app.option_defaults()->take_last()->group("Network");
  add_option(app, "--host", server.host, "ADDRESS",
             "address to listen on; 0.0.0.0: all addresses of this machine");
  add_option(app, "--port", server.port, "N", "TCP port to listen on; 0: any free one")
      ->check(in_range(0, 65535));
  add_option(app, "--tls-cert", server.tls_certificate, "FILE",
             "certificate with its chain (PEM), with which HTTPS is served")
      ->default_str("none");
  add_option(app, "--tls-key", server.tls_key, "FILE", "private key of the certificate (PEM)")
      ->default_str("none");
  app.add_flag(
         "--tls-self-signed", server.tls_self_signed,
         "serve HTTPS with a new certificate, of which browsers warn once. Browsers on other devices need "
         "HTTPS to give access to camera and screen")
      ->take_last();
}

void add_access(CLI::App& app, ServeOptions& options) {
  server::AccessRules& access = options.server.access;
  app.option_defaults()->take_last()->group("Access");
  add_option(app, "--token", access.token, "TOKEN",
             "secret that clients have to send; also $STREAMDIFFUSION_TOKEN")
      ->default_str("none")
      ->envname("STREAMDIFFUSION_TOKEN");
  app.add_flag("--no-auth", options.no_auth, "let everybody in who can reach the address")->take_last();
  add_repeatable_option(
      app, "--allow-host", access.allowed_hosts, "NAME",
      "another name of the server (localhost, addresses and this machine's name are allowed anyway)");
  add_repeatable_option(app, "--allow-origin", access.allowed_origins, "ORIGIN",
                        "origin of other pages that may use the server: https://example.org");
}

/// An option that limits what clients may use.
struct LimitOption {
  const char* name;
  int server::ServerOptions::*limit;
  Range<int> range;
  const char* type;
  const char* help;
};

constexpr LimitOption kLimitOptions[] = {
    {"--max-sessions",
     &server::ServerOptions::sessions,
     {1, 1000},
     "N",
     "most sessions at a time; further clients wait in a queue"},
    {"--max-queue", &server::ServerOptions::queue, {0, 10000}, "N", "most clients that wait in the queue"},
    {"--max-per-address",
     &server::ServerOptions::sessions_per_address,
     {1, 10000},
     "N",
     "most sessions and waiting clients of one address"},
    {"--max-connections", &server::ServerOptions::connections, {1, 100000}, "N", "most open connections"},
    {"--max-side",
     &server::ServerOptions::largest_side,
     {8, 8192},
     "PIXELS",
     "largest width and height that a client may ask for"},
    {"--max-models", &server::ServerOptions::models_loaded, {1, 100}, "N", "most models in memory at a time"},
};

void add_limits(CLI::App& app, server::ServerOptions& server) {
  app.option_defaults()->take_last()->group("Limits");
  for (const LimitOption& option : kLimitOptions) {
    add_option(app, option.name, server.*option.limit, option.type, option.help)
        ->check(in_range(option.range));
  }
  add_option(app, "--idle-timeout", server.idle_seconds, "SECONDS",
             "time without a message after which a session is closed")
      ->check(in_range(1.0, 1e6));
}

}  // namespace

Command add_serve(CLI::App& program) {
  const auto options = std::make_shared<ServeOptions>();
  CLI::App* const app = program.add_subcommand("serve", "Serve a web page to play with, and an API");
  add_prompts(*app, *options, "--prompt");
  add_repeatable_option(
      *app, "--offer", options->offers, "[NAME=]MODEL",
      "another model that clients may choose, optionally with a name; it is loaded when a client "
      "first asks "
      "for it");
  add_network(*app, options->server);
  add_access(*app, *options);
  add_limits(*app, options->server);
  add_common_options(*app, *options);
  app->footer(
      "The first line of the output is the address of the page. docs/server.md describes the protocol.\n\n"
      "Examples:\n"
      "  streamdiffusion serve\n"
      "  streamdiffusion serve --model path/to/sd-turbo --lora style.safetensors:0 --offer path/to/sdxs\n"
      "  streamdiffusion serve --host 0.0.0.0 --tls-self-signed --token \"$(openssl rand -hex 16)\"");
  return {app, [options] { return serve(*options); }};
}

}  // namespace streamdiffusion::cli
