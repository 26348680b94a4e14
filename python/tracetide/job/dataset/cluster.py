"""What the engines of clusters have in common: cutting the work into tasks, and what a task does."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from typing import Any, TypeVar

from tracetide.base.addresses import discreet
from tracetide.job.dataset.parts import Run, Work, recorded, write_run
from tracetide.job.dataset.records import Record
from tracetide.job.dataset.verify import problem_of

Item = TypeVar("Item")

_TASKS_PER_WORKER = 8
"""So many tasks for each worker: the last ones end at about the same time, and few windows are made twice."""

RETRIES = 10
"""How often a task begins anew when its worker dies."""


def run_tasks(runs: Sequence[Run], workers: int) -> list[Run]:
    """Runs cut so small that all workers have enough of them."""
    parts = sum(last - first for first, last in runs)
    size = max(1, -(-parts // (workers * _TASKS_PER_WORKER)))
    return [(at, min(at + size, last)) for first, last in runs for at in range(first, last, size)]


def chunks(items: Sequence[Item], workers: int) -> list[Sequence[Item]]:
    """The items in as many chunks as there shall be tasks."""
    size = max(1, -(-len(items) // (workers * _TASKS_PER_WORKER)))
    return [items[at : at + size] for at in range(0, len(items), size)]


def write_task(work: Work, run: Run) -> list[Record]:
    """Write the parts of a run that have no record yet: those that have were written before a retry."""
    with discreet(work.folder.address):
        return _write(work, run)


def _write(work: Work, run: Run) -> list[Record]:
    records: list[Record] = []
    at, last = run
    while at < last:
        found = recorded(work.folder, work.parts[at].name)
        if found is not None:
            records.append(found)
            at += 1
            continue
        end = at + 1
        while end < last and recorded(work.folder, work.parts[end].name) is None:
            end += 1
        records += write_run(work, (at, end), threads=1)
        at = end
    return records


def verify_task(work: Work, records: Sequence[Record]) -> list[tuple[Record, str | None]]:
    """What is wrong with each part."""
    with discreet(work.folder.address):
        return [(record, problem_of(work.folder, record)) for record in records]


def records_of(results: Iterator[Any], rows_written: Callable[[int], None]) -> Iterator[Record]:
    """The records that tasks give, counted as they come."""
    for records in results:
        for record in records:
            rows_written(record.rows)
            yield record
