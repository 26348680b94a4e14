#include "arrow/columns.hpp"

#include <array>
#include <cmath>
#include <cstring>
#include <stdexcept>
#include <utility>

namespace tracetide::arrow {
namespace {

constexpr std::string_view job_key = "tracetide.job";
constexpr std::int64_t nullable_flag = 2;  // ARROW_FLAG_NULLABLE
constexpr std::string_view list_format = "+l";
constexpr std::int32_t no_offsets = 0;
constexpr std::uint64_t no_values = 0;

// Schemas or arrays that another one points to, and owns unless a consumer has moved them out. Those that are
// not made yet have no `release`, so that one which cannot be finished lets go of what it has.
template <class Node>
class Children {
 public:
  explicit Children(std::size_t count = 0) : nodes_(count), pointers_(count) {
    for (std::size_t i = 0; i < count; ++i) pointers_[i] = &nodes_[i];
  }
  ~Children() { release(); }
  Children(Children&& other) noexcept = default;
  Children& operator=(Children&& other) noexcept {
    release();
    nodes_ = std::move(other.nodes_);
    pointers_ = std::move(other.pointers_);
    return *this;
  }
  Children(const Children&) = delete;
  Children& operator=(const Children&) = delete;

  [[nodiscard]] Node& operator[](std::size_t i) noexcept { return nodes_[i]; }
  [[nodiscard]] std::int64_t size() const noexcept { return static_cast<std::int64_t>(nodes_.size()); }
  [[nodiscard]] Node** pointers() noexcept { return pointers_.data(); }

 private:
  void release() noexcept {
    for (Node& node : nodes_)
      if (node.release != nullptr) node.release(&node);
  }

  std::vector<Node> nodes_;
  std::vector<Node*> pointers_;
};

// What a schema points to, with the schemas of its children.
struct SchemaState {
  ColumnType type{};
  std::string metadata{};
  Children<ArrowSchema> children{};
};

void release_schema(ArrowSchema* schema) noexcept {
  schema->release = nullptr;
  delete static_cast<SchemaState*>(schema->private_data);
}

void put_schema(ColumnType type, std::string metadata, Children<ArrowSchema> children, ArrowSchema* out) {
  auto state = std::make_unique<SchemaState>();
  state->type = std::move(type);
  state->metadata = std::move(metadata);
  state->children = std::move(children);
  *out = ArrowSchema{
      .format = state->type.format.c_str(),
      .name = state->type.name.c_str(),
      .metadata = state->metadata.empty() ? nullptr : state->metadata.data(),
      .flags = state->type.nullable ? nullable_flag : 0,
      .n_children = state->children.size(),
      .children = state->children.pointers(),
      .dictionary = nullptr,
      .release = release_schema,
      .private_data = nullptr,
  };
  out->private_data = state.release();
}

void put_size(std::string& to, std::size_t size) {
  if (size > 0x7FFFFFFF)
    throw std::length_error("metadata of " + std::to_string(size) +
                            " bytes is not allowed; Arrow takes up to 2^31 - 1");
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
  Children<ArrowArray> children{};
  std::shared_ptr<const void> owner{};
  std::shared_ptr<const void> valid{};
};

void release_array(ArrowArray* array) noexcept {
  array->release = nullptr;
  delete static_cast<ArrayState*>(array->private_data);
}

void put_array(std::unique_ptr<ArrayState> state, std::int64_t length, std::int64_t nulls,
               std::int64_t buffers, ArrowArray* out) noexcept {
  *out = ArrowArray{
      .length = length,
      .null_count = nulls,
      .offset = 0,
      .n_buffers = buffers,
      .n_children = state->children.size(),
      .buffers = state->buffers.data(),
      .children = state->children.pointers(),
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
    state->children = Children<ArrowArray>(1);
    put_array(std::move(items), data.items, 0, 2, &state->children[0]);
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
  return {info.name, formats[static_cast<std::size_t>(info.kind)], info.nullable};
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
  if (!info.nullable) return data;
  if (const auto* ids = std::get_if<std::span<const std::uint64_t>>(&view))
    mark_missing(ids->first(rows), data);
  if (const auto* seconds = std::get_if<std::span<const double>>(&view))
    mark_missing(seconds->first(rows), data);
  return data;
}

void mark_missing(std::span<const std::uint64_t> sessions, ColumnData& data) {
  mark(sessions, data, [](std::uint64_t id) { return id == no_session; });
}

void mark_missing(std::span<const double> delays, ColumnData& data) {
  mark(delays, data, [](double delay) { return std::isnan(delay); });
}

void export_schema(const std::vector<ColumnType>& types, std::string_view metadata, ArrowSchema* out) {
  Children<ArrowSchema> children(types.size());
  for (std::size_t i = 0; i < types.size(); ++i) {
    Children<ArrowSchema> items(types[i].format == list_format ? 1 : 0);
    if (items.size() != 0) put_schema({"item", "I", false}, {}, Children<ArrowSchema>(), &items[0]);
    put_schema(types[i], {}, std::move(items), &children[i]);
  }
  put_schema({"", "+s", false}, encoded(metadata), std::move(children), out);
}

void export_array(const std::vector<ColumnType>& types, const std::vector<ColumnData>& columns,
                  std::int64_t rows, const std::shared_ptr<const void>& owner, ArrowArray* out) {
  auto state = std::make_unique<ArrayState>();
  state->children = Children<ArrowArray>(types.size());
  for (std::size_t i = 0; i < types.size(); ++i)
    state->children[i] = column_array(types[i], columns[i], rows, owner);
  put_array(std::move(state), rows, 0, 1, out);
}

}  // namespace tracetide::arrow
