"""`tracetide fit`."""

from __future__ import annotations

import csv

import pytest
import tracetide as tt
from cli_tools import fails, succeeds
from small_profiles import Client, build


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    made = tmp_path_factory.mktemp("fit")
    pool = tt.ClientPool(build([Client(1.0, "gamma", 0.5), Client(0.5)], windows=3))
    tt.generate(pool, seed=0).write(made / "trace.parquet")
    (made / "log.csv").write_text(
        "at,who,prompt,reply\n"
        + "".join(f"{500 * i},{'ab'[i % 2]},{i % 5 + 1},{i % 7 + 1}\n" for i in range(2000))
    )
    return made


def rows_of(path):
    return list(csv.DictReader(path.read_text().splitlines()))


def test_a_profile_and_a_report(folder):
    done = succeeds(
        "fit", "trace.parquet", "-o", "p.tide", "--report", "r.csv", "--lengths-report", "l.csv", cwd=folder
    )
    line = done.stderr.decode()
    assert line.startswith("p.tide: language profile of 2 clients, 30 min, ")
    assert "from 2,700 requests in " in line
    pool = tt.load(folder / "p.tide")
    assert pool.profile.to_bytes() == tt.fit(folder / "trace.parquet").profile.to_bytes()
    rows = rows_of(folder / "r.csv")
    assert len(rows) == 6
    assert (rows[0]["client"], rows[0]["requests"], rows[0]["family"]) == ("client 0", "600", "gamma")
    assert float(rows[0]["p_gamma"]) > float(rows[0]["p_exponential"])
    assert len(rows_of(folder / "l.csv")) == 4


def test_a_table_with_named_columns(folder):
    named = ["--column", "timestamp=at", "--column", "input_tokens=prompt", "--column", "output_tokens=reply"]
    succeeds(
        "fit", "log.csv", "-o", "q.tide", *named, "--unit", "ms", "--client", "who", "--window", "5min",
        "--epoch", "10min", "--lengths", "parametric", "--quiet", cwd=folder,
    )  # fmt: skip
    pool = tt.load(folder / "q.tide")
    assert (pool.client_names, pool.window, pool.period) == (["a", "b"], 300, 1200)
    assert pool.profile.cells()["rate"].tolist() == pytest.approx([1.0] * 8)


def test_failed_requests_are_told_and_can_be_left_out(folder):
    (folder / "failed.csv").write_text(
        "timestamp,input_tokens,output_tokens\n" + "".join(f"{i},{i % 4},{i % 4}\n" for i in range(400))
    )
    done = succeeds("fit", "failed.csv", "-o", "f.tide", cwd=folder)
    warning, line = done.stderr.decode().splitlines()
    assert warning.startswith(
        "tracetide: warning: failed.csv: 100 of 400 requests, 25 %, have no input or no"
    )
    assert "--drop-empty" in warning
    assert "from 400 requests in " in line
    assert not succeeds("fit", "failed.csv", "-o", "f.tide", "--quiet", cwd=folder).stderr
    done = succeeds("fit", "failed.csv", "-o", "f.tide", "--drop-empty", cwd=folder)
    assert "from 300 requests in " in done.stderr.decode()
    assert len(done.stderr.decode().splitlines()) == 1


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        (["trace.parquet", "-o", "p.csv"], ["--output: 'p.csv' is not allowed", ".tide"]),
        (["none.csv", "-o", "p.tide"], ["none.csv"]),
        (["trace.parquet", "-o", "no/p.tide"], ["cannot write 'no/p.tide': the folder"]),
        (["log.csv", "-o", "p.tide"], ["log.csv", "its columns are those of no known format"]),
        (["log.csv", "-o", "p.tide", "--column", "at"], ["--column: 'at' is not allowed"]),
        (
            ["log.csv", "-o", "p.tide", "--column", "client=a", "--column", "client=b"],
            ["--column: 'client' is there twice"],
        ),
        (["trace.parquet", "-o", "p.tide", "--window", "7s"], ["epoch: '21600' is not allowed"]),
        (["trace.parquet", "-o", "p.tide", "--lengths", "exact"], ["exact"]),
    ],
)
def test_wrong_usage(folder, arguments, says):
    fails("fit", *arguments, says=says, cwd=folder)
