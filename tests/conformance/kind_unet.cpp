#include "kinds.h"
#include "model/model_impl.h"

namespace streamdiffusion::conformance {

namespace {

std::optional<float> guidance_embedding(const Case& c) {
  const auto found = c.parameters().find("guidance_embedding");
  return found == c.parameters().end() ? std::nullopt : std::optional<float>(found->get<float>());
}

/// The residuals, image prompts and feature banks of a case, where it has them.
class Hooks {
 public:
  Hooks(const Case& c, Context& context, std::int64_t rows) {
    for (int i = 0; c.has("in.down_residual." + std::to_string(i)); ++i) {
      down_.push_back(upload_image(context, c.tensor("in.down_residual." + std::to_string(i))));
      down_views_.push_back(down_.back().view());
    }
    if (c.has("in.mid_residual")) {
      mid_ = upload_image(context, c.tensor("in.mid_residual"));
    }
    image_ = Contexts(c, context, "image", rows);
    banks_ = Contexts(c, context, "bank", rows);
    const auto scales = c.parameters().find("image_scales");
    if (scales != c.parameters().end()) {
      scales_ = scales->get<std::vector<float>>();
    }
  }

  [[nodiscard]] UNetHooks view() const {
    return {.down_residuals = down_views_,
            .mid_residual = mid_.view(),
            .image_prompts = image_.rows,
            .image_scales = scales_,
            .feature_banks = banks_.rows};
  }

 private:
  /// Keys and values `in.NAME_keys.I` and `in.NAME_values.I`, [rows, tokens, c], of transformer block I.
  struct Contexts {
    Contexts() = default;
    Contexts(const Case& c, Context& context, const std::string& name, std::int64_t row_count) {
      keys.resize(static_cast<std::size_t>(row_count));
      values.resize(keys.size());
      for (int i = 0; c.has("in." + name + "_keys." + std::to_string(i)); ++i) {
        add(context, c.tensor("in." + name + "_keys." + std::to_string(i)), keys);
        add(context, c.tensor("in." + name + "_values." + std::to_string(i)), values);
      }
      for (std::size_t row = 0; row < keys.size() && !memory.empty(); ++row) {
        rows.push_back({.keys = keys[row], .values = values[row]});
      }
    }
    void add(Context& context, const HostTensor& tokens, std::vector<std::vector<Tensor>>& of_rows) {
      memory.push_back(upload_tokens(context, tokens));
      for (std::size_t row = 0; row < of_rows.size(); ++row) {
        of_rows[row].push_back(memory.back().view().rows(static_cast<std::int64_t>(row), 1));
      }
    }

    std::vector<DeviceTensor> memory;
    std::vector<std::vector<Tensor>> keys;    // of each row
    std::vector<std::vector<Tensor>> values;  // of each row
    std::vector<ExtraContext> rows;
  };

  std::vector<DeviceTensor> down_;
  std::vector<Tensor> down_views_;
  DeviceTensor mid_;
  Contexts image_;
  Contexts banks_;
  std::vector<float> scales_;
};

}  // namespace

Outputs run_unet(const Case& c, const RunOptions& options) {
  const auto model = c.load_model(options);
  Context context = ModelAccess::impl(*model).context();
  const auto weights = ModelAccess::impl(*model).weights({});
  const UNet2DCondition& unet = weights->unet();

  const DeviceTensor sample = upload_image(context, c.tensor("in.sample"));
  const Shape& shape = sample.view().shape;

  const HostTensor timesteps = c.tensor("in.timestep");
  const DeviceTensor time(context.device, {shape.n, 1, 1, unet.time_width()});
  unet.time_projections(context, std::vector<float>(timesteps.integers().begin(), timesteps.integers().end()),
                        guidance_embedding(c), time.view());

  const DeviceTensor embeddings = upload_tokens(context, c.tensor("in.encoder_hidden_states"));
  std::vector<std::unique_ptr<TextContext>> texts;
  std::vector<const TextContext*> text_of_row;
  for (std::int64_t row = 0; row < shape.n; ++row) {
    texts.push_back(unet.text_context(context, embeddings.view().rows(row, 1)));
    text_of_row.push_back(texts.back().get());
  }

  const Hooks hooks(c, context, shape.n);
  const DeviceTensor out(context.device, with_channels(shape, unet.config().out_channels));
  unet.forward(context, sample.view(),
               {.time = time.view(), .text = text_of_row, .self_attention = {}, .hooks = hooks.view()},
               out.view());
  return {{"out.sample", download_image(context, out.view())}};
}

}  // namespace streamdiffusion::conformance
