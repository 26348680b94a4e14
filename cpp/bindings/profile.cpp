// Profile.
#include "tracetide/profile.hpp"

#include <pybind11/stl.h>
#include <pybind11/stl/filesystem.h>

#include <algorithm>
#include <optional>
#include <stdexcept>
#include <string>

#include "arrays.hpp"
#include "bindings.hpp"
#include "gil.hpp"
#include "names.hpp"

namespace py = pybind11;

namespace tracetide::bindings {

namespace {

using Release = py::call_guard<Released>;

std::uint32_t field_position(Category category, const std::string& field) {
  const std::span<const Field> fields = fields_of(category);
  const Field found = named_field(category, field);
  return static_cast<std::uint32_t>(std::ranges::find(fields, found) - fields.begin());
}

void check_index(std::uint32_t index, std::uint32_t count, const char* what) {
  if (index < count) return;
  throw std::out_of_range(std::string(what) + " " + std::to_string(index) + "; there are " +
                          std::to_string(count));
}

/// Whatever the bytes of a file are, a str.
py::str as_text(std::string_view bytes) {
  PyObject* text = PyUnicode_DecodeUTF8(bytes.data(), static_cast<py::ssize_t>(bytes.size()), "replace");
  if (text == nullptr) throw py::error_already_set();
  return py::reinterpret_steal<py::str>(text);
}

Profile from_bytes(const py::bytes& image, const std::string& origin) {
  const auto bytes = std::as_bytes(std::span(std::string_view(image)));
  return without_gil([&] { return Profile::from_image(bytes, origin); });
}

py::bytes to_bytes(const Profile& profile) {
  const auto image = profile.image();
  return {reinterpret_cast<const char*>(image.data()), image.size()};
}

std::vector<std::string> field_names(const Profile& profile) {
  std::vector<std::string> names;
  for (const Field field : fields_of(profile.category())) names.emplace_back(name(field));
  return names;
}

py::list client_names(const Profile& profile) {
  py::list names;
  for (std::uint32_t client = 0; client < profile.clients(); ++client) {
    names.append(as_text(profile.client_name(client)));
  }
  return names;
}

py::dict cells(const py::object& self) {
  const auto& profile = self.cast<const Profile&>();
  // The columns of all windows lie in one piece, in order of windows.
  const WindowCells first = profile.cells(0);
  const WindowCells last = profile.cells(profile.windows() - 1);
  const auto count = static_cast<std::size_t>(last.client.data() + last.client.size() - first.client.data());
  py::array_t<std::uint32_t> window(static_cast<py::ssize_t>(count));
  std::uint32_t* out = window.mutable_data();
  for (std::uint32_t w = 0; w < profile.windows(); ++w)
    out = std::fill_n(out, profile.cells(w).client.size(), w);
  const auto* const family = reinterpret_cast<const std::uint8_t*>(first.family.data());
  py::dict columns;
  py::detail::array_proxy(window.ptr())->flags &= ~py::detail::npy_api::NPY_ARRAY_WRITEABLE_;
  columns["window"] = window;
  columns["client"] = read_only_view(std::span(first.client.data(), count), self);
  columns["rate"] = read_only_view(std::span(first.rate.data(), count), self);
  columns["shape"] = read_only_view(std::span(first.shape.data(), count), self);
  columns["cv"] = read_only_view(std::span(first.cv.data(), count), self);
  columns["family"] = read_only_view(std::span(family, count), self);
  return columns;
}

using Lookup = std::uint32_t (Profile::*)(std::uint32_t, std::uint32_t, std::uint32_t) const noexcept;

template <Lookup lookup>
std::optional<std::uint32_t> distribution_id(const Profile& profile, std::uint32_t epoch,
                                             std::uint32_t client, const std::string& field) {
  check_index(epoch, profile.epochs(), "epoch");
  check_index(client, profile.clients(), "client");
  const std::uint32_t id = (profile.*lookup)(epoch, client, field_position(profile.category(), field));
  return id == Profile::missing ? std::nullopt : std::optional(id);
}

const char* kind_name(DistributionKind kind) {
  switch (kind) {
    case DistributionKind::integer_pmf:
      return "integer_pmf";
    case DistributionKind::real_pmf:
      return "real_pmf";
    case DistributionKind::quantiles:
      return "quantiles";
    case DistributionKind::bins:
      return "bins";
  }
  return "unknown";
}

py::dict distribution(const py::object& self, std::uint32_t id) {
  const auto& profile = self.cast<const Profile&>();
  check_index(id, profile.distributions(), "distribution");
  const Distribution found = profile.distribution(id);
  py::dict result;
  result["kind"] = kind_name(found.kind);
  if (found.kind == DistributionKind::integer_pmf || found.kind == DistributionKind::bins) {
    result["values"] = read_only_view(found.integer_values, self);
  } else {
    result["values"] = read_only_view(found.real_values, self);
  }
  if (found.kind != DistributionKind::quantiles)
    result["probabilities"] = read_only_view(found.probabilities, self);
  result["minimum"] = found.minimum;
  result["maximum"] = found.maximum;
  return result;
}

py::array_t<std::uint32_t> ids(const Profile& profile, bool resolved) {
  const std::uint32_t epochs = profile.epochs();
  const std::uint32_t clients = profile.clients();
  const auto fields = static_cast<std::uint32_t>(fields_of(profile.category()).size());
  py::array_t<std::uint32_t> result({epochs, clients, fields});
  std::uint32_t* out = result.mutable_data();
  const Released released;
  for (std::uint32_t epoch = 0; epoch < epochs; ++epoch) {
    for (std::uint32_t client = 0; client < clients; ++client) {
      for (std::uint32_t field = 0; field < fields; ++field) {
        *out++ = resolved ? profile.resolved(epoch, client, field) : profile.recorded(epoch, client, field);
      }
    }
  }
  return result;
}

py::dict all_statistics(const Profile& profile, const Input<double>& probabilities) {
  const auto p = elements(probabilities, "p");
  for (const double value : p) {
    if (!(value >= 0 && value <= 1)) throw std::invalid_argument("p: a number from 0 to 1 expected");
  }
  const std::uint32_t count = profile.distributions();
  py::array_t<double> mean(count);
  py::array_t<double> minimum(count);
  py::array_t<double> maximum(count);
  py::array_t<double> quantiles({std::size_t{count}, p.size()});
  double* const means = mean.mutable_data();
  double* const minima = minimum.mutable_data();
  double* const maxima = maximum.mutable_data();
  double* const rows = quantiles.mutable_data();
  {
    const Released released;
    const Poll poll = signals();
    for (std::uint32_t id = 0; id < count; ++id) {
      poll();
      const DistributionStatistics found = statistics(profile.distribution(id), p);
      means[id] = found.mean;
      minima[id] = found.minimum;
      maxima[id] = found.maximum;
      std::ranges::copy(found.quantiles, rows + id * p.size());
    }
  }
  py::dict result;
  result["mean"] = mean;
  result["minimum"] = minimum;
  result["maximum"] = maximum;
  result["quantiles"] = quantiles;
  return result;
}

Profile with_cells(const Profile& profile, const Input<bool>& keep) {
  const auto flags = elements(keep, "keep");
  const auto* const bytes = reinterpret_cast<const std::uint8_t*>(flags.data());
  return without_gil([&] { return profile.with_cells({bytes, flags.size()}); });
}

py::dict correlations(const Profile& profile) {
  const std::span<const Correlation> all = profile.correlations();
  const auto count = static_cast<py::ssize_t>(all.size());
  py::array_t<std::uint32_t> client(count);
  py::array_t<std::uint8_t> field_a(count);
  py::array_t<std::uint8_t> field_b(count);
  py::array_t<double> spearman(count);
  for (std::size_t i = 0; i < all.size(); ++i) {
    client.mutable_data()[i] = all[i].client;
    field_a.mutable_data()[i] = all[i].field_a;
    field_b.mutable_data()[i] = all[i].field_b;
    spearman.mutable_data()[i] = all[i].spearman;
  }
  py::dict result;
  result["client"] = client;
  result["field_a"] = field_a;
  result["field_b"] = field_b;
  result["spearman"] = spearman;
  return result;
}

py::dict as_dict(const SessionStep& step, const SessionWaits& waits) {
  py::dict result;
  result["weight"] = step.weight;
  result["failure"] = step.failure;
  result["wait"] = step.wait;
  result["tokens"] = step.tokens;
  result["calls"] = step.calls;
  result["child"] = step.child;
  result["failure_tokens"] = step.failure_tokens;
  result["retries"] = step.retries;
  result["wait_output"] = waits.output;
  result["wait_tokens"] = waits.tokens;
  return result;
}

/// (share, memory) by field.
py::dict persistence_of(const Profile& profile, std::size_t model) {
  py::dict result;
  for (const SessionPersistence& entry : profile.session_persistence()) {
    if (entry.model != model) continue;
    const py::str field(name(fields_of(profile.category())[entry.field]));
    result[field] = py::make_tuple(entry.share, entry.memory);
  }
  return result;
}

/// All models, each as add_session_model takes it, with its steps as "steps".
py::list session_models(const Profile& profile) {
  py::list models;
  const auto all = profile.session_models();
  const auto waits = profile.session_waits();
  for (std::size_t number = 0; number < all.size(); ++number) {
    const SessionModel& model = all[number];
    py::dict result;
    result["share"] = model.share;
    result["overhead"] = model.overhead_s;
    result["input_time"] = model.input_s;
    result["output_time"] = model.output_s;
    result["turns"] = model.turns;
    result["first_tokens"] = model.first_tokens;
    result["context_limit"] = model.context_limit;
    result["restarts"] = model.restarts;
    result["waits_from_start"] = model.waits_from_start;
    result["keeps_reasoning"] = model.keeps_reasoning;
    result["forgets"] = model.forgets;
    result["persistence"] = persistence_of(profile, number);
    py::list steps;
    for (std::size_t step = model.first_step; step < model.first_step + model.steps; ++step)
      steps.append(as_dict(profile.session_steps()[step], waits.empty() ? SessionWaits{} : waits[step]));
    result["steps"] = steps;
    models.append(result);
  }
  return models;
}

py::array_t<std::uint32_t> client_sessions(const Profile& profile) {
  py::array_t<std::uint32_t> models(profile.clients());
  for (std::uint32_t client = 0; client < profile.clients(); ++client)
    models.mutable_data()[client] = profile.session_model(client);
  return models;
}

/// All models, each with its levels as (exponent, prompts, distribution of the tokens).
py::list prompt_models(const Profile& profile) {
  py::list models;
  for (const PromptModel& model : profile.prompt_models()) {
    py::list levels;
    for (const PromptLevel& level : profile.prompt_levels().subspan(model.first_level, model.levels))
      levels.append(py::make_tuple(level.exponent, level.prompts, level.tokens));
    py::dict result;
    result["share"] = model.share;
    result["levels"] = levels;
    models.append(result);
  }
  return models;
}

py::array_t<std::uint32_t> client_prompts(const Profile& profile) {
  py::array_t<std::uint32_t> models(profile.clients());
  for (std::uint32_t client = 0; client < profile.clients(); ++client)
    models.mutable_data()[client] = profile.prompt_model(client);
  return models;
}

/// All tables, each as (first bin, probabilities).
py::list gap_tables(const py::object& self) {
  const auto& profile = self.cast<const Profile&>();
  py::list tables;
  for (std::uint32_t number = 0; number < profile.gap_tables(); ++number) {
    const GapTable table = profile.gap_table(number);
    tables.append(py::make_tuple(table.first_bin, read_only_view(table.probabilities, self)));
  }
  return tables;
}

/// By client: rho and levels.
py::tuple rate_noise(const Profile& profile) {
  py::array_t<double> rho(profile.clients());
  py::array_t<std::uint32_t> levels(profile.clients());
  for (std::uint32_t client = 0; client < profile.clients(); ++client) {
    rho.mutable_data()[client] = profile.rate_noise(client).rho;
    levels.mutable_data()[client] = profile.rate_noise(client).levels;
  }
  return py::make_tuple(rho, levels);
}

std::string representation(const Profile& profile) {
  return "<tracetide._core.Profile: " + std::string(name(profile.category())) + ", " +
         std::to_string(profile.clients()) + " clients, " + std::to_string(profile.windows()) +
         " windows of " + std::to_string(profile.window_ns() / 1'000'000'000) + " s>";
}

}  // namespace

void register_profile(py::module_& module) {
  py::class_<Profile>(module, "Profile", "An immutable set of clients on a common grid.")
      .def_static("open", &Profile::open, py::arg("path"), Release())
      .def_static("from_bytes", &from_bytes, py::arg("image"), py::arg("origin") = "<memory>")
      .def_static(
          "read_servegen",
          [](const std::filesystem::path& folder, unsigned threads) {
            return read_servegen(folder, threads, signals());
          },
          py::arg("folder"), py::arg("threads") = 0, Release())
      .def("to_bytes", &to_bytes)
      .def("write", &Profile::write, py::arg("path"), Release())
      .def_property_readonly("category", [](const Profile& p) { return name(p.category()); })
      .def_property_readonly("default_counts", [](const Profile& p) { return name(p.default_counts()); })
      .def_property_readonly("metadata", [](const Profile& p) { return as_text(p.metadata()); })
      .def_property_readonly("fields", &field_names)
      .def_property_readonly("clients", &Profile::clients)
      .def_property_readonly("client_names", &client_names)
      .def_property_readonly("window_ns", &Profile::window_ns)
      .def_property_readonly("windows", &Profile::windows)
      .def_property_readonly("epoch_ns", &Profile::epoch_ns)
      .def_property_readonly("epochs", &Profile::epochs)
      .def_property_readonly("period_ns", &Profile::period_ns)
      .def_property_readonly("distributions", &Profile::distributions)
      .def("cells", &cells)
      .def("recorded", &distribution_id<&Profile::recorded>, py::arg("epoch"), py::arg("client"),
           py::arg("field"))
      .def("resolved", &distribution_id<&Profile::resolved>, py::arg("epoch"), py::arg("client"),
           py::arg("field"))
      .def("ids", &ids, py::arg("resolved"))
      .def("distribution", &distribution, py::arg("id"))
      .def("statistics", &all_statistics, py::arg("p"))
      .def("with_cells", &with_cells, py::arg("keep"))
      .def(
          "with_gaps",
          [](const Profile& p, std::uint8_t family, double shape, double cv) {
            check_index(family, 3, "family");
            return p.with_gaps(static_cast<Family>(family), shape, cv);
          },
          py::arg("family"), py::arg("shape"), py::arg("cv"), Release())
      .def("gap_tables", &gap_tables)
      .def("rate_noise", &rate_noise)
      .def("correlations", &correlations)
      .def("session_models", &session_models)
      .def("without_sessions", &Profile::without_sessions, Release())
      .def("client_sessions", &client_sessions)
      .def("prompt_models", &prompt_models)
      .def("client_prompts", &client_prompts)
      .def("without_prompts", &Profile::without_prompts, Release())
      .def("__repr__", &representation);
}

}  // namespace tracetide::bindings
