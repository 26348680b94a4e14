#include "tracetide/arrow.hpp"

#include <gtest/gtest.h>

#include <cstring>
#include <string>
#include <string_view>
#include <vector>

#include "profile/builder.hpp"

namespace tracetide {
namespace {

Profile small_profile(Category category, std::uint32_t longest = 2) {
  ImageBuilder builder(category, {10'000'000'000, 6, 60'000'000'000, 1}, Counts::pinned, "{}");
  const std::vector<std::uint32_t> values{1, longest};
  const std::vector<double> probabilities{0.5, 0.5};
  const std::uint32_t lengths = builder.add_integer_pmf(values, probabilities);
  const std::uint32_t client = builder.add_client("one");
  for (std::uint32_t window = 0; window < 6; ++window)
    builder.add_cell(client, window, {50, 1, 1, Family::exponential});
  for (std::uint32_t field = 0; field < fields_of(category).size(); ++field)
    builder.set_field(0, client, field, lengths);
  return Profile::from_image(builder.image());
}

TEST(Arrow, SchemaOfAMultimodalJob) {
  const Job job(small_profile(Category::multimodal));
  ArrowSchema schema{};
  export_schema(job, &schema, "{\"seed\": 0}");
  EXPECT_STREQ(schema.format, "+s");
  ASSERT_EQ(schema.n_children, 8);
  EXPECT_STREQ(schema.children[0]->name, "timestamp");
  EXPECT_STREQ(schema.children[0]->format, "g");
  EXPECT_EQ(schema.children[0]->flags, 0);
  EXPECT_STREQ(schema.children[5]->name, "image_tokens");
  EXPECT_STREQ(schema.children[5]->format, "+l");
  ASSERT_EQ(schema.children[5]->n_children, 1);
  EXPECT_STREQ(schema.children[5]->children[0]->format, "I");
  std::int32_t keys = 0;
  std::memcpy(&keys, schema.metadata, sizeof keys);
  EXPECT_EQ(keys, 1);
  EXPECT_EQ(std::string_view(schema.metadata + 8, 13), "tracetide.job");
  schema.release(&schema);
  EXPECT_EQ(schema.release, nullptr);
}

TEST(Arrow, BatchesAreNotCopied) {
  const Job job(small_profile(Category::multimodal), {.seed = 2});
  Stream stream(job, {.batch_size = 100});
  const std::shared_ptr<const Batch> batch = stream.next_shared();
  ArrowArray array{};
  export_batch(batch, &array);
  ASSERT_EQ(array.n_children, 8);
  EXPECT_EQ(array.length, 100);
  EXPECT_EQ(array.children[0]->buffers[1], batch->timestamp().data());
  EXPECT_EQ(array.children[0]->null_count, 0);
  const ArrowArray& images = *array.children[5];
  EXPECT_EQ(images.buffers[1], batch->image_tokens().offsets.data());
  EXPECT_EQ(images.children[0]->length, batch->image_tokens().offsets.back());
  array.release(&array);
}

TEST(Arrow, AnArrayOutlivesItsStream) {
  ArrowArray array{};
  double first = 0;
  {
    const Job job(small_profile(Category::language), {.seed = 2});
    Stream stream(job);
    const std::shared_ptr<const Batch> batch = stream.next_shared();
    first = batch->timestamp()[0];
    export_batch(batch, &array);
  }
  EXPECT_EQ(static_cast<const double*>(array.children[0]->buffers[1])[0], first);
  // A consumer may take a child out of its parent, which then is not released with it.
  ArrowArray taken = *array.children[0];
  array.children[0]->release = nullptr;
  array.release(&array);
  EXPECT_EQ(static_cast<const double*>(taken.buffers[1])[0], first);
  taken.release(&taken);
}

TEST(Arrow, StreamsGoToTheirEnd) {
  const Job job(small_profile(Category::language), {.duration = 600.0, .seed = 2});
  ArrowArrayStream stream{};
  export_stream(job, {.threads = 2, .batch_size = 7000}, &stream);
  ArrowSchema schema{};
  ASSERT_EQ(stream.get_schema(&stream, &schema), 0);
  EXPECT_EQ(schema.metadata, nullptr);
  schema.release(&schema);
  std::int64_t rows = 0;
  for (;;) {
    ArrowArray array{};
    ASSERT_EQ(stream.get_next(&stream, &array), 0);
    if (array.release == nullptr) break;
    rows += array.length;
    array.release(&array);
  }
  EXPECT_EQ(rows, 30'000);
  EXPECT_EQ(stream.get_last_error(&stream), nullptr);
  stream.release(&stream);
  EXPECT_EQ(stream.release, nullptr);
}

// Too many blocks: the worker's error is the stream's.
TEST(Arrow, ErrorsAreTold) {
  const Job job(small_profile(Category::language, 1'000'000), {.duration = 600.0, .block_size = 1});
  ArrowArrayStream stream{};
  export_stream(job, {.threads = 2}, &stream);
  int code = 0;
  for (int i = 0; i < 10'000 && code == 0; ++i) {
    ArrowArray array{};
    code = stream.get_next(&stream, &array);
    if (code == 0 && array.release != nullptr) array.release(&array);
  }
  EXPECT_NE(code, 0);
  EXPECT_NE(std::string(stream.get_last_error(&stream)).find("2^31"), std::string::npos);
  stream.release(&stream);
}

}  // namespace
}  // namespace tracetide
