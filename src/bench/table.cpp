#include "bench/table.h"

#include <algorithm>
#include <cstddef>
#include <cstdio>

namespace streamdiffusion::bench {

namespace {

std::string number_text(const Json& value, int digits) {
  if (value.is_number_integer()) {
    return value.dump();
  }
  char text[48];
  std::snprintf(text, sizeof text, "%.*f", digits, value.get<double>());
  return text;
}

std::string cell_text(const Json& row, const Column& column) {
  const auto value = row.find(column.key);
  if (value == row.end() || value->is_null()) {
    return "";
  }
  if (value->is_object()) {
    return number_text((*value)["median"], column.digits) + " (" +
           number_text((*value)["low"], column.digits) + " to " +
           number_text((*value)["high"], column.digits) + ")";
  }
  return value->is_string() ? value->get<std::string>() : number_text(*value, column.digits);
}

/// True if the column contains text. Such columns are aligned to the left, columns of numbers to the right.
bool holds_words(const Table& table, const Column& column) {
  return std::ranges::any_of(table.rows, [&column](const Json& row) {
    const auto value = row.find(column.key);
    return value != row.end() && value->is_string();
  });
}

std::string padded(const std::string& text, std::size_t width, bool left) {
  const std::string blanks(width - std::min(width, text.size()), ' ');
  return left ? text + blanks : blanks + text;
}

}  // namespace

Json to_json(const Spread& spread) { return to_json(spread, 1); }

Json to_json(const Spread& spread, double factor) {
  return {{"median", spread.median * factor},
          {"low", spread.low * factor},
          {"high", spread.high * factor},
          {"runs", spread.runs}};
}

Json to_json(const Table& table) {
  return {{"title", table.title}, {"rows", table.rows}, {"notes", table.notes}};
}

std::string to_text(const Table& table) {
  std::vector<std::string> lines(table.rows.size() + 1);
  for (const Column& column : table.columns) {
    std::vector<std::string> cells = {column.heading};
    for (const Json& row : table.rows) {
      cells.push_back(cell_text(row, column));
    }
    const std::size_t width = std::ranges::max(cells, {}, &std::string::size).size();
    const bool left = holds_words(table, column);
    for (std::size_t i = 0; i < lines.size(); ++i) {
      lines[i] += "  " + padded(cells[i], width, left);
    }
  }
  std::string text = table.title + "\n";
  for (std::string& line : lines) {
    line.erase(line.find_last_not_of(' ') + 1);
    text += line + "\n";
  }
  for (const std::string& note : table.notes) {
    text += "  " + note + "\n";
  }
  return text;
}

}  // namespace streamdiffusion::bench
