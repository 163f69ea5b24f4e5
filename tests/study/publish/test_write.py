"""The whole folder of a study, from its results."""

from collections import Counter
from dataclasses import replace

import pytest
from study_cases import THREE, planted

from thinline.study.publish.write import publish
from thinline.study.stats import estimates


@pytest.fixture(scope="module")
def results():
    return planted(replace(THREE, seeds=("0", "1", "2"), primary=("test/iou",)), sheets=3)


def test_nothing_is_estimated_twice(results, tmp_path, monkeypatch):
    """Effects, verdicts, figures and report: every contrast of every measure is computed once."""
    computed = Counter()
    compute = estimates._computed

    def counted(data, weights):
        computed.update((data.split, data.measure, data.name, (row + 0.0).tobytes()) for row in weights)
        return compute(data, weights)

    monkeypatch.setattr(estimates, "_computed", counted)
    published = publish(tmp_path, results, [])
    assert {"frontier", "decision_matrix", "interactions_iou", "heat_map", "rank_stability"} <= set(published.figures)
    assert len(computed) > 500
    assert [key[:3] for key, times in computed.items() if times > 1] == []
    written = {path.name for path in tmp_path.iterdir()}
    assert {"results.parquet", "conditions.csv", "effects.csv", "report.html", "digests.json"} <= written
