"""Reading traces of every format: values and units, what is recognised, and what is refused and how."""

from __future__ import annotations

import gzip
import json
import re
import sys
import tracemalloc
from pathlib import Path

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.csv
import pyarrow.json
import pyarrow.parquet as pq
import pytest
import reader_files as files
import tracetide as tt
from hypothesis import given, settings
from hypothesis import strategies as st
from reader_files import packed, written
from tracetide.describe.trace import describe_trace
from tracetide.io.reading import table_source, text_blocks

MAPPED = {"timestamp": "arrived", "input_tokens": "prompt_len", "output_tokens": "reply_len"}
NUMBERED = "timestamp,input_tokens,output_tokens\n"


# Formats


@pytest.mark.parametrize("name", files.TEXTS)
def test_a_format_is_recognised_by_its_columns(name, tmp_path):
    scan = tt.scan(written(tmp_path, files.TEXTS[name]))
    assert scan.format == name
    assert scan.columns == tuple(scan.schema.names)
    assert pa.Table.from_batches(scan.batches()).schema == scan.schema
    assert pa.Table.from_batches(scan.batches()) == pa.Table.from_batches(scan.batches())


def test_azure_times_are_exact_and_count_from_the_first_row(tmp_path):
    trace = tt.read(written(tmp_path, files.AZURE))
    assert trace.timestamp.tolist() == [0.0, 4.314579, 4.3145791]
    assert trace.input_tokens.tolist() == [374, 396, 879]
    assert trace.output_tokens.tolist() == [44, 109, 55]


def test_azure_of_2024_has_time_zones_and_some_times_without_decimals(tmp_path):
    trace = tt.read(written(tmp_path, files.AZURE_2024))
    assert trace.timestamp.tolist() == [0.0, 0.007405, 0.99007]


def test_azure_of_2025_has_numbers_of_images(tmp_path):
    trace = tt.read(written(tmp_path, files.AZURE_2025))
    assert trace.columns == ("timestamp", "input_tokens", "output_tokens", "image_count")
    assert trace.image_count.tolist() == [2, 0]
    assert trace.timestamp.tolist() == [0, 0.5]


def test_mooncake_has_milliseconds_and_blocks(tmp_path):
    trace = tt.read(written(tmp_path, files.MOONCAKE))
    assert trace.timestamp.tolist() == [0, 0.0275, 3]
    assert [ids.tolist() for ids in trace.hash_ids] == [[0, 1], [0, 2], []]


def test_mooncake_sessions_have_delays_and_turns(tmp_path):
    path = written(tmp_path, files.MOONCAKE_SESSION)
    table = pa.Table.from_batches(tt.scan(path).batches())
    assert table["timestamp"].to_pylist() == [0, None, 0.25, None]
    assert table["delay"].to_pylist() == [None, 1.5, None, 0.0005]
    assert table["session_id"].to_pylist() == ["a", "a", "b", "a"]
    assert table["turn"].to_pylist() == [1, 2, 1, 3]
    trace = tt.read(path)
    assert np.isnan(trace.timestamp).tolist() == [False, True, False, True]
    assert trace.session_id.tolist() == ["a", "a", "b", "a"]


def test_bailian_chats_become_sessions(tmp_path):
    trace = tt.read(written(tmp_path, files.BAILIAN))
    assert trace.session_id.tolist() == [7, 3, 7, 7]  # the parent 3 is not in the file
    assert trace.session_id.dtype == np.uint64
    assert trace.turn.tolist() == [1, 2, 2, 3]
    assert trace.timestamp.tolist() == [0.5, 0.75, 60.25, 70]
    assert trace["type"].tolist() == ["text", "search", "text", "text"]


def test_burstgpt_columns_are_taken_by_name(tmp_path):
    trace = tt.read(written(tmp_path, files.BURSTGPT))
    assert trace.timestamp.tolist() == [5, 45]
    assert trace.output_tokens.tolist() == [18, 0]
    assert trace.model.tolist() == ["ChatGPT", "GPT-4"]
    later = tt.read(written(tmp_path, files.BURSTGPT_SESSIONS))
    assert later.session_id.tolist() == ["s-1", ""]
    assert later.elapsed_time.tolist() == [0.25, 1.5]
    assert later.input_tokens.tolist() == [472, 1087]


def test_simulators_formats(tmp_path):
    vidur = tt.read(written(tmp_path, files.VIDUR))
    assert (vidur.timestamp.tolist(), vidur.input_tokens.tolist()) == ([0.25, 1.5], [100, 200])
    splitwise = tt.read(written(tmp_path, files.SPLITWISE))
    assert splitwise.client_id.tolist() == [3, 0]
    assert splitwise.output_tokens.tolist() == [64, 32]
    servingsim = tt.read(written(tmp_path, files.LLMSERVINGSIM))
    assert servingsim.timestamp.tolist() == [1.000000001, 2]


def test_rebase_counts_from_the_first_row(tmp_path):
    path = written(tmp_path, files.BURSTGPT)
    assert tt.read(path, rebase=True).timestamp.tolist() == [0, 40]


def test_columns_add_to_a_known_format(tmp_path):
    path = written(tmp_path, files.BURSTGPT)
    trace = tt.read(path, columns={"client": "Model", "total": "Total tokens"})
    assert trace.client.tolist() == ["ChatGPT", "GPT-4"]
    assert trace.total.tolist() == [490, 1087]


def test_only_the_wanted_columns_are_read(tmp_path):
    path = written(tmp_path, NUMBERED + "0,1,2\n1,x,3\n")
    scan = tt.scan(path)
    table = pa.Table.from_batches(scan.batches(["output_tokens", "timestamp"]))
    assert table.to_pydict() == {"output_tokens": [2, 3], "timestamp": [0, 1]}
    with pytest.raises(ValueError, match="'x' is not a column; there are timestamp"):
        scan.batches(["x"])


# Containers and tables


def _containers(text: str, table: pa.Table) -> dict[str, bytes]:
    parquet, file, stream = pa.BufferOutputStream(), pa.BufferOutputStream(), pa.BufferOutputStream()
    pq.write_table(table, parquet)
    for open_writer, sink in ((pa.ipc.new_file, file), (pa.ipc.new_stream, stream)):
        with open_writer(sink, table.schema) as writer:
            writer.write_table(table)
    binary = [sink.getvalue().to_pybytes() for sink in (parquet, file, stream)]
    texts = [text.encode(), packed(text, "gzip"), packed(text, "zstd")]
    names = ["parquet", "arrow file", "arrow stream", "csv", "csv.gz", "csv.zst"]
    return dict(zip(names, binary + texts, strict=True))


def test_the_container_is_told_by_the_bytes(tmp_path):
    expected = tt.read(written(tmp_path, files.NATIVE))
    for content in _containers(files.NATIVE, expected.to_arrow()).values():
        assert tt.read(written(tmp_path, content)) == expected
    assert tt.read(written(tmp_path, files.NATIVE_JSONL)) == expected


@pytest.mark.parametrize("change", ["bom", "crlf", "no last newline", "empty lines"])
@pytest.mark.parametrize("name", files.TEXTS)
def test_ways_of_writing_a_text_change_nothing(name, change, tmp_path):
    text = files.TEXTS[name]
    changed = {
        "bom": "\ufeff" + text,
        "crlf": text.replace("\n", "\r\n"),
        "no last newline": text.rstrip("\n"),
        "empty lines": text.replace("\n", "\n\n"),
    }[change]
    assert tt.read(written(tmp_path, changed)) == tt.read(written(tmp_path, text, "plain"))


def test_tables_in_memory(tmp_path):
    trace = tt.read(written(tmp_path, files.NATIVE))
    table = trace.to_arrow()
    for source in (trace, table, trace.to_pandas(), table.to_batches()[0], tt.scan(table)):
        assert tt.read(source) == trace
    reader = tt.scan(pa.RecordBatchReader.from_batches(table.schema, table.to_batches()))
    assert pa.Table.from_batches(reader.batches()).num_rows == 3
    with pytest.raises(tt.TraceError, match="can be read only once"):
        list(reader.batches())


@pytest.mark.parametrize("kind", [pa.large_string(), pa.string(), pa.dictionary(pa.int32(), pa.string())])
def test_any_sort_of_text_is_a_label_or_a_date(kind):
    texts = pa.array(["2025-01-01", "2025-01-02"])
    table = pa.table({"t": texts.cast(kind), "input_tokens": [1, 2], "output_tokens": [1, 2]})
    trace = tt.read(table, columns={"timestamp": "t", "client": "t"}, units={"timestamp": "date"})
    assert trace.timestamp.tolist() == [0, 86_400]
    assert trace.client.tolist() == texts.to_pylist()


def test_lists_of_any_sort_are_read_in_slices(tmp_path, monkeypatch):
    monkeypatch.setattr(table_source, "_ROWS", 3)
    lists = [[i] * (i % 4) for i in range(10)]
    for kind in (pa.list_(pa.uint32()), pa.list_(pa.int64()), pa.large_list(pa.float64())):
        table = pa.table(
            {"timestamp": np.arange(10.0), "input_tokens": range(10), "output_tokens": range(10)}
        )
        table = table.append_column("hash_ids", pa.array(lists, kind))
        pq.write_table(table, tmp_path / "trace")
        for source in (table, tmp_path / "trace", table.to_batches()[0]):
            assert [ids.tolist() for ids in tt.read(source).hash_ids] == lists


def test_times_that_are_missing_are_not_written(tmp_path):
    trace = tt.read(written(tmp_path, files.MOONCAKE_SESSION))
    with pytest.raises(ValueError, match="timestamp: row 2 has none"):
        trace.write(tmp_path / "trace.csv")


def with_metadata(path: Path, job: str | bytes) -> Path:
    table = pa.table({name: pa.array([1, 2]) for name in ("timestamp", "input_tokens", "output_tokens")})
    pq.write_table(table.replace_schema_metadata({"tracetide.job": job}), path)
    return path


@pytest.mark.parametrize(
    ("job", "said"),
    [
        ('{"block_size": 1e300}', r"block_size: 1e\+300 is not allowed; it must be a whole number"),
        ('{"block_size": [1]}', "block_size: a list is not allowed; it must be a whole number"),
        ('{"block_size": -1}', "block_size: -1 is not allowed"),
        ('{"block_size": 4294967296}', "block_size: 4294967296 is not allowed"),
        (
            '{"duration": 1e300}',
            r"duration: 1e\+300 is not allowed; it must be less than or equal to 4000000000",
        ),
        ('{"duration": 0}', "duration: 0 is not allowed; it must be greater than 0"),
        ('{"duration": NaN}', "duration: nan is not allowed; it must be a finite number"),
        ('{"duration": "1h"}', "duration: '1h' is not allowed; it must be a number"),
        ('{"duration": true}', "duration: True is not allowed; it must be a number"),
        ('{"block_size": 16, "prompt_blocks": [5, "x"]}', "prompt_blocks.1: 'x' is not allowed"),
        ('{"a": ' + "[" * 100_000 + "]" * 100_000 + "}", "nested too deeply; 200 levels are allowed"),
        ('{"a": ' + "[" * 200 + "]" * 200 + "}", "nested too deeply; 200 levels are allowed"),
        ('{"profile": []}', "profile: a list is not allowed; it must be a dictionary$"),
        ('{"profile": {"name": 1}}', "profile.name: 1 is not allowed; it must be a string"),
        ('{"seed": -1}', "seed: -1 is not allowed"),
        ('{"counts": {}}', "counts: a dict is not allowed; it must be a string"),
        ("{", "not JSON that can be read: "),
        (b'{"a": "\xff"}', "not JSON that can be read: "),
        ("[1]", "list is not allowed; it must be a JSON object"),
    ],
)
def test_metadata_of_a_file_are_checked(job, said, tmp_path):
    path = with_metadata(tmp_path / "t.parquet", job)
    with pytest.raises(tt.TraceError, match=rf"t\.parquet: the metadata 'tracetide\.job': (?s:.*){said}"):
        tt.read(path)


def test_metadata_of_others_are_kept(tmp_path):
    job = {"client_names": [1, 2], "rate": 5, "deep": json.loads("[" * 150 + "]" * 150)}
    path = with_metadata(tmp_path / "t.parquet", json.dumps(job))
    tt.read(path).write(tmp_path / "again.parquet")
    assert tt.read(tmp_path / "again.parquet").metadata == job
    describe_trace(tt.read(tmp_path / "again.parquet"))


def test_metadata_of_a_trace_in_memory_are_checked_where_they_are_used(tmp_path):
    trace = tt.read(written(tmp_path, files.NATIVE))
    trace.metadata = {"duration": 1e300}
    with pytest.raises(tt.TraceError, match="metadata: duration: 1e\\+300 is not allowed"):
        describe_trace(trace)


@pytest.mark.parametrize("kind", [pa.string(), pa.large_string(), pa.dictionary(pa.int32(), pa.string())])
@pytest.mark.parametrize("container", ["parquet", "memory"])
def test_a_name_that_is_not_utf8_is_told_with_its_row(kind, container, tmp_path):
    is_large = pa.types.is_large_string(kind)
    octets = pa.array([b"a", b"b\xff", b"c"], pa.large_binary() if is_large else pa.binary())
    names = octets.view(pa.large_string() if is_large else pa.string())
    if pa.types.is_dictionary(kind):
        names = names.dictionary_encode()
    numbers = {name: pa.array([1, 2, 3]) for name in ("timestamp", "input_tokens", "output_tokens")}
    source = table = pa.table({**numbers, "client": names})
    if container == "parquet":
        source = tmp_path / "t.parquet"
        pq.write_table(table, source)
    said = r"row 2, column 'client': b'b\\xff' is not allowed; it must be a text in UTF-8"
    with pytest.raises(tt.TraceError, match=said):
        tt.read(source)


@pytest.mark.parametrize("text", [files.MOONCAKE_SESSION, files.LLMSERVINGSIM_SESSIONS])
def test_a_session_that_is_not_utf8_is_told(text, tmp_path):
    with pytest.raises(tt.TraceError, match="UTF-8"):
        tt.read(written(tmp_path, text.encode().replace(b'"b"', b'"b\xff"')))


def test_a_session_that_is_nested_too_deeply_is_told(tmp_path):
    many = files.LLMSERVINGSIM_SESSIONS * 400  # more than are looked at for the types
    deep = '{"session_id": "c", "arrival_time_ns": "x", "a": ' + "[" * 100_000 + "]" * 100_000 + "}\n"
    with pytest.raises(tt.TraceError, match=r":1201: it is no JSON: .*nested too deeply"):
        tt.read(written(tmp_path, many + deep))


@pytest.mark.parametrize("name", [*files.TEXTS, "llmservingsim-sessions"])
@pytest.mark.parametrize("damage", [False, True])
def test_parsers_get_no_memory_that_python_owns(name, damage, tmp_path, monkeypatch):
    owners = []

    def seen(parse):
        def wrapper(source, **options):
            # The bytes of Python may not be changed; what pyarrow has allocated may.
            owners.append(source.read_buffer().parent.is_mutable)
            source.seek(0)
            return parse(source, **options)

        return wrapper

    for module, function in ((pyarrow.csv, "read_csv"), (pyarrow.json, "read_json")):
        monkeypatch.setattr(module, function, seen(getattr(module, function)))
    content = files.TEXTS.get(name, files.LLMSERVINGSIM_SESSIONS)
    path = written(tmp_path, content + content.splitlines()[-1][:-9].replace("0", "x") if damage else content)
    if damage:
        with pytest.raises(tt.TraceError):
            tt.read(path)
    else:
        tt.read(path)
    assert owners
    assert all(owners)


def test_a_parsers_copy_holds_nothing_of_python():
    data = b"1,2\n" * 1000
    before = sys.getrefcount(data)
    reader = text_blocks.native_reader(data)
    assert sys.getrefcount(data) == before
    assert reader.read() == data
    assert text_blocks.native_reader(b"").read() == b""


def test_a_scan_is_arrow_data(tmp_path):
    scan = tt.scan(written(tmp_path, files.MOONCAKE))
    assert pa.table(scan) == pa.Table.from_batches(scan.batches())


@pytest.mark.parametrize(
    ("unit", "times"),
    [
        ("s", [0.5, 1.25, 1.25]),
        ("ms", [500, 1250, 1250]),
        ("us", [500_000, 1_250_000, 1_250_000]),
        ("ns", [500_000_000, 1_250_000_000, 1_250_000_000]),
    ],
)
def test_a_table_has_named_columns_and_stated_units(unit, times, tmp_path):
    frame = pd.DataFrame({"arrived": times, "prompt_len": [1, 2, 3], "reply_len": [4, 5, 6.0]})
    frame["user"] = ["x", "007", "x"]
    columns = {**MAPPED, "client": "user"}
    frame.to_csv(tmp_path / "table.csv", index=False)
    frame.to_json(tmp_path / "table.jsonl", orient="records", lines=True)
    frame.to_parquet(tmp_path / "table.parquet")
    for source in (frame, *(tmp_path / f"table.{kind}" for kind in ("csv", "jsonl", "parquet"))):
        trace = tt.read(source, columns=columns, units={"timestamp": unit})
        assert trace.timestamp.tolist() == [0.5, 1.25, 1.25]
        assert trace.output_tokens.tolist() == [4, 5, 6]
        assert trace.output_tokens.dtype == np.uint32
        assert trace.client.tolist() == ["x", "007", "x"]


def test_dates_are_told_by_the_type_or_stated(tmp_path):
    texts = ["2025-03-01T00:00:00", "2025-03-01T00:00:00.25", "2025-03-01T01:00:00.000000001"]
    frame = pd.DataFrame({"arrived": texts, "prompt_len": 1, "reply_len": 2})
    expected = [0, 0.25, 3600.000000001]
    for source in (frame, written(tmp_path, frame.to_csv(index=False))):
        trace = tt.read(source, columns=MAPPED, units={"timestamp": "date"})
        assert trace.timestamp.tolist() == expected
    frame["arrived"] = pd.to_datetime(frame["arrived"], format="ISO8601").astype("datetime64[ns]")
    assert tt.read(frame, columns=MAPPED).timestamp.tolist() == expected
    frame["arrived"] = frame["arrived"].dt.tz_localize("Europe/Paris")
    assert tt.read(frame, columns=MAPPED).timestamp.tolist() == expected


def test_unix_times_in_nanoseconds_stay_exact(tmp_path):
    start = 1_700_000_000_123_456_789
    text = f"arrived,prompt_len,reply_len\n{start},1,2\n{start + 1},1,2\n"
    trace = tt.read(written(tmp_path, text), columns=MAPPED, units={"timestamp": "ns"}, rebase=True)
    assert trace.timestamp.tolist() == [0, 1e-9]


def test_clients_keep_the_type_of_the_source(tmp_path):
    lines = '{"timestamp":0,"input_tokens":1,"output_tokens":2,"user":%s}\n'
    for user, kind in (("7", pa.int64()), ('"7"', pa.string())):
        scan = tt.scan(written(tmp_path, lines % user), columns={"client": "user"})
        assert scan.schema.field("client").type == kind
    frame = pd.DataFrame({"timestamp": [0.0], "input_tokens": [1], "output_tokens": [2]})
    frame["user"] = pd.Categorical(["x"])
    assert tt.read(frame, columns={"client": "user"}).client.tolist() == ["x"]


def test_quoted_values_may_have_commas_and_line_breaks(tmp_path, monkeypatch):
    monkeypatch.setattr(text_blocks, "BLOCK", 16)
    text = 'prompt,arrived,prompt_len,reply_len\n"a, ""b""\n\nc",1,2,3\nd,2,"3",4\n"\n",5,6,7\n'
    path = written(tmp_path, text)
    trace = tt.read(path, columns={**MAPPED, "client": "prompt"}, units={"timestamp": "s"})
    assert trace.client.tolist() == ['a, "b"\n\nc', "d", "\n"]
    assert trace.input_tokens.tolist() == [2, 3, 6]
    with pytest.raises(tt.TraceError, match=r"trace:6: row 3, column 'reply_len': 'x'"):
        tt.read(written(tmp_path, text[:-2] + "x\n"), columns=MAPPED, units={"timestamp": "s"})


# Blocks and round trips


@settings(max_examples=40, deadline=None)
@given(
    rows=st.lists(
        st.tuples(
            st.integers(0, 10**15),
            st.integers(0, 2**32 - 1),
            st.lists(st.integers(0, 2**32 - 1), max_size=3),
            st.text(st.characters(codec="utf-8", exclude_characters="\r\0"), max_size=5),
            st.one_of(st.none(), st.floats(0, 1e6)),
        ),
        min_size=1,
        max_size=20,
    ),
    kind=st.sampled_from(["parquet", "arrow", "csv", "jsonl", "csv.gz", "jsonl.zst"]),
    block=st.integers(1, 200),
)
def test_what_is_written_is_read_the_same(tmp_path_factory, rows, kind, block):
    lists = [row[2] for row in rows]
    ids = tt.ListColumn(
        np.cumsum([0, *map(len, lists)]).astype(np.int32),
        np.array([item for items in lists for item in items], dtype=np.uint32),
    )
    trace = tt.Trace(
        {
            "timestamp": np.sort(np.array([row[0] for row in rows])) / 1e9,
            "client_id": np.arange(len(rows), dtype=np.uint32),
            "client": np.array([row[3] for row in rows], dtype=object),
            "session_id": np.array([row[0] * 10**4 for row in rows], dtype=np.uint64),
            "turn": np.array([1 + row[1] % 65535 for row in rows], dtype=np.uint16),
            "delay": np.array([np.nan if row[4] is None else row[4] for row in rows]),
            "input_tokens": np.array([row[1] for row in rows], dtype=np.uint32),
            "output_tokens": np.array([row[1] // 2 for row in rows], dtype=np.uint32),
            "image_tokens": ids,
            "hash_ids": ids,
        }
    )
    path = tmp_path_factory.mktemp("any") / f"trace.{kind}"
    trace.write(path)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(text_blocks, "BLOCK", block)
        assert tt.read(path) == trace
    assert tt.Trace.read(path) == trace


@settings(max_examples=100, deadline=None)
@given(
    chats=st.permutations(range(16)).map(lambda chats: [2 * chat for chat in chats]),
    parents=st.lists(st.integers(-2, 32), min_size=1, max_size=16),
    block=st.integers(1, 400),
)
def test_sessions_are_lines_of_a_tree_of_chats(tmp_path_factory, chats, parents, block):
    """Parents above, below, absent and in circles; blocks of any size."""
    sessions: dict[int, int] = {}
    have_child = set()
    lines = []
    for chat, parent in zip(chats, parents, strict=False):
        parent = max(parent, -1)
        goes_on = parent >= 0 and parent != chat and parent not in have_child
        sessions[chat] = sessions.get(parent, parent) if goes_on else chat
        have_child |= {parent} - {-1, chat}
        row = {"chat_id": chat, "parent_chat_id": parent, "timestamp": len(lines)}
        lines.append(json.dumps({**row, "input_length": 1, "output_length": 1}) + "\n")
    path = written(tmp_path_factory.mktemp("any"), "".join(lines))
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(text_blocks, "BLOCK", block)
        found = tt.read(path)
    assert found["chat_id"].tolist() == list(sessions)
    assert found["parent_chat_id"].tolist() == [max(parent, -1) for parent in parents]
    assert found.session_id.tolist() == list(sessions.values())


def _bailian(*chats: tuple[int, int, int]) -> str:
    """Lines of chats with their parents and turns."""
    return "".join(
        json.dumps({"chat_id": chat, "parent_chat_id": parent, "timestamp": row, "input_length": 1,
                    "output_length": 1, "turn": turn}) + "\n"
        for row, (chat, parent, turn) in enumerate(chats)
    )  # fmt: skip


@settings(max_examples=100, deadline=None)
@given(
    rows=st.lists(st.tuples(st.integers(-1, 20), st.integers(1, 4)), min_size=1, max_size=20),
    order=st.permutations(range(20)),
    block=st.integers(1, 300),
)
def test_a_turn_of_a_session_is_there_once(tmp_path_factory, rows, order, block):
    """Whatever turns and parents a file tells, unless it is refused."""
    chats = [(chat, parent, turn) for chat, (parent, turn) in zip(order, rows, strict=False)]
    path = written(tmp_path_factory.mktemp("any"), _bailian(*chats))
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(text_blocks, "BLOCK", block)
        try:
            found = tt.read(path)
        except tt.TraceError as error:
            if "its child above has turn" not in str(error):
                raise
            return
    assert found.turn.tolist() == [turn for _, _, turn in chats]
    turns = list(zip(found.session_id.tolist(), found.turn.tolist(), strict=True))
    assert len(set(turns)) == len(turns)


def test_a_second_child_of_a_chat_begins_a_session(tmp_path):
    path = written(tmp_path, _bailian((1, -1, 1), (2, 1, 2), (3, 1, 2), (4, 2, 3), (5, 3, 3)))
    trace = tt.read(path)
    assert trace.session_id.tolist() == [1, 1, 3, 1, 3]
    assert trace["chat_id"].tolist() == [1, 2, 3, 4, 5]
    assert trace["parent_chat_id"].tolist() == [-1, 1, 1, 2, 3]
    (only,) = tt.scan(path).batches(["chat_id"])
    assert only.column(0).to_pylist() == [1, 2, 3, 4, 5]
    trace.write(tmp_path / "native.csv")
    assert tt.read(tmp_path / "native.csv")["parent_chat_id"].tolist() == [-1, 1, 1, 2, 3]


def test_chats_that_cannot_be_told_apart_are_refused(tmp_path):
    _refused(written(tmp_path, _bailian((1, -1, 1), (1, -1, 1))), "row 2, column 'chat_id': 1 is not allowed")
    later = _bailian((2, 1, 2), (1, -1, 2))
    _refused(written(tmp_path, later), "row 2, column 'turn': 2 is not allowed; its child above has turn 2")
    assert tt.read(written(tmp_path, _bailian((2, 1, 2), (1, -1, 1)))).session_id.tolist() == [1, 1]


@settings(max_examples=30, deadline=None)
@given(sessions=st.lists(st.integers(0, 4), min_size=1, max_size=40), block=st.integers(1, 400))
def test_turns_are_counted_across_blocks(tmp_path_factory, sessions, block):
    seen: dict[int, int] = {}
    lines, turns = [], []
    for row, session in enumerate(sessions):
        turns.append(seen[session] + 1 if session in seen else 1)
        seen[session] = turns[-1]
        time = {"timestamp": row} if turns[-1] == 1 else {"delay": 1}
        lines.append(json.dumps({"session_id": f"s{session}", **time, "input_length": 1, "output_length": 1}))
    path = written(tmp_path_factory.mktemp("any"), "\n".join(lines))
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(text_blocks, "BLOCK", block)
        assert tt.read(path).turn.tolist() == turns


# Refusals: values


@pytest.mark.parametrize(
    ("rows", "says"),
    [
        ("0,1,2\n2,1,2\n1,1,2\n", "trace:4: row 3, column 'timestamp': 1.0 .* before the row above (2 s)"),
        ("2025-01-01,1,2\n", "row 1, column 'timestamp': '2025-01-01' .* units={'timestamp': 'date'}"),
        ("-1,1,2\n", "row 1, column 'timestamp': -1.0 is not allowed; it must be a time from 0 on"),
        ("nan,1,2\n", "row 1, column 'timestamp': nan .* finite"),
        ("0,1,2\ninf,1,2\n", "row 2, column 'timestamp': inf .* finite"),
        ("1700000000000,1,2\n", "row 1, column 'timestamp': 17.* less than 1e10 s; is 's' its unit?"),
        ("yesterday,1,2\n", "row 1, column 'timestamp': 'yesterday' .* must be a number"),
        (",1,2\n", "row 1, column 'timestamp': a missing value"),
        ("0,1,2\n1,many,2\n", "trace:3: row 2, column 'input_tokens': 'many' .* must be a number"),
        ("0,1,2\n1,,2\n", "trace:3: row 2, column 'input_tokens': a missing value"),
        ("0,1,2\n\n1,3,\n", "trace:4: row 2, column 'output_tokens': a missing value"),
        ("0,1.5,2\n", "row 1, column 'input_tokens': 1.5 .* whole number from 0 to 4294967295"),
        ("0,-3,2\n", "row 1, column 'input_tokens': -3 .* whole number from 0"),
        ("0,1e18,2\n", "row 1, column 'input_tokens': 1e.18 .* 4294967295"),
        ("0,1,4294967296\n", "row 1, column 'output_tokens': 4294967296 .* 4294967295"),
        ("0,1,99999999999999999999999999\n", "row 1, column 'output_tokens': 1e.26 .* 4294967295"),
        ("0,nan,2\n", "row 1, column 'input_tokens': nan .* whole number"),
        ("0,1,2\n0,1\n", "trace:3: row 2: 2 values are not allowed; the header has 3 columns: '0,1'"),
        ("0,1,2\n0,1,2,3\n", "trace:3: row 2: 4 values"),
        ("0,1,\xff\n", "trace:2: the byte b'.xff' is not allowed"),
        ("", "without rows"),
    ],
)
def test_a_wrong_value_in_csv_is_named(rows, says, tmp_path):
    _refused(written(tmp_path, (NUMBERED + rows).encode("latin-1")), says)


@pytest.mark.parametrize(
    ("line", "says"),
    [
        ('{"timestamp":1,"input_tokens":1}', "row 2, column 'output_tokens': a missing value"),
        ('{"timestamp":1,"input_tokens":null,"output_tokens":1}', "row 2, column 'input_tokens': a missing"),
        ('{"timestamp":"1","input_tokens":1,"output_tokens":1}', "column 'timestamp': '1' .* be a number"),
        ('{"timestamp":1,"input_tokens":true,"output_tokens":1}', "'input_tokens': True .* be a number"),
        ('{"timestamp":1,"input_tokens":[1],"output_tokens":1}', "'input_tokens': .1. .* be a number"),
        ('{"timestamp":1,"input_tokens":1.5,"output_tokens":1}', "'input_tokens': 1.5 .* whole number"),
        ('{"timestamp":1,"input_tokens":1e18,"output_tokens":1}', "'input_tokens': 1e.18 .* 4294967295"),
        ('{"timestamp":1,"input_tokens":1' + "0" * 30 + ',"output_tokens":1}', "'input_tokens': 1e.30 "),
        ('{"timestamp":NaN,"input_tokens":1,"output_tokens":1}', "'timestamp': nan .* finite"),
        ('{"timestamp":1,"input_tokens":1,"output_tokens":1', "trace:2: row 2: .* is no JSON"),
        (
            '{"timestamp":1,"timestamp":1,"input_tokens":1,"output_tokens":1}',
            "key 'timestamp' is there twice",
        ),
        ("7", "trace:2: row 2: 7 is not allowed; every line must be an object"),
        ("[" * 100_000, "trace:2: row 2: .* nested too deeply"),
        ('{"timestamp":1,"input_tokens":1,"output_tokens":1,"hash_ids":[-1]}', "'hash_ids': -1 .* whole"),
        ('{"timestamp":1,"input_tokens":1,"output_tokens":1,"hash_ids":3}', "'hash_ids': 3 .* a list"),
        ('{"timestamp":1,"input_tokens":1,"output_tokens":1,"hash_ids":[null]}', "'hash_ids'"),
    ],
)
def test_a_wrong_value_in_json_lines_is_named(line, says, tmp_path):
    first = '{"timestamp":0,"input_tokens":1,"output_tokens":1,"hash_ids":[1]}\n'
    _refused(written(tmp_path, first + line + "\n"), says)


@pytest.mark.parametrize(
    ("column", "values", "says"),
    [
        ("timestamp", [0.0, None, 2.0], "row 2, column 'timestamp': a missing value"),
        ("timestamp", [0.0, 2.0, 1.0], "row 3, column 'timestamp': 1.0 .* before the row above"),
        (
            "timestamp",
            ["a", "b", "c"],
            "row 1, column 'timestamp': 'a' .* a number.*; the column has the type string",
        ),
        ("input_tokens", [1, -2, 3], "row 2, column 'input_tokens': -2 "),
        ("input_tokens", [1, 2, 2**32], "row 3, column 'input_tokens': 4294967296 "),
        ("input_tokens", [1.0, 2.5, 3.0], "row 2, column 'input_tokens': 2.5 "),
        ("input_tokens", [1.0, 2.0, float("nan")], "row 3, column 'input_tokens': nan|missing"),
        ("input_tokens", [True, False, True], "row 1, column 'input_tokens': True .* be a number"),
        ("input_tokens", ["1", "2", "3"], "row 1, column 'input_tokens': '1' .* be a number"),
        ("image_tokens", [[1], [2, -1], []], "row 2, column 'image_tokens': -1 "),
        ("image_tokens", [[1], [2, None], []], "row 2, column 'image_tokens': a missing value"),
        ("image_tokens", [[], ["x"], []], "row 2, column 'image_tokens': .'x'. .* whole numbers"),
        ("image_tokens", [None, None, None], "row 1, column 'image_tokens': a missing value"),
        ("image_tokens", [1, 2, 3], "column 'image_tokens': 1 .* list"),
        ("image_tokens", ["[1]", "1;2", "[]"], "row 2, column 'image_tokens': '1;2' is not a list"),
    ],
)
@pytest.mark.parametrize("is_file", [True, False])
def test_a_wrong_value_in_a_table_is_named(column, values, says, is_file, tmp_path):
    columns = {"timestamp": [0.0, 1.0, 2.0], "input_tokens": [1, 2, 3], "output_tokens": [1, 2, 3]}
    table = pa.table({**columns, column: values})
    if is_file:
        pq.write_table(table, tmp_path / "trace")
    _refused(tmp_path / "trace" if is_file else table, says)


def test_rows_are_counted_across_blocks(tmp_path, monkeypatch):
    rows = [f"{i},1,2\n" for i in range(1000)]
    rows[900] = "900,x,2\n"
    for block in (1 << 8, 1 << 12, 1 << 20):
        monkeypatch.setattr(text_blocks, "BLOCK", block)
        _refused(
            written(tmp_path, NUMBERED + "".join(rows)), "trace:902: row 901, column 'input_tokens': 'x'"
        )
        back = [*rows[:900], "5,1,2\n"]
        _refused(written(tmp_path, NUMBERED + "".join(back)), "trace:902: row 901, .* above (899 s)")


@pytest.mark.parametrize(
    ("old", "new", "says"),
    [
        ("18:15:50.9951690", "18:15:70.9951690", "row 2, column 'TIMESTAMP': '2023-11-16 18:15:70.9951690'"),
        ("18:15:50.9951690", "18:15:40.9951690", "row 2, column 'TIMESTAMP': .* before the row above"),
        ("2023-11-16 18:15:50.9951690", "", "row 2, column 'TIMESTAMP': a missing value|''"),
        ("2023-11-16 18:15:50.9951690", "9999-11-16 18:15:50", "row 2, column 'TIMESTAMP'"),
        ("2023-11-16 18:15:46.6805900", "now", "row 1, column 'TIMESTAMP': 'now' .* a date"),
    ],
)
def test_a_wrong_date_is_named(old, new, says, tmp_path):
    _refused(written(tmp_path, files.AZURE.replace(old, new, 1)), says)


def test_a_negative_chat_is_named(tmp_path):
    _refused(
        written(tmp_path, files.BAILIAN.replace('"chat_id": 8', '"chat_id": -8')), "row 2, .*'chat_id': -8"
    )


def test_ids_up_to_the_largest_are_exact(tmp_path):
    text = "request_id,timestamp,input_tokens,output_tokens\n%s,1,2,3\n"
    assert tt.read(written(tmp_path, text % (2**64 - 1))).request_id.tolist() == [2**64 - 1]
    assert tt.read(written(tmp_path, text % (2**64 - 1) + "1,1,2.0,3\n")).request_id[0] == 2**64 - 1
    _refused(written(tmp_path, text % 2**64), "row 1, column 'request_id': 1.8446744073709552e.19")


def test_a_first_turn_needs_a_time(tmp_path):
    text = files.MOONCAKE_SESSION.replace('"b", "timestamp": 250', '"b", "delay": 250')
    _refused(written(tmp_path, text), "row 3, column 'timestamp': a missing value")


# Refusals: columns, formats, units


def test_a_table_of_other_columns_is_refused_with_its_columns(tmp_path):
    text = "arrived,prompt_len,reply_len\n1,2,3\n"
    _refused(written(tmp_path, text), "no known format: 'arrived', 'prompt_len', 'reply_len'; say which")


def test_two_possible_formats_are_not_guessed(tmp_path):
    text = (
        "timestamp,input_tokens,output_tokens,arrived_at,num_prefill_tokens,num_decode_tokens\n1,2,3,4,5,6\n"
    )
    path = written(tmp_path, text)
    _refused(path, "those of native and of vidur; say which it is with format=")
    assert tt.read(path, format="vidur").timestamp.tolist() == [4]
    seconds = '{"timestamp": 3, "input_length": 6, "output_length": 5}\n'
    path = written(tmp_path, seconds)
    _refused(path, "milliseconds.*seconds.*format='mooncake'")
    assert tt.read(path, format="mooncake").timestamp.tolist() == [0.003]
    assert tt.read(path, format="mooncake", units={"timestamp": "s"}).timestamp.tolist() == [3]


@pytest.mark.parametrize(
    ("options", "says"),
    [
        ({"format": "mooncacke"}, "'mooncacke' is not known.*did you mean 'mooncake'"),
        ({"format": "bailian"}, "csv is not allowed for bailian; it must be jsonl"),
        ({"format": "azure"}, "column 'TIMESTAMP' is missing, for timestamp of azure; there are 'timestamp'"),
        ({"format": "table"}, "columns: 'timestamp' is missing"),
        ({"columns": {"client": "client"}}, "column 'client' is missing.*did you mean 'client_id'"),
        ({"columns": {"timestamp": "timestamp"}}, "the unit of 'timestamp'.*s, ms, us, ns, date"),
        ({"units": {"timestamp": "min"}}, "'min' is not known for 'timestamp'"),
        ({"units": {"turn": "s"}}, "'turn' has no unit"),
    ],
)
def test_wrong_options_are_refused(options, says, tmp_path):
    with pytest.raises(ValueError, match=says):
        tt.scan(written(tmp_path, files.NATIVE), **options)


def test_a_column_that_is_there_twice_is_refused(tmp_path):
    path = written(tmp_path, "timestamp,input_tokens,input_tokens,output_tokens\n1,2,3,4\n")
    _refused(path, "column 'input_tokens': it is there 2 times")


def test_what_is_no_source_is_refused(tmp_path):
    with pytest.raises(FileNotFoundError, match="no file"):
        tt.scan(tmp_path / "nothing")
    with pytest.raises(FileNotFoundError, match="a folder"):
        tt.scan(tmp_path)
    with pytest.raises(TypeError, match="int is not allowed; it must be a path"):
        tt.scan(3)


# Refusals: damaged and hostile files


@pytest.mark.parametrize(
    ("content", "says"),
    [
        (b"", "empty file"),
        (b"\n\n", "empty file"),
        (b"\xef\xbb\xbf", "empty file"),
        (b"\x00\xff" * 1000, "binary data"),
        ("timestamp,input_tokens\n".encode("utf-16"), "binary data"),
        (b"\x89PNG\r\n\x1a\n\x00\x00", "binary data"),
        (b"caf\xe9,b\n1,2\n", r"byte b'\\xe9' is not UTF-8"),
        (b'[{"timestamp": 1}]', "a JSON array is not allowed"),
        (b'{"timestamp": 1', "row 1: .* is no JSON"),
        (b"PAR1", "not a Parquet file"),
        (b"ARROW1\0\0", "not an Arrow file"),
        (b"\xff\xff\xff\xff\xff\xff\xff\x7f", "not an Arrow file"),
        (b"\x1f\x8b", "gzip data are damaged|empty"),
        (gzip.compress(b"", mtime=0), "empty"),
        (gzip.compress(b"PAR1abc", mtime=0), "binary data"),
    ],
)
def test_what_is_no_trace_at_all_is_refused(content, says, tmp_path):
    _refused(written(tmp_path, content), says, literal=False)


def test_a_file_that_is_cut_off_is_refused_or_shorter(tmp_path):
    trace = tt.read(written(tmp_path, files.NATIVE))
    for name, content in _containers(files.NATIVE, trace.to_arrow()).items():
        for end in range(len(content)):
            found = _read_or_refused(written(tmp_path, content[:end], f"{name} {end}"))
            if found is not None:
                assert name in ("csv", "csv.zst", "arrow stream")  # which do not tell their length
                assert len(found) <= 3


def test_any_damage_is_refused_with_one_line(tmp_path):
    random = np.random.default_rng(3)
    contents = [text.encode() for text in files.TEXTS.values()]
    trace = tt.read(written(tmp_path, files.NATIVE))
    contents += _containers(files.NATIVE, trace.to_arrow()).values()
    pieces = [b"-1", b"1e18", b"nan", b'"', b"\n", b",", b"[", b"{", b"\xff", b"\0", b"9" * 30, b"{}"]
    for number in range(1500):
        content = bytearray(contents[random.integers(len(contents))])
        for _ in range(random.integers(1, 4)):
            at = int(random.integers(len(content) + 1))
            content[at : at + int(random.integers(4))] = pieces[random.integers(len(pieces))]
        _read_or_refused(written(tmp_path, bytes(content), f"trace {number}"))


HOSTILE = {
    "fraction": "1.5",
    "negative": "-1",
    "beyond 32 bits": "4294967296",
    "beyond 64 bits": "18446744073709551616",
    "beyond floats": "1e400",
    "no number": '"many"',
    "nothing": "",
}


@pytest.mark.parametrize("value", HOSTILE)
@pytest.mark.parametrize("name", files.TEXTS)
def test_a_wrong_number_is_refused_in_every_format(name, value, tmp_path):
    path = files.written(tmp_path, files.with_input(name, HOSTILE[value]))
    with pytest.raises(tt.TraceError) as caught:
        tt.read(path)
    message = str(caught.value)
    assert message.startswith(str(path))
    assert "\n" not in message
    assert len(message) < 600


@pytest.mark.parametrize("name", files.TEXTS)
def test_damage_is_refused_in_every_format(name, tmp_path):
    """A second header or key, noise, text that is no UTF-8, times that go back."""
    whole = files.TEXTS[name]
    first = whole.splitlines()[0]
    twice = (
        whole.replace("{", f'{{"{files.INPUTS[name]}": 3, ')
        if first.startswith("{")
        else "".join(
            f"{line},{line.split(',')[first.split(',').index(files.INPUTS[name])]}\n"
            for line in whole.splitlines()
        )
    )
    back = whole + (whole if first.startswith("{") else whole.split("\n", 1)[1])
    if name == "mooncake-session":
        back = whole.replace('"timestamp": 250', '"timestamp": -250')
    for content in (
        twice.encode(),
        whole.encode()[:-9] + b"\0\xff\xfe" * 40,
        whole.encode().replace(b"0", b"\xc3\x28"),
        back.encode(),
    ):
        path = files.written(tmp_path, content)
        with pytest.raises(tt.TraceError) as caught:
            tt.read(path)
        assert str(caught.value).startswith(str(path))
        assert "\n" not in str(caught.value)


@pytest.mark.parametrize("value", ["null", "1", '"x"', "[]", "true"])
@pytest.mark.parametrize("name", ["mooncake", "native json", "llmservingsim", "sessions"])
def test_values_that_are_no_objects_are_refused(name, value, tmp_path):
    """pyarrow 26 crashes on a null among objects."""
    texts = {**files.TEXTS, "native json": files.NATIVE_JSONL, "sessions": files.LLMSERVINGSIM_SESSIONS}
    lines = texts[name].splitlines()
    for wrong in ([*lines, value], [value, *lines], [*lines[:1], f"  {value} ", *lines[1:]],
                  [lines[0] + value, *lines[1:]], [f"{lines[0]} {value}{lines[0]}"]):  # fmt: skip
        path = files.written(tmp_path, "\n".join(wrong) + "\n")
        with pytest.raises(tt.TraceError):
            tt.read(path)


def test_texts_may_look_like_other_values(tmp_path):
    line = '{"timestamp": 1, "input_tokens": 2, "output_tokens": 3, "client": "} null {"}\n'
    assert tt.read(files.written(tmp_path, line * 3)).client.tolist() == ["} null {"] * 3


def test_blis_counts_rounds_from_zero_and_reasons_by_ratio(tmp_path):
    trace = tt.read(files.written(tmp_path, files.BLIS))
    assert trace.timestamp.tolist() == [0.5, 1.5]
    assert trace.turn.tolist() == [1, 3]
    assert trace.reason_tokens.tolist() == [5, 0]
    assert trace.client.tolist() == ["batch", "chat"]
    assert trace.session_id.tolist() == ["", "s1"]
    wrong = files.BLIS.replace("0.25", "1.25")
    with pytest.raises(tt.TraceError, match=r"reason_ratio.*1\.25 is not allowed; it must be from 0 to 1"):
        tt.read(files.written(tmp_path, wrong))


def test_a_ratio_is_a_number_where_the_format_is_another(tmp_path):
    path = written(tmp_path, "timestamp,input_tokens,output_tokens,reason_ratio\n0,1,2,0.5\n")
    assert tt.read(path)["reason_ratio"].tolist() == [0.5]


def test_lines_of_sessions_become_rows(tmp_path):
    path = files.written(tmp_path, files.LLMSERVINGSIM_SESSIONS)
    trace = tt.read(path)
    assert tt.scan(path).format == "llmservingsim"
    assert trace.session_id.tolist() == ["a", "a", "", "b"]
    assert trace.turn.tolist() == [1, 2, 1, 1]
    assert trace.input_tokens.tolist() == [1, 3, 200, 5]
    assert trace.output_tokens.tolist() == [2, 4, 30, 6]
    assert np.array_equal(trace.timestamp, [5e-9, np.nan, 2, 1], equal_nan=True)
    assert np.array_equal(trace.delay, [np.nan, 1.5, np.nan, np.nan], equal_nan=True)


@pytest.mark.parametrize(
    ("old", "new", "says"),
    [
        (
            '"sub_requests": [{"input_toks": 1',
            '"sub_requests": [{"input_toks": 1.5',
            "column 'input_toks': 1.5",
        ),
        (
            '"sub_requests": [{"input_toks": 1',
            '"sub_requests": [5, {"input_toks": 1',
            "column 'sub_requests'",
        ),
        ('"session_id": "b"', '"session_id": 5', "column 'session_id': 5 is not allowed"),
        ('"input_toks": 200', '"input_toks": -200', "row 3, column 'input_toks': -200 is not allowed"),
        ('"output_toks": 6', '"outputs": 6', "row 4, column 'output_toks': a missing value"),
        ('"tool_duration_ns": 1500000000', '"tool_duration_ns": -1', "row 2, column 'tool_duration_ns'"),
        ('"arrival_time_ns": 1000000000', '"arrival_time_ns": 1e3', "column 'arrival_time_ns'"),
        ("]}\n", "]\n", "is no JSON"),
    ],
)
def test_a_wrong_line_of_a_session_is_named(old, new, says, tmp_path):
    content = files.LLMSERVINGSIM_SESSIONS.replace(old, new)
    assert content != files.LLMSERVINGSIM_SESSIONS
    with pytest.raises(tt.TraceError) as caught:
        tt.read(files.written(tmp_path, content))
    assert says in str(caught.value)


@pytest.mark.parametrize("start", [NUMBERED + "1,", '{"timestamp": "', NUMBERED + '1,"\n'])
def test_a_line_without_end_is_refused_in_bounded_memory(start, tmp_path):
    # 1 GiB, as 1 MiB of gzip. Of the text only the longest allowed line is read.
    member = gzip.compress(b"7" * (1 << 24))
    path = written(tmp_path, gzip.compress(start.encode()) + 64 * member)
    tracemalloc.start()
    try:
        _refused(path, "more than 64 MiB in one line")
        assert tracemalloc.get_traced_memory()[1] < 5 * text_blocks.LONGEST_LINE
    finally:
        tracemalloc.stop()


# Real data


def test_the_azure_trace(data_dir):
    path = data_dir / "traces" / "AzureLLMInferenceTrace_conv.csv"
    if not path.is_file():
        pytest.skip(f"no real data: {path} is not a file")
    trace = tt.read(path)
    lines = path.read_text().split()[1:]
    assert len(trace) == 19_366
    assert trace.timestamp[1] == 4.314579
    assert trace.input_tokens.sum() == sum(int(line.split(",")[1]) for line in lines if "," in line)


def test_the_mooncake_trace(data_dir):
    path = data_dir / "traces" / "conversation_trace.jsonl"
    if not path.is_file():
        pytest.skip(f"no real data: {path} is not a file")
    trace = tt.read(path)
    rows = [json.loads(line) for line in path.read_text().splitlines()]
    assert (trace.timestamp * 1000).tolist() == pytest.approx([row["timestamp"] for row in rows])
    assert trace.input_tokens.tolist() == [row["input_length"] for row in rows]
    assert trace.output_tokens.tolist() == [row["output_length"] for row in rows]
    assert [ids.tolist() for ids in trace.hash_ids] == [row["hash_ids"] for row in rows]


def _read_or_refused(path: Path) -> tt.Trace | None:
    """The trace, or None after checking that the error is one line that begins with the file."""
    try:
        return tt.read(path)
    except tt.TraceError as error:
        message = str(error)
    assert message.startswith(str(path))
    assert "\n" not in message
    return None


def _refused(source: object, says: str, *, literal: bool = True) -> None:
    """Check that reading gives one error of one line. In `says` only `.`, `*` and `|` are special."""
    pattern = re.sub(r"([()\[\]?+])", r"\\\1", says) if literal else says
    with pytest.raises(tt.TraceError, match=pattern) as caught:
        tt.read(source)
    assert "\n" not in str(caught.value)
    assert len(str(caught.value)) < 1000


# What the first rows do not tell


def test_a_known_number_may_have_decimals_late(tmp_path):
    """Release 2 of BurstGPT has whole seconds in one file and decimals in another."""
    rows = "".join(f"{row},s,7,GPT-4,5,6,11,API log\n" for row in range(30000))
    header = files.BURSTGPT_SESSIONS.partition("\n")[0] + "\n"
    path = written(tmp_path, header + rows + "30000,s,2.5,GPT-4,5,6,11,API log\n")
    assert tt.read(path).elapsed_time[-2:].tolist() == [7, 2.5]
    tt.convert(path, tmp_path / "v.csv", format="vidur")
    tt.convert(
        written(tmp_path, header + "0,s,43,GPT-4,5,6,11,API log\n", "w"), tmp_path / "v.csv", format="vidur"
    )
    assert (tmp_path / "v.csv").read_text().splitlines()[1].split(",")[-1] == "43"


@pytest.mark.parametrize(("ids", "kind"), [(("7", "9"), np.uint64), (('"s"', '"t"'), object)])
@pytest.mark.parametrize("container", ["csv", "jsonl"])
def test_sessions_have_the_type_of_the_first_that_there_is(ids, kind, container, tmp_path):
    row = '{"timestamp":%d,"session_id":%s,"input_tokens":1,"output_tokens":2}\n'
    if container == "csv":
        row = "%d,%s,1,2\n"
    none = "" if container == "csv" else "null"
    rows = [none] * 40000 + [*ids]
    text = "timestamp,session_id,input_tokens,output_tokens\n" if container == "csv" else ""
    path = written(tmp_path, text + "".join(row % (at, one) for at, one in enumerate(rows)))
    found = tt.read(path).session_id
    assert found.dtype == kind
    assert [str(one) for one in found[-2:]] == [one.strip('"') for one in ids]


def test_delays_may_begin_late(tmp_path):
    line = '{"session_id": "%d", %s, "input_length": 1, "output_length": 1}\n'
    first = "".join(line % (row, f'"timestamp": {row}') for row in range(2000))
    trace = tt.read(written(tmp_path, first + line % (3, '"delay": 1500')))
    assert trace.delay[-1] == 1.5
    assert trace.turn[-1] == 2


@pytest.mark.parametrize("library", ["polars", "pyarrow"])
def test_nan_is_a_missing_value(library, tmp_path):
    columns = {"timestamp": [0.0, 1], "input_tokens": [1, 2], "output_tokens": [1, 2]}
    columns |= {"session_id": ["a", ""], "delay": [float("nan"), 0.5], "mine": [float("nan"), 3]}
    table = pytest.importorskip("polars").DataFrame(columns) if library == "polars" else pa.table(columns)
    (batch,) = tt.scan(table).batches()
    assert batch.column("session_id").to_pylist() == ["a", None]
    assert batch.column("delay").to_pylist() == [None, 0.5]
    assert batch.column("mine").to_pylist() == [None, 3]
    wrong = pa.table(columns | {"timestamp": [0.0, float("nan")]})
    with pytest.raises(tt.TraceError, match="row 2, column 'timestamp': nan is not allowed"):
        tt.read(wrong)


# Times in 64 bits


def test_times_are_nanoseconds_of_64_bits(tmp_path):
    rows = NUMBERED + "0,1,2\n%s,1,2\n"
    assert tt.read(written(tmp_path, rows % 9223372036)).timestamp.tolist() == [0, 9223372036]
    says = "row 2, column 'timestamp': 9223372037.* less than 9223372037 s, or 2.63 nanoseconds"
    _refused(written(tmp_path, rows % 9223372037), says)


@pytest.mark.parametrize("first", [-(2**63), -(2**62) - 1])
def test_a_difference_beyond_64_bits_is_refused(first, tmp_path):
    mapped = {"timestamp": "t", "input_tokens": "i", "output_tokens": "o"}
    table = pa.table({"t": [first, 2**62], "i": [1, 1], "o": [1, 1]})
    scan = tt.scan(table, columns=mapped, units={"timestamp": "ns"}, rebase=True)
    with pytest.raises(tt.TraceError, match=r"row 2, column 't': 46116.*within 292 years of the first"):
        list(scan.batches())
    text = "TIMESTAMP,ContextTokens,GeneratedTokens\n1700-01-01 00:00:00,1,2\n2200-01-01 00:00:00,1,2\n"
    with pytest.raises(
        tt.TraceError, match=r"row 2, column 'TIMESTAMP': '2200.*within 292 years of the first"
    ):
        tt.read(written(tmp_path, text))


@settings(max_examples=100, deadline=None)
@given(
    micros=st.lists(st.integers(0, 10**9), min_size=1, max_size=20),
    start=st.integers(0, 2 * 10**15),
    finer=st.lists(st.booleans(), min_size=20, max_size=20),
)
def test_rebased_decimals_are_exact_and_stay_in_order(micros, start, finer):
    """A seventh decimal is beyond a double, but must not bring rows out of their order."""
    texts = [
        f"{(start + one) / 1e6:.6f}" + "5" * fine for one, fine in zip(sorted(micros), finer, strict=False)
    ]
    times = sorted(map(float, texts))
    table = pa.table(
        {"timestamp": times, "input_tokens": [1] * len(times), "output_tokens": [1] * len(times)}
    )
    found = tt.read(table, rebase=True).timestamp
    assert found == pytest.approx(np.array(times) - times[0], abs=5e-7)
    if not any(finer[: len(micros)]):
        first = min(micros)
        assert np.rint(found * 1e6).tolist() == [one - first for one in sorted(micros)]
        assert found.tolist() == [(one - first) / 1e6 for one in sorted(micros)]


# Columns and lines that nobody needs


@pytest.mark.parametrize("container", ["csv", "table"])
def test_a_further_column_that_is_there_twice_is_not_read(container, tmp_path):
    names = ["timestamp", "input_tokens", "output_tokens", "x", "x", "mine"]
    source: object = written(tmp_path, ",".join(names) + "\n0,1,2,3,4,5\n")
    if container == "table":
        source = pa.table([[0.0], [1], [2], [3], [4], [5]], names=names)
    trace = tt.read(source)
    assert trace.columns == ("timestamp", "input_tokens", "output_tokens", "mine")
    with pytest.raises(tt.TraceError, match="column 'x': it is there 2 times"):
        tt.read(source, columns={"reason_tokens": "x"})


@pytest.mark.parametrize("blank", ["\n", "\r\n", "  \n", "\n" * 5000])
@pytest.mark.parametrize("name", files.TEXTS)
def test_empty_lines_come_before_everything(name, blank, tmp_path):
    text = files.TEXTS[name]
    assert tt.read(written(tmp_path, blank + text)) == tt.read(written(tmp_path, text, "plain"))


def test_errors_count_empty_lines_before_a_header(tmp_path):
    _refused(written(tmp_path, "\n\n" + NUMBERED + "\n0,x,2\n"), "trace:5: row 1, column 'input_tokens'")
    _refused(written(tmp_path, "\n\n\xff,x\n0,2\n".encode("latin-1")), "trace:3: byte .* is not UTF-8")
    _refused(written(tmp_path, "\n" * 5000), "an empty file is not allowed")
    _refused(written(tmp_path, NUMBERED + "\n" * 5000), "without rows")


@pytest.mark.parametrize("codec", ["gzip", "zstd"])
def test_blocks_of_empty_lines_are_read_once(codec, tmp_path, monkeypatch):
    """Whatever is in one is not kept: the time does not grow with the square of their number."""
    monkeypatch.setattr(text_blocks, "BLOCK", 1 << 12)
    path = written(tmp_path, packed(NUMBERED + "\n" * (1 << 20) + "0,1,2\n", codec))
    tracemalloc.start()
    assert tt.read(path).input_tokens.tolist() == [1]
    assert tracemalloc.get_traced_memory()[1] < 1 << 20
    tracemalloc.stop()


def test_more_columns_than_a_table_has_are_refused(tmp_path):
    _refused(written(tmp_path, "a," * (1 << 14)), "trace:1: 16,385 columns are not allowed")
    keys = json.dumps(dict.fromkeys(map(str, range((1 << 14) + 1)), 1))
    _refused(written(tmp_path, keys), "row 1: 16,385 keys are not allowed")
    texts = json.dumps({"a": [""] * (1 << 20)})
    _refused(written(tmp_path, texts), "row 1: more than 1,048,576 keys and texts in a line")
    assert tt.scan(written(tmp_path, NUMBERED.strip() + ",a" * 1000 + "\n0,1,2" + ",b" * 1000)).columns[-1]


# Texts


@pytest.mark.parametrize("kind", [pa.string(), pa.large_string()])
@pytest.mark.parametrize("name", ["client", "session_id", "mine"])
@pytest.mark.parametrize("container", ["parquet", "arrow", "table", "dictionary"])
def test_texts_that_are_not_utf_8_are_refused(kind, name, container, tmp_path):
    raw = pa.array([b"a", b"b\xff"], pa.binary() if kind == pa.string() else pa.large_binary())
    texts = raw.view(kind)
    source: object = pa.table(
        {
            "timestamp": [0.0, 1],
            "input_tokens": [1, 2],
            "output_tokens": [1, 2],
            name: texts.dictionary_encode() if container == "dictionary" else texts,
        }
    )
    if container == "parquet":
        pq.write_table(source, tmp_path / "trace")
        source = tmp_path / "trace"
    elif container == "arrow":
        with pa.ipc.new_file(tmp_path / "trace", source.schema) as file:
            file.write_table(source)
        source = tmp_path / "trace"
    with pytest.raises(tt.TraceError, match=rf"row 2, column '{name}': b'b\\xff' is not allowed"):
        tt.read(source, columns={name: name})


def test_texts_of_json_are_utf_8(tmp_path):
    row = '{"timestamp":0,"input_tokens":1,"output_tokens":1,"client":"%s"}\n'
    good = row % "a" * 1100
    for wrong in ("a\\ud800", "a\xff"):
        path = written(tmp_path, (good + row % wrong).encode("latin-1"))
        _refused(path, "row 1101, column 'client': .* it must be a text in UTF-8")
    _refused(written(tmp_path, (row % "a").replace("client", "\\udfff")), r"the key '\\udfff' is no text")
    assert tt.read(written(tmp_path, row % "\\ud83d\\ude00")).client.tolist() == ["\U0001f600"]


@pytest.mark.parametrize(
    ("seconds", "type"),
    [(2**40, pa.timestamp("s")), (-(2**62), pa.timestamp("s", "UTC")), (2**63 - 1, pa.timestamp("us"))],
)
def test_dates_that_python_does_not_have(seconds, type):
    table = pa.table({"timestamp": pa.array([seconds], type), "input_tokens": [1], "output_tokens": [1]})
    with pytest.raises(
        tt.TraceError, match=f"row 1, column 'timestamp': '{seconds} {type.unit}' is not allowed"
    ):
        tt.read(table, rebase=True)
