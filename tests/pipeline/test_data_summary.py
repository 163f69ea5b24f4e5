"""What the manifest and MLflow say of the images of a run."""

import json
from collections import Counter

from folder_cases import draw_folder

from thinline.pipeline.data_summary import dataset_records
from thinline.pipeline.sheets import plan_sheets


def records(conf):
    planned = plan_sheets(conf)
    return planned.splits, {record["split"]: record for record in dataset_records(conf, planned)}


def test_drawn_sheets_are_named_by_family_seed_and_count(tiny):
    splits, named = records(tiny("seed=3")[0])
    assert list(named) == ["train", "val", "test"]
    assert named["train"]["name"] == "archive+procedural"
    assert named["train"]["profile"]["families"] == Counter(spec.family for spec in splits.train.specs)
    assert named["test"]["source"]["tags"]["sheets"] == f"archive {len(splits.test.specs)}"
    assert {record["source"]["tags"]["seed"] for record in named.values()} == {"3"}
    assert json.loads(json.dumps(list(named.values()))) == list(named.values())


def test_the_digest_of_a_split_is_that_of_its_images_alone(tiny):
    """Mixes of one seed share validation and test; another seed shares nothing."""
    fresh, scarce, other = (records(tiny(*changes)[0])[1] for changes in ([], ["data_mix=scarce"], ["seed=1"]))
    assert [fresh[split]["digest"] == scarce[split]["digest"] for split in fresh] == [False, True, True]
    assert not {record["digest"] for record in fresh.values()} & {record["digest"] for record in other.values()}
    assert all(len(record["digest"]) == 16 for record in fresh.values())


def test_a_folder_is_named_by_its_path_and_counted(tiny, tmp_path):
    root = draw_folder(tmp_path / "my scans", [(96, 96)] * 6)
    conf, _ = tiny(
        *("data_mix=folder", f"data_mix.root={root}", "classes=[background,vessel]"),
        "data_mix.class_map={0: background, 255: vessel}",
    )
    splits, named = records(conf)
    assert {record["name"] for record in named.values()} == {"my scans"}
    assert {(record["source_type"], record["source"]["uri"]) for record in named.values()} == {("local", str(root))}
    assert sum(record["profile"]["images"] for record in named.values()) == 6
    assert named["val"]["profile"]["num_rows"] == len(splits.val.specs)
