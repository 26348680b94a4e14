"""Checking one file."""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from tracetide.base.addresses import discreet
from tracetide.base.errors import ProfileError, TraceError
from tracetide.base.wording import Option, Told, message_of, without_start
from tracetide.io.formats import FORMATS
from tracetide.io.formats.description import TraceFormat
from tracetide.io.formats.mooncake_delta import PROMPT_LENGTH
from tracetide.io.formats.tools import BLOCKS
from tracetide.io.reading import opened_scan
from tracetide.io.reading.convert import converter, numbers_of
from tracetide.io.reading.open_source import open_source
from tracetide.io.reading.source import Source
from tracetide.io.reading.tracescan import TraceScan
from tracetide.job.dataset.folder import open_folder
from tracetide.job.dataset.manifest import is_dataset, read_manifest
from tracetide.job.dataset.verify import check_dataset
from tracetide.validation.blocks import BlockRules
from tracetide.validation.chats import ChatRules
from tracetide.validation.files import check_file
from tracetide.validation.report import Recorder, ValidationReport
from tracetide.validation.rows import RowRules
from tracetide.validation.rules import READERS


def validate(
    path: str | os.PathLike[str],
    *,
    tools: Sequence[str] | None = None,
    format: str | None = None,
    columns: Mapping[str, str] | None = None,
    units: Mapping[str, str] | None = None,
    block_size: int = 0,
    limit: int = 20,
) -> ValidationReport:
    """Check a trace file, or a ServeGen folder, against the rules of the tools that read its format.

    A data set is checked against its manifest: every part is there and has the bytes that were written.

    It is read in a stream; hash ids need 16 bytes for every different one, sessions an entry each.

    Args:
        path: the file.
        tools: whose rules, as named in `tracetide.validation.READERS`; by default all that read the format.
        format, columns, units: as in `tracetide.scan`.
        block_size: tokens of a block of `hash_ids`; by default as the job or the format has them.
        limit: how many findings of each rule are listed.

    Raises:
        ValueError: for an unknown tool, or a format that is not recognised.
        OSError: if the file cannot be read.
    """
    name = os.fspath(path)
    unknown = [tool for tool in tools or () if tool not in READERS]
    if unknown:
        raise ValueError(f"tools: {unknown[0]!r} is not known; it must be one of {', '.join(READERS)}")
    with discreet(name):
        if is_dataset(name):
            return _validate_dataset(name, tools, limit)
    if os.path.isdir(name):
        return _validate_folder(name, tools, limit)
    source = open_source(name)  # once, as a pipe can be read only once
    scan = opened_scan(source, format, columns, units, strict=False, block_size=block_size, own_blocks=True)
    report = ValidationReport(name, scan.format, _tools(scan.format, tools, scan.block_size))
    recorder = Recorder(report, limit)
    _check_readers(report, recorder)
    known = FORMATS[scan.format]
    _check_block_size(scan, recorder)
    check_file(known, source, name, recorder)
    rules = RowRules(known, scan.columns, scan.block_size, recorder, is_ordered=scan.is_ordered)
    raw = _RawRules(known, source, scan, recorder)
    with _noting_errors(report, recorder):
        for batch in scan.batches():
            rules.check(batch)
            report.rows += len(batch)
    _check_turns(report, recorder, rules.first_turn)
    with _noting_errors(report, recorder):
        raw.check()
    if tools is None:
        report.leave_out("response")
    return report


@contextmanager
def _noting_errors(report: ValidationReport, recorder: Recorder) -> Iterator[None]:
    """The first error of a file that cannot be read to its end, as a finding."""
    try:
        yield
    except TraceError as error:
        if report.complete:
            recorder.add("readable", without_start(message_of(error), report.path))
        report.complete = False


def _tools(format: str, wanted: Sequence[str] | None, block_size: int = 0) -> tuple[str, ...]:
    """Those that are wanted; by default all that read the format, with blocks of the size that they take."""
    if wanted is not None:
        return tuple(wanted)
    found = (tool for tool, formats in READERS.items() if format in formats)
    return tuple(tool for tool in found if BLOCKS.get(tool, block_size) == block_size) or tuple(READERS)


def _check_readers(report: ValidationReport, recorder: Recorder) -> None:
    for tool in report.tools:
        formats = READERS[tool]
        known = FORMATS[report.format]
        if report.format in formats or report.format in ("table", "native") or tool in known.misread_turns:
            continue
        why = known.misread.get(tool, f"{tool} does not read {report.format}")
        recorder.add("format", f"{why}; it reads {', '.join(sorted(formats))}")


def _check_block_size(scan: TraceScan, recorder: Recorder) -> None:
    block = BLOCKS["sglang"]
    if scan.format == "mooncake" and scan.block_size != block:
        recorder.add(
            "block-size",
            f"hash_ids are of blocks of {scan.block_size} tokens; they must be of {block}, as SGLang makes "
            "so many of every id",
        )


def _check_turns(report: ValidationReport, recorder: Recorder, first_turn: int | None) -> None:
    if first_turn is None:
        return
    for tool, why in FORMATS[report.format].misread_turns.items():
        if tool in report.tools:
            found = f"{why}; it reads {', '.join(sorted(READERS[tool]))}"
            if report.format == "mooncake-session":  # nothing in a file of others tells
                hint = Option("format", "mooncake-delta")
                found = Told(found, " (if these rows are what each adds already, say so with ", hint, ")")
            recorder.add("format", found, first_turn)


def _validate_dataset(name: str, tools: Sequence[str] | None, limit: int) -> ValidationReport:
    if tools:
        raise ValueError(
            f"tools: {tools[0]!r} is not allowed for a data set, which is checked against its manifest; "
            "check one of its files for a tool"
        )
    folder = open_folder(name)
    report = ValidationReport(folder.name, "dataset", ("tracetide",))
    recorder = Recorder(report, limit)
    for rule, message in check_dataset(folder):
        recorder.add(rule, message)
    manifest = read_manifest(folder)
    report.rows = 0 if manifest is None else manifest.rows
    return report


def _validate_folder(name: str, tools: Sequence[str] | None, limit: int) -> ValidationReport:
    from tracetide.profile.load import load

    report = ValidationReport(name, "servegen", _tools("servegen", tools))
    recorder = Recorder(report, limit)
    _check_readers(report, recorder)
    try:
        report.rows = len(load(os.path.join(name, "")))
    except ProfileError as error:
        report.complete = False
        recorder.add("readable", str(error))
    return report


class _RawRules:
    """Rules of columns that a scan does not give, read on their own."""

    def __init__(self, format: TraceFormat, source: Source, scan: TraceScan, recorder: Recorder) -> None:
        self._format = format
        self._source = source
        self._scan = scan
        self._recorder = recorder

    def check(self) -> None:
        for one, other in self._format.equal:
            self._check_equal(one, other)
        for name, allowed in self._format.constants.items():
            self._check_constant(name, allowed)
        if self._format.names_no_model:
            self._check_models()
        if self._format.sessions == "parents":
            self._check_chats()
        if self._format.deltas:
            self._check_delta_blocks()
            self._check_prompts()

    def _texts(self, names: list[str]) -> Iterator[tuple[int, list[pa.Array]]]:
        from tracetide.io.reading.fields import Field

        if any(name not in self._source.types for name in names):
            return
        fields = [Field(name, name, "label", pa.string(), nullable=True) for name in names]
        for place, arrays in self._source.raw(fields):
            yield place.first_row, arrays

    def _check_models(self) -> None:
        for first, (models,) in self._texts(["model"]):
            named = np.flatnonzero(pc.not_equal(models, "").fill_null(False).to_numpy(zero_copy_only=False))
            self._recorder.add_rows(
                "served-model",
                first + named,
                (
                    f"model is {models[int(row)]}; BLIS drops the request unless it serves that"
                    for row in named
                ),
            )

    def _check_delta_blocks(self) -> None:
        """The ids of what is new."""
        from tracetide.io.reading.fields import OWN_BLOCKS, Field

        fields = [
            Field("input_tokens", self._format.columns["input_tokens"], "tokens", pa.uint32()),
            Field("hash_ids", "hash_ids", "blocks", OWN_BLOCKS),
        ]
        if "hash_ids" not in self._source.types:
            self._recorder.add("hash-missing", "there are no hash_ids; every row must have them")
            return
        rules = BlockRules(self._scan.block_size, self._recorder)
        made = [converter(field, rebase=False) for field in fields]
        for place, arrays in self._source.raw(fields):
            inputs, ids = (convert(a, place) for convert, a in zip(made, arrays, strict=True))
            rules.check(ids, inputs.to_numpy(), place.first_row)

    def _check_prompts(self) -> None:
        """What is told of whole prompts."""
        from tracetide.io.reading.fields import Field

        if PROMPT_LENGTH not in self._source.types:
            return
        field = Field(PROMPT_LENGTH, PROMPT_LENGTH, "tokens", pa.uint32())
        convert = converter(field, rebase=False)
        sums = self._scan.batches(["input_tokens"])
        for (place, (array,)), batch in zip(self._source.raw([field]), sums, strict=True):
            told, summed = convert(array, place).to_numpy(), batch.column(0).to_numpy()
            wrong = np.flatnonzero(told != summed)
            self._recorder.add_rows(
                "totals",
                place.first_row + wrong,
                (
                    f"{PROMPT_LENGTH} is {told[row]}; what its session has by then is {summed[row]} tokens"
                    for row in wrong
                ),
            )

    def _check_chats(self) -> None:
        from tracetide.io.reading.fields import Field

        names = [name for name in ("chat_id", "parent_chat_id", "turn") if name in self._source.types]
        if names[:2] != ["chat_id", "parent_chat_id"]:
            return
        fields = [Field(name, name, "number", pa.int64(), nullable=True) for name in names]
        rules = ChatRules(self._recorder)
        for place, arrays in self._source.raw(fields):
            chats, parents, *turns = (numbers_of(a, place, f) for a, f in zip(arrays, fields, strict=True))
            rules.check(chats, parents, turns[0] if turns else None, place.first_row)
        rules.finish()

    def _check_equal(self, one: str, other: str) -> None:
        for first, (a, b) in self._texts([one, other]):
            wrong = np.flatnonzero(pc.not_equal(a, b).to_numpy(zero_copy_only=False))
            self._recorder.add_rows(
                "totals",
                first + wrong,
                (f"{one} is {a[int(row)]} and {other} {b[int(row)]}; they must agree" for row in wrong),
            )

    def _check_constant(self, name: str, allowed: Sequence[str]) -> None:
        for first, (texts,) in self._texts([name]):
            is_right = pc.is_in(texts, pa.array(allowed))
            wrong = np.flatnonzero(~is_right.to_numpy(zero_copy_only=False))
            self._recorder.add_rows(
                "constant",
                first + wrong,
                (f"{name} is {texts[int(row)]}; it must be {' or '.join(allowed)}" for row in wrong),
            )
