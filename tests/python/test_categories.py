"""Columns and types of the three categories."""

import numpy as np
import pytest
from small_profiles import DEFAULTS, one_client
from tracetide import _core

COLUMNS = {
    "language": ["timestamp", "client_id", "input_tokens", "output_tokens"],
    "reason": ["timestamp", "client_id", "input_tokens", "output_tokens", "reason_tokens"],
    "multimodal": [
        "timestamp",
        "client_id",
        "input_tokens",
        "output_tokens",
        "text_tokens",
        "image_tokens",
        "audio_tokens",
        "video_tokens",
    ],
}
FIELDS = {
    "language": ["input_tokens", "output_tokens"],
    "reason": ["input_tokens", "output_tokens", "reason_ratio"],
    "multimodal": list(DEFAULTS["multimodal"]),
}


@pytest.fixture(params=COLUMNS)
def category(request):
    return request.param


def test_columns_and_types(category):
    batch = _core.collect(_core.Job(one_client(category=category)))
    assert batch.category == category
    assert batch.names == COLUMNS[category]
    assert len(batch) == 600
    for name in batch.names:
        column = batch.column(name)
        if isinstance(column, tuple):
            offsets, values = column
            assert name in ("image_tokens", "audio_tokens", "video_tokens")
            assert (offsets.dtype, values.dtype) == (np.int32, np.uint32)
            assert offsets.shape == (601,)
        else:
            assert column.dtype == (np.float64 if name == "timestamp" else np.uint32)
            assert column.shape == (600,)


def test_columns_are_read_only_and_outlive_their_batch(category):
    job = _core.Job(one_client(category=category))
    columns = {name: _core.collect(job).column(name) for name in COLUMNS[category]}
    copies = {name: _core.collect(job).column(name) for name in COLUMNS[category]}
    for name, column in columns.items():
        arrays = column if isinstance(column, tuple) else (column,)
        others = copies[name] if isinstance(column, tuple) else (copies[name],)
        for array, other in zip(arrays, others, strict=True):
            np.testing.assert_array_equal(array, other)
            assert not array.flags.writeable
            if array.size:
                with pytest.raises(ValueError, match="WRITEABLE"):
                    array.flags.writeable = True


def test_columns_outlive_their_stream():
    profile = one_client(1000, window_s=10, windows=20)
    kept = [batch.column("timestamp") for batch in _core.Stream(_core.Job(profile, seed=1), batch_size=1000)]
    np.testing.assert_array_equal(
        np.concatenate(kept), _core.collect(_core.Job(profile, seed=1)).column("timestamp")
    )


def test_an_unknown_column_is_refused_by_name(category):
    batch = _core.collect(_core.Job(one_client(category=category)))
    with pytest.raises((KeyError, ValueError), match="nonsense"):
        batch.column("nonsense")
    if category == "language":
        with pytest.raises((KeyError, ValueError), match="reason_tokens"):
            batch.column("reason_tokens")


def test_profile_says_its_category_and_fields(category):
    profile = one_client(category=category)
    assert profile.category == category
    assert sorted(profile.fields) == sorted(FIELDS[category])
