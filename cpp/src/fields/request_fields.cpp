#include "fields/request_fields.hpp"

#include <algorithm>
#include <stdexcept>
#include <string>

namespace tracetide {
namespace {

StreamKey stream_of(std::uint64_t seed, const RequestRun& run, Purpose purpose, Field field) noexcept {
  const auto code =
      static_cast<std::uint8_t>(static_cast<std::uint8_t>(purpose) + static_cast<std::uint8_t>(field));
  return {seed, run.client, run.window, code};
}

constexpr std::array<Field, item_kinds> count_fields{Field::image_count, Field::audio_count,
                                                     Field::video_count};

}  // namespace

RequestFields::RequestFields(const Profile& profile, const SamplerCache& samplers, Coupling coupling,
                             const Copula& copula, std::uint64_t seed, const Kernels& kernels)
    : profile_(profile),
      samplers_(&samplers),
      coupling_(coupling),
      copula_(&copula),
      seed_(seed),
      kernels_(&kernels),
      words_(chunk + 2 * words_per_group),
      place_words_(chunk + 2 * words_per_group),
      rank_words_(chunk + 2 * words_per_group),
      positions_(chunk),
      reals_(chunk) {}

void RequestFields::fill(const RequestRun& run, std::size_t n, RequestTable& table, std::size_t at,
                         ItemArena& items) {
  RequestRun part = run;
  row_ = session_ = session_begin_ = 0;
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

// Normal first_rank + i of a field's stream belongs to request i of the run; they come in units of 16.
void RequestFields::draw_ranks(const RequestRun& run, const CopulaFactor* factor, std::uint32_t n) {
  const auto fields = fields_of(profile_.category());
  const NormalTable table = factor != nullptr ? copula_->table() : run.turns->table;
  rank_words_.resize(std::max<std::size_t>(rank_words_.size(), fields.size() * chunk));
  normals_.resize((fields.size() + 2) * normal_row);
  const std::uint64_t first_unit = run.first_rank / gaps_per_unit;
  const std::uint64_t last_unit = (run.first_rank + n - 1) / gaps_per_unit;
  const std::size_t skipped = run.first_rank % gaps_per_unit;
  const auto normals = [&](std::size_t field) { return normals_.data() + field * normal_row + skipped; };
  double* const sum = normals_.data() + fields.size() * normal_row;
  for (std::size_t field = 0; field < fields.size(); ++field) {
    const bool correlated = factor != nullptr && factor->correlated[field];
    const bool lasts = run.turns != nullptr && run.turns->has(field);
    if (!correlated && !lasts) continue;
    kernels_->draw_normals(stream_of(seed_, run, Purpose::normal, fields[field]), first_unit,
                           static_cast<std::uint32_t>(last_unit - first_unit + 1), normals(field) - skipped);
    if (lasts) mix_lasting(run, field, n, sum + normal_row, normals(field));
    if (!correlated) {
      kernels_->normal_ranks(table, normals(field), n, rank_words_.data() + field * chunk);
      continue;
    }
    const double* const row = factor->lower.data() + field * CopulaFactor::most;
    std::fill_n(sum, n, 0.0);
    for (std::size_t other = 0; other <= field; ++other) {
      if (row[other] == 0) continue;
      const double* const normal = normals(other);
      for (std::uint32_t i = 0; i < n; ++i) sum[i] += row[other] * normal[i];
    }
    kernels_->normal_ranks(table, sum, n, rank_words_.data() + field * chunk);
  }
  if (run.turns != nullptr) pass_sessions(*run.turns, n);
}

void RequestFields::mix_lasting(const RequestRun& run, std::size_t field, std::uint32_t n, double* lasting,
                                double* normals) {
  const std::uint64_t first_unit = run.first_rank / gaps_per_unit;
  const std::uint64_t last_unit = (run.first_rank + n - 1) / gaps_per_unit;
  kernels_->draw_normals(stream_of(seed_, run, Purpose::lasting, fields_of(profile_.category())[field]),
                         first_unit, static_cast<std::uint32_t>(last_unit - first_unit + 1), lasting);
  lasting += run.first_rank % gaps_per_unit;
  double h = lasting_[field];
  bool begins = row_ == session_begin_;
  std::uint32_t i = 0;
  for (std::size_t session = session_; i < n; ++session) {
    const TurnsOfSession& turns = run.turns->sessions[session];
    const LastingField& of = (*turns.fields)[field];
    const auto end = static_cast<std::uint32_t>(std::min<std::size_t>(turns.end - row_, n));
    for (; i < end; ++i) {
      h = begins ? lasting[i] : of.memory * h + of.renewal * lasting[i];
      begins = false;
      normals[i] = of.lasting * h + of.fresh * normals[i];
    }
    begins = true;
  }
  lasting_[field] = h;
}

// Of all fields at once, after the last.
void RequestFields::pass_sessions(const LastingTurns& turns, std::uint32_t n) {
  row_ += n;
  for (; session_ < turns.sessions.size() && turns.sessions[session_].end <= row_; ++session_)
    session_begin_ = turns.sessions[session_].end;
}

void RequestFields::fill_chunk(const RequestRun& run, std::uint32_t n, RequestTable& table, std::size_t at,
                               ItemArena& items) {
  const Category category = profile_.category();
  const auto fields = fields_of(category);
  const bool comonotonic = coupling_ == Coupling::comonotonic;
  const std::uint32_t* rank_words = nullptr;
  if (comonotonic) rank_words = words(run, Purpose::rank, Field{}, n, rank_words_);
  const CopulaFactor* const copula = copula_->factor(run.client);
  if (copula != nullptr || run.turns != nullptr) draw_ranks(run, copula, n);

  const auto has_rank = [&](std::uint32_t position) {
    return comonotonic || (copula != nullptr && copula->correlated[position]) ||
           (run.turns != nullptr && run.turns->has(position));
  };
  const auto sampler = [&](std::uint32_t position) -> const Sampler& {
    return samplers_->get(profile_.resolved(run.epoch, run.client, position),
                          has_rank(position) ? Draw::rank : Draw::alias);
  };
  const auto random_of = [&](std::uint32_t position) {
    if (comonotonic) return rank_words;
    if (has_rank(position)) return static_cast<const std::uint32_t*>(rank_words_.data()) + position * chunk;
    return words(run, Purpose::field, fields[position], n, words_);
  };
  const auto draw = [&](std::uint32_t position, std::size_t column) {
    const Sampler& from = sampler(position);
    const std::uint32_t* const places =
        from.needs_place() ? words(run, Purpose::field_place, fields[position], n, place_words_) : nullptr;
    from.tokens(*kernels_, random_of(position), places, n, reals_.data(), table.column[column].data() + at);
  };
  const auto item_sampler = [&](std::uint32_t position) -> const Sampler& {
    return samplers_->get(profile_.resolved(run.epoch, run.client, position),
                          comonotonic ? Draw::rank : Draw::alias);
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
        sampler(position).reals(*kernels_, random_of(position), n, positions_.data(), reals_.data());
        kernels_->scale_tokens(reals_.data(), table.column[RequestColumn::output].data() + at, n,
                               table.column[RequestColumn::reason].data() + at);
        break;
      }
      case Field::image_tokens:
        draw_items(run, field, 0, item_sampler(position), n, table, at, items);
        break;
      case Field::audio_tokens:
        draw_items(run, field, 1, item_sampler(position), n, table, at, items);
        break;
      case Field::video_tokens:
        draw_items(run, field, 2, item_sampler(position), n, table, at, items);
        break;
      default:
        break;
    }
  }
  if (category == Category::multimodal) sum_input(n, table, at, items);
}

// Every item has words of its own, whatever came before it: the first of request r is word r of one stream,
// item j >= 1 is word (j - 1) % 4 of block r * 2^16 + (j - 1) / 4 of another. Items are drawn independently
// of each other and, whatever the coupling, of the request's other fields.
void RequestFields::draw_items(const RequestRun& run, Field field, std::size_t kind, const Sampler& sampler,
                               std::uint32_t n, RequestTable& table, std::size_t at, ItemArena& items) {
  const std::uint32_t* count = table.column[RequestColumn::count(kind)].data() + at;
  std::uint32_t* begin = table.column[RequestColumn::begin(kind)].data() + at;
  Column<std::uint32_t>& arena = items[kind];
  std::uint64_t total = 0;
  for (std::uint32_t i = 0; i < n; ++i) total += count[i];
  if (arena.size() + total > 0xFFFFFFFFu) {
    throw std::length_error("requests made together have more than 2^32 - 1 items; lower " +
                            std::string(name(count_fields[kind])));
  }
  if (total == 0) {
    std::fill_n(begin, n, 0u);
    return;
  }
  const StreamKey more = stream_of(seed_, run, Purpose::more_items, field);
  const StreamKey more_places = stream_of(seed_, run, Purpose::more_places, field);
  const std::uint32_t* const places =
      sampler.needs_place() ? words(run, Purpose::item_place, field, n, place_words_) : nullptr;
  sampler.tokens(*kernels_, words(run, Purpose::item, field, n, words_), places, n, reals_.data(),
                 positions_.data());

  std::size_t next = arena.size();
  arena.resize(next + total);
  for (std::uint32_t i = 0; i < n; ++i) {
    begin[i] = static_cast<std::uint32_t>(next);
    if (count[i] == 0) continue;
    arena[next++] = positions_[i];
    const std::uint64_t first_block = (run.first_rank + i) << 16;
    for (std::uint32_t j = 1; j < count[i]; j += 4) {
      const std::uint64_t block = first_block + (j - 1) / 4;
      const auto random = philox4x32_10(more.counter(block), more.key());
      std::array<std::uint32_t, 4> place{};
      if (sampler.needs_place()) place = philox4x32_10(more_places.counter(block), more_places.key());
      const std::uint32_t now = std::min<std::uint32_t>(4, count[i] - j);
      sampler.tokens(*kernels_, random.data(), place.data(), now, reals_.data(), arena.data() + next);
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
    if (total > 0xFFFFFFFFu) {
      throw std::invalid_argument("text_tokens and the tokens of the items of a request sum to " +
                                  std::to_string(total) +
                                  ", which is not allowed; they must be at most 2^32 - 1 together: lower "
                                  "their limits or the counts");
    }
    input[i] = static_cast<std::uint32_t>(total);
  }
}

}  // namespace tracetide
