#include "fields/persistence.hpp"

namespace tracetide {

Persistence::Persistence(const Profile& profile) {
  const auto models = profile.session_models();
  for (const SessionPersistence& entry : profile.session_persistence()) {
    if (!(entry.share > 0)) continue;
    reached_.resize(models.size());
    models_.resize(models.size());
    reached_[entry.model] |= std::uint32_t{1} << entry.field;
    models_[entry.model][entry.field] = {
        .lasting = __builtin_sqrt(entry.share),
        .fresh = __builtin_sqrt(1 - entry.share),
        .memory = entry.memory,
        .renewal = __builtin_sqrt(1 - entry.memory * entry.memory),
    };
  }
  if (reached_.empty()) return;
  table_ = make_normal_table();
  // Sub-agents' models come after those that call them.
  for (std::size_t number = models.size(); number-- > 0;) {
    const SessionModel& model = models[number];
    for (const SessionStep& step : profile.session_steps().subspan(model.first_step, model.steps))
      if (step.child != SessionStep::missing) reached_[number] |= reached_[step.child];
  }
}

}  // namespace tracetide
