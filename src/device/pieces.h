#pragma once

#include <algorithm>
#include <cstddef>
#include <iterator>
#include <map>
#include <optional>

namespace streamdiffusion {

/// Divides a block of memory among buffers, by offsets. Used and free pieces cover it without gaps, and two
/// free pieces are never adjacent. Not thread-safe.
class Pieces {
 public:
  /// `bytes` is the size of the block.
  explicit Pieces(std::size_t bytes) { pieces_.emplace(0, Piece{.bytes = bytes}); }

  /// Takes the first `bytes` of the first free piece that has as many. Returns their offset, or nullopt if no
  /// piece has.
  std::optional<std::size_t> take(std::size_t bytes) {
    const auto found = std::ranges::find_if(
        pieces_, [bytes](const auto& piece) { return piece.second.is_free && piece.second.bytes >= bytes; });
    if (found == pieces_.end()) {
      return std::nullopt;
    }
    auto& [offset, piece] = *found;
    if (piece.bytes > bytes) {
      pieces_.emplace_hint(std::next(found), offset + bytes, Piece{.bytes = piece.bytes - bytes});
      piece.bytes = bytes;
    }
    piece.is_free = false;
    return offset;
  }

  /// Frees the piece at `offset`, which `take` returned.
  void give_back(std::size_t offset) {
    const auto piece = pieces_.find(offset);
    piece->second.is_free = true;
    join_with_next(piece);
    if (piece != pieces_.begin() && std::prev(piece)->second.is_free) {
      join_with_next(std::prev(piece));
    }
  }

  /// True if no piece is in use.
  [[nodiscard]] bool is_unused() const { return pieces_.size() == 1 && pieces_.begin()->second.is_free; }

 private:
  struct Piece {
    std::size_t bytes = 0;
    bool is_free = true;
  };

  void join_with_next(std::map<std::size_t, Piece>::iterator piece) {
    const auto next = std::next(piece);
    if (next != pieces_.end() && next->second.is_free) {
      piece->second.bytes += next->second.bytes;
      pieces_.erase(next);
    }
  }

  std::map<std::size_t, Piece> pieces_;
};

}  // namespace streamdiffusion
