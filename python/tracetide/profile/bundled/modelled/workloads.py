"""The seven modelled workloads, as a table.

What the study states is in its arXiv version, 2505.09999; everything else is chosen, with the reason in
`Workload.assumptions`.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

DAY = (0.30, 0.22, 0.18, 0.16, 0.17, 0.22, 0.35, 0.55, 0.85, 1.15, 1.30, 1.25,
       1.05, 1.15, 1.35, 1.40, 1.35, 1.25, 1.10, 1.10, 1.10, 1.00, 0.75, 0.50)  # fmt: skip
"""A general service: day against night. Only the ratios of the hours count."""

OFFICE = (0.06, 0.04, 0.03, 0.03, 0.03, 0.04, 0.08, 0.25, 0.90, 1.90, 2.20, 1.80,
          0.90, 1.60, 2.20, 2.30, 2.20, 1.90, 1.10, 0.90, 0.80, 0.60, 0.30, 0.12)  # fmt: skip
"""Office hours with a dip at noon and some work in the evening."""

EVENING = (1.10, 0.75, 0.45, 0.28, 0.20, 0.18, 0.25, 0.40, 0.55, 0.65, 0.75, 0.90,
           1.10, 1.00, 0.90, 0.90, 0.95, 1.10, 1.30, 1.60, 1.90, 2.10, 2.05, 1.60)  # fmt: skip
"""Leisure: up from noon, highest at 21 to 23 hours."""


@dataclass(frozen=True)
class Lengths:
    """Text lengths in tokens; a client's own median and mean are log-normal around these.

    Attributes:
        input_median, input_sigma: body of the inputs, log-normal within a client.
        tail_weight, tail_alpha: Pareto tail: its share of the requests and exponent; it begins at twice the
            client's median.
        spread: standard deviation of the logarithms of the clients' input medians and output means.
        output_mean: mean of the outputs, before the limit.
        output_sigma: of log-normal outputs, within a client; 0: they are Exponential.
        input_limit, output_limit: what draws are clamped to.
        daily_swing: how far lengths move between the quarters of the day, relative.
    """

    input_median: float
    input_sigma: float
    output_mean: float
    tail_weight: float = 0.08
    tail_alpha: float = 1.6
    spread: float = 0.7
    input_limit: int = 131_072
    output_limit: int = 16_384
    daily_swing: float = 0.12
    output_sigma: float = 0.0


@dataclass(frozen=True)
class Items:
    """Items of one kind.

    Attributes:
        sizes: standard sizes in tokens, of which a client uses `sizes_each` at most.
        counts: probabilities of 0, 1, 2 ... items in a request.
        odd: share of items of any size, log-normal around the client's first one.
    """

    sizes: tuple[int, ...]
    counts: tuple[float, ...]
    sizes_each: int = 3
    odd: float = 0.0


@dataclass(frozen=True)
class Workload:
    """What a modelled workload is like. Rates in requests/s, lengths in tokens.

    Attributes:
        zipf: the client of rank k has a share as k to the power -zipf, before jitter.
        hours: the total's shape over a day; weekend: factor on days 6 and 7 (days count from a Monday).
        days: the period.
        families: shares of clients with Exponential, Gamma and Weibull gaps.
        cv_median, cv_sigma: the clients' CVs, log-normal (Exponential ones have 1).
        spearman: correlation of input (multimodal: text) and output within a client.
        long_clients: number of clients, the last in rank, with inputs around `long_median`.
    """

    name: str
    model: str
    category: str
    seed: int
    clients: int
    rate: float
    zipf: float
    lengths: Lengths
    hours: tuple[float, ...] = DAY
    weekend: float = 0.85
    days: int = 7
    families: tuple[float, float, float] = (0.2, 0.5, 0.3)
    cv_median: float = 1.5
    cv_sigma: float = 0.45
    spearman: float = 0.1
    long_clients: int = 0
    long_median: float = 0.0
    items: Mapping[str, Items] = field(default_factory=dict)
    reason_modes: tuple[tuple[float, float, float], ...] = ()
    assumptions: Mapping[str, str] = field(default_factory=dict)


_STUDY = "arXiv 2505.09999"
_COMMON = {
    "what the workload is": f"{_STUDY}, table of the workloads",
    "input law": f"log-normal with a Pareto tail: {_STUDY}, findings on lengths",
    "output law": f"Exponential: {_STUDY}, findings on lengths",
    "lengths move with the part of the day": f"{_STUDY}: averages shift over the day; size chosen",
    "clients with rates, gaps and lengths of their own": f"{_STUDY}: heterogeneous, each stable",
    "three gap families, CV often above 1": f"{_STUDY}: no single process fits all; shares and CVs chosen",
    "input-output correlation": f"{_STUDY}: weak; value chosen",
    "skew of the clients' rates": "chosen: between the published profiles' (top client 14 to 52 %)",
    "clients silent for a part of the hours": "chosen: as the published ones, rare clients the most",
    "weekdays": "chosen: the study shows swings over hours and days, without numbers",
}


def _because(**reasons: str) -> dict[str, str]:
    return {**_COMMON, **{name.replace("_", " "): reason for name, reason in reasons.items()}}


WORKLOADS = (
    Workload(
        name="m-long",
        model="Qwen-Long",
        category="language",
        seed=1,
        clients=36,
        rate=2.0,
        zipf=1.1,
        weekend=0.6,
        lengths=Lengths(
            input_median=28_000,
            input_sigma=1.0,
            output_mean=260,
            tail_weight=0.10,
            tail_alpha=1.6,
            spread=0.5,
            input_limit=10_000_000,
            output_limit=8192,
        ),
        long_clients=4,
        long_median=600_000,
        assumptions=_because(
            context="10 M tokens: arXiv 2505.09999, table of the workloads",
            rate="chosen: one request carries as much text as a hundred others",
            lengths="chosen: documents of tens of thousands of tokens, summarised in a few hundred",
            long_clients="chosen: a few clients send whole books and code bases, so that the context is used",
            weekend="chosen: documents are office work",
        ),
    ),
    Workload(
        name="m-rp",
        model="Tongyi-Xingchen",
        category="language",
        seed=2,
        clients=40,
        rate=60.0,
        zipf=1.0,
        hours=EVENING,
        weekend=1.15,
        lengths=Lengths(
            input_median=900,
            input_sigma=0.8,
            output_mean=180,
            tail_weight=0.15,
            tail_alpha=2.0,
            spread=0.45,
            input_limit=32_768,
            output_limit=4096,
        ),
        families=(0.35, 0.45, 0.2),
        cv_median=1.2,
        spearman=0.15,
        assumptions=_because(
            rate="chosen: a consumer service, below the general models",
            lengths="chosen: a persona and a history that grows over the turns, so a wide body and a tail; "
            "answers of 100 to 300 tokens",
            hours="chosen: leisure, with an evening peak; a little more at the weekend",
            burstiness="chosen: lower; conversations make arrivals less bursty (arXiv 2505.09999)",
        ),
    ),
    Workload(
        name="m-code",
        model="Tongyi-Lingma",
        category="language",
        seed=3,
        clients=36,
        rate=150.0,
        zipf=1.15,
        hours=OFFICE,
        weekend=0.25,
        lengths=Lengths(
            input_median=1900,
            input_sigma=0.7,
            output_mean=38,
            tail_weight=0.05,
            tail_alpha=2.2,
            spread=0.4,
            input_limit=32_768,
            output_limit=2048,
        ),
        cv_median=1.8,
        assumptions=_because(
            rate="chosen: completion sends a request every few keystrokes",
            lengths="chosen: a window of code around the cursor, completed by a line or a few",
            hours="chosen: programmers' office hours, weekends at a quarter",
        ),
    ),
    Workload(
        name="mm-audio",
        model="Qwen2-Audio-7B",
        category="multimodal",
        seed=4,
        clients=30,
        rate=3.0,
        zipf=1.0,
        days=1,
        lengths=Lengths(input_median=40, input_sigma=0.6, output_mean=90, spread=0.6, output_limit=2048),
        items={"audio": Items(sizes=(75, 125, 250, 375, 500, 750), counts=(0.02, 0.92, 0.05, 0.01), odd=0.2)},
        assumptions=_because(
            rate="chosen: below mm-image (9.5 requests/s)",
            lengths="chosen: a short question about a clip, a transcript or a short answer",
            items="sizes are often standard and a client's own: arXiv 2505.09999; chosen: clips of 3 to 30 s "
            "at 25 tokens/s, almost always one; a fifth of them of any length",
            period="chosen: one day, as mm-image",
        ),
    ),
    Workload(
        name="mm-video",
        model="Qwen2.5-VL-72B",
        category="multimodal",
        seed=5,
        clients=28,
        rate=1.5,
        zipf=1.05,
        days=1,
        lengths=Lengths(input_median=120, input_sigma=0.9, output_mean=200, spread=0.6, output_limit=4096),
        items={
            "video": Items(sizes=(1280, 2560, 4096, 5120, 8192, 16_384), counts=(0.03, 0.95, 0.02), odd=0.1)
        },
        assumptions=_because(
            rate="chosen: below mm-audio (3 requests/s), as a video costs more",
            lengths="chosen: an instruction and a description",
            items="sizes are often standard and a client's own: arXiv 2505.09999; chosen: frames sampled up "
            "to a fixed budget of tokens",
            period="chosen: one day, as mm-image",
        ),
    ),
    Workload(
        name="mm-omni",
        model="Qwen2.5-Omni-7B",
        category="multimodal",
        seed=6,
        clients=30,
        rate=4.0,
        zipf=1.0,
        lengths=Lengths(input_median=90, input_sigma=1.0, output_mean=140, spread=0.6, output_limit=4096),
        items={
            "image": Items(sizes=(256, 529, 1024, 1280), counts=(0.55, 0.35, 0.07, 0.03), odd=0.05),
            "audio": Items(sizes=(75, 125, 250, 750), counts=(0.50, 0.47, 0.03), odd=0.1),
            "video": Items(sizes=(1280, 2560, 5120), counts=(0.85, 0.15), odd=0.05),
        },
        assumptions=_because(
            rate="chosen: a new model in its first weeks",
            lengths="chosen: spoken and written questions of any kind",
            items="kinds come independently of each other and of the text, in sizes that are often standard: "
            "arXiv 2505.09999; chosen: their probabilities (each client's own) and sizes",
        ),
    ),
    Workload(
        name="deepqwen-r1",
        model="DeepSeek-R1-distill-Qwen-32B",
        category="reason",
        seed=7,
        clients=40,
        rate=6.0,
        zipf=0.8,
        lengths=Lengths(
            input_median=350,
            input_sigma=1.1,
            output_mean=3250,
            output_sigma=1.26,
            tail_weight=0.06,
            spread=0.5,
            input_limit=65_536,
            output_limit=32_768,
        ),
        families=(0.5, 0.3, 0.2),
        cv_median=1.1,
        cv_sigma=0.25,
        reason_modes=((0.55, 0.86, 0.06), (0.45, 0.52, 0.12)),
        assumptions=_because(
            rate="chosen: below deepseek-r1 (16 requests/s)",
            lengths="chosen: inputs like deepseek-r1's; outputs as in the thinking trace of the same "
            "platform (Bailian, USENIX ATC 2025: mean 3,651, median 1,665, p99 34,529), up to 32,768, as the "
            "model's makers recommend",
            output_law="chosen: log-normal, which has the mean, median and p99 of the thinking trace with a "
            "sigma of 1.3 over all clients",
            burstiness="lower, and rates less skewed: arXiv 2505.09999, reasoning clients; values chosen",
            reason_ratio="bimodal, a short conclusion or a long elaboration: arXiv 2505.09999; chosen: modes "
            "at 0.86 and 0.52, each client with its own weights. Drawn independently of the output: reason "
            "and answer are shares of one total, and correlate strongly through it",
        ),
    ),
)
