"""What `make bench` says of the machine and stores: with files that are written here."""

import json
import sys

import machine
import one_bench
import pytest
import results_file
import run
from rows import Row, without

FLAGS = "fpu cx16 lahf_lm popcnt pni sse4_1 sse4_2 ssse3"
THREE = "avx avx2 bmi1 bmi2 f16c fma abm movbe xsave"
FOUR = "avx512f avx512bw avx512cd avx512dq avx512vl"


@pytest.mark.parametrize(
    ("flags", "level"),
    [
        ("fpu", "x86-64-v1"),
        (FLAGS, "x86-64-v2"),
        (f"{FLAGS} {THREE}", "x86-64-v3"),
        (f"{FLAGS} {THREE} {FOUR} amx_bf16", "x86-64-v4"),
        (f"{FLAGS} {FOUR}", "x86-64-v2"),  # a level has all flags of those below it
    ],
)
def test_the_level_of_a_processor(flags, level):
    text = f"processor\t: 0\nmodel name\t: A Processor\nflags\t\t: {flags}\n\nprocessor\t: 1\n"
    assert machine.level_of(text) == level
    assert machine.name_of(text) == "A Processor"


def test_busy_time_is_that_of_our_cores_without_idle_and_disk():
    stat = "cpu  9 9 9 9 9 9 9 9 0 0\ncpu0 1 2 4 800 900 8 16 32 5 5\ncpu1 100 0 0 0 0 0 0 0 0 0\nintr 5 7\n"
    assert machine.busy_ticks(stat, {0}) == 1 + 2 + 4 + 8 + 16 + 32
    assert machine.busy_ticks(stat, {0, 1}) == 163


def test_own_time_is_that_of_the_process_and_its_descendants(tmp_path):
    """A child may have a lower number than its parent; the name of a process may hold spaces and brackets."""
    for number, parent, ticks in ((50, 1, 1), (70, 50, 10), (60, 70, 100), (80, 1, 1000)):
        (tmp_path / str(number)).mkdir()
        fields = [parent, *[0] * 9, ticks, ticks, ticks, ticks, 20, 0]
        (tmp_path / f"{number}/stat").write_text(f"{number} (a) b) S {' '.join(map(str, fields))}\n")
    assert machine.own_ticks(tmp_path, 50) == 4 * 111


def test_others_are_what_our_processes_do_not_use(tmp_path, monkeypatch):
    clock = iter([10.0, 12.0])
    monkeypatch.setattr(machine.time, "perf_counter", lambda: next(clock))
    monkeypatch.setattr(machine, "cores", lambda: {0})
    monkeypatch.setattr(machine.os, "sysconf", lambda name: 100)
    own = iter([0, 120])
    monkeypatch.setattr(machine, "own_ticks", lambda root, process: next(own))
    (tmp_path / "stat").write_text("cpu0 100 0 0 0 0 0 0 0\n")
    watch = machine.Watch(tmp_path)
    (tmp_path / "stat").write_text("cpu0 270 0 0 30 0 0 0 0\n")
    assert watch.others() == pytest.approx(0.25)  # 1.7 s busy, 1.2 s of them ours, in 2 s


def test_a_system_without_proc_does_not_say_what_others_use(tmp_path):
    assert machine.Watch(tmp_path).others() is None
    assert Row("a", 1.0, others=None).measured


RUN = {"date": "2026-11-30", "machine": "A", "versions": {}}


def stored(*names_and_ratios, bench="losses", threads=1):
    rows = [Row(name, ratio, spread=0.01, pairs=9, seconds=(1, 2), cores=(1, 1)) for name, ratio in names_and_ratios]
    return results_file.merged(
        {"rows": [], "runs": {}}, bench, threads, rows, run=RUN | {"date": "earlier"}, complete=True
    )


def ratios(content):
    return {(row["bench"], row["threads"], row["name"]): row["ratio"] for row in content["rows"]}


def test_a_run_replaces_the_rows_of_its_bench_and_threads_alone():
    content = stored(("dice", 2.0), ("gone", 3.0))
    content = results_file.merged(content, "losses", 2, [Row("dice", 4.0)], run=RUN, complete=True)
    content = results_file.merged(content, "losses", 1, [Row("dice", 2.12345)], run=RUN, complete=True)
    assert ratios(content) == {("losses", 1, "dice"): 2.123, ("losses", 2, "dice"): 4.0}
    assert set(content["runs"]) == {row["run"] for row in content["rows"]}, "the earlier run has no row any more"


def test_rows_that_were_not_measured_keep_their_result_and_those_not_held_still_lose_it():
    content = stored(("exacta", 2.0), ("busy", 3.0), ("shaky", 4.0))
    rows = [without("exacta", "exacta"), Row("busy", 9.0, others=1.0), Row("shaky", None, spread=0.4, pairs=30)]
    content = results_file.merged(content, "losses", 1, rows, run=RUN, complete=True)
    assert ratios(content) == {
        ("losses", 1, "exacta"): 2.0,
        ("losses", 1, "busy"): 3.0,
        ("losses", 1, "shaky"): None,
    }
    dates = {row["name"]: content["runs"][row["run"]]["date"] for row in content["rows"]}
    assert dates == {"exacta": "earlier", "busy": "earlier", "shaky": "2026-11-30"}


def test_a_run_that_failed_halfway_adds_its_rows_and_removes_none():
    content = results_file.merged(stored(("a", 1.0), ("b", 2.0)), "losses", 1, [Row("a", 5.0)], run=RUN, complete=False)
    assert ratios(content) == {("losses", 1, "a"): 5.0, ("losses", 1, "b"): 2.0}


def test_the_file_is_read_as_it_was_written_and_has_a_line_for_a_row(tmp_path):
    path = tmp_path / "bench.json"
    assert results_file.read(path) == {"rows": [], "runs": {}}
    content = stored(("a", 1.0), ("b", None))
    results_file.write(path, content)
    assert results_file.read(path) == json.loads(path.read_text()) == content
    assert [line.startswith('  {"bench"') for line in path.read_text().splitlines()].count(True) == 2


class OneRow:
    """A bench."""

    @staticmethod
    def main():
        return [Row("dice", 2.0, spread=0.01, pairs=9)]


def test_a_bench_is_stored_with_machine_and_load_and_a_loaded_machine_is_asked_for(tmp_path, monkeypatch, capsys):
    monkeypatch.setattr(one_bench, "RESULTS", tmp_path / "bench.json")
    monkeypatch.setitem(sys.modules, "bench_nothing", OneRow)
    monkeypatch.setattr(one_bench.machine.Watch, "others", lambda watch: 0.0)
    assert one_bench.main(["nothing", "--loaded"]) == 0
    assert not (tmp_path / "bench.json").exists()
    assert one_bench.main(["nothing"]) == 0
    content = results_file.read(tmp_path / "bench.json")
    assert ratios(content) == {("nothing", None, "dice"): 2.0}
    (only,) = content["runs"].values()
    assert {"date", "commit", "machine", "versions", "load before", "load after"} == set(only)
    assert "BLAS kernels: " in only["machine"]
    assert "torch" in only["versions"]
    monkeypatch.setattr(one_bench.machine.Watch, "others", lambda watch: 0.8)
    one_bench.main(["nothing"])
    out, err = capsys.readouterr()
    assert "the machine is busy: other processes use 0.80 cores" in err
    assert "not believed" in out
    assert results_file.read(tmp_path / "bench.json")["rows"] == content["rows"]


def test_every_bench_runs_at_one_and_at_two_threads_but_whole_programs(monkeypatch):
    monkeypatch.setattr(machine, "cores", lambda: {0, 1, 2, 3})
    assert set(run.NAMES) > {"losses", "surfaces"}
    assert [run.threads_of(name) for name in ("losses", "surfaces", "study")] == [[1, 2], [1, 2], [None]]
    assert run.threads_of("losses", [4]) == [4]
    monkeypatch.setattr(machine, "cores", lambda: {3})
    assert run.threads_of("losses") == [1]
