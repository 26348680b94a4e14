"""Addresses are shown without what only their owner may know."""

from __future__ import annotations

import errno
import json
from collections.abc import Callable

import datasets
import pytest
import tracetide as tt
from cli_tools import fails, run
from tracetide.base.addresses import discreet, shown, shown_in
from tracetide.cli.outcome import outcome_of


@pytest.mark.parametrize(
    ("address", "says"),
    [
        ("s3://bucket/month", "s3://bucket/month"),
        ("s3://key:SECRET@bucket/a@b", "s3://bucket/a@b"),
        ("s3://key:SE@CRET@bucket/a", "s3://bucket/a"),
        ("s3://key:SE/CRET@bucket/a", "s3://bucket/a"),
        ("s3://key:SE?CR#ET@bucket/a", "s3://bucket/a"),
        ("s3://bucket/a@b", "s3://bucket/a@b"),
        ("hdfs://host:8020/a@b", "hdfs://host:8020/a@b"),
        ("abfs://box@host/month?sig=SECRET", "abfs://host/month"),
        ("memory://x#SECRET", "memory://x"),
        ("month/a@b?c", "month/a@b?c"),
        ("C:\\data\\a@b", "C:\\data\\a@b"),
    ],
)
def test_addresses_as_they_are_shown(address, says):
    assert shown(address) == says


def test_addresses_in_a_text_are_shown_the_same():
    assert (
        shown_in("no 's3://k:SECRET@b/x?sig=SECRET' nor https://SECRET@h/y; sorry")
        == "no 's3://b/x' nor https://h/y; sorry"
    )


class _Odd(OSError):
    """As those of some packages, whose text is their own."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self._text = text

    def __str__(self) -> str:
        return self._text


def _raise_within(address: str, kind: Callable[[str], Exception], text: str) -> None:
    with discreet(address):
        try:
            raise kind(text)
        except Exception as error:
            raise kind(text) from error


def _system_error(text: str) -> OSError:
    return FileNotFoundError(errno.ENOENT, "no such file", text)


@pytest.mark.parametrize(
    "text",
    [
        "no file at memory://key:SEC%2FRET@x/y?sig=SIGNATURE&sv=1: sorry",
        "no file /key:SEC%2FRET@x/y",
        "key has no password SEC/RET",
        "unknown parameters: sig=SIGNATURE, sv=1",
        "unknown value 'SIGNATURE'",
    ],
)
@pytest.mark.parametrize("kind", [ValueError, RuntimeError, tt.TraceError, _system_error, _Odd])
def test_errors_do_not_tell_the_keys_of_an_address(kind, text):
    with pytest.raises((OSError, ValueError, RuntimeError)) as caught:
        _raise_within("memory://key:SEC%2FRET@x/y?sig=SIGNATURE&sv=1", kind, text)
    raised = caught.value
    assert isinstance(raised, OSError if kind in (_system_error, _Odd) else kind)
    if kind is _system_error:
        assert raised.errno == errno.ENOENT
    said = [str(raised)]
    if kind is not _Odd:  # of which only the last is told in another way
        said += [str(raised.__cause__), str(raised.__context__)]
    assert not any(secret in one for one in said for secret in ("SEC%2F", "RET@", "SEC/RET", "SIGNATURE")), (
        said
    )


def test_other_errors_stay_what_they_are():
    raised = OSError(errno.ENOSPC, "no space left on device", "x")
    for address in ("memory://key:SECRET@x", "plain/path"):
        with pytest.raises(OSError, match="no space") as caught, discreet(address):
            raise raised
        assert caught.value is raised


@pytest.fixture
def memory():
    """fsspec's file system in memory, for which keys are a part of the path."""
    files = pytest.importorskip("fsspec").filesystem("memory")
    yield files
    for name in files.ls("/", detail=False):
        files.rm(name, recursive=True)


@pytest.mark.usefixtures("memory")
def test_a_data_set_at_an_address_with_keys(tmp_path):
    profile = datasets.profile_file(tmp_path)
    target = "memory://u:SECRET@x"
    for more in ([], ["--json"]):
        done = run("generate", profile, "--duration", "1h", "-o", target, *more)
        assert done.returncode == 0, done.stderr
        assert b"SECRET" not in done.stdout + done.stderr
        assert b"memory://x" in done.stdout + done.stderr
    assert json.loads(done.stdout)["path"] == "memory://x"


def test_reports_and_errors_of_a_data_set_at_an_address_with_keys(memory, monkeypatch):
    target = "memory://u:SECRET@x/month"
    datasets.job().write_dataset(target, partition="6h")
    report = tt.validate(target)
    assert report.is_valid
    assert "SECRET" not in json.dumps(report.to_dict()) + str(report) + repr(report)
    files = [name for name in memory.find("/") if name.endswith(".json")]
    assert files
    assert not any(b"SECRET" in memory.cat(name) for name in files)
    with pytest.raises(FileExistsError, match="'memory://x/month': it is not empty"):
        datasets.job().write_dataset(target)

    def fail(path: str, *_: object, **__: object) -> None:
        raise FileNotFoundError(errno.ENOENT, "no such place", path)

    monkeypatch.setattr(type(memory), "_open", fail)
    for call in (
        lambda: tt.validate(target),
        lambda: datasets.job().write_dataset(target, resume=True),
    ):
        with pytest.raises(OSError, match="no such place") as caught:
            call()
        assert "SECRET" not in str(caught.value) + outcome_of(caught.value)[1]


@pytest.mark.parametrize(
    "address",
    [
        "abfs://box@host/month?sig=SECRET",
        "abfs://user:SECRET@box/month?sig=SECRET",
        "s3://key:SECRET@bucket/month?token=SECRET",
        "gopher://key:SE CRET@bucket/month",
        "gs://key:SECRET@",
    ],
)
def test_addresses_that_are_refused(address, tmp_path):
    with pytest.raises((ValueError, OSError)) as caught:
        tt.validate(address) if address.startswith("gopher") else datasets.job().write_dataset(address)
    assert "CRET" not in str(caught.value)


def test_commands_that_take_no_addresses(tmp_path):
    profile = datasets.profile_file(tmp_path)
    for arguments in (
        ("describe", "s3://key:SECRET@bucket/x.csv?sig=SECRET"),
        ("fit", "s3://key:SECRET@bucket/x.csv?sig=SECRET", "-o", tmp_path / "x.tide"),
        ("fit", tmp_path / "none.csv", "-o", "s3://key:SECRET@bucket/x.tide"),
        ("convert", profile, "s3://key:SECRET@bucket/x.csv"),
        ("generate", "s3://key:SECRET@bucket/x", "-o", "-", "--format", "csv"),
    ):
        assert "SECRET" not in fails(*arguments, says=[])


def test_files_are_not_written_to_addresses(tmp_path):
    trace = datasets.job(duration=60).generate()
    for write, name in ((datasets.pool().write, "x.tide"), (trace.write, "x.csv")):
        with pytest.raises(OSError, match="cannot write") as caught:
            write(f"s3://key:SECRET@bucket/{name}")
        assert "SECRET" not in str(caught.value)
    with pytest.raises(OSError, match=r"'s3://bucket/x\.csv'") as caught:
        tt.fit("s3://key:SECRET@bucket/x.csv")
    assert "SECRET" not in str(caught.value)
