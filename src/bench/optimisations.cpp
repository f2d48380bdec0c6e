#include <cstddef>
#include <memory>
#include <string>
#include <utility>

#include "bench/paper.h"
#include "bench/parts.h"
#include "bench/stopwatch.h"
#include "streamdiffusion/error.h"

namespace streamdiffusion::bench {

namespace {

constexpr int kSteps = 4;

/// A stream without one of the optimisations.
struct Ablation {
  std::string name;
  std::string how;
  Variant variant;
  double paper = 0;  ///< Slowdown without the optimisation according to the paper; 0 if not stated there.
};

Parameters all_on() { return guided_parameters(CfgType::self, kSteps); }

/// Returns a stream whose parameters change before each frame, so that cached values must be recomputed. The
/// measured time includes the change.
template <typename Change>
Variant changing(const Workbench& bench, Change change) {
  const StreamOptions options{.width = bench.width, .height = bench.height};
  const auto stream = std::make_shared<TimedStream>(bench.model, options, all_on());
  return [stream, change, frame = 0]() mutable {
    Parameters parameters = all_on();
    change(parameters, ++frame);
    const Stopwatch watch;
    stream->stream().set_parameters(parameters);
    const double seconds = watch.seconds();
    return seconds + stream->step();
  };
}

void new_prompt(Parameters& parameters, int frame) { parameters.prompt = "apple " + std::to_string(frame); }

/// Blends two prompts with new weights. The prompts' embeddings are cached, but the keys and values are not.
void new_blend(Parameters& parameters, int frame) {
  parameters.prompts = {{.text = "red apple", .weight = 1},
                        {.text = "cat", .weight = 0.001F * static_cast<float>(frame)}};
}

void new_noise(Parameters& parameters, int frame) { parameters.seed = static_cast<std::uint64_t>(frame); }

/// Alternates between two schedules of the same length.
void new_schedule(Parameters& parameters, int frame) { parameters.t_index_list.back() -= frame % 2; }

std::vector<Ablation> list_all(const Workbench& bench) {
  return {
      {"nothing", "stream batch of 4 steps, guidance self, all cached", stream_variant(bench, all_on())},
      {"stream batch", "the steps of a frame one after the other", stream_variant(bench, all_on(), false),
       paper::kStreamBatch},
      {"residual guidance", "full guidance: a negative row for each row",
       stream_variant(bench, guided_parameters(CfgType::full, kSteps)), paper::kResidualGuidance},
      {"cached prompt", "text encoder, keys and values in each frame", changing(bench, new_prompt)},
      {"cached keys and values", "two prompts blended anew in each frame: no text encoder",
       changing(bench, new_blend)},
      {"cached noise", "noise drawn in each frame", changing(bench, new_noise)},
      {"cached schedule", "time embeddings computed in each frame", changing(bench, new_schedule)},
  };
}

/// Adds a stream with the model's own autoencoder instead of the tiny one. Returns a note with the reason if
/// that is not possible, else an empty string.
std::string add_full_autoencoder(const Workbench& bench, std::vector<Ablation>& all) {
  if (!bench.model_options.vae) {
    return "Tiny autoencoder: not switched off, since the model's own is all there is here (--vae gives it "
           "another).";
  }
  try {
    Workbench other = bench;
    other.model_options.vae.reset();
    other.model = Model::load(other.model_options);
    all.push_back({"the autoencoder given", "the model's own autoencoder", stream_variant(other, all_on())});
    return "";
  } catch (const Error& error) {
    return std::string("Tiny autoencoder: not switched off, since the model's own cannot be loaded: ") +
           error.what();
  }
}

}  // namespace

Table measure_optimisations(const Workbench& bench) {
  std::vector<Ablation> all = list_all(bench);
  const std::string missing = add_full_autoencoder(bench, all);
  std::vector<Variant> variants;
  for (const Ablation& one : all) {
    variants.push_back(one.variant);
  }
  const std::vector<Spread> times = take_turns(variants, bench.seconds);
  Table table{.name = "optimisations",
              .title = "What each optimisation brings: time of a frame without it, 4 steps",
              .columns = {{"without", "without"},
                          {"how", "instead"},
                          {"milliseconds", "ms (quartiles)", 2},
                          {"times", "times as long", 2},
                          {"paper_times", "paper", 2}},
              .rows = {},
              .notes = {"Caches cannot be switched off: what they save is measured by changing in each frame "
                        "what they are kept for.",
                        "Queues and similarity filter: parts queue and filter."}};
  if (!missing.empty()) {
    table.notes.push_back(missing);
  }
  for (std::size_t i = 0; i < all.size(); ++i) {
    table.rows.push_back({{"without", all[i].name},
                          {"how", all[i].how},
                          {"milliseconds", to_json(times[i], 1e3)},
                          {"times", times[i].median / times.front().median}});
    if (all[i].paper > 0) {
      table.rows.back()["paper_times"] = all[i].paper;
    }
  }
  return table;
}

}  // namespace streamdiffusion::bench
