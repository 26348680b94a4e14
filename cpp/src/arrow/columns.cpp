#include "arrow/columns.hpp"

#include <array>
#include <cmath>
#include <cstring>
#include <utility>

namespace tracetide::arrow {
namespace {

constexpr std::string_view job_key = "tracetide.job";
constexpr std::int64_t nullable_flag = 2;  // ARROW_FLAG_NULLABLE
constexpr std::string_view list_format = "+l";
constexpr std::int32_t no_offsets = 0;
constexpr std::uint64_t no_values = 0;

// What a schema points to, with the schemas of its children.
struct SchemaState {
  ColumnType type{};
  std::string metadata{};
  std::vector<ArrowSchema> children{};
  std::vector<ArrowSchema*> child_pointers{};
};

template <class Node>
void release_node(Node* node) noexcept {
  for (std::int64_t i = 0; i < node->n_children; ++i) {
    Node* const child = node->children[i];
    if (child->release != nullptr) child->release(child);
  }
}

void release_schema(ArrowSchema* schema) noexcept {
  release_node(schema);
  schema->release = nullptr;
  delete static_cast<SchemaState*>(schema->private_data);
}

void put_schema(ColumnType type, std::string metadata, std::vector<ArrowSchema> children, ArrowSchema* out) {
  auto state = std::make_unique<SchemaState>();
  state->type = std::move(type);
  state->metadata = std::move(metadata);
  state->children = std::move(children);
  for (ArrowSchema& child : state->children) state->child_pointers.push_back(&child);
  *out = ArrowSchema{
      .format = state->type.format.c_str(),
      .name = state->type.name.c_str(),
      .metadata = state->metadata.empty() ? nullptr : state->metadata.data(),
      .flags = state->type.nullable ? nullable_flag : 0,
      .n_children = static_cast<std::int64_t>(state->children.size()),
      .children = state->child_pointers.data(),
      .dictionary = nullptr,
      .release = release_schema,
      .private_data = nullptr,
  };
  out->private_data = state.release();
}

void put_size(std::string& to, std::size_t size) {
  const auto number = static_cast<std::int32_t>(size);
  to.append(reinterpret_cast<const char*>(&number), sizeof number);
}

std::string encoded(std::string_view metadata) {
  std::string text;
  if (metadata.empty()) return text;
  put_size(text, 1);
  put_size(text, job_key.size());
  text += job_key;
  put_size(text, metadata.size());
  text += metadata;
  return text;
}

struct ArrayState {
  std::array<const void*, 3> buffers{};
  std::vector<ArrowArray> children{};
  std::vector<ArrowArray*> child_pointers{};
  std::shared_ptr<const void> owner{};
  std::shared_ptr<const void> valid{};
};

void release_array(ArrowArray* array) noexcept {
  release_node(array);
  array->release = nullptr;
  delete static_cast<ArrayState*>(array->private_data);
}

void put_array(std::unique_ptr<ArrayState> state, std::int64_t length, std::int64_t nulls,
               std::int64_t buffers, ArrowArray* out) {
  for (ArrowArray& child : state->children) state->child_pointers.push_back(&child);
  *out = ArrowArray{
      .length = length,
      .null_count = nulls,
      .offset = 0,
      .n_buffers = buffers,
      .n_children = static_cast<std::int64_t>(state->children.size()),
      .buffers = state->buffers.data(),
      .children = state->child_pointers.data(),
      .dictionary = nullptr,
      .release = release_array,
      .private_data = nullptr,
  };
  out->private_data = state.release();
}

const void* or_empty(const void* values) noexcept { return values != nullptr ? values : &no_values; }

ArrowArray column_array(const ColumnType& type, const ColumnData& data, std::int64_t rows,
                        const std::shared_ptr<const void>& owner) {
  auto state = std::make_unique<ArrayState>();
  state->owner = owner;
  state->valid = data.valid;
  state->buffers[0] = data.valid ? data.valid->data() : nullptr;
  const void* const offsets = data.offsets != nullptr ? data.offsets : &no_offsets;
  ArrowArray made{};
  if (type.format == list_format) {
    state->buffers[1] = offsets;
    auto items = std::make_unique<ArrayState>();
    items->owner = owner;
    items->buffers[1] = or_empty(data.values);
    put_array(std::move(items), data.items, 0, 2, &state->children.emplace_back());
    put_array(std::move(state), rows, data.nulls, 2, &made);
  } else if (type.format == "u") {
    state->buffers[1] = offsets;
    state->buffers[2] = or_empty(data.values);
    put_array(std::move(state), rows, data.nulls, 3, &made);
  } else {
    state->buffers[1] = or_empty(data.values);
    put_array(std::move(state), rows, data.nulls, 2, &made);
  }
  return made;
}

template <class T, class IsMissing>
void mark(std::span<const T> values, ColumnData& data, IsMissing is_missing) {
  auto valid = std::make_shared<Column<std::uint8_t>>((values.size() + 7) / 8);
  std::memset(valid->data(), 0, valid->size());
  for (std::size_t row = 0; row < values.size(); ++row) {
    if (is_missing(values[row])) {
      ++data.nulls;
    } else {
      (*valid)[row / 8] = static_cast<std::uint8_t>((*valid)[row / 8] | 1u << row % 8);
    }
  }
  if (data.nulls != 0) data.valid = std::move(valid);
}

}  // namespace

ColumnType type_of(const ColumnInfo& info) {
  constexpr std::array<const char*, 6> formats{"g", "S", "I", "L", "+l", "u"};
  return {info.name, formats[static_cast<std::size_t>(info.kind)],
          info.name == "session_id" || info.name == "delay"};
}

ColumnData data_of(const ColumnInfo& info, const ColumnView& view, std::size_t rows) {
  ColumnData data;
  std::visit(
      [&](const auto& column) {
        using View = std::decay_t<decltype(column)>;
        if constexpr (std::is_same_v<View, ListView>) {
          data.offsets = column.offsets.data();
          data.values = column.values.data();
          data.items = column.offsets.empty() ? 0 : column.offsets[rows];
        } else if constexpr (std::is_same_v<View, TextView>) {
          data.offsets = column.offsets.data();
          data.values = column.bytes.data();
        } else {
          data.values = column.data();
        }
      },
      view);
  if (info.name == "session_id") {
    if (const auto* ids = std::get_if<std::span<const std::uint64_t>>(&view))
      mark_missing(ids->first(rows), data);
  } else if (info.name == "delay") {
    mark_missing(std::get<std::span<const double>>(view).first(rows), data);
  }
  return data;
}

void mark_missing(std::span<const std::uint64_t> sessions, ColumnData& data) {
  mark(sessions, data, [](std::uint64_t id) { return id == no_session; });
}

void mark_missing(std::span<const double> delays, ColumnData& data) {
  mark(delays, data, [](double delay) { return std::isnan(delay); });
}

void export_schema(const std::vector<ColumnType>& types, std::string_view metadata, ArrowSchema* out) {
  std::vector<ArrowSchema> children(types.size());
  for (std::size_t i = 0; i < types.size(); ++i) {
    std::vector<ArrowSchema> items;
    if (types[i].format == list_format) put_schema({"item", "I", false}, {}, {}, &items.emplace_back());
    put_schema(types[i], {}, std::move(items), &children[i]);
  }
  put_schema({"", "+s", false}, encoded(metadata), std::move(children), out);
}

void export_array(const std::vector<ColumnType>& types, const std::vector<ColumnData>& columns,
                  std::int64_t rows, const std::shared_ptr<const void>& owner, ArrowArray* out) {
  auto state = std::make_unique<ArrayState>();
  for (std::size_t i = 0; i < types.size(); ++i)
    state->children.push_back(column_array(types[i], columns[i], rows, owner));
  put_array(std::move(state), rows, 0, 1, out);
}

}  // namespace tracetide::arrow
