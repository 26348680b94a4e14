"""Options that are numbers, of all commands: what is none, too large or too small is refused in one line."""

from __future__ import annotations

import contextlib
import io
import typing
from collections.abc import Iterator

import pytest
import tracetide as tt
from cyclopts import Parameter
from tracetide.cli.app import app
from tracetide.cli.outcome import outcome_of
from tracetide.cli.parameters import RealNumber, WholeNumber

COMMANDS = {
    "generate": ["p.tide", "-o", "made.csv"],
    "profiles": [],
    "describe": ["p.tide"],
    "import": ["folder", "-o", "made.tide"],
    "fit": ["t.parquet", "-o", "made.tide", "--client", "whole"],
    "convert": ["t.parquet", "made.csv"],
    "validate": ["t.parquet"],
    "windows": ["p.tide", "-o", "made.csv"],
    "upsample": ["s.csv", "made.csv"],
    "provision": ["p.tide", "--ttft", "1", "--tbt", "1"],
    "characterize": ["p.tide"],
    "compare": ["t.parquet", "t.parquet"],
    "report": ["p.tide", "-o", "made.html"],
    "schema": [],
    "completion": [],
}
TEXTS = {
    "duration": "{}",
    "window": "{}",
    "epoch": "{}",
    "interval": "{}",
    "ttft": "{}",
    "tbt": "1,{}",
    "partition": "{}",
    "span": "0..{}",
    "shard": "1/{}",
    "filter": "rate={}..",
    "coupling": "input_tokens:output_tokens={}",
    "payload_bytes": "image={}",
}
"""Options with numbers in them, and where those are."""
NEVER = ("nan", "inf", "-inf", "1e999", "x", "1_0", "0x10", "9" * 400, "-" + "9" * 30)


def hints(command: str) -> Iterator[tuple[str, typing.Any]]:
    found = typing.get_type_hints(app[command].default_command, include_extras=True)
    yield from ((name, hint) for name, hint in found.items() if name != "return")


def parts(hint: typing.Any) -> Iterator[typing.Any]:
    """A type, and all that it is made of."""
    yield hint
    for inner in typing.get_args(hint):
        yield from parts(inner)


def numeric() -> Iterator[tuple[str, str, list[typing.Any]]]:
    """Every option of every command that takes a number, with its converters."""
    for command in COMMANDS:
        for name, hint in hints(command):
            found = list(parts(hint))
            if int in found or float in found:
                converters = [part.converter for part in found if isinstance(part, Parameter)]
                yield command, name, [one for one in converters if one is not None]


OPTIONS = {(command, name): converters for command, name, converters in numeric()}


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    made = tmp_path_factory.mktemp("numbers")
    client = tt.Client(rate=0.5, input_tokens=10, output_tokens=5)
    pool = tt.ClientPool([client], window="1min", period="10min")
    pool.write(made / "p.tide")
    tt.generate(pool, seed=1).write(made / "t.parquet")
    rows = "".join(f"{i},{i // 2},10,5\n" for i in range(60))
    (made / "s.csv").write_text(f"timestamp,session_id,input_tokens,output_tokens\n{rows}")
    (made / "folder").mkdir()
    return made


def outcome(command: str, option: str, value: str) -> tuple[int, str]:
    arguments = list(COMMANDS[command])
    if option in arguments:
        at = arguments.index(option)
        del arguments[at : at + 2]
    if option == "--partition":
        arguments[arguments.index("made.csv")] = "made/"
    if option == "--instances":
        arguments = arguments[:1]
    if option == "--num-requests":
        arguments += ["--rate", "1"]
    said = io.StringIO()
    try:
        with contextlib.redirect_stdout(said), contextlib.redirect_stderr(said):
            app([command, *arguments, f"{option}={value}"], print_error=False, exit_on_error=False)
    except BaseException as error:
        return outcome_of(error)
    return 0, said.getvalue()


def refused(command: str, name: str, value: str) -> None:
    option = "--" + name.replace("_", "-")
    code, message = outcome(command, option, value)
    assert code == 2, (code, message)
    assert message.startswith("error: ")
    assert "\n" not in message
    assert len(message) < 700
    assert name.replace("_", "-") in message.replace("_", "-")
    assert "is not allowed" in message


def test_all_commands_are_here():
    assert {name for name in app if not name.startswith("-")} == set(COMMANDS)


@pytest.mark.parametrize(("command", "name"), OPTIONS)
def test_every_option_that_is_a_number_has_limits(command, name):
    (converter,) = OPTIONS[command, name]
    assert isinstance(converter, WholeNumber | RealNumber)


@pytest.mark.parametrize(("command", "name"), OPTIONS)
def test_what_is_no_number_or_beyond_the_limits_is_refused(command, name, folder, monkeypatch):
    monkeypatch.chdir(folder)
    before = sorted(folder.iterdir())
    (converter,) = OPTIONS[command, name]
    wrong = [*NEVER, ""]
    if isinstance(converter, WholeNumber):
        wrong += ["0.5", "1e3", str(converter.least - 1), str(converter.most + 1), "1" + "0" * 30]
    else:
        wrong += [repr(end) for end in (converter.above, converter.below)]
        wrong += ["-1"] if converter.above == 0 else []
    for value in wrong:
        refused(command, name, value)
    assert sorted(folder.iterdir()) == before


@pytest.mark.parametrize(
    ("command", "name"),
    [(command, name) for command in COMMANDS for name, _ in hints(command) if name in TEXTS],
)
def test_numbers_within_texts_have_limits(command, name, folder, monkeypatch):
    monkeypatch.chdir(folder)
    before = sorted(folder.iterdir())
    for value in NEVER[:-1] if name == "filter" else NEVER:
        refused(command, name, TEXTS[name].format(value))
    if name in ("duration", "window", "epoch", "interval", "partition", "span"):
        for value in ("1e18", "1e300", "99999999999", "1" + "0" * 30, "1e-300"):
            # As a span's end, what is left of a nanosecond is the end of nothing.
            if not (name == "span" and value == "1e-300"):
                refused(command, name, TEXTS[name].format(value))
    assert sorted(folder.iterdir()) == before


def test_limits_hold_in_python_too(folder):
    pool, trace = tt.load(folder / "p.tide"), folder / "t.parquet"
    job = tt.Job(pool)
    for threads in (-1, 4097, 10**11, 10**30, 1.5, True, "4"):
        for made in (
            lambda n=threads: job.generate(threads=n),
            lambda n=threads: job.stream(threads=n),
            lambda n=threads: job.shards(1)[0].generate(threads=n),
            lambda n=threads: tt.convert(trace, folder / "made.csv", threads=n),
            lambda n=threads: tt.load(folder / "folder", threads=n),
            lambda n=threads: job.write(folder / "made.csv", threads=n),
        ):
            with pytest.raises(
                ValueError, match=r"threads: .* is not allowed; it must be a whole number from 0"
            ):
                made()
    for factor in (1e-300, 1e-9):
        for method in ("itt", "naive"):
            with pytest.raises(ValueError, match=r"factor: 1e-.* is not allowed; the last time would be"):
                tt.upsample(folder / "s.csv", factor, method=method)
    for seconds in (1e18, 1e300, 1e-12, "99999999999"):
        for options in ({"window": seconds}, {"epoch": seconds}, {"duration": seconds}):
            with pytest.raises(ValueError, match=f"{next(iter(options))}: .* is not allowed"):
                tt.fit(trace, **options)
