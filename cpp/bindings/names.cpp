// The vocabulary that both sides speak, as constants: names in the order of their numbers.
#include "profile/names.hpp"

#include <string_view>
#include <vector>

#include "bindings.hpp"
#include "engine/column_table.hpp"
#include "tracetide/batch.hpp"

namespace py = pybind11;

namespace tracetide::bindings {
namespace {

template <class Names>
py::tuple texts(const Names& names) {
  py::tuple made(names.size());
  for (std::size_t i = 0; i < names.size(); ++i) made[i] = py::str(names[i].data(), names[i].size());
  return made;
}

py::dict category_fields() {
  py::dict made;
  for (std::size_t i = 0; i < category_names.size(); ++i) {
    std::vector<std::string_view> fields;
    for (const Field field : fields_of(static_cast<Category>(i))) fields.push_back(name(field));
    made[py::str(category_names[i].data(), category_names[i].size())] = texts(fields);
  }
  return made;
}

}  // namespace

void register_names(py::module_& module) {
  constexpr std::array<std::string_view, 6> jobs{"",         "reason",   "multimodal",
                                                 "sessions", "hash_ids", "payload_bytes"};
  const auto text = [](std::string_view from) { return py::str(from.data(), from.size()); };
  py::list columns;
  for (const NativeColumn& column : native_columns)
    columns.append(py::make_tuple(
        text(column.name), text(column_kind_names[static_cast<std::size_t>(column.kind())]),
        text(jobs[static_cast<std::size_t>(column.jobs)]), text(column.unit), column.nullable));
  module.attr("COLUMNS") = py::tuple(columns);
  module.attr("NO_SESSION") = no_session;
  module.attr("CATEGORY_FIELDS") = category_fields();
  module.attr("FAMILIES") = texts(family_names);
  module.attr("COUNTS") = texts(counts_names);
  module.attr("ITEM_KINDS") = texts(item_kind_names);
  module.attr("MISSING") = Profile::missing;
}

}  // namespace tracetide::bindings
