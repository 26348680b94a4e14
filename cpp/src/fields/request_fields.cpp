#include "fields/request_fields.hpp"

#include <algorithm>

namespace tracetide {
namespace {

StreamKey stream_of(std::uint64_t seed, const RequestRun& run, Purpose purpose, Field field) noexcept {
  const auto code =
      static_cast<std::uint8_t>(static_cast<std::uint8_t>(purpose) + static_cast<std::uint8_t>(field));
  return {seed, run.client, run.window, code};
}

}  // namespace

RequestFields::RequestFields(const Profile& profile, const SamplerCache& samplers, Coupling coupling,
                             std::uint64_t seed, const Kernels& kernels)
    : profile_(profile),
      samplers_(&samplers),
      coupling_(coupling),
      seed_(seed),
      kernels_(&kernels),
      words_(chunk + 2 * words_per_group),
      rank_words_(chunk + 2 * words_per_group),
      positions_(chunk),
      reals_(chunk) {}

void RequestFields::fill(const RequestRun& run, std::size_t n, RequestTable& table, std::size_t at,
                         ItemArena& items) {
  RequestRun part = run;
  for (std::size_t done = 0; done < n; done += chunk) {
    part.first_rank = run.first_rank + done;
    fill_chunk(part, static_cast<std::uint32_t>(std::min<std::size_t>(chunk, n - done)), table, at + done,
               items);
  }
}

// Word first_rank + i of a stream belongs to request i of the run.
const std::uint32_t* RequestFields::words(const RequestRun& run, Purpose purpose, Field field,
                                          std::uint32_t n, std::vector<std::uint32_t>& out) {
  const std::uint64_t first_group = run.first_rank / words_per_group;
  const std::uint64_t last_group = (run.first_rank + n - 1) / words_per_group;
  kernels_->fill_u32(stream_of(seed_, run, purpose, field), first_group, last_group - first_group + 1,
                     out.data());
  return out.data() + run.first_rank % words_per_group;
}

void RequestFields::fill_chunk(const RequestRun& run, std::uint32_t n, RequestTable& table, std::size_t at,
                               ItemArena& items) {
  const Category category = profile_.category();
  const auto fields = fields_of(category);
  const bool by_rank = coupling_ == Coupling::comonotonic;
  const std::uint32_t* rank_words = nullptr;
  if (by_rank) rank_words = words(run, Purpose::rank, Field{}, n, rank_words_);

  const auto sampler = [&](std::uint32_t position) -> const Sampler& {
    return samplers_->get(profile_.resolved(run.epoch, run.client, position));
  };
  const auto draw = [&](std::uint32_t position, std::size_t column) {
    const std::uint32_t* random =
        by_rank ? rank_words : words(run, Purpose::field, fields[position], n, words_);
    sampler(position).tokens(*kernels_, random, n, reals_.data(), table.column[column].data() + at);
  };
  // The reasoning ratio needs the output and the items their count: these come after the loop.
  for (std::uint32_t position = 0; position < fields.size(); ++position) {
    switch (fields[position]) {
      case Field::input_tokens:
        draw(position, RequestColumn::input);
        break;
      case Field::output_tokens:
        draw(position, RequestColumn::output);
        break;
      case Field::text_tokens:
        draw(position, RequestColumn::text);
        break;
      case Field::image_count:
        draw(position, RequestColumn::count(0));
        break;
      case Field::audio_count:
        draw(position, RequestColumn::count(1));
        break;
      case Field::video_count:
        draw(position, RequestColumn::count(2));
        break;
      default:
        break;
    }
  }
  for (std::uint32_t position = 0; position < fields.size(); ++position) {
    const Field field = fields[position];
    switch (field) {
      case Field::reason_ratio: {
        const std::uint32_t* random = by_rank ? rank_words : words(run, Purpose::field, field, n, words_);
        sampler(position).reals(*kernels_, random, n, positions_.data(), reals_.data());
        kernels_->scale_tokens(reals_.data(), table.column[RequestColumn::output].data() + at, n,
                               table.column[RequestColumn::reason].data() + at);
        break;
      }
      case Field::image_tokens:
        draw_items(run, field, 0, sampler(position), n, table, at, items);
        break;
      case Field::audio_tokens:
        draw_items(run, field, 1, sampler(position), n, table, at, items);
        break;
      case Field::video_tokens:
        draw_items(run, field, 2, sampler(position), n, table, at, items);
        break;
      default:
        break;
    }
  }
  if (category == Category::multimodal) sum_input(n, table, at, items);
}

// Every item has words of its own, whatever came before it: the first of request r is word r of one stream,
// item j >= 1 is word (j - 1) % 4 of block r * 2^16 + (j - 1) / 4 of another. Items are drawn independently
// of each other and, under comonotonic coupling too, of the request's rank.
void RequestFields::draw_items(const RequestRun& run, Field field, std::size_t kind, const Sampler& sampler,
                               std::uint32_t n, RequestTable& table, std::size_t at, ItemArena& items) {
  const std::uint32_t* count = table.column[RequestColumn::count(kind)].data() + at;
  std::uint32_t* begin = table.column[RequestColumn::begin(kind)].data() + at;
  Column<std::uint32_t>& arena = items[kind];
  std::uint64_t total = 0;
  for (std::uint32_t i = 0; i < n; ++i) total += count[i];
  if (total == 0) {
    std::fill_n(begin, n, 0u);
    return;
  }
  const StreamKey more = stream_of(seed_, run, Purpose::more_items, field);
  sampler.tokens(*kernels_, words(run, Purpose::item, field, n, words_), n, reals_.data(), positions_.data());

  std::size_t next = arena.size();
  arena.resize(next + total);
  for (std::uint32_t i = 0; i < n; ++i) {
    begin[i] = static_cast<std::uint32_t>(next);
    if (count[i] == 0) continue;
    arena[next++] = positions_[i];
    const std::uint64_t first_block = (run.first_rank + i) << 16;
    for (std::uint32_t j = 1; j < count[i]; j += 4) {
      const auto random = philox4x32_10(more.counter(first_block + (j - 1) / 4), more.key());
      const std::uint32_t now = std::min<std::uint32_t>(4, count[i] - j);
      sampler.tokens(*kernels_, random.data(), now, reals_.data(), arena.data() + next);
      next += now;
    }
  }
}

void RequestFields::sum_input(std::uint32_t n, RequestTable& table, std::size_t at,
                              const ItemArena& items) const {
  const std::uint32_t* text = table.column[RequestColumn::text].data() + at;
  std::uint32_t* input = table.column[RequestColumn::input].data() + at;
  for (std::uint32_t i = 0; i < n; ++i) {
    std::uint64_t total = text[i];
    for (std::size_t kind = 0; kind < item_kinds; ++kind) {
      const std::uint32_t* item = items[kind].data() + table.column[RequestColumn::begin(kind)][at + i];
      for (std::uint32_t j = 0; j < table.column[RequestColumn::count(kind)][at + i]; ++j) total += item[j];
    }
    input[i] = static_cast<std::uint32_t>(std::min<std::uint64_t>(total, 0xFFFFFFFFu));
  }
}

}  // namespace tracetide
