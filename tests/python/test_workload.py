"""Workload files: what they make, and errors that name line and key."""

from __future__ import annotations

import json

import jsonschema
import pytest
import tracetide as tt
import yaml
from cli_tools import fails, succeeds
from hypothesis import example, given, settings
from hypothesis import strategies as st
from tracetide.profile.workload import json_schema
from tracetide.profile.workload.document import SyntaxFault
from tracetide.profile.workload.toml_document import parse_toml, tomllib
from tracetide.profile.workload.yaml_document import parse_yaml

TOML = """\
# Chat by day [and] a nightly batch = job.
name = "office"
window = "10min"

[[clients]]
name = "chat # not a comment"
count = 20
rate = { kind = "product", of = [
  { kind = "daily", mean = 0.5, peak = "14:00", swing = 0.8 },  # a wave
  { kind = "weekly", days = [1, 1, 1, 1, 1, 0.3, 0.3] },
] }
arrivals = { law = "gamma", cv = 2.0 }
correlations = [{ fields = ["input_tokens", "output_tokens"], spearman = 0.3 }]
limits = { output_tokens = [1, 4096] }

[clients.input_tokens]
law = "mixture"
weights = [0.9, 0.1]
components = [
  { law = "lognormal", median = 600, sigma = 1.1 },
  { law = "pareto", alpha = 1.6, minimum = 4000 },
]

[clients.output_tokens]
law = "exponential"
mean = 300

[[clients]]
name = "batch"
rate = { kind = "sum", of = [0.2, { kind = "spike", at = "02:00", duration = "30min", height = 20 }] }
arrivals = { law = "weibull", shape = 0.6 }
input_tokens = 8000
output_tokens = { law = "pmf", values = [16, 32], probabilities = [0.5, 0.5] }
"""

YAML = """\
name: office
window: 10min
clients:
  - &chat
    name: "chat # not a comment"
    count: 20
    rate:
      kind: product
      of:
        - {kind: daily, mean: 0.5, peak: 14:00, swing: 0.8}
        - kind: weekly
          days: [1, 1, 1, 1, 1, 0.3, 0.3]
    arrivals: {law: gamma, cv: 2.0}
    correlations:
      - fields: [input_tokens, output_tokens]
        spearman: 0.3
    limits: {output_tokens: [1, 4096]}
    input_tokens:
      law: mixture
      weights: [0.9, 0.1]
      components:
        - {law: lognormal, median: 600, sigma: 1.1}
        - {law: pareto, alpha: 1.6, minimum: 4000}
    output_tokens: {law: exponential, mean: 300}
  - name: batch
    rate: {kind: sum, of: [0.2, {kind: spike, at: 02:00, duration: 30min, height: 20}]}
    arrivals: {law: weibull, shape: 0.6}
    input_tokens: 8000
    output_tokens: {law: pmf, values: [16, 32], probabilities: [0.5, 0.5]}
"""


def by_hand() -> tt.ClientPool:
    chat = tt.Client(
        name="chat # not a comment",
        count=20,
        rate=tt.Daily(0.5, "14:00", 0.8) * tt.Weekly([1, 1, 1, 1, 1, 0.3, 0.3]),
        arrivals=tt.Gamma(cv=2),
        input_tokens=tt.Mixture(
            [(0.9, tt.LogNormal(median=600, sigma=1.1)), (0.1, tt.Pareto(alpha=1.6, minimum=4000))]
        ),
        output_tokens=tt.Exponential(mean=300),
        correlations={("input_tokens", "output_tokens"): 0.3},
        limits={"output_tokens": (1, 4096)},
    )
    batch = tt.Client(
        name="batch",
        rate=0.2 + tt.Spike("02:00", "30min", 20),
        arrivals=tt.Weibull(0.6),
        input_tokens=8000,
        output_tokens={16: 0.5, 32: 0.5},
    )
    return tt.ClientPool([chat, batch], name="office", window="10min")


@pytest.mark.parametrize(("ending", "text"), [("toml", TOML), ("yaml", YAML), ("yml", YAML)])
def test_a_file_is_what_its_python_is(ending, text, tmp_path):
    path = tmp_path / f"w.{ending}"
    path.write_text(text)
    assert tt.load(path) == by_hand()
    assert tt.load(path).name == "office"


def test_generate_from_a_file(tmp_path):
    (tmp_path / "w.toml").write_text(TOML)
    succeeds("generate", "w.toml", "--duration", "1h", "--seed", "4", "-o", "t.parquet", cwd=tmp_path)
    assert tt.Trace.read(tmp_path / "t.parquet") == tt.generate(by_hand(), duration="1h", seed=4)
    (tmp_path / "bad.toml").write_text(TOML.replace("swing = 0.8", 'swing = "x"'))
    fails(
        "generate", "bad.toml", "-o", "t.csv", says=["bad.toml, line 9: clients[0].rate.of[0].swing: 'x'"],
        cwd=tmp_path,
    )  # fmt: skip


def test_the_name_is_that_of_the_file_by_default(tmp_path):
    path = tmp_path / "mine.toml"
    path.write_text("[[clients]]\nrate = 1\ninput_tokens = 5\noutput_tokens = 5\n")
    assert tt.load(path).name == "mine"


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        (
            "swing = 0.8",
            'swing = "x"',
            "line 9: clients[0].rate.of[0].swing: 'x' is not allowed; it must be a number",
        ),
        ("swing = 0.8", "swing = 1.8", "line 9: clients[0].rate.of[0]: Daily swing: 1.8 is not allowed"),
        (
            '"daily"',
            '"dayly"',
            "line 9: clients[0].rate.of[0]: kind = 'dayly' is not allowed; it must be one of",
        ),
        ('kind = "daily", ', "", "line 9: clients[0].rate.of[0]: kind is missing"),
        ("mean = 300", "mena = 300", "line 26: clients[0].output_tokens.mena: not a key that is known here"),
        ("mean = 300", "mean = nan", "line 26: clients[0].output_tokens.mean: nan is not allowed"),
        ("mean = 300", "mean = -1", "line 26: clients[0].output_tokens.mean: -1 is not allowed"),
        ("count = 20", "count = 0", "line 7: clients[0].count: 0 is not allowed"),
        (
            "count = 20",
            "count = 2.5",
            "line 7: clients[0].count: 2.5 is not allowed; it must be a whole number",
        ),
        (
            "[1, 4096]",
            "[1, 0]",
            "line 14: clients[0].limits: limits of output_tokens: (1.0, 0.0) is not allowed",
        ),
        ("spearman = 0.3", "spearman = 1", "line 13: clients[0].correlations: correlations of input_tokens"),
        (
            "rate = {",
            "rat = {",
            "line 8: clients[0].rat: not a key that is known here; allowed are name, count",
        ),
        ("input_tokens = 8000", "", "line 28: clients[1]: input_tokens: missing"),
        (
            "input_tokens = 8000",
            'input_tokens = "8000"',
            "line 32: clients[1].input_tokens: '8000' is not allowed",
        ),
        (
            "input_tokens = 8000",
            "input_tokens = 1e18",
            "line 32: clients[1].input_tokens: 1e+18 is not allowed",
        ),
        (
            "input_tokens = 8000",
            "input_tokens = true",
            "line 32: clients[1].input_tokens: True is not allowed",
        ),
        ("shape = 0.6", "shape = 0.6, mean = 3", "line 31: clients[1].arrivals: Weibull"),
        ("weights = [0.9, 0.1]", "weights = [1]", "line 18: clients[0].input_tokens.weights: a length of 1"),
        (
            "median = 600",
            "median = true",
            "line 20: clients[0].input_tokens.components[0].median: True is not",
        ),
        ('name = "office"', "name = [1]", "line 2: name: a list is not allowed"),
        ("days = [1, 1,", "days = [1,", "line 10: clients[0].rate.of[1]: Weekly: 6 days are not allowed"),
        ('"10min"', '"11h"', "line 3: window: 11 h is not allowed"),
        ("= {", "= ", "line 8: "),
        ("shape = 0.6", "shape = " + "9" * 5000, "Exceeds the limit"),
    ],
)
def test_errors_name_file_line_and_key(old, new, message, tmp_path):
    assert old in TOML
    path = tmp_path / "w.toml"
    path.write_text(TOML.replace(old, new, 1))
    with pytest.raises(tt.ProfileError) as caught:
        tt.load(path)
    assert str(caught.value).startswith(str(path))
    assert message in str(caught.value)


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        ("swing: 0.8", "swing: x", "line 10: clients[0].rate.of[0].swing: 'x' is not allowed"),
        (
            "spearman: 0.3",
            "spearman: no",
            "line 16: clients[0].correlations[0].spearman: 'no' is not allowed",
        ),
        ("count: 20", "count: 20\n    count: 3", "line 7: the key 'count' is there twice"),
        ("count: 20", "count: [", "line "),
        ("count: 20", "count: !!python/object:os.system 1", "line 6: the tag"),
        (
            "  - name: batch\n",
            "  - {<<: *chat, name: b, reason_ratio: 0.5}\n  - name: batch\n",
            "category reason",
        ),
        ("- name: batch", "- name: *nobody", "line 25: found undefined alias"),
        (
            "clients:\n",
            "clients: &c\n  - *c\n",
            "line 3: mappings within each other are nested too",
        ),
    ],
)
def test_errors_of_yaml(old, new, message, tmp_path):
    assert old in YAML
    path = tmp_path / "w.yaml"
    path.write_text(YAML.replace(old, new, 1))
    with pytest.raises(tt.ProfileError) as caught:
        tt.load(path)
    assert message in str(caught.value)


@pytest.mark.parametrize(
    ("ending", "text"), [("toml", ""), ("yaml", ""), ("toml", "clients = []"), ("yaml", "5")]
)
def test_nothing_is_not_a_workload(ending, text, tmp_path):
    path = tmp_path / f"w.{ending}"
    path.write_text(text)
    with pytest.raises(tt.ProfileError, match="line 1: "):
        tt.load(path)


def test_a_file_of_other_bytes_is_refused(tmp_path):
    path = tmp_path / "w.toml"
    path.write_bytes(b"name = '\xff'")
    with pytest.raises(tt.ProfileError, match="byte 8 is not allowed; a workload must be UTF-8"):
        tt.load(path)


def test_a_merged_mapping_is_below_its_own_keys(tmp_path):
    path = tmp_path / "w.yaml"
    path.write_text(YAML + "  - <<: *chat\n    name: more\n    count: 1\n")
    pool = tt.load(path)
    assert len(pool) == 22
    assert pool.client_names[-1] == "more"


@pytest.mark.parametrize("first", [True, False])
def test_lines_of_a_merged_mapping_are_its_own(first, tmp_path):
    path = tmp_path / "w.yaml"
    own = ["    count: 0\n", "    <<: *chat\n"]
    path.write_text(YAML + "  - name: more\n" + "".join(own if first else own[::-1]))
    with pytest.raises(tt.ProfileError, match=rf"line {31 if first else 32}: clients\[2\]\.count: 0 is not"):
        tt.load(path)


def test_bombs_of_aliases_do_not_take_memory(tmp_path):
    path = tmp_path / "w.yaml"
    lines = ["a0: &a0 [1, 1, 1, 1, 1, 1, 1, 1, 1]"]
    lines += [f"a{n}: &a{n} [{', '.join([f'*a{n - 1}'] * 9)}]" for n in range(1, 12)]
    path.write_text("\n".join(lines))
    with pytest.raises(tt.ProfileError, match="aliases that make the file too large"):
        tt.load(path)


def test_the_schema_accepts_what_loads_and_refuses_what_does_not(tmp_path):
    schema = json.loads(succeeds("schema").stdout)
    assert schema == json_schema()
    jsonschema.Draft202012Validator.check_schema(schema)
    jsonschema.validate(tomllib.loads(TOML), schema)
    for old, new in (("mean = 300", "mena = 300"), ("count = 20", "count = 0"), ('"daily"', '"dayly"')):
        with pytest.raises(jsonschema.ValidationError):
            jsonschema.validate(tomllib.loads(TOML.replace(old, new, 1)), schema)


def paths_of(data, path=()):
    if isinstance(data, dict | list):
        for key, value in data.items() if isinstance(data, dict) else enumerate(data):
            yield (*path, key)
            yield from paths_of(value, (*path, key))


AWKWARD = """\
a.b."c d" = 1
a.e = {f = [1, {g = "}"}], h.i = 2}
[x."y.z"]
q = \"\"\"
[no]
\"\"\" # end
[[x.l]]
[[x.l]]
m = [
]
[x.l.n]
k = '''it's'''
d = 1979-05-27T07:32:00Z
t = [ [1, 2], # c
 [3] ]
u = \"\"\"a "" b\\\\\"\"\"
"""


@pytest.mark.parametrize("text", [TOML, AWKWARD, AWKWARD.replace("\n", "\r\n")])
def test_every_key_of_a_toml_file_has_a_line(text):
    document = parse_toml(text)
    lines = text.split("\n")
    for path in paths_of(document.data):
        assert path in document.lines, path
        if isinstance(path[-1], str):
            assert path[-1] in lines[document.lines[path] - 1], path


SCALARS = st.one_of(
    st.integers(-(2**40), 2**40),
    st.floats(allow_nan=False),
    st.booleans(),
    st.text(st.characters(codec="utf-8", exclude_characters="\x7f\x85\u2028\u2029\ufeff"), max_size=8),
)
DATA = st.recursive(
    SCALARS,
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(st.text("ab c.#=[]{}\"'", min_size=1), inner, max_size=3)
    ),
    max_leaves=12,
)


@settings(max_examples=150, deadline=None)
@given(st.dictionaries(st.text("xyz.", min_size=1), DATA, max_size=3))
def test_any_toml_has_lines_for_all_of_it(data):
    def text(value):
        if isinstance(value, bool):
            return "true" if value else "false"
        if isinstance(value, dict):
            return (
                "{"
                + ", ".join(f"{json.dumps(k, ensure_ascii=False)} = {text(v)}" for k, v in value.items())
                + "}"
            )
        if isinstance(value, list):
            return "[" + ",\n".join(map(text, value)) + "]"
        if isinstance(value, str):
            return json.dumps(value, ensure_ascii=False)
        return repr(value)

    document = parse_toml(
        "".join(f"{json.dumps(key, ensure_ascii=False)} = {text(value)}\n" for key, value in data.items())
    )
    assert document.data == data
    assert all(path in document.lines for path in paths_of(data))


class QuotingDumper(yaml.SafeDumper):
    """Quotes every text: 0E0 needs no quotes in YAML 1.1, which PyYAML writes; in 1.2 it is a number."""


QuotingDumper.add_representer(
    str, lambda dumper, text: dumper.represent_scalar("tag:yaml.org,2002:str", text, style='"')
)


@settings(max_examples=150, deadline=None)
@given(DATA)
@example({"0E0": "1e5"})
def test_any_yaml_is_read_as_written(data):
    document = parse_yaml(yaml.dump(data, Dumper=QuotingDumper))
    assert document.data == data


@settings(max_examples=300, deadline=None)
@given(
    text=st.sampled_from([TOML, YAML]),
    at=st.integers(0, 1200),
    length=st.integers(0, 40),
    put=st.text(max_size=6),
)
def test_damage_gives_errors_and_nothing_else(text, at, length, put, tmp_path_factory):
    damaged = text[:at] + put + text[at + length :]
    path = tmp_path_factory.getbasetemp() / ("damaged.toml" if text is TOML else "damaged.yaml")
    path.write_text(damaged, encoding="utf-8", errors="replace")
    try:
        tt.load(path)
        message = None
    except tt.ProfileError as error:
        message = str(error)
    assert message is None or message.startswith(str(path))


@pytest.mark.parametrize("parse", [parse_toml, parse_yaml])
def test_depth_is_bounded(parse):
    with pytest.raises(SyntaxFault):
        parse("a = " + "[" * 100_000 if parse is parse_toml else "[" * 5000)


CLIENT = "[[clients]]\nrate = {rate}\ninput_tokens = 5\noutput_tokens = 6\n"


def nested(levels: int, kind: str) -> str:
    inner = "1"
    for _ in range(levels):
        inner = '{ kind = "' + kind + '", of = [' + inner + ", 2] }"
    return inner


def refused(path, text: str, said: str) -> None:
    path.write_text(text)
    with pytest.raises(tt.ProfileError, match=said):
        tt.load(path)


def test_tables_are_nested_to_a_limit(tmp_path):
    path = tmp_path / "w.toml"
    path.write_text(CLIENT.format(rate=nested(25, "sum")))
    assert len(tt.load(path)) == 1
    refused(path, CLIENT.format(rate=nested(40, "sum")), "nested too deeply; 64 levels are allowed")
    refused(path, CLIENT.format(rate=nested(5000, "product")), "nested too deeply; 64 levels are allowed")
    refused(path, ".".join(["a"] * 30_000) + " = 1", "line 1: tables within each other are nested too deeply")
    long = "[" + ".".join(["a", '"b.c"'] * 40) + "]\n"
    refused(path, "name = 'x'\n" + long, "line 2: tables within each other are nested too deeply")
    refused(path, "".join(f"[{'.'.join(['a'] * n)}]\n" for n in range(1, 66)), "nested too deeply; 64 levels")


def test_a_description_of_many_dotted_words_is_no_key(tmp_path):
    path = tmp_path / "w.toml"
    path.write_text(f'description = "{".".join(["word"] * 100)}"\n' + CLIENT.format(rate=1))
    assert tt.load(path).provenance["description"].count(".") == 99


def test_yaml_merges_are_nested_to_a_limit(tmp_path):
    path = tmp_path / "w.yaml"

    def text(levels: int) -> str:
        lines = ["a0: &a0 {x: 1}"]
        lines += [f"a{n}: &a{n} {{<<: *a{n - 1}, y: {n}}}" for n in range(1, levels)]
        return "\n".join(lines)

    refused(path, text(60), "a0: not a key that is known here")
    refused(path, text(70), "nested too deeply; 64 levels are allowed")
    refused(path, text(3000), "nested too deeply; 64 levels are allowed")
    refused(path, "[" * 20_000, "nested too deeply; 64 levels are allowed")


@pytest.mark.parametrize(
    ("name", "most"), [("w.toml", "TOML has at most 4 MiB"), ("w.yaml", "YAML has at most 1 MiB")]
)
def test_a_file_that_is_too_large_is_refused_unread(name, most, tmp_path):
    path = tmp_path / name
    with path.open("wb") as file:
        file.truncate(100 << 20)
    with pytest.raises(tt.ProfileError, match=f"104,857,600 bytes are not allowed; a workload in {most}"):
        tt.load(path)


def test_clients_and_copies_are_limited(tmp_path):
    path = tmp_path / "w.toml"
    refused(path, "[[clients]]\n" * 10_001, "clients: 10,001 are not allowed; at most 10,000: count says")
    refused(
        path, CLIENT.format(rate=1) + "count = 1_000_001\n", r"clients\[0\]\.count: 1000001 is not allowed"
    )
    many = (CLIENT.format(rate=1) + "count = 600_000\n") * 2
    refused(path, many, "clients: 1,200,000 clients are not allowed; a pool has at most 1,000,000")
    refused(path, CLIENT.format(rate=1) + "count = 40_000\n", "40,000 clients in 144 windows are not allowed")
    path.write_text('window = "1d"\n' + CLIENT.format(rate=1) + "count = 40_000\n")
    assert len(tt.load(path)) == 40_000


def test_lengths_of_sessions_are_in_files(tmp_path):
    text = """
[[clients]]
rate = 2
input_tokens = 100
output_tokens = 50

[clients.sessions]
turns = 4
think_time = 10
wait_output = 0.01
wait_tokens = 0.02
persistence = { input_tokens = { share = 0.5, memory = 0.9 } }
"""
    path = tmp_path / "w.toml"
    path.write_text(text)
    sessions = tt.conversations(
        share=1,
        turns=4,
        think_time=10,
        wait_output=0.01,
        wait_tokens=0.02,
        persistence={"input_tokens": (0.5, 0.9)},
    )
    same = tt.ClientPool([tt.Client(rate=2, input_tokens=100, output_tokens=50, sessions=sessions)])
    assert tt.load(path).profile.session_models() == same.profile.session_models()
    for old, new, message in (
        (
            "share = 0.5",
            "share = 1",
            r"sessions\.persistence: persistence of input_tokens: share: 1\.0 is not",
        ),
        ("memory = 0.9", "memori = 0.9", "memori: not a key that is known here"),
        ("wait_output = 0.01", "wait_output = -1", r"wait_output: -1\.0 is not allowed"),
    ):
        path.write_text(text.replace(old, new))
        with pytest.raises(ValueError, match=message):
            tt.load(path)
