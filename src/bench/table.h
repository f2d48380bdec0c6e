#pragma once

#include <nlohmann/json.hpp>
#include <string>
#include <vector>

#include "bench/spread.h"

namespace streamdiffusion::bench {

using Json = nlohmann::ordered_json;

/// A column of a table, filled from each row's value under `key`.
struct Column {
  std::string key;      ///< of JSON
  std::string heading;  ///< for people
  int digits = 1;       ///< behind the point of numbers that are not whole
};

/// What a part of the benchmark has found: once, for people and for programs.
struct Table {
  std::string name;   ///< of the part, for JSON
  std::string title;  ///< for people
  std::vector<Column> columns;
  std::vector<Json> rows;          ///< objects; a column whose key is not there, or null, stays empty
  std::vector<std::string> notes;  ///< what has to be known to read it
};

/// As a value of a row.
Json to_json(const Spread& spread);
/// The same, times `factor` (seconds to milliseconds).
Json to_json(const Spread& spread, double factor);

/// {"rows": [...], "notes": [...]}.
Json to_json(const Table& table);

/// Title, columns one below the other, notes. Spreads are shown as "7.1 (7.0 to 7.3)".
std::string to_text(const Table& table);

}  // namespace streamdiffusion::bench
