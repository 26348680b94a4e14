"""Workload files by size and depth: each is read, or refused with a sentence, in bounded time and memory."""

from __future__ import annotations

import pytest
from hostile import python, tracetide
from platforms import posix_only

pytestmark = [pytest.mark.abuse, posix_only]

CLIENT = "[[clients]]\nrate = {}\ninput_tokens = 5\noutput_tokens = 6\n"


def nested(levels: int, of: str) -> str:
    return f'{{ kind = "{of}", of = [' * levels + "1" + ", 2] }" * levels


def mixed(levels: int) -> str:
    begin = '{ law = "mixture", weights = [1], components = ['
    return begin * levels + '{ law = "exponential", mean = 3 }' + "] }" * levels


def spikes(count: int) -> str:
    parts = ", ".join(f'{{ kind = "spike", at = {n}, duration = 1, height = 1 }}' for n in range(count))
    return f'{{ kind = "sum", of = [1, {parts}] }}'


def points(count: int) -> str:
    return f'{{ kind = "linear", points = [{", ".join(f"[{n}, 1]" for n in range(count))}] }}'


TOML = {
    "clients-1e3": CLIENT.format(1) * 1000,
    "clients-1e4": CLIENT.format(1) * 10_000,
    "clients-2e5": CLIENT.format(1) * 200_000,
    "empty-clients": "[[clients]]\n" * 700_000,
    "count-3e4": CLIENT.format(1) + "count = 30_000\n",
    "count-1e6": CLIENT.format(1) + "count = 1_000_000\n",
    "count-1e6-in-one-window": 'window = "1d"\n' + CLIENT.format(1) + "count = 1_000_000\n",
    "count-1e7": CLIENT.format(1) + "count = 10_000_000\n",
    "count-1e300": CLIENT.format(1) + f"count = 1{'0' * 300}\n",
    "windows": 'window = "1ms"\nperiod = "1d"\n' + CLIENT.format(1),
    "windows-allowed": 'window = "1s"\nperiod = "48d"\n' + CLIENT.format(1),
    "period": 'window = "1d"\nperiod = 4e9\n' + CLIENT.format(nested(1, "sum")),
    "sums": CLIENT.format(nested(30, "sum")),
    "sums-deep": CLIENT.format(nested(100_000, "sum")),
    "products-deep": CLIENT.format(nested(60, "product")),
    "mixtures": CLIENT.format(1).replace("5", mixed(14)),
    "mixtures-deep": CLIENT.format(1).replace("5", mixed(30)),
    "spikes": CLIENT.format(spikes(900)),
    "spikes-1e5": CLIENT.format(spikes(100_000)),
    "points-3e5": CLIENT.format(points(300_000)),
    "key-of-many-parts": ".".join(["a"] * 1_000_000) + " = 1\n",
    "headers-of-many-parts": f"[{'.'.join(['a'] * 60)}]\n" * 2,
    "deep-lists": "a = " + "[" * 1_000_000,
    "one-error-in-many": CLIENT.format(1) * 9999 + CLIENT.format(-1),
    "many-errors": CLIENT.format("'x'") * 10_000,
}
YAML = {
    "clients": "clients:\n" + "- {rate: 1, input_tokens: 5, output_tokens: 6}\n" * 5000,
    "clients-2e5": "clients:\n" + "- {rate: 1, input_tokens: 5, output_tokens: 6}\n" * 200_000,
    "merges-deep": "a0: &a0 {x: 1}\n" + "\n".join(f"a{n}: &a{n} {{<<: *a{n - 1}}}" for n in range(1, 20_000)),
    "aliases": "a0: &a0 [1]\n"
    + "\n".join(f"a{n}: &a{n} [{', '.join([f'*a{n - 1}'] * 9)}]" for n in range(1, 12)),
    "itself": "clients: &c\n  - *c\n",
    "deep-lists": "[" * 500_000,
    "deep-maps": "{a: " * 200_000,
    "deep-blocks": "\n".join(" " * n + "a:" for n in range(1000)),
    "same-alias": "c: &c {rate: 1, input_tokens: 5, output_tokens: 6}\nclients: [" + "*c, " * 100_000 + "]\n",
}


@pytest.mark.parametrize(
    ("ending", "name"), [*(("toml", name) for name in TOML), *(("yaml", name) for name in YAML)]
)
def test_workload_files(ending, name, tmp_path):
    path = tmp_path / f"w.{ending}"
    path.write_text((TOML if ending == "toml" else YAML)[name])
    tracetide("describe", path)


@pytest.mark.parametrize(
    "code",
    [
        "curve = tt.Daily()\nfor _ in range(100_000): curve = curve + 1",
        "curve = tt.Daily()\nfor _ in range(100_000): curve = 1 + 2 * curve",
        "law = tt.Exponential()\nfor _ in range(100_000): law = tt.Mixture([law], [1])",
        "law = tt.Exponential()\nfor _ in range(100_000): law = tt.Mixture([law, law], [1, 1])",
        "one = tt.Sessions(turns=1, steps=[tt.User(think_time=1)])\n"
        "for _ in range(100_000): one = tt.Sessions(turns=1, steps=[tt.SubAgent(sessions=one)])",
        "one = tt.ClientPool([tt.Client(rate=1, input_tokens=1, output_tokens=1)])\n"
        "pool = one\nfor _ in range(500): pool = pool + one",
        "tt.ClientPool([tt.Client(rate=1, input_tokens=1, output_tokens=1, count=10**9)])",
        "tt.ClientPool([tt.Client(rate=1, input_tokens=1, output_tokens=1)] * 10**6)",
        "daily = sum((tt.Daily() for _ in range(999)), start=tt.Daily())\n"
        "tt.ClientPool([tt.Client(rate=daily, input_tokens=1, output_tokens=1)] * 100, period='365d')",
    ],
)
def test_what_python_makes(code):
    python(code)
