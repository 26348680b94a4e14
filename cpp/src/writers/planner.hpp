// What the formats of other tools are planned with.
#pragma once

#include <algorithm>
#include <initializer_list>
#include <span>
#include <string_view>
#include <utility>
#include <vector>

#include "engine/column_views.hpp"
#include "writers/trace_format.hpp"

namespace tracetide {

/// Collects the cells, and which columns they tell.
class Planner {
 public:
  Planner(std::span<const ColumnInfo> given, HashIds hash_ids) : given_(given), hash_ids_(hash_ids) {}

  [[nodiscard]] bool has(std::string_view column) const { return find_column(given_, column).has_value(); }
  [[nodiscard]] bool has_number(std::string_view column) const {
    const auto found = find_column(given_, column);
    return found && given_[*found].kind == ColumnKind::u64;
  }
  [[nodiscard]] bool has_all(std::initializer_list<std::string_view> columns) const {
    return std::all_of(columns.begin(), columns.end(), [&](std::string_view c) { return has(c); });
  }

  Planner& put(std::string_view key, Put put, std::string_view column) {
    return derive(key, put, column).tell(column);
  }
  Planner& put_if_given(std::string_view key, Put how, std::string_view column) {
    return has(column) ? put(key, how, column) : *this;
  }
  Planner& put_or(std::string_view key, Put how, std::string_view column, std::string_view otherwise) {
    return has(column) ? put(key, how, column) : constant(key, otherwise);
  }
  /// A cell that does not tell the whole column.
  Planner& derive(std::string_view key, Put put, std::string_view column = {}) {
    plan_.cells.push_back({key, put, column, {}});
    return *this;
  }
  Planner& constant(std::string_view key, std::string_view text) {
    plan_.cells.push_back({key, Put::constant, {}, text});
    return *this;
  }
  /// The column can be read back from what is there already, or must not be there.
  Planner& tell(std::string_view column) {
    told_.push_back(column);
    return *this;
  }
  /// What is there tells only a part of the column.
  Planner& untell(std::string_view column) {
    std::erase(told_, column);
    return *this;
  }
  Planner& leave_out(std::string_view column) {
    left_out_.push_back(column);
    return *this;
  }

  /// All columns that are not told yet, under their own names, in native units; one that has the name of
  /// another cell has no place.
  Planner& put_rest() {
    for (const ColumnInfo& column : given_) {
      if (is_in(told_, column.name) || is_in(left_out_, column.name)) continue;
      if (has_key(column.name)) continue;
      Put how = column.is_signed ? Put::signed_number : Put::number;
      if (column.kind == ColumnKind::real) how = column.name == "delay" ? Put::seconds : Put::real;
      if (column.kind == ColumnKind::list) how = Put::items;
      if (column.kind == ColumnKind::text || column.name == "session_id") how = Put::label;
      put(column.name, how, column.name);
    }
    return *this;
  }

  void put_hash_ids() {
    if (hash_ids_ == HashIds::leave) {
      leave_out("hash_ids");
    } else if (has("hash_ids")) {
      put("hash_ids", Put::items, "hash_ids");
    } else {
      derive("hash_ids", Put::filler_ids, "input_tokens");
    }
  }

  void put_delta_ids() {
    if (hash_ids_ == HashIds::fill && has("hash_ids")) {
      put("hash_ids", Put::delta_ids, "hash_ids");
    } else {
      put_hash_ids();
    }
  }

  /// By these keys, files of Bailian's format are told from Mooncake's.
  void leave_out_chats() { leave_out("chat_id").leave_out("parent_chat_id"); }

  FormatPlan finish() {
    for (const ColumnInfo& column : given_)
      if (!is_in(told_, column.name)) plan_.left_out.push_back(column.name);
    return std::move(plan_);
  }

 private:
  [[nodiscard]] bool has_key(std::string_view key) const {
    return std::any_of(plan_.cells.begin(), plan_.cells.end(),
                       [&](const FormatCell& cell) { return cell.key == key; });
  }
  static bool is_in(const std::vector<std::string_view>& names, std::string_view name) {
    return std::find(names.begin(), names.end(), name) != names.end();
  }

  std::span<const ColumnInfo> given_;
  HashIds hash_ids_;
  FormatPlan plan_{};
  std::vector<std::string_view> told_{};
  std::vector<std::string_view> left_out_{};
};

}  // namespace tracetide
