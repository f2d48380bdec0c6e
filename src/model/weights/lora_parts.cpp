#include "model/weights/lora_parts.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <utility>

#include "model/weights/adapter_tensor.h"
#include "streamdiffusion/error.h"

namespace streamdiffusion {
namespace {

using Part = LoraKey::Part;

template <typename Integer>
float read_integer(const FileTensor& tensor) {
  Integer value = 0;
  std::memcpy(&value, tensor.bytes.data(), sizeof value);
  return static_cast<float>(value);
}

float read_alpha(const FileTensor& tensor, const std::string& where) {
  if (tensor.elements() != 1) {
    throw FileError(where + ": alpha must be one number, not " + show_shape(tensor));
  }
  switch (tensor.dtype) {
    case DType::i64:
      return read_integer<std::int64_t>(tensor);
    case DType::i32:
      return read_integer<std::int32_t>(tensor);
    case DType::i16:
      return read_integer<std::int16_t>(tensor);
    case DType::i8:
      return read_integer<std::int8_t>(tensor);
    case DType::u8:
      return read_integer<std::uint8_t>(tensor);
    default:
      break;
  }
  check_numbers(tensor, where);
  return to_floats(tensor).front();
}

bool is_whole_or_product(const LoraMatrix& matrix) {
  return matrix.whole != nullptr || (matrix.left != nullptr && matrix.right != nullptr);
}

/// Returns the rank that alpha is divided by. It is 0 for a LoKr of whole matrices, as LyCORIS does not
/// divide.
std::int64_t rank_of(const LoraChange& change) {
  if (change.kind == LoraChange::Kind::lokr && change.second.whole == nullptr) {
    return change.second.right->shape[0];
  }
  return change.first.whole == nullptr ? change.first.right->shape[0] : 0;
}

/// True if DoRA's lengths are those of input channels. LyCORIS writes [out, 1, ...], its first versions wrote
/// [1, in, ...]; peft always has one per output channel.
bool are_lengths_of_inputs(const FileTensor& lengths) {
  return lengths.shape.size() > 1 && lengths.shape[0] == 1 && lengths.shape[1] > 1;
}

/// Returns the first `rows` and `columns` of a matrix, each row multiplied by its factor.
std::shared_ptr<const FileTensor> scaled_rows(const FileTensor& matrix, const FileTensor& factors,
                                              std::int64_t rows, std::int64_t columns) {
  const std::vector<float> values = to_floats(matrix);
  const std::vector<float> row_factors = to_floats(factors);
  const std::size_t stride = values.size() / static_cast<std::size_t>(matrix.shape[0]);
  const auto width = static_cast<std::size_t>(columns);
  std::vector<float> result(static_cast<std::size_t>(rows) * width);
  for (std::size_t i = 0; i < result.size(); ++i) {
    const std::size_t row = i / width;
    result[i] = values[row * stride + i % width] * row_factors[row];
  }
  return make_tensor(std::move(result), {rows, columns});
}

/// Multiplies each row of `right` by one of AdaLoRA's singular values.
void multiply_by_diagonal(LoraChange& change, const FileTensor& diagonal, const std::string& where) {
  const FileTensor& right = *change.first.right;
  check_numbers(diagonal, where);
  if (diagonal.elements() != right.shape[0] || right.shape.size() != 2) {
    throw FileError(where + ": lora_E " + show_shape(diagonal) + " does not fit lora_A " + show_shape(right));
  }
  change.computed.push_back(scaled_rows(right, diagonal, right.shape[0], right.shape[1]));
  change.first.right = change.computed.back().get();
}

}  // namespace

void LoraParts::add(const LoraKey& parsed, const std::string& key, const FileTensor& tensor,
                    const std::string& file) {
  const std::string where = file + ": \"" + key + "\"";
  key_ = key;
  if (parsed.part == Part::unsupported) {
    throw FileError(
        where + ": belongs to " + std::string(parsed.method) +
        ", which is not supported; LoRA, LoCon, LoHa, LoKr, DoRA, and peft's AdaLoRA, OFT, IA3 and VeRA are");
  }
  if (parsed.part == Part::alpha) {
    alpha_ = read_alpha(tensor, where);
    return;
  }
  if (!tensors_.emplace(parsed.part, &tensor).second) {
    throw FileError(where + ": its layer has this part twice, under two names");
  }
}

bool LoraParts::lacks_alpha() const {
  return !alpha_ && (has_any(Part::down, Part::mid) || has_any(Part::hada_w1_a, Part::hada_t2) ||
                     has_any(Part::lokr_w1, Part::lokr_t2));
}

LayerChange LoraParts::make_change(const std::string& file, const LayerFacts& facts) const {
  const std::string where = file + ": \"" + key_ + "\"";
  LayerChange change;
  change.weight = make_weight(facts, where);
  change.bias = make_bias(change, where);
  if (!change.weight && !change.bias) {
    throw FileError(where + ": the layer's weights are not there; the file is incomplete, download it again");
  }
  check_change(change, facts.shape, where);
  return change;
}

const FileTensor* LoraParts::find(Part part) const {
  const auto found = tensors_.find(part);
  return found == tensors_.end() ? nullptr : found->second;
}

bool LoraParts::has_any(Part first, Part last) const {
  const auto found = tensors_.lower_bound(first);
  return found != tensors_.end() && found->first <= last;
}

LoraMatrix LoraParts::make_matrix(Part whole, Part left, Part right, Part core) const {
  return {.whole = find(whole),
          .left = find(left),
          .right = find(right),
          .core = find(core),
          .left_is_transposed = find(core) != nullptr && core != Part::mid};
}

std::optional<LayerChange::Weight> LoraParts::make_weight(const LayerFacts& facts,
                                                          const std::string& where) const {
  const std::array methods = {has_any(Part::down, Part::diagonal),
                              has_any(Part::hada_w1_a, Part::hada_t2),
                              has_any(Part::lokr_w1, Part::lokr_t2),
                              has_any(Part::vera_lambda_b, Part::vera_lambda_d),
                              has_any(Part::oft_triangles, Part::oft_triangles),
                              has_any(Part::ia3, Part::ia3),
                              has_any(Part::difference, Part::difference),
                              has_any(Part::weight, Part::weight)};
  if (std::ranges::count(methods, true) > 1) {
    throw FileError(where + ": its layer has parts of more than one method (LoRA, LoHa, LoKr, ...)");
  }
  if (const FileTensor* const difference = find(Part::difference)) {
    return TensorChange{.kind = TensorChange::Kind::add, .values = difference};
  }
  if (const FileTensor* const whole = find(Part::weight)) {
    return TensorChange{.kind = TensorChange::Kind::replace, .values = whole};
  }
  if (has_any(Part::ia3, Part::ia3)) {
    return make_ia3(facts, where);
  }
  if (has_any(Part::oft_triangles, Part::oft_triangles)) {
    return make_rotation(facts, where);
  }
  if (has_any(Part::vera_lambda_b, Part::vera_lambda_d)) {
    return make_vera(facts, where);
  }
  const bool only_bias = tensors_.contains(Part::bias) || tensors_.contains(Part::bias_difference);
  if (std::ranges::none_of(methods, std::identity()) && only_bias) {
    return std::nullopt;
  }
  return make_lora(facts, where);
}

LoraChange LoraParts::make_lora(const LayerFacts& facts, const std::string& where) const {
  LoraChange change = make_matrices(where);
  check_parts(change, where);
  change.factor = compute_factor(change, facts, where);
  if (const FileTensor* const diagonal = find(Part::diagonal)) {
    multiply_by_diagonal(change, *diagonal, where);
  }
  add_lengths(change, facts, where);
  return change;
}

void LoraParts::add_lengths(LoraChange& change, const LayerFacts& facts, const std::string& where) const {
  if (const FileTensor* const magnitude = find(Part::dora_magnitude)) {
    change.lengths = magnitude;
  } else if (const FileTensor* const dora_scale = find(Part::dora_scale)) {
    change.lengths = dora_scale;
    change.lengths_of_inputs = are_lengths_of_inputs(*dora_scale);
  } else if (facts.settings != nullptr && facts.settings->use_dora) {
    throw FileError(where +
                    ": peft's configuration says DoRA (use_dora), but the layer has no "
                    "lora_magnitude_vector; the file is incomplete, download it again");
  }
}

LoraChange LoraParts::make_matrices(const std::string& where) const {
  const bool loha = has_any(Part::hada_w1_a, Part::hada_t2);
  const bool lokr = has_any(Part::lokr_w1, Part::lokr_t2);
  LoraChange change;
  if (loha) {
    change.kind = LoraChange::Kind::loha;
    change.first = make_matrix(Part::unsupported, Part::hada_w1_a, Part::hada_w1_b, Part::hada_t1);
    change.second = make_matrix(Part::unsupported, Part::hada_w2_a, Part::hada_w2_b, Part::hada_t2);
  } else if (lokr) {
    change.kind = LoraChange::Kind::lokr;
    change.first = make_matrix(Part::lokr_w1, Part::lokr_w1_a, Part::lokr_w1_b, Part::unsupported);
    change.second = make_matrix(Part::lokr_w2, Part::lokr_w2_a, Part::lokr_w2_b, Part::lokr_t2);
  } else {
    change.first = make_matrix(Part::unsupported, Part::up, Part::down, Part::mid);
  }
  const bool whole = is_whole_or_product(change.first) &&
                     (change.kind == LoraChange::Kind::lora || is_whole_or_product(change.second));
  if (!whole) {
    throw FileError(where +
                    (loha || lokr ? ": parts of the layer's two matrices are missing"
                                  : ": the layer's down and up weights are not both there") +
                    "; the file is incomplete, download it again");
  }
  return change;
}

/// Computes diag(lambda_b) B diag(lambda_d) A from the leading rows of B and the leading columns of A.
LoraChange LoraParts::make_vera(const LayerFacts& facts, const std::string& where) const {
  const FileTensor* const lambda_b = find(Part::vera_lambda_b);
  const FileTensor* const lambda_d = find(Part::vera_lambda_d);
  const FileTensor* const a = facts.vera_a;
  const FileTensor* const b = facts.vera_b;
  if (lambda_b == nullptr || lambda_d == nullptr || a == nullptr || b == nullptr) {
    throw FileError(where +
                    ": VeRA needs vera_lambda_b and vera_lambda_d of the layer and vera_A and vera_B of the "
                    "file; write it with save_projection=True");
  }
  for (const FileTensor* const tensor : {lambda_b, lambda_d, a, b}) {
    check_numbers(*tensor, where);
  }
  const std::int64_t rank = lambda_d->elements();
  const bool fits = facts.shape.pixels == 1 && a->shape.size() == 2 && b->shape.size() == 2 &&
                    a->shape[0] == rank && b->shape[1] == rank && a->shape[1] >= facts.shape.in &&
                    b->shape[0] >= facts.shape.out && lambda_b->elements() == facts.shape.out;
  if (!fits) {
    throw FileError(where + ": VeRA's projections " + show_shape(*a) + " and " + show_shape(*b) + " with " +
                    show_shape(*lambda_d) + " and " + show_shape(*lambda_b) + " do not fit a weight of " +
                    std::to_string(facts.shape.out) + " x " + std::to_string(facts.shape.in));
  }
  LoraChange change;
  change.computed = {scaled_rows(*b, *lambda_b, facts.shape.out, rank),
                     scaled_rows(*a, *lambda_d, rank, facts.shape.in)};
  change.first.left = change.computed[0].get();
  change.first.right = change.computed[1].get();
  return change;
}

TensorChange LoraParts::make_ia3(const LayerFacts& facts, const std::string& where) const {
  const FileTensor* const factors = find(Part::ia3);
  // peft writes [out, 1] or [1, in] for linear layers, [1, channels, 1, 1] for convolutions.
  const bool tells = factors->shape.size() == 2 && facts.shape.out > 1 && facts.shape.in > 1;
  if (!tells && facts.settings == nullptr) {
    throw FileError(where +
                    ": IA3 of a convolution needs the adapter_config.json that peft wrote beside the file");
  }
  const bool inputs = tells ? factors->shape[0] == 1 : facts.settings->is_feedforward(facts.layer);
  return {.kind = inputs ? TensorChange::Kind::scale_inputs : TensorChange::Kind::scale_outputs,
          .values = factors};
}

Rotation LoraParts::make_rotation(const LayerFacts& facts, const std::string& where) const {
  if (facts.settings == nullptr) {
    throw FileError(where + ": OFT needs the adapter_config.json that peft wrote beside the file");
  }
  return {.triangles = find(Part::oft_triangles),
          .series_terms = facts.settings->oft_series_terms,
          .is_shared = facts.settings->oft_is_shared};
}

float LoraParts::compute_factor(const LoraChange& change, const LayerFacts& facts,
                                const std::string& where) const {
  const auto rank = static_cast<float>(rank_of(change));
  if (alpha_) {
    return rank == 0 ? 1 : *alpha_ / rank;
  }
  const PeftSettings* const settings = facts.settings;
  if (find(Part::diagonal) != nullptr) {
    if (settings == nullptr || !settings->alpha || !settings->rank) {
      throw FileError(where + ": AdaLoRA needs the adapter_config.json that peft wrote beside the file");
    }
    constexpr float kAddedByPeft = 1e-5F;
    return (*settings->alpha > 0 ? *settings->alpha : *settings->rank) / (*settings->rank + kAddedByPeft);
  }
  const std::optional<float> alpha = settings != nullptr ? settings->alpha_of(facts.layer) : std::nullopt;
  const float divisor = rank != 0 || settings == nullptr ? rank : settings->rank_of(facts.layer).value_or(0);
  if (!alpha || divisor <= 0) {
    return 1;
  }
  return *alpha / (settings->use_rslora ? std::sqrt(divisor) : divisor);
}

std::optional<TensorChange> LoraParts::make_bias(const LayerChange& change, const std::string& where) const {
  std::vector<TensorChange> found;
  if (const FileTensor* const up_bias = find(Part::up_bias)) {
    const auto* const lora = change.weight ? std::get_if<LoraChange>(&*change.weight) : nullptr;
    if (lora == nullptr || lora->lengths != nullptr) {
      throw FileError(where + ": has a bias of a LoRA without one, or beside DoRA, which is not supported");
    }
    found.push_back({.kind = TensorChange::Kind::add, .values = up_bias, .factor = lora->factor});
  }
  if (const FileTensor* const difference = find(Part::bias_difference)) {
    found.push_back({.kind = TensorChange::Kind::add, .values = difference});
  }
  if (const FileTensor* const whole = find(Part::bias)) {
    found.push_back({.kind = TensorChange::Kind::replace, .values = whole});
  }
  const auto* const tensor = change.weight ? std::get_if<TensorChange>(&*change.weight) : nullptr;
  if (tensor != nullptr && tensor->kind == TensorChange::Kind::scale_outputs) {
    found.push_back(*tensor);  // IA3 scales the layer's outputs, bias included
  }
  if (found.size() > 1) {
    throw FileError(where + ": its layer has several changes of its bias");
  }
  return found.empty() ? std::nullopt : std::optional(found.front());
}

}  // namespace streamdiffusion
