// ProfileBuilder.
#include "tracetide/profile_builder.hpp"

#include <pybind11/stl.h>

#include <array>
#include <map>
#include <memory>
#include <stdexcept>
#include <string>
#include <tuple>
#include <utility>
#include <vector>

#include "arrays.hpp"
#include "bindings.hpp"
#include "guarded.hpp"
#include "names.hpp"
#include "profile/names.hpp"

namespace py = pybind11;

namespace tracetide::bindings {
namespace {

constexpr auto all_categories = all_of<Category>(category_names);
constexpr std::array concrete_counts = {Counts::pinned, Counts::renewal, Counts::servegen};

std::unique_ptr<Guarded<ProfileBuilder>> make_builder(const std::string& category_name,
                                                      std::int64_t window_ns, std::uint32_t windows,
                                                      std::int64_t epoch_ns, std::uint32_t epochs,
                                                      const std::string& default_counts,
                                                      const std::string& metadata) {
  const Category category = named(all_categories, category_name, "category");
  const Counts counts = named(concrete_counts, default_counts, "default_counts");
  return std::make_unique<Guarded<ProfileBuilder>>(
      std::in_place, category, Grid{window_ns, windows, epoch_ns, epochs}, counts, metadata);
}

void add_cells(ProfileBuilder& self, std::uint32_t client, const Input<std::uint32_t>& windows,
               const Input<double>& rates, const Input<double>& shapes, const Input<double>& cvs,
               const Input<std::uint8_t>& families) {
  const auto window = elements(windows, "windows");
  const auto rate = elements(rates, "rates");
  const auto shape = elements(shapes, "shapes");
  const auto cv = elements(cvs, "cvs");
  const auto family = elements(families, "families");
  const std::size_t count = window.size();
  if (rate.size() != count || shape.size() != count || cv.size() != count || family.size() != count) {
    throw std::invalid_argument("windows, rates, shapes, cvs and families must have one length; they have " +
                                std::to_string(count) + ", " + std::to_string(rate.size()) + ", " +
                                std::to_string(shape.size()) + ", " + std::to_string(cv.size()) + " and " +
                                std::to_string(family.size()));
  }
  for (std::size_t i = 0; i < count; ++i) {
    self.add_cell(client, window[i], {rate[i], shape[i], cv[i], static_cast<Family>(family[i])});
  }
}

/// One row of ids an epoch, in the order of the category's fields.
void set_fields(ProfileBuilder& self, std::uint32_t client, const Input<std::uint32_t>& ids) {
  const std::span<const Field> fields = fields_of(self.category());
  if (ids.ndim() != 2 || static_cast<std::size_t>(ids.shape(1)) != fields.size()) {
    throw std::invalid_argument("ids: shape (epochs, " + std::to_string(fields.size()) + ") expected");
  }
  const auto at = ids.unchecked<2>();
  for (py::ssize_t epoch = 0; epoch < ids.shape(0); ++epoch) {
    for (py::ssize_t field = 0; field < ids.shape(1); ++field) {
      if (at(epoch, field) == Profile::missing) continue;
      self.set_field(static_cast<std::uint32_t>(epoch), client, fields[static_cast<std::size_t>(field)],
                     at(epoch, field));
    }
  }
}

std::uint32_t add_clients(ProfileBuilder& self, const Profile& profile, const Input<std::uint32_t>& clients,
                          const std::vector<std::string>& names, const Input<double>& rate_factors) {
  const auto client = elements(clients, "clients");
  const auto factor = elements(rate_factors, "rate_factors");
  if (client.empty() || names.size() != client.size() || factor.size() != client.size()) {
    throw std::invalid_argument("clients, names and rate_factors must have one length, above 0; they have " +
                                std::to_string(client.size()) + ", " + std::to_string(names.size()) +
                                " and " + std::to_string(factor.size()));
  }
  const Released released;
  const Poll poll = signals();
  const std::uint32_t first = self.add_copy(profile, client[0], names[0], factor[0]);
  for (std::size_t i = 1; i < client.size(); ++i) {
    poll();
    self.add_copy(profile, client[i], names[i], factor[i]);
  }
  return first;
}

/// `persistence` of a model: (share, memory) by field.
void add_persistence(ProfileBuilder& self, std::uint32_t model, const py::handle& persistence) {
  using ByField = std::map<std::string, std::pair<double, double>>;
  try {
    for (const auto& [field, values] : persistence.cast<ByField>())
      self.set_persistence(model, named_field(self.category(), field), values.first, values.second);
  } catch (const std::invalid_argument& error) {
    throw std::invalid_argument(std::string("persistence: ") + error.what());
  }
}

double number_or_0(const py::dict& from, const char* key) {
  return from.contains(key) ? from[key].cast<double>() : 0.0;
}

/// `persistence` of the model, `wait_output` and `wait_tokens` of its steps may be left out.
std::uint32_t add_session_model(ProfileBuilder& self, const py::dict& model,
                                const std::vector<py::dict>& steps) {
  const auto read = [](const py::dict& from, const char* key, auto& value) {
    value = from[key].cast<std::remove_reference_t<decltype(value)>>();
  };
  SessionModel added;
  read(model, "share", added.share);
  read(model, "overhead", added.overhead_s);
  read(model, "input_time", added.input_s);
  read(model, "output_time", added.output_s);
  read(model, "turns", added.turns);
  read(model, "first_tokens", added.first_tokens);
  read(model, "context_limit", added.context_limit);
  read(model, "restarts", added.restarts);
  read(model, "waits_from_start", added.waits_from_start);
  read(model, "keeps_reasoning", added.keeps_reasoning);
  read(model, "forgets", added.forgets);
  std::vector<SessionStep> added_steps(steps.size());
  for (std::size_t i = 0; i < steps.size(); ++i) {
    read(steps[i], "weight", added_steps[i].weight);
    read(steps[i], "failure", added_steps[i].failure);
    read(steps[i], "wait", added_steps[i].wait);
    read(steps[i], "tokens", added_steps[i].tokens);
    read(steps[i], "calls", added_steps[i].calls);
    read(steps[i], "child", added_steps[i].child);
    read(steps[i], "failure_tokens", added_steps[i].failure_tokens);
    read(steps[i], "retries", added_steps[i].retries);
  }
  const std::uint32_t number = self.add_session_model(added, added_steps);
  for (std::uint32_t step = 0; step < steps.size(); ++step) {
    self.set_waits(number, step,
                   {number_or_0(steps[step], "wait_output"), number_or_0(steps[step], "wait_tokens")});
  }
  if (model.contains("persistence")) add_persistence(self, number, model["persistence"]);
  return number;
}

Profile build(const ProfileBuilder& self) {
  return without_gil([&] { return self.build(); });
}

}  // namespace

void register_profile_builder(py::module_& module) {
  py::class_<Guarded<ProfileBuilder>>(module, "ProfileBuilder",
                                      "Collects clients, windows and distributions.")
      .def(py::init(&make_builder), py::arg("category"), py::kw_only(), py::arg("window_ns"),
           py::arg("windows"), py::arg("epoch_ns"), py::arg("epochs"), py::arg("default_counts"),
           py::arg("metadata"))
      .def("add_client",
           guarded(+[](ProfileBuilder& self, const std::string& name) { return self.add_client(name); }),
           py::arg("name"))
      .def("repeat_client", guarded(+[](ProfileBuilder& self, const std::vector<std::string>& names) {
             without_gil([&] { self.repeat_client(names); });
           }),
           py::arg("names"))
      .def("add_cells", guarded(&add_cells), py::arg("client"), py::arg("windows"), py::arg("rates"),
           py::arg("shapes"), py::arg("cvs"), py::arg("families"))
      .def("add_gap_table",
           guarded(+[](ProfileBuilder& self, std::int32_t first_bin, const Input<double>& probabilities) {
             return self.add_gap_table({first_bin, elements(probabilities, "probabilities")});
           }),
           py::arg("first_bin"), py::arg("probabilities"))
      .def("set_rate_noise",
           guarded(+[](ProfileBuilder& self, std::uint32_t client, double rho, std::uint32_t levels) {
             self.set_rate_noise(client, {.rho = rho, .levels = levels});
           }),
           py::arg("client"), py::arg("rho"), py::arg("levels"))
      .def("add_integer_pmf",
           guarded(+[](ProfileBuilder& self, const Input<std::uint32_t>& values,
                       const Input<double>& probabilities) {
             return self.add_integer_pmf(elements(values, "values"),
                                         elements(probabilities, "probabilities"));
           }),
           py::arg("values"), py::arg("probabilities"))
      .def(
          "add_real_pmf",
          guarded(+[](ProfileBuilder& self, const Input<double>& values, const Input<double>& probabilities) {
            return self.add_real_pmf(elements(values, "values"), elements(probabilities, "probabilities"));
          }),
          py::arg("values"), py::arg("probabilities"))
      .def("add_quantiles",
           guarded(+[](ProfileBuilder& self, const Input<double>& quantiles, double minimum, double maximum) {
             return self.add_quantiles(elements(quantiles, "quantiles"), minimum, maximum);
           }),
           py::arg("quantiles"), py::arg("minimum"), py::arg("maximum"))
      .def("add_bins",
           guarded(+[](ProfileBuilder& self, const Input<std::uint32_t>& values,
                       const Input<double>& probabilities, double maximum) {
             return self.add_bins(elements(values, "values"), elements(probabilities, "probabilities"),
                                  maximum);
           }),
           py::arg("values"), py::arg("probabilities"), py::arg("maximum"))
      .def("set_correlation",
           guarded(+[](ProfileBuilder& self, std::uint32_t client, const std::string& field_a,
                       const std::string& field_b, double spearman) {
             self.set_correlation(client, named_field(self.category(), field_a),
                                  named_field(self.category(), field_b), spearman);
           }),
           py::arg("client"), py::arg("field_a"), py::arg("field_b"), py::arg("spearman"))
      .def("add_session_model", guarded(&add_session_model), py::arg("model"), py::arg("steps"))
      .def("set_session", guarded(+[](ProfileBuilder& self, std::uint32_t client, std::uint32_t model) {
             self.set_session(client, model);
           }),
           py::arg("client"), py::arg("model"))
      .def("add_prompt_model",
           guarded(+[](ProfileBuilder& self, double share,
                       const std::vector<std::tuple<double, std::uint32_t, std::uint32_t>>& levels) {
             std::vector<PromptLevel> added;
             added.reserve(levels.size());
             for (const auto& [exponent, prompts, tokens] : levels)
               added.push_back({exponent, prompts, tokens});
             return self.add_prompt_model({.share = share}, added);
           }),
           py::arg("share"), py::arg("levels"))
      .def("set_prompts", guarded(+[](ProfileBuilder& self, std::uint32_t client, std::uint32_t model) {
             self.set_prompts(client, model);
           }),
           py::arg("client"), py::arg("model"))
      .def_property_readonly("session_models",
                             guarded(+[](ProfileBuilder& self) { return self.session_models(); }))
      .def("copy_models",
           guarded(+[](ProfileBuilder& self, const Profile& profile) { self.copy_models(profile); }),
           py::arg("profile"))
      .def("set_fields", guarded(&set_fields), py::arg("client"), py::arg("ids"))
      .def("add_clients", guarded(&add_clients), py::arg("profile"), py::arg("clients"), py::arg("names"),
           py::arg("rate_factors"))
      .def("set_field",
           guarded(+[](ProfileBuilder& self, std::uint32_t epoch, std::uint32_t client,
                       const std::string& field, std::uint32_t id) {
             self.set_field(epoch, client, named_field(self.category(), field), id);
           }),
           py::arg("epoch"), py::arg("client"), py::arg("field"), py::arg("distribution"))
      .def("build", guarded(&build));
}

}  // namespace tracetide::bindings
