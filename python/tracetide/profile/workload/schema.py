"""What a workload file may say. The models check it, make it, and are the JSON schema for editors."""

from __future__ import annotations

from typing import Annotated, Any, Literal, TypeAlias

import numpy as np
from pydantic import BaseModel, ConfigDict, Discriminator, Field, PrivateAttr, Tag, model_validator
from pydantic_core import PydanticCustomError

from tracetide.profile import distributions as laws
from tracetide.profile.gap_table import GapTable
from tracetide.profile.handmade import Client, Daily, Linear, RateCurve, Spike, Steps, Weekly
from tracetide.profile.handmade.curves import as_curve
from tracetide.profile.handmade.profile import MOST_CLIENTS
from tracetide.profile.prompts import Prefixes, PromptLevel
from tracetide.profile.rate_noise import RateNoise
from tracetide.profile.sessions import ServiceTime, Sessions, Tool, User, agents, conversations
from tracetide.profile.sessions.models import Step

Number: TypeAlias = float
Time: TypeAlias = float | str


class _Table(BaseModel):
    """A table of the file: no keys but its own, no text for numbers, no NaN."""

    model_config = ConfigDict(extra="forbid", strict=True, allow_inf_nan=False)

    @model_validator(mode="before")
    @classmethod
    def _no_other_keys(cls, data: Any) -> Any:
        if isinstance(data, dict):
            for key in data:
                if key not in cls.model_fields:
                    raise PydanticCustomError(
                        "unknown_key",
                        "not a key that is known here; allowed are {allowed}",
                        {"key": key, "allowed": ", ".join(cls.model_fields)},
                    )
        return data

    def _given(self) -> dict[str, Any]:
        """The keys that the file has, as arguments."""
        return {
            name: getattr(self, name)
            for name in type(self).model_fields
            if name in self.model_fields_set and name not in ("law", "kind")
        }


class _Law(_Table):
    """A distribution."""

    _made: laws.Distribution = PrivateAttr()

    @model_validator(mode="after")
    def _make(self) -> Any:
        self._made = self._build()
        return self

    def _build(self) -> laws.Distribution:
        raise NotImplementedError

    def made(self) -> laws.Distribution:
        """As `tracetide.profile.distributions` has it."""
        return self._made


class ExponentialLaw(_Law):
    """P(X > x) = exp(-x / mean)."""

    law: Literal["exponential"]
    mean: Number = Field(1.0, description="above 0")

    def _build(self) -> laws.Distribution:
        return laws.Exponential(**self._given())


class GammaLaw(_Law):
    """Gamma: shape or cv, and scale or mean."""

    law: Literal["gamma"]
    shape: Number | None = Field(None, description="from 0.005 to 100000")
    cv: Number | None = Field(None, description="instead of shape: 1 / sqrt(shape)")
    scale: Number | None = None
    mean: Number | None = None

    def _build(self) -> laws.Distribution:
        return laws.Gamma(**self._given())


class WeibullLaw(_Law):
    """Weibull: shape, and scale or mean."""

    law: Literal["weibull"]
    shape: Number
    scale: Number | None = None
    mean: Number | None = None

    def _build(self) -> laws.Distribution:
        return laws.Weibull(**self._given())


class ParetoLaw(_Law):
    """P(X > x) = (minimum / x)^alpha from the minimum on."""

    law: Literal["pareto"]
    alpha: Number
    minimum: Number = 1.0

    def _build(self) -> laws.Distribution:
        return laws.Pareto(**self._given())


class LogNormalLaw(_Law):
    """exp of a normal: sigma and one of mu, mean and median; or mean and median."""

    law: Literal["lognormal"]
    mu: Number | None = None
    sigma: Number | None = None
    mean: Number | None = None
    median: Number | None = None

    def _build(self) -> laws.Distribution:
        return laws.LogNormal(**self._given())


class UniformLaw(_Law):
    """Real numbers from low to high, all alike."""

    law: Literal["uniform"]
    low: Number
    high: Number

    def _build(self) -> laws.Distribution:
        return laws.Uniform(self.low, self.high)


class ConstantLaw(_Law):
    """Always the same."""

    law: Literal["constant"]
    value: Number

    def _build(self) -> laws.Distribution:
        return laws.Constant(self.value)


class ZipfLaw(_Law):
    """P(X = k) in proportion to k^-exponent, from 1 to the maximum."""

    law: Literal["zipf"]
    exponent: Number
    maximum: int

    def _build(self) -> laws.Distribution:
        return laws.Zipf(self.exponent, self.maximum)


class PmfLaw(_Law):
    """Values with probabilities, which are divided by their sum."""

    law: Literal["pmf"]
    values: list[int] | list[Number]
    probabilities: list[Number]

    def _build(self) -> laws.Distribution:
        return laws.AliasTable(self.values, self.probabilities)


class MixtureLaw(_Law):
    """Each value from one of several laws, chosen by weight."""

    law: Literal["mixture"]
    components: list[AnyLaw] = Field(min_length=1)
    weights: list[Number]

    def _build(self) -> laws.Distribution:
        return laws.Mixture([part.made() for part in self.components], self.weights)


class GapsTable(_Table):
    """Gaps as a histogram: bin i from 2^((first_bin + i)/16) on, in any unit."""

    law: Literal["table"]
    first_bin: int
    probabilities: list[Number]
    _made: GapTable = PrivateAttr()

    @model_validator(mode="after")
    def _make(self) -> Any:
        self._made = GapTable(self.first_bin, np.array(self.probabilities, dtype=np.float64))
        return self

    def made(self) -> GapTable:
        """As `tracetide.GapTable`."""
        return self._made


class NoiseTable(_Table):
    """A cascade of halvings of a window."""

    rho: Number = Field(description="from 0 to 0.9")
    levels: int = Field(description="from 0 to 10")
    _made: RateNoise = PrivateAttr()

    @model_validator(mode="after")
    def _make(self) -> Any:
        self._made = RateNoise(self.rho, self.levels)
        return self

    def made(self) -> RateNoise:
        """As `tracetide.RateNoise`."""
        return self._made


AnyLaw: TypeAlias = Annotated[
    "ExponentialLaw | GammaLaw | WeibullLaw | ParetoLaw | LogNormalLaw | UniformLaw | ConstantLaw | ZipfLaw "
    "| PmfLaw | MixtureLaw",
    Field(discriminator="law"),
]
AnyGaps: TypeAlias = Annotated[
    "ExponentialLaw | GammaLaw | WeibullLaw | ParetoLaw | LogNormalLaw | UniformLaw | ConstantLaw | ZipfLaw "
    "| PmfLaw | MixtureLaw | GapsTable",
    Field(discriminator="law"),
]


def _form(value: Any) -> str | None:
    """Tells a number from a table."""
    if isinstance(value, dict | BaseModel):
        return "table"
    return "number" if isinstance(value, int | float) and not isinstance(value, bool) else None


def _number_or(table: Any, example: str) -> Any:
    return Annotated[
        Annotated[Number, Tag("number")] | Annotated[table, Tag("table")],
        Discriminator(
            _form,
            custom_error_type="number_or_table",
            custom_error_message=f"it must be a number or a table such as {example}",
        ),
    ]


Values: TypeAlias = _number_or(AnyLaw, '{ law = "exponential", mean = 300 }')  # type: ignore[valid-type]


class _Rate(_Table):
    """A rate over time."""

    _made: RateCurve = PrivateAttr()

    @model_validator(mode="after")
    def _make(self) -> Any:
        self._made = self._build()
        return self

    def _build(self) -> RateCurve:
        raise NotImplementedError

    def made(self) -> RateCurve:
        """As `tracetide.profile.handmade` has it."""
        return self._made


class StepsRate(_Rate):
    """From each time on its rate: [time, rate] pairs, the first at 0."""

    kind: Literal["steps"]
    points: list[list[Time]]

    def _build(self) -> RateCurve:
        return Steps(self.points)  # type: ignore[arg-type]


class LinearRate(_Rate):
    """Straight lines between [time, rate] pairs."""

    kind: Literal["linear"]
    points: list[list[Time]]

    def _build(self) -> RateCurve:
        return Linear(self.points)  # type: ignore[arg-type]


class DailyRate(_Rate):
    """A wave over the day: the peak is 1 + swing times the mean."""

    kind: Literal["daily"]
    mean: Number = 1.0
    peak: Time = "14:00"
    swing: Number = 0.5

    def _build(self) -> RateCurve:
        return Daily(**self._given())


class WeeklyRate(_Rate):
    """A factor for each day of the week."""

    kind: Literal["weekly"]
    days: list[Number]

    def _build(self) -> RateCurve:
        return Weekly(self.days)


class SpikeRate(_Rate):
    """A rate for a while, and 0 otherwise."""

    kind: Literal["spike"]
    at: Time
    duration: Time
    height: Number
    ramp: Time = 0.0

    def _build(self) -> RateCurve:
        return Spike(**self._given())


class SumRate(_Rate):
    """Rates added."""

    kind: Literal["sum"]
    of: list[RateValue] = Field(min_length=1)

    def _build(self) -> RateCurve:
        first, *rest = map(_curve, self.of)
        for other in rest:
            first = first + other
        return first


class ProductRate(_Rate):
    """Rates multiplied: all but one are factors."""

    kind: Literal["product"]
    of: list[RateValue] = Field(min_length=1)

    def _build(self) -> RateCurve:
        first, *rest = map(_curve, self.of)
        for other in rest:
            first = first * other
        return first


AnyRate: TypeAlias = Annotated[
    "StepsRate | LinearRate | DailyRate | WeeklyRate | SpikeRate | SumRate | ProductRate",
    Field(discriminator="kind"),
]
RateValue: TypeAlias = _number_or(AnyRate, '{ kind = "daily", mean = 2 }')  # type: ignore[valid-type]


def _curve(rate: Any) -> RateCurve:
    return rate.made() if isinstance(rate, _Rate) else as_curve(rate)


class Correlation(_Table):
    """The Spearman correlation of two fields."""

    fields: list[str] = Field(min_length=2, max_length=2)
    spearman: Number


class ServiceTable(_Table):
    """How long a turn is taken to be served, in seconds: all of it together."""

    overhead: Number = 0.0
    input_token: Number = 0.0
    output_token: Number = 0.0


class UserStep(_Table):
    """The user thinks and writes the next message."""

    kind: Literal["user"]
    think_time: Values = Field(description="seconds")
    tokens: Values | None = None
    weight: Number = 1.0

    def made(self) -> Step:
        """As `tracetide.User`."""
        return User(**_plain(self._given()))


class ToolStep(_Table):
    """The model calls a tool."""

    kind: Literal["tool"]
    latency: Values = Field(description="seconds")
    tokens: Values
    weight: Number = 1.0
    calls: Values = 1
    failure: Number = 0.0
    retries: int = 0
    failure_tokens: Values | None = None
    name: str = ""

    def made(self) -> Step:
        """As `tracetide.Tool`."""
        return Tool(**_plain(self._given()))


AnyStep: TypeAlias = Annotated["UserStep | ToolStep", Field(discriminator="kind")]


class PersistenceTable(_Table):
    """How far a field stays what it is along a session."""

    share: Number = Field(description="of what lasts, from 0 to below 1")
    memory: Number = Field(description="what is left of it a turn later, from 0 to below 1")


class SessionsTable(_Table):
    """Requests that belong together: think_time for conversations, steps, or the preset of an agent."""

    share: Number = 1.0
    agent: Literal["web-search", "code", "database"] | None = None
    turns: Values | None = None
    think_time: Values | None = Field(None, description="seconds")
    new_tokens: Values | None = None
    steps: list[AnyStep] = []
    first_tokens: Values | None = None
    context_limit: int | None = None
    at_limit: Literal["truncate", "end"] = "truncate"
    wait_from: Literal["end", "start"] = "end"
    service: ServiceTable | None = None
    keep_reasoning: bool = False
    wait_output: Number = Field(0.0, description="growth of the think time a token of the output before")
    wait_tokens: Number = Field(0.0, description="growth of the think time a new token")
    persistence: dict[str, PersistenceTable] = {}
    _made: Sessions = PrivateAttr()

    @model_validator(mode="after")
    def _make(self) -> Any:
        given = _plain(self._given())
        if self.service is not None:
            given["service"] = ServiceTime(**self.service._given())
        if self.persistence:
            lasting = self.persistence.items()
            given["persistence"] = {name: (entry.share, entry.memory) for name, entry in lasting}
        if self.agent is not None:
            if set(given) - {"agent", "share"}:
                raise ValueError("agent: a preset takes a share, and no other key")
            self._made = agents.PRESETS[self.agent](self.share)
        elif self.steps:
            if "think_time" in given or "new_tokens" in given:
                raise ValueError("steps: not allowed together with think_time and new_tokens")
            self._made = Sessions(**{**given, "steps": [step.made() for step in self.steps]})
        else:
            for name in ("turns", "think_time"):
                if name not in given:
                    raise ValueError(f"{name}: missing; conversations need turns and think_time, or steps")
            self._made = conversations(**{"share": self.share, **given})
        return self

    def made(self) -> Sessions:
        """As `tracetide.Sessions`."""
        return self._made


class PromptLevelTable(_Table):
    """System prompts or templates, one of which is chosen for a request."""

    prompts: int = 1
    tokens: Values
    popularity: Number = Field(1.0, description="exponent of a Zipf law")

    def made(self) -> PromptLevel:
        """As `tracetide.PromptLevel`."""
        return PromptLevel(**_plain(self._given()))


class PrefixesTable(_Table):
    """What prompts begin with."""

    share: Number = 1.0
    levels: list[PromptLevelTable] = Field(min_length=1, max_length=3)
    _made: Prefixes = PrivateAttr()

    @model_validator(mode="after")
    def _make(self) -> Any:
        self._made = Prefixes(share=self.share, levels=[level.made() for level in self.levels])
        return self

    def made(self) -> Prefixes:
        """As `tracetide.Prefixes`."""
        return self._made


def _plain(given: dict[str, Any]) -> dict[str, Any]:
    return {name: value.made() if isinstance(value, _Law) else value for name, value in given.items()}


class ClientTable(_Table):
    """One client, or `count` of a kind."""

    name: str = ""
    count: int = Field(1, ge=1, le=MOST_CLIENTS)
    rate: RateValue = Field(description="requests/s of each of them")
    arrivals: AnyGaps | None = Field(
        None, description="exponential, gamma or weibull: the shape of the gaps; or a table"
    )
    modulation: NoiseTable | None = Field(None, description="how the rate moves inside windows")
    input_tokens: Values | None = None
    output_tokens: Values | None = None
    reason_ratio: Values | None = None
    text_tokens: Values | None = None
    image_count: Values | None = None
    image_tokens: Values | None = None
    audio_count: Values | None = None
    audio_tokens: Values | None = None
    video_count: Values | None = None
    video_tokens: Values | None = None
    limits: dict[str, list[Number]] = Field({}, description="[lowest, highest] by field")
    correlations: list[Correlation] = []
    sessions: SessionsTable | None = Field(None, description="which of its requests belong together")
    prefixes: PrefixesTable | None = Field(None, description="what its prompts begin with")
    _made: Client = PrivateAttr()

    @model_validator(mode="after")
    def _make(self) -> Any:
        arguments = self._given()
        for name, value in arguments.items():
            if isinstance(value, _Law | _Rate | GapsTable | NoiseTable | SessionsTable | PrefixesTable):
                arguments[name] = value.made()
        if "limits" in arguments:
            arguments["limits"] = {name: tuple(pair) for name, pair in self.limits.items()}
        if "correlations" in arguments:
            arguments["correlations"] = {
                (entry.fields[0], entry.fields[1]): entry.spearman for entry in self.correlations
            }
        self._made = Client(**arguments)
        return self

    def made(self) -> Client:
        """As `tracetide.Client`."""
        return self._made


class Workload(_Table):
    """Clients made by hand for tracetide."""

    name: str = Field("", description="what to call it; default: the file's name")
    description: str = ""
    window: Time | None = Field(None, description='how often rates may change, such as "10min"')
    period: Time | None = Field(None, description='after which rates repeat, such as "1d"')
    clients: list[ClientTable] = Field(min_length=1)


for _model in (MixtureLaw, SumRate, ProductRate, SessionsTable, PrefixesTable, ClientTable, Workload):
    _model.model_rebuild()
