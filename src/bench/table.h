#pragma once

#include <nlohmann/json.hpp>
#include <string>
#include <vector>

#include "bench/spread.h"

namespace streamdiffusion::bench {

using Json = nlohmann::ordered_json;

/// A column of a table. Its cells are the values of the rows under `key`.
struct Column {
  std::string key;      ///< Key in the rows' JSON objects.
  std::string heading;  ///< Heading in the text form.
  int digits = 1;       ///< Digits after the decimal point of numbers that are not integers.
};

/// The results of a part of the benchmark, which are printed as text and as JSON.
struct Table {
  std::string name;   ///< Name of the part, its key in the JSON output.
  std::string title;  ///< Title in both forms.
  std::vector<Column> columns;
  std::vector<Json> rows;          ///< Objects. A missing key or null leaves the column's cell empty.
  std::vector<std::string> notes;  ///< Remarks needed to interpret the figures.
};

/// Converts a spread to a value of a row.
Json to_json(const Spread& spread);
/// Converts a spread, multiplied by `factor` (for example 1000 for milliseconds), to a value of a row.
Json to_json(const Spread& spread, double factor);

/// Converts a table to {"title": ..., "rows": [...], "notes": [...]}.
Json to_json(const Table& table);

/// Formats the title, the rows in aligned columns, and the notes. Spreads are shown as "7.1 (7.0 to 7.3)".
std::string to_text(const Table& table);

}  // namespace streamdiffusion::bench
