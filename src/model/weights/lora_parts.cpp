#include "model/weights/lora_parts.h"

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <cstring>

#include "model/files/json.h"
#include "streamdiffusion/error.h"

namespace streamdiffusion {
namespace {

using Part = LoraKey::Part;

std::string show_shape(const FileTensor& tensor) { return show_json(nlohmann::json(tensor.shape)); }

float read_alpha(const FileTensor& tensor, const std::string& where) {
  if (tensor.elements() != 1) {
    throw Error(where + ": alpha must be one number, not " + show_shape(tensor));
  }
  if (tensor.dtype == DType::i64) {
    std::int64_t value = 0;
    std::memcpy(&value, tensor.bytes.data(), sizeof value);
    return static_cast<float>(value);
  }
  float alpha = 0;
  convert_to_float(tensor, std::span(&alpha, 1));
  if (!std::isfinite(alpha)) {
    throw Error(where + ": alpha is not a finite number");
  }
  return alpha;
}

bool is_whole_or_product(const LoraMatrix& matrix) {
  return matrix.whole != nullptr || (matrix.left != nullptr && matrix.right != nullptr);
}

/// Rank that alpha is divided by; 0 where LyCORIS does not divide: a LoKr of two whole matrices.
std::int64_t rank_of(const LoraChange& change) {
  if (change.kind == LoraChange::Kind::lokr && change.second.whole == nullptr) {
    return change.second.right->shape[0];
  }
  return change.first.whole == nullptr ? change.first.right->shape[0] : 0;
}

/// LyCORIS writes [out, 1, ..] today and [1, in, ..] in its first versions; peft lengths of outputs always.
bool are_lengths_of_inputs(const FileTensor& lengths) {
  return lengths.shape.size() > 1 && lengths.shape[0] == 1 && lengths.shape[1] > 1;
}

}  // namespace

void LoraParts::add(Part part, const std::string& key, const FileTensor& tensor, const std::string& file) {
  const std::string where = file + ": \"" + key + "\"";
  key_ = key;
  if (part == Part::unsupported) {
    throw Error(where +
                ": belongs to a method that is not supported; LoRA, LoCon, LoHa and LoKr are, with or "
                "without DoRA");
  }
  if (part == Part::alpha) {
    alpha_ = read_alpha(tensor, where);
    return;
  }
  if (!tensors_.emplace(part, &tensor).second) {
    throw Error(where + ": its layer has this part twice, under two names");
  }
}

LoraChange LoraParts::change(const std::string& file, const std::optional<Scaling>& scaling) const {
  const std::string where = file + ": \"" + key_ + "\"";
  LoraChange change = matrices(where);
  check_change(change, where);
  change.factor = factor(change, scaling);
  if (const FileTensor* const magnitude = find(Part::dora_magnitude)) {
    change.lengths = magnitude;
  } else if (const FileTensor* const dora_scale = find(Part::dora_scale)) {
    change.lengths = dora_scale;
    change.lengths_of_inputs = are_lengths_of_inputs(*dora_scale);
  }
  check_change(change, where);
  return change;
}

const FileTensor* LoraParts::find(Part part) const {
  const auto found = tensors_.find(part);
  return found == tensors_.end() ? nullptr : found->second;
}

LoraMatrix LoraParts::matrix(Part whole, Part left, Part right, Part core) const {
  return {.whole = find(whole),
          .left = find(left),
          .right = find(right),
          .core = find(core),
          .left_is_transposed = find(core) != nullptr && core != Part::mid};
}

LoraChange LoraParts::matrices(const std::string& where) const {
  const auto has_any = [this](Part first, Part last) {
    const auto found = tensors_.lower_bound(first);
    return found != tensors_.end() && found->first <= last;
  };
  const bool lora = has_any(Part::down, Part::mid);
  const bool loha = has_any(Part::hada_w1_a, Part::hada_t2);
  const bool lokr = has_any(Part::lokr_w1, Part::lokr_t2);
  if (static_cast<int>(lora) + static_cast<int>(loha) + static_cast<int>(lokr) > 1) {
    throw Error(where + ": its layer has parts of more than one of LoRA, LoHa and LoKr");
  }
  LoraChange change;
  if (loha) {
    change.kind = LoraChange::Kind::loha;
    change.first = matrix(Part::unsupported, Part::hada_w1_a, Part::hada_w1_b, Part::hada_t1);
    change.second = matrix(Part::unsupported, Part::hada_w2_a, Part::hada_w2_b, Part::hada_t2);
  } else if (lokr) {
    change.kind = LoraChange::Kind::lokr;
    change.first = matrix(Part::lokr_w1, Part::lokr_w1_a, Part::lokr_w1_b, Part::unsupported);
    change.second = matrix(Part::lokr_w2, Part::lokr_w2_a, Part::lokr_w2_b, Part::lokr_t2);
  } else {
    change.first = matrix(Part::unsupported, Part::up, Part::down, Part::mid);
  }
  const bool whole = is_whole_or_product(change.first) &&
                     (change.kind == LoraChange::Kind::lora || is_whole_or_product(change.second));
  if (!whole) {
    throw Error(where +
                (lora || !(loha || lokr) ? ": the layer's down and up weights are not both there"
                                         : ": parts of the layer's two matrices are missing") +
                "; the file is incomplete, download it again");
  }
  return change;
}

float LoraParts::factor(const LoraChange& change, const std::optional<Scaling>& scaling) const {
  const auto rank = static_cast<float>(rank_of(change));
  if (rank == 0) {
    return 1;
  }
  if (alpha_) {
    return *alpha_ / rank;
  }
  return scaling ? scaling->alpha / (scaling->by_root_of_rank ? std::sqrt(rank) : rank) : 1;
}

}  // namespace streamdiffusion
