// Requests as Arrow data, through Arrow's C data and C stream interfaces: without copying, and without
// linking to Arrow. https://arrow.apache.org/docs/format/CDataInterface.html
#pragma once

#include <cstdint>
#include <memory>
#include <string_view>

#include "tracetide/batch.hpp"
#include "tracetide/job.hpp"
#include "tracetide/stream.hpp"

// The structs of the interface, whose layout is fixed; guarded as it asks, so that other headers may have
// them.
extern "C" {
#ifndef ARROW_C_DATA_INTERFACE
#define ARROW_C_DATA_INTERFACE
struct ArrowSchema {
  const char* format;
  const char* name;
  const char* metadata;
  std::int64_t flags;
  std::int64_t n_children;
  ArrowSchema** children;
  ArrowSchema* dictionary;
  void (*release)(ArrowSchema*);
  void* private_data;
};
struct ArrowArray {
  std::int64_t length;
  std::int64_t null_count;
  std::int64_t offset;
  std::int64_t n_buffers;
  std::int64_t n_children;
  const void** buffers;
  ArrowArray** children;
  ArrowArray* dictionary;
  void (*release)(ArrowArray*);
  void* private_data;
};
#endif
#ifndef ARROW_C_STREAM_INTERFACE
#define ARROW_C_STREAM_INTERFACE
struct ArrowArrayStream {
  int (*get_schema)(ArrowArrayStream*, ArrowSchema* out);
  int (*get_next)(ArrowArrayStream*, ArrowArray* out);
  const char* (*get_last_error)(ArrowArrayStream*);
  void (*release)(ArrowArrayStream*);
  void* private_data;
};
#endif
}

#pragma GCC visibility push(default)  // of a shared library
namespace tracetide {

/// The schema of a job's batches: a struct of the columns of a native trace. `session_id` and `delay` are
/// nullable. `metadata` becomes the value of the key `tracetide.job` unless empty.
void export_schema(const Job& job, ArrowSchema* out, std::string_view metadata = {});
/// A batch as an array of that type. Its memory is the batch's, which lives until the array is released.
void export_batch(std::shared_ptr<const Batch> batch, ArrowArray* out);
/// The batches of a job, made while they are taken. It may be released before its end.
/// @throws what a Stream throws
void export_stream(const Job& job, StreamOptions options, ArrowArrayStream* out,
                   std::string_view metadata = {});

}  // namespace tracetide
#pragma GCC visibility pop
