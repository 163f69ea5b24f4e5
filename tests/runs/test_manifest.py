import json
from dataclasses import replace
from datetime import UTC, datetime

import pytest
from run_cases import ORIGIN, cell

from thinline.runs import Failure, Manifest, StorageError
from thinline.runs.manifest import Tracking, age

FULL = Manifest(
    "FAILED",
    cell(head="softmax"),
    ORIGIN,
    "2026-01-01T00:00:00+00:00",
    finished="2026-01-01T00:01:00+00:00",
    attempts=3,
    studies=("three_family", "smoke"),
    exception=Failure("ValueError", "loss is NaN", "Traceback ..."),
    mlflow=Tracking("sqlite:////x.db", "thinline", "dice", "ab12", "cd34", {"p": "1"}, {"t": "2"}, False),
    superseded=("ef56",),
)


@pytest.mark.parametrize("manifest", [FULL, replace(FULL, exception=None, mlflow=None, finished=None, studies=())])
def test_a_manifest_is_read_back_as_it_was(manifest):
    assert Manifest.from_json(manifest.to_json(), "here") == manifest


def test_status_and_cell_are_at_the_top_level_of_the_file():
    record = json.loads(FULL.to_json())
    assert list(record)[:3] == ["status", "factors", "seed"]
    assert record["factors"] == {"loss": "dice", "head": "softmax"}
    assert {"config", "git_commit", "git_dirty", "dataset_digest", "versions", "signatures", "attempts"} <= set(record)
    assert record["mlflow"]["pending"] is False


def test_unknown_keys_of_a_later_version_are_ignored():
    record = json.loads(FULL.to_json()) | {"new_in_2030": 1}
    assert Manifest.from_json(json.dumps(record), "here") == FULL


@pytest.mark.parametrize(
    ("text", "got"),
    [
        ("{", "JSONDecodeError"),
        ("[]", "AttributeError|TypeError"),
        (FULL.to_json().replace('"FAILED"', '"DONE"'), "'DONE' is none of RUNNING, FINISHED, FAILED, KILLED"),
        ('{"status": "FINISHED"}', "TypeError"),
    ],
)
def test_a_damaged_manifest_is_reported_with_its_path(text, got):
    with pytest.raises(StorageError, match=rf"runs/x/manifest\.json: expected the manifest.*({got}).*restore it"):
        Manifest.from_json(text, "runs/x/manifest.json")


def test_a_failure_keeps_the_end_of_the_traceback():
    def deep(level: int) -> None:
        if level == 0:
            raise ValueError("the cause")
        _ = [deep(level - 1) for _ in "x"] if level % 2 else deep(level - 1)

    with pytest.raises(ValueError, match="the cause") as caught:
        deep(80)
    failure = Failure.of(caught.value)
    assert (failure.type, failure.message) == ("ValueError", "the cause")
    assert failure.traceback.endswith("ValueError: the cause")
    assert len(failure.traceback.splitlines()) <= 30


@pytest.mark.parametrize(
    ("seconds", "text"),
    [(0, "0 s"), (59, "59 s"), (60, "1 min"), (3599, "59 min"), (3600, "1 h"), (86_399, "23 h"), (86_400, "1 d")],
)
def test_an_age_is_a_number_of_the_largest_unit(seconds, text):
    assert age("2026-01-01T00:00:00+00:00", now=datetime.fromtimestamp(1_767_225_600 + seconds, UTC)) == f"{text} ago"


def test_a_clock_that_was_set_back_gives_no_negative_age():
    assert age("2026-01-01T00:00:00+00:00", now=datetime(2025, 12, 31, tzinfo=UTC)) == "0 s ago"
