import logging
import time
from pathlib import Path

import pytest
from run_cases import EXPERIMENT, begun, cell, per_class, per_sheet

from thinline.runs import StorageError
from thinline.tracking.attach import attach
from thinline.tracking.tracker import Tracker

CLOSED = "http://127.0.0.1:9"


@pytest.fixture
def files(tmp_path):
    made = [tmp_path / "report.html", tmp_path / "verdicts.csv"]
    for file in made:
        file.write_text(f"content of {file.name}")
    return made


def sent(mlflow_store, files, study="mine", uri=None):
    return attach(uri or mlflow_store.uri, study, files, root=mlflow_store.root, experiment=EXPERIMENT)


def swept(mlflow_store, tags, *, study=None):
    """A sweep with one run that counts among `study`."""
    mine = Tracker(mlflow_store.uri, EXPERIMENT, mlflow_store.root)
    parent = mine.open_parent("sweep", tags)
    if study is not None:
        folder = begun(mlflow_store.root, cell(study), study=study)
        mine.start(folder, parent_id=parent)
        folder.write_results(per_class(), per_sheet())
        folder.finish("FINISHED")
        mine.finish("FINISHED")
        folder.unlock()
    mine.close_parent(parent, "FINISHED")
    return parent


def shown(client, run_id):
    return {file.path: file.file_size for file in client.list_artifacts(run_id, "report")}


def test_files_are_attached_to_the_newest_parent_and_replaced_by_sending_again(mlflow_store, client, files, tmp_path):
    parents = []
    for study in ("mine", "mine", "another"):
        parents.append(swept(mlflow_store, {"study": study}))
        time.sleep(0.002)  # MLflow stores the start of a run in milliseconds
    for _ in range(2):
        assert sent(mlflow_store, files) == parents[1]
        assert shown(client, parents[1]) == {f"report/{file.name}": file.stat().st_size for file in files}
    assert shown(client, parents[0]) == shown(client, parents[2]) == {}
    assert client.get_run(parents[1]).info.status == "FINISHED"
    (tmp_path / "got").mkdir()
    files[0].write_text("another content, longer than before")
    sent(mlflow_store, files)
    got = client.download_artifacts(parents[1], "report/report.html", str(tmp_path / "got"))
    assert Path(got).read_text() == "another content, longer than before"


def test_a_sweep_without_the_tag_is_found_by_its_runs(mlflow_store, client, files):
    swept(mlflow_store, {"overrides": "x"}, study="another")
    parent = swept(mlflow_store, {"overrides": "y"}, study="mine")
    assert sent(mlflow_store, files) == parent
    tagged = swept(mlflow_store, {"study": "mine"})
    assert sent(mlflow_store, files) == tagged


@pytest.mark.parametrize("uri", [CLOSED, "nonsense"])
def test_a_failure_is_one_warning(mlflow_store, files, caplog, uri):
    swept(mlflow_store, {"study": "mine"})
    with caplog.at_level(logging.WARNING):
        assert sent(mlflow_store, files, uri=uri) is None
    [record] = caplog.records
    assert uri in record.getMessage()
    assert str(files[0].parent) in record.getMessage()


def test_a_study_without_sweep_is_reported(mlflow_store, files, caplog):
    with caplog.at_level(logging.WARNING):
        assert sent(mlflow_store, files, study="nobody") is None
    assert "expected a parent run of study 'nobody', got none" in caplog.text


def test_a_missing_file_is_an_error(mlflow_store, tmp_path):
    with pytest.raises(StorageError, match=r"got none at .*none\.html"):
        sent(mlflow_store, [tmp_path / "none.html"])
