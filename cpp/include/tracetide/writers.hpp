// A job's requests as text: CSV or JSON lines of its own columns, or what other tools read.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "tracetide/column.hpp"
#include "tracetide/job.hpp"
#include "tracetide/kernel_level.hpp"
#include "tracetide/poll.hpp"

#pragma GCC visibility push(default)  // of a shared library
namespace tracetide {

/// What formats with hash ids have for prompts.
enum class HashIds : std::uint8_t {
  fill,   ///< the job's own; where it has none, ids that are used once
  leave,  ///< none
};

struct TextOptions {
  HashIds hash_ids = HashIds::fill;  ///< of other tools' formats
  unsigned threads = 0;              ///< that make requests and their text; 0: all cores
  KernelLevel kernels = KernelLevel::best;
  /// Only windows first_window .. last_window - 1 of the job (default: to its end), as in StreamOptions; of
  /// the native formats alone, as what others say of a request may depend on those before.
  std::uint64_t first_window = 0;
  std::optional<std::uint64_t> last_window{};
  Poll poll{};  ///< while the writer is made, and while next() waits
};

/// Whole lines.
struct TextChunk {
  std::uint64_t rows = 0;                      ///< requests that they are of
  std::shared_ptr<const Column<char>> text{};  ///< reused once it is released
};

/// The text of a job, made on threads of its own. The same job gives the same bytes, whatever the threads;
/// where chunks end is not a part of that. Memory is as that of a Stream. Single consumer.
class TextWriter {
 public:
  /// @param format  "csv" or "jsonl", the native ones; or that of another tool: "mooncake",
  ///                "mooncake-session", "mooncake-delta", "bailian", "burstgpt", "azure", "vidur", "blis",
  ///                "llmservingsim", "splitwise"
  /// @throws std::invalid_argument naming the option, the value and what is allowed, or a column that the
  ///         format needs and the job does not have
  TextWriter(const Job& job, std::string_view format, TextOptions options = {});
  ~TextWriter();
  TextWriter(TextWriter&&) noexcept;
  TextWriter& operator=(TextWriter&&) noexcept;

  /// What precedes the rows: the line of names of a CSV file with its end, nothing for JSON lines.
  [[nodiscard]] const std::string& header() const;
  /// The next rows; nothing at the end. A chunk may have no text (the format tells of whole sessions, and
  /// none has ended) or no rows (what remains at the end).
  /// @throws what making them threw, after all that was made before: std::invalid_argument naming a row that
  ///         the format cannot tell; as all members, std::logic_error if it has been moved from
  [[nodiscard]] std::optional<TextChunk> next();

  /// Columns of the job that the format does not tell, or only in part.
  [[nodiscard]] const std::vector<std::string>& left_out() const;
  /// Requests without input or output tokens, where the format wants at least 1: they are written with 1.
  /// Once the end has been reached.
  [[nodiscard]] std::uint64_t rows_without_tokens() const;
  /// Turns that begin a session of their own, where the format tells what a turn adds to those before and
  /// they cannot be told so: their prompt does not go on with the conversation. Once the end has been
  /// reached.
  [[nodiscard]] std::uint64_t split_turns() const;

 private:
  struct State;
  std::unique_ptr<State> state_;
};

}  // namespace tracetide
#pragma GCC visibility pop
