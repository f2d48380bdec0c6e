#include "model/files/safetensors.h"

#include <algorithm>
#include <array>
#include <atomic>
#include <cstring>
#include <fstream>
#include <iterator>
#include <limits>
#include <optional>
#include <string_view>
#include <thread>
#include <utility>
#include <vector>

#include "core/index_range.h"
#include "core/round_up.h"
#include "model/files/dduf.h"
#include "model/files/float8.h"
#include "model/files/json.h"
#include "model/files/other_formats.h"
#include "model/files/weight_kernels.h"
#include "posix/mapped_file.h"
#include "streamdiffusion/error.h"

namespace streamdiffusion {
namespace {

using nlohmann::json;

// The format: the header's size in 8 bytes (little endian), the header as JSON, the data.
constexpr std::size_t kSizeBytes = 8;
constexpr std::size_t kLargestHeader = 100'000'000;  // the reference implementation's limit
constexpr std::array kTypes = {DType::f64,     DType::f32,     DType::f16, DType::bf16,
                               DType::f8_e4m3, DType::f8_e5m2, DType::i64, DType::i32,
                               DType::i16,     DType::i8,      DType::u8,  DType::boolean};

std::optional<DType> find_type(std::string_view name) {
  const auto* const found = std::ranges::find_if(kTypes, [&](DType type) { return name == to_string(type); });
  return found == kTypes.end() ? std::nullopt : std::optional(*found);
}

[[noreturn]] void throw_other_format(std::span<const std::byte> bytes, const std::string& where,
                                     const std::string& why) {
  const std::string format = describe_other_format(bytes);
  throw FileError(where + ": is not a safetensors file" +
                  (format.empty() ? " (" + why + ")" : " but " + format));
}

std::uint64_t header_size(std::span<const std::byte> bytes, const std::string& where) {
  if (bytes.size() < kSizeBytes) {
    throw FileError(where + ": is not a safetensors file (only " + std::to_string(bytes.size()) +
                    " bytes); download it again");
  }
  std::uint64_t size = 0;
  for (std::size_t i = 0; i < kSizeBytes; ++i) {
    size |= std::to_integer<std::uint64_t>(bytes[i]) << (8 * i);
  }
  if (size > kLargestHeader) {
    throw_other_format(bytes, where, "its header would have " + std::to_string(size) + " bytes");
  }
  if (size > bytes.size() - kSizeBytes) {
    throw FileError(where + ": is cut short inside its header; download it again");
  }
  return size;
}

/// A tensor's entry in the header, not yet compared with the size of the data.
struct TensorEntry {
  std::string name;
  FileTensor tensor;
  std::uint64_t begin = 0;
  std::uint64_t end = 0;
};

class EntryReader {
 public:
  EntryReader(const std::string& file, const std::string& name, const json& value)
      : where_(file + ": tensor \"" + name + "\""), name_(name), value_(value) {}

  [[nodiscard]] TensorEntry read() const {
    if (!value_.is_object() || value_.size() != 3) {
      fail("must have exactly dtype, shape and data_offsets");
    }
    TensorEntry entry;
    entry.name = name_;
    entry.tensor.dtype = type();
    entry.tensor.shape = shape();
    const json& offsets = field("data_offsets");
    if (!offsets.is_array() || offsets.size() != 2) {
      fail("data_offsets must be two numbers, not " + show_json(offsets));
    }
    entry.begin = size(offsets[0], "data_offsets");
    entry.end = size(offsets[1], "data_offsets");
    if (entry.begin > entry.end || entry.end - entry.begin != byte_size(entry.tensor)) {
      fail("data_offsets " + show_json(offsets) + " do not fit shape " + show_json(field("shape")) +
           " of type " + to_string(entry.tensor.dtype));
    }
    return entry;
  }

 private:
  [[noreturn]] void fail(const std::string& what) const { throw FileError(where_ + ": " + what); }

  [[nodiscard]] const json& field(const char* key) const {
    const auto found = value_.find(key);
    if (found == value_.end()) {
      fail(std::string("has no ") + key);
    }
    return *found;
  }

  [[nodiscard]] std::uint64_t size(const json& number, const char* key) const {
    constexpr auto kLargest = static_cast<std::uint64_t>(std::numeric_limits<std::int64_t>::max());
    if (!number.is_number_unsigned() || number.get<std::uint64_t>() > kLargest) {
      fail(std::string(key) + " must hold integers from 0 on, not " + show_json(number));
    }
    return number.get<std::uint64_t>();
  }

  [[nodiscard]] DType type() const {
    const json& name = field("dtype");
    const std::optional<DType> found = name.is_string() ? find_type(name.get<std::string>()) : std::nullopt;
    if (!found) {
      fail("type " + show_json(name) + " is not supported");
    }
    return *found;
  }

  [[nodiscard]] std::vector<std::int64_t> shape() const {
    const json& values = field("shape");
    if (!values.is_array()) {
      fail("shape must be a list, not " + show_json(values));
    }
    std::vector<std::int64_t> extents;
    for (const json& value : values) {
      extents.push_back(static_cast<std::int64_t>(size(value, "shape")));
    }
    return extents;
  }

  [[nodiscard]] std::uint64_t byte_size(const FileTensor& tensor) const {
    std::uint64_t bytes = size_of(tensor.dtype);
    for (const std::int64_t extent : tensor.shape) {
      if (__builtin_mul_overflow(bytes, static_cast<std::uint64_t>(extent), &bytes)) {
        fail("shape " + show_json(field("shape")) + " is too large");
      }
    }
    return bytes;
  }

  std::string where_;
  const std::string& name_;
  const json& value_;
};

std::map<std::string, std::string> read_metadata(const json& value, const std::string& where) {
  std::map<std::string, std::string> metadata;
  if (!value.is_object()) {
    throw FileError(where + ": __metadata__ must be an object of texts");
  }
  for (const auto& [key, text] : value.items()) {
    if (!text.is_string()) {
      throw FileError(where + ": __metadata__ \"" + key + "\" must be a text, not " + show_json(text));
    }
    metadata[key] = text.get<std::string>();
  }
  return metadata;
}

/// Throws Error unless the tensors cover the data exactly once, without gaps.
void check_coverage(std::vector<TensorEntry>& entries, std::uint64_t data_size, const std::string& where) {
  std::ranges::sort(entries, {}, [](const TensorEntry& entry) { return std::pair(entry.begin, entry.end); });
  std::uint64_t end = 0;
  for (const TensorEntry& entry : entries) {
    if (entry.begin != end) {
      throw FileError(where + ": tensor \"" + entry.name + "\" " +
                      (entry.begin < end ? "overlaps the one before it" : "leaves a gap before it"));
    }
    if (entry.end > data_size) {
      throw FileError(where + ": is cut short inside tensor \"" + entry.name + "\"; download it again");
    }
    end = entry.end;
  }
  if (end != data_size) {
    throw FileError(where + ": has " + std::to_string(data_size - end) + " bytes after its last tensor");
  }
}

class MappedSafeTensors : public SafeTensors {
 public:
  explicit MappedSafeTensors(const std::filesystem::path& file) : mapped_(file) {
    read(mapped_.bytes(), file.string());
  }
  void release_pages() const override { mapped_.release_pages(); }

 private:
  MappedFile mapped_;
};

/// A safetensors file inside a DDUF file.
class DdufSafeTensors : public SafeTensors {
 public:
  DdufSafeTensors(const DdufPath& path, const std::string& name) : dduf_(path.file) {
    const auto bytes = dduf_.find(path.entry);
    if (!bytes) {
      throw FileError(path.file.string() + ": has no \"" + path.entry + "\"");
    }
    read(*bytes, name);
  }
  void release_pages() const override { dduf_.release_pages(); }

 private:
  DdufFile dduf_;
};

class ParsedSafeTensors : public SafeTensors {
 public:
  ParsedSafeTensors(std::span<const std::byte> bytes, const std::string& name) { read(bytes, name); }
};

}  // namespace

std::string show_shape(const std::vector<std::int64_t>& shape) { return json(shape).dump(); }

std::int64_t FileTensor::elements() const { return static_cast<std::int64_t>(bytes.size() / size_of(dtype)); }

std::shared_ptr<const SafeTensors> SafeTensors::open(const std::filesystem::path& file) {
  if (const auto path = find_dduf(file)) {
    return std::make_shared<DdufSafeTensors>(*path, file.string());
  }
  return std::make_shared<MappedSafeTensors>(file);
}

std::shared_ptr<const SafeTensors> SafeTensors::parse(std::span<const std::byte> bytes,
                                                      const std::string& name) {
  return std::make_shared<ParsedSafeTensors>(bytes, name);
}

void SafeTensors::read(std::span<const std::byte> bytes, const std::string& name) {
  name_ = name;
  const std::uint64_t size = header_size(bytes, name);
  const std::string_view text(reinterpret_cast<const char*>(bytes.data()) + kSizeBytes, size);
  if (!text.starts_with('{')) {
    throw_other_format(bytes, name, "its header does not begin with '{'");
  }
  const json header = parse_strict_json_object(text, name);
  const std::span<const std::byte> data = bytes.subspan(kSizeBytes + size);

  std::vector<TensorEntry> entries;
  for (const auto& [key, value] : header.items()) {
    if (key == "__metadata__") {
      metadata_ = read_metadata(value, name);
    } else {
      entries.push_back(EntryReader(name, key, value).read());
    }
  }
  check_coverage(entries, data.size(), name);
  for (TensorEntry& entry : entries) {
    entry.tensor.bytes = data.subspan(entry.begin, entry.end - entry.begin);
    tensors_.emplace(std::move(entry.name), std::move(entry.tensor));
  }
}

void write_safetensors(const std::filesystem::path& file, const std::map<std::string, FileTensor>& tensors) {
  json header = json::object();
  std::size_t offset = 0;
  for (const auto& [name, tensor] : tensors) {
    const std::size_t end = offset + tensor.bytes.size();
    header[name] = {
        {"dtype", to_string(tensor.dtype)}, {"shape", tensor.shape}, {"data_offsets", {offset, end}}};
    offset = end;
  }
  std::string text = header.dump();
  text.resize(round_up(text.size(), kSizeBytes), ' ');  // keeps the data aligned

  std::ofstream out(file, std::ios::binary);
  for (std::size_t i = 0; i < kSizeBytes; ++i) {
    out.put(static_cast<char>((text.size() >> (8 * i)) & 0xFFU));
  }
  out << text;
  for (const auto& [name, tensor] : tensors) {
    out.write(reinterpret_cast<const char*>(tensor.bytes.data()),
              static_cast<std::streamsize>(tensor.bytes.size()));
  }
  out.close();
  if (!out) {
    throw FileError(file.string() + ": cannot be written");
  }
}

namespace {

// Elements per thread: with fewer, starting a thread costs more than it saves.
constexpr std::size_t kPartElements = std::size_t{1} << 19U;
// Elements checked for NaN right after their conversion: 16 KiB of float32 are still in the L1 cache.
constexpr std::size_t kBlockElements = 4096;

using Convert = void (*)(const std::byte* in, std::span<float> out);

void copy_f32(const std::byte* in, std::span<float> out) { std::memcpy(out.data(), in, out.size_bytes()); }

void float_from_f64(const std::byte* in, std::span<float> out) {
  for (std::size_t i = 0; i < out.size(); ++i) {
    double value = 0;
    std::memcpy(&value, in + i * sizeof value, sizeof value);
    out[i] = static_cast<float>(value);
  }
}

Convert conversion_from(DType dtype) {
  switch (dtype) {
    case DType::f32:
      return copy_f32;
    case DType::f16:
      return float_from_f16;
    case DType::bf16:
      return float_from_bf16;
    case DType::f8_e4m3:
      return float_from_f8_e4m3;
    case DType::f8_e5m2:
      return float_from_f8_e5m2;
    case DType::f64:
      return float_from_f64;
    default:
      throw FileError(std::string("weights of type ") + to_string(dtype) + " are not supported");
  }
}

/// Converts all elements. Returns true if all of them are finite.
bool convert_in_blocks(Convert convert, const std::byte* in, std::size_t element_size, std::span<float> out) {
  bool all_finite = true;
  for (std::size_t first = 0; first < out.size(); first += kBlockElements) {
    const std::span<float> block = out.subspan(first, std::min(kBlockElements, out.size() - first));
    convert(in + element_size * first, block);
    all_finite = all_finite && is_finite(block);
  }
  return all_finite;
}

}  // namespace

bool convert_to_float(const FileTensor& tensor, std::span<float> out) {
  if (static_cast<std::size_t>(tensor.elements()) != out.size()) {
    throw std::logic_error("convert_to_float: sizes differ");
  }
  const Convert convert = conversion_from(tensor.dtype);
  const std::size_t element_size = size_of(tensor.dtype);
  // Uses several threads for large tensors, whose pages are loaded and allocated here on first access.
  const std::size_t processors = std::max(1U, std::thread::hardware_concurrency());
  const auto parts =
      static_cast<std::int64_t>(std::clamp(out.size() / kPartElements, std::size_t{1}, processors));
  std::atomic<bool> all_finite = true;
  const auto convert_part = [&](std::int64_t part) {
    const IndexRange range = index_range(std::ssize(out), parts, part);
    const auto first = static_cast<std::size_t>(range.first);
    if (!convert_in_blocks(convert, tensor.bytes.data() + element_size * first, element_size,
                           out.subspan(first, static_cast<std::size_t>(range.size())))) {
      all_finite = false;
    }
  };
  {
    std::vector<std::jthread> others;
    for (std::int64_t part = 1; part < parts; ++part) {
      others.emplace_back(convert_part, part);
    }
    convert_part(0);
  }
  return all_finite;
}

void convert_weights(const FileTensor& tensor, std::span<float> out) {
  if (!convert_to_float(tensor, out)) {
    throw FileError(kHoldsNotFinite);
  }
}

}  // namespace streamdiffusion
