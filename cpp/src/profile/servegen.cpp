// A ServeGen model folder as a profile: the folder's files, read in parallel, must agree on the category and
// on the grids; then everything goes into a builder, client by client.
#include <algorithm>
#include <atomic>
#include <charconv>
#include <exception>
#include <map>
#include <new>
#include <optional>
#include <system_error>
#include <thread>

#include "base/message.hpp"
#include "profile/builder.hpp"
#include "profile/servegen_files.hpp"
#include "tracetide/error.hpp"

namespace tracetide {

namespace {

namespace fs = std::filesystem;
using servegen::Arrivals;
using servegen::Lengths;

struct Client {
  std::string name{};
  fs::path arrivals_path{};  ///< empty: there is none
  fs::path lengths_path{};
  Arrivals arrivals{};
  std::optional<Lengths> lengths{};
};

/// The number in "chunk-<number><ending>"; nothing for other names.
/// @throws ProfileError for such a name whose number is none, or has leading zeros: as a client of its own it
/// would be there twice, and left out it would be missing
std::optional<std::uint32_t> chunk_number(const fs::path& path, std::string_view ending) {
  constexpr std::string_view start = "chunk-";
  const std::string name = path_text(path.filename());
  const std::string_view file = name;
  if (!file.starts_with(start) || !file.ends_with(ending) || file.size() < start.size() + ending.size())
    return {};
  const std::string_view digits = file.substr(start.size(), file.size() - start.size() - ending.size());
  std::uint32_t number = 0;
  const auto [end, error] = std::from_chars(digits.data(), digits.data() + digits.size(), number);
  const bool is_number = error == std::errc{} && end == digits.data() + digits.size();
  if (is_number && (digits.size() == 1 || digits.front() != '0')) return number;
  throw ProfileError(path_text(path) + ": the name is not allowed; the number of a client in chunk-<i>" +
                     std::string(ending) + " must be from 0 to 4294967295, without leading zeros");
}

std::vector<Client> find_clients(const fs::path& folder) {
  std::error_code error;
  const fs::file_status status = fs::status(folder, error);
  if (!fs::exists(status)) {
    throw fs::filesystem_error("no such ServeGen model folder", folder,
                               error ? error : std::make_error_code(std::errc::no_such_file_or_directory));
  }
  if (!fs::is_directory(status)) {
    throw ProfileError(path_text(folder) + ": not a folder; a ServeGen model folder is expected");
  }
  std::map<std::uint32_t, Client> clients;
  for (const fs::directory_entry& entry : fs::directory_iterator(folder)) {
    const fs::path& path = entry.path();
    if (const auto number = chunk_number(path, "-trace.csv")) clients[*number].arrivals_path = path;
    if (const auto number = chunk_number(path, "-dataset.json")) clients[*number].lengths_path = path;
  }
  if (clients.empty()) {
    throw ProfileError(
        path_text(folder) +
        ": no file chunk-<i>-trace.csv or chunk-<i>-dataset.json; a ServeGen model folder has one "
        "of each for every client");
  }
  std::vector<Client> result;
  for (auto& [number, client] : clients) {
    client.name = "chunk-" + std::to_string(number);
    if (client.arrivals_path.empty()) {
      throw ProfileError(path_text(folder) + ": " + client.name + "-dataset.json without its " + client.name +
                         "-trace.csv");
    }
    result.push_back(std::move(client));
  }
  return result;
}

/// Calls task(i, buffer) for i in [0, count) on up to `threads` threads. All tasks run, unless `poll` throws;
/// then the error of the lowest i is thrown, so that what is reported does not depend on the number of
/// threads.
template <typename Task>
void run_parallel(std::size_t count, unsigned threads, const Poll& poll, Task&& task) {
  std::atomic<std::size_t> next{0};
  std::vector<std::exception_ptr> errors(count);
  const auto work = [&](const Poll& after_each) {
    std::string buffer;
    for (std::size_t i = next++; i < count; i = next++) {
      try {
        task(i, buffer);
      } catch (...) {
        errors[i] = std::current_exception();
      }
      if (after_each) after_each();
    }
  };
  if (threads == 0) threads = std::max(1u, std::thread::hardware_concurrency());
  std::vector<std::thread> workers;
  const std::size_t together = std::min<std::size_t>(threads, count);
  workers.reserve(together);  // first, as no thread may be left alone by what is thrown
  try {
    while (workers.size() + 1 < together) workers.emplace_back(work, Poll());
  } catch (const std::system_error&) {
    // Fewer threads than wished for do the same work.
  } catch (const std::bad_alloc&) {
    // As well.
  }
  std::exception_ptr ended;
  try {
    work(poll);
  } catch (...) {
    ended = std::current_exception();
    next = count;
  }
  for (std::thread& worker : workers) worker.join();
  if (ended) std::rethrow_exception(ended);
  for (const std::exception_ptr& error : errors) {
    if (error) std::rethrow_exception(error);
  }
}

void read_clients(std::vector<Client>& clients, unsigned threads, const Poll& poll) {
  run_parallel(clients.size(), threads, poll, [&clients](std::size_t i, std::string& buffer) {
    Client& client = clients[i];
    client.arrivals = servegen::read_arrivals(client.arrivals_path, buffer);
    if (!client.lengths_path.empty()) client.lengths = servegen::read_lengths(client.lengths_path, buffer);
  });
}

/// A client whose dataset names the field, or nullptr.
const Client* client_with(const std::vector<Client>& clients, Field field) {
  const auto names_it = [field](const Client& client) {
    return client.lengths && client.lengths->line[static_cast<std::size_t>(field)] > 0;
  };
  const auto found = std::ranges::find_if(clients, names_it);
  return found == clients.end() ? nullptr : &*found;
}

Category find_category(const std::vector<Client>& clients) {
  const Client* decisive = client_with(clients, Field::reason_ratio);
  Category category = Category::language;
  if (decisive != nullptr) {
    category = Category::reason;
  } else {
    for (const Field field : fields_of(Category::multimodal)) {
      if (field == Field::output_tokens || decisive != nullptr) continue;
      decisive = client_with(clients, field);
    }
    if (decisive != nullptr) category = Category::multimodal;
  }
  for (std::size_t i = 0; i < field_count; ++i) {
    const auto field = static_cast<Field>(i);
    const Client* const client = client_with(clients, field);
    const std::span<const Field> fields = fields_of(category);
    if (client == nullptr || std::ranges::find(fields, field) != fields.end()) continue;
    servegen::fail(client->lengths_path, client->lengths->line[i],
                   "field " + std::string(name(field)) + " does not go with category " +
                       std::string(name(category)) + ", which " +
                       path_text(decisive->lengths_path.filename()) + " makes the folder");
  }
  return category;
}

std::string seconds(std::int64_t time_ns) { return number_text(static_cast<double>(time_ns) * 1e-9) + " s"; }

void check_windows(const std::vector<Client>& clients) {
  const Arrivals& expected = clients.front().arrivals;
  const std::string first = path_text(clients.front().arrivals_path.filename());
  for (const Client& client : clients) {
    const Arrivals& found = client.arrivals;
    if (found.window_ns != expected.window_ns) {
      servegen::fail(client.arrivals_path, 2,
                     "windows of " + seconds(found.window_ns) + "; " + seconds(expected.window_ns) +
                         " expected, as in " + first);
    }
    if (found.windows != expected.windows) {
      servegen::fail(client.arrivals_path, found.windows,
                     std::to_string(found.windows) + " windows; " + std::to_string(expected.windows) +
                         " expected, as in " + first);
    }
  }
}

/// All epochs that a dataset names lie on one grid that starts at 0, within the period.
Grid find_grid(const std::vector<Client>& clients) {
  const Arrivals& arrivals = clients.front().arrivals;
  Grid grid{arrivals.window_ns, arrivals.windows, 0, 0};
  const std::int64_t period_ns = grid.window_ns * grid.windows;
  std::map<std::int64_t, std::pair<const Client*, std::size_t>> starts;  // → where it is named first
  for (const Client& client : clients) {
    if (!client.lengths) continue;
    for (const Lengths::Epoch& epoch : client.lengths->epochs) {
      starts.try_emplace(epoch.start_ns, &client, epoch.line);
    }
  }
  grid.epoch_ns = period_ns;
  for (auto start = starts.begin(); start != starts.end(); ++start) {
    const std::int64_t before = start == starts.begin() ? 0 : std::prev(start)->first;
    if (start->first > before) grid.epoch_ns = std::min(grid.epoch_ns, start->first - before);
  }
  for (const auto& entry : starts) {
    // Not as a structured binding, which clang before 16 cannot capture.
    const std::int64_t start_ns = entry.first;
    const auto& place = entry.second;
    const auto fail = [&](const std::string& message) {
      servegen::fail(place.first->lengths_path, place.second, "epoch " + seconds(start_ns) + message);
    };
    if (start_ns >= period_ns) fail(" is not within the period of " + seconds(period_ns));
    if (start_ns % grid.window_ns != 0) fail(" is not a multiple of the windows' " + seconds(grid.window_ns));
    if (start_ns % grid.epoch_ns != 0) {
      fail(" is not a multiple of " + seconds(grid.epoch_ns) +
           ", the shortest distance of epochs in the folder");
    }
  }
  // To the end of the period: epochs repeat, and what is not recorded at its end must not come from its
  // start.
  grid.epochs = static_cast<std::uint32_t>((period_ns + grid.epoch_ns - 1) / grid.epoch_ns);
  return grid;
}

/// Puts the lengths of one client into a builder.
class LengthsAdder {
 public:
  LengthsAdder(ImageBuilder& builder, Category category, const Grid& grid)
      : builder_(builder), fields_(fields_of(category)), grid_(grid) {}

  void add(const Client& client, std::uint32_t id) {
    for (const Lengths::Epoch& epoch : client.lengths->epochs) {
      const auto number = static_cast<std::uint32_t>(epoch.start_ns / grid_.epoch_ns);
      for (std::uint32_t position = 0; position < fields_.size(); ++position) {
        const auto distribution = distribution_of(client, epoch, fields_[position]);
        if (distribution) builder_.set_field(number, id, position, *distribution);
      }
    }
  }

 private:
  /// The count that goes with the tokens of an item kind, and the other way round; else the field itself.
  static Field partner(Field field) noexcept {
    const auto index = static_cast<std::uint8_t>(field);
    const auto first = static_cast<std::uint8_t>(Field::image_count);
    return index < first ? field : static_cast<Field>(((index - first) ^ 1) + first);
  }

  /// Whether no request of the epoch has items of the field's kind, so that nothing about them is needed.
  static bool has_no_items(const Lengths& lengths, const Lengths::Epoch& epoch, Field field) {
    const Field other = partner(field);
    if (other == field) return false;
    const auto& slice = epoch.fields[static_cast<std::size_t>(field)];
    const auto& partner_slice = epoch.fields[static_cast<std::size_t>(other)];
    if (!slice.named && !partner_slice.named) return true;
    const bool is_tokens = static_cast<std::uint8_t>(other) < static_cast<std::uint8_t>(field);
    return is_tokens && partner_slice.count == 1 && lengths.integers[partner_slice.first_value] == 0;
  }

  std::optional<std::uint32_t> distribution_of(const Client& client, const Lengths::Epoch& epoch,
                                               Field field) {
    const Lengths& lengths = *client.lengths;
    const Lengths::Slice& slice = epoch.fields[static_cast<std::size_t>(field)];
    if (slice.count > 0) {
      const auto probabilities =
          std::span(lengths.probabilities).subspan(slice.first_probability, slice.count);
      if (field == Field::reason_ratio) {
        return builder_.add_real_pmf(std::span(lengths.ratios).subspan(slice.first_value, slice.count),
                                     probabilities);
      }
      return builder_.add_integer_pmf(std::span(lengths.integers).subspan(slice.first_value, slice.count),
                                      probabilities);
    }
    if (has_no_items(lengths, epoch, field)) {
      constexpr std::uint32_t none = 0;
      constexpr double certain = 1;
      return builder_.add_integer_pmf({&none, 1}, {&certain, 1});
    }
    if (!slice.named) {
      servegen::fail(client.lengths_path, epoch.line,
                     "epoch " + seconds(epoch.start_ns) + ": field " + std::string(name(field)) +
                         " is not there; \"{}\" says that nothing was seen");
    }
    return std::nullopt;
  }

  ImageBuilder& builder_;
  std::span<const Field> fields_;
  Grid grid_;
};

std::string json_string(std::string_view text) {
  constexpr std::string_view digits = "0123456789abcdef";
  std::string result = "\"";
  for (const char c : text) {
    const auto byte = static_cast<unsigned char>(c);
    if (c == '"' || c == '\\') {
      result += {'\\', c};
    } else if (byte < 0x20 || byte >= 0x7F) {
      // Bytes of a name that is not ASCII, each by itself: the image must be JSON whatever a folder is
      // called.
      result += {'\\', 'u', '0', '0', digits[byte >> 4], digits[byte & 15]};
    } else {
      result += c;
    }
  }
  return result + '"';
}

std::string folder_name(const fs::path& folder) {
  std::error_code error;
  const fs::path whole = fs::canonical(folder, error);
  return path_text((error ? folder : whole).filename());
}

}  // namespace

Profile read_servegen(const fs::path& folder, unsigned threads, const Poll& poll) {
  std::vector<Client> clients = find_clients(folder);
  if (std::ranges::all_of(clients, &fs::path::empty, &Client::lengths_path)) {
    throw ProfileError(path_text(folder) +
                       ": no file chunk-<i>-dataset.json, so no lengths of requests are known");
  }
  read_clients(clients, threads, poll);
  const Category category = find_category(clients);
  check_windows(clients);
  const Grid grid = find_grid(clients);
  ImageBuilder builder(category, grid, Counts::pinned,
                       "{\"name\": " + json_string(folder_name(folder)) +
                           ", \"source\": \"ServeGen model folder\", \"tool\": \"tracetide\"}");
  LengthsAdder lengths(builder, category, grid);
  for (Client& client : clients) {
    const std::uint32_t id = builder.add_client(client.name);
    for (const Arrivals::ActiveWindow& active : client.arrivals.active) {
      builder.add_cell(id, active.window, active.cell);
    }
    if (client.lengths) lengths.add(client, id);
    client = Client{};  // frees what is in the builder now
  }
  return Profile::from_image(builder.image(), path_text(folder));
}

}  // namespace tracetide
