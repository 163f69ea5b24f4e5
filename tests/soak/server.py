"""`make soak`, second part: two sweeps write to one MLflow server over PostgreSQL, which is killed and restarted.

The server is killed with SIGKILL while both sweeps run, and started again after they have ended; then
`thinline replay` sends the missing data. Checked: MLflow has every number of every run folder once, in one FINISHED
run, and no run is left RUNNING. PostgreSQL is installed from the system's packages where it
is missing and this is allowed; exit code 1 when something differs.

python tests/soak/server.py
"""

from __future__ import annotations

import getpass
import os
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
import urllib.request
from collections import Counter
from contextlib import contextmanager
from pathlib import Path

from thinline import runs
from thinline.tracking.page_content import Headline
from thinline.tracking.tracker import MlflowClient

ROOT = Path(__file__).parents[2]
SWEEPS = ("loss=dice,focal,tversky", "loss=soft_ce,lovasz,dice_ce")
SMALL = ["seed=0,1", "budget=smoke", "network.widths=[4,4,8]", "overlays=1", "optimiser.warmup_steps=2"]
CELLS = 12
WAIT_S = 120.0


def main() -> int:
    """Run the soak; 0 when MLflow has what the folders have."""
    programs = postgres()
    with tempfile.TemporaryDirectory() as temporary:
        folder = Path(temporary)
        folder.chmod(0o755)  # the database has another owner
        with database(programs, folder) as backend:
            port = free_port()
            uri = f"http://127.0.0.1:{port}"
            server = serve(backend, port, folder)
            sweeps = [start(folder / "store", uri, words) for words in SWEEPS]
            wait_until(lambda: finished(folder / "store") >= CELLS // 4, "a quarter of the cells")
            os.killpg(server.pid, signal.SIGKILL)
            print(f"server killed after {finished(folder / 'store')} of {CELLS} cells", flush=True)
            codes = [sweep.wait() for sweep in sweeps]
            print(f"sweeps went on without it to exit codes {codes}, {finished(folder / 'store')} cells", flush=True)
            server = serve(backend, port, folder)
            replay = [sys.executable, "-m", "thinline", "replay", "--store", str(folder / "store"), "--uri", uri]
            print(subprocess.run(replay, capture_output=True, text=True).stdout.strip(), flush=True)
            wrong = [f"a sweep ended with {code}" for code in codes if code] + differences(folder / "store", uri)
            os.killpg(server.pid, signal.SIGKILL)
    for line in wrong:
        print(f"WRONG  {line}")
    print("the soak failed" if wrong else "MLflow over PostgreSQL has every number of every run")
    return 1 if wrong else 0


def postgres() -> Path:
    """The folder of PostgreSQL's programs."""
    if not list(Path("/usr/lib/postgresql").glob("*/bin/initdb")) and shutil.which("apt-get"):
        subprocess.run(["apt-get", "install", "--yes", "--quiet", "postgresql"], check=True)
    programs = sorted(Path("/usr/lib/postgresql").glob("*/bin/initdb"))
    if not programs:
        sys.exit("the soak of servers needs PostgreSQL, got none under /usr/lib/postgresql; install it")
    return programs[-1].parent


@contextmanager
def database(programs: Path, folder: Path):
    """A new PostgreSQL on a free port; yields the URI of its database `mlflow`."""
    home, port = folder / "postgres", free_port()
    home.mkdir()
    as_user: list[str] = []
    if os.geteuid() == 0:  # PostgreSQL refuses to run as root
        shutil.chown(home, "postgres")
        as_user = ["setpriv", "--reuid=postgres", "--regid=postgres", "--clear-groups"]
    user = "postgres" if as_user else getpass.getuser()

    def run(*words: str) -> None:
        subprocess.run([*as_user, *words], check=True, stdout=subprocess.DEVNULL, cwd=home)

    run(str(programs / "initdb"), "-D", str(home / "data"), "-A", "trust", "-U", user)
    options = f"-p {port} -k {home} -c listen_addresses=127.0.0.1"
    run(str(programs / "pg_ctl"), "-D", str(home / "data"), "-o", options, "-l", str(home / "log"), "-w", "start")
    try:
        run(str(programs / "createdb"), "-h", "127.0.0.1", "-p", str(port), "-U", user, "mlflow")
        yield f"postgresql+psycopg2://{user}@127.0.0.1:{port}/mlflow"
    finally:
        run(str(programs / "pg_ctl"), "-D", str(home / "data"), "-m", "immediate", "stop")


def serve(backend: str, port: int, folder: Path) -> subprocess.Popen[bytes]:
    """An MLflow server in a process group of its own, answering."""
    words = ["--backend-store-uri", backend, "--artifacts-destination", str(folder / "artifacts"), "--workers", "2"]
    with (folder / "server.log").open("ab") as log:
        server = subprocess.Popen(
            [sys.executable, "-m", "mlflow", "server", "--port", str(port), *words],
            stdout=log,
            stderr=log,
            start_new_session=True,
        )

    def answers() -> bool:
        if server.poll() is not None:
            sys.exit(
                f"the MLflow server ended with {server.returncode}:\n{(folder / 'server.log').read_text()[-3000:]}"
            )
        try:
            with urllib.request.urlopen(f"http://127.0.0.1:{port}/health", timeout=2) as answer:
                return answer.status == 200
        except OSError:
            return False

    wait_until(answers, "the MLflow server")
    return server


def start(store: Path, uri: str, words: str) -> subprocess.Popen[bytes]:
    """One of the sweeps."""
    paths = [f"paths.store={store}", f"tracking.uri={uri}"]
    return subprocess.Popen(
        [sys.executable, str(ROOT / "train.py"), "-m", words, *SMALL, *paths],
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        env=os.environ | {"OMP_NUM_THREADS": "1"},
    )


def finished(store: Path) -> int:
    """How many cells are done."""
    return int((runs.status(store)["status"] == runs.FINISHED).sum()) if (store / "runs").exists() else 0


def wait_until(true, what: str) -> None:
    """Poll; ends the program when it takes too long."""
    deadline = time.monotonic() + WAIT_S
    while not true():
        if time.monotonic() > deadline:
            sys.exit(f"waited {WAIT_S:.0f} s for {what} without success")
        time.sleep(0.2)


def free_port() -> int:
    """A free port."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def differences(store: Path, uri: str) -> list[str]:
    """Differences between MLflow and the run folders."""
    client = MlflowClient(uri)
    experiment = client.get_experiment_by_name("thinline")
    tracked = client.search_runs([experiment.experiment_id], max_results=1000)
    wrong = [f"{run.info.run_name} is {run.info.status}" for run in tracked if run.info.status != "FINISHED"]
    cells = {run.data.tags["run_folder"]: run for run in tracked if "run_folder" in run.data.tags}
    twice = Counter(run.data.tags["run_folder"] for run in tracked if "run_folder" in run.data.tags)
    folders = runs.run_folders(store)
    if sorted(twice.elements()) != sorted(folder.name for folder in folders) or len(folders) != CELLS:
        wrong.append(f"expected each of {CELLS} cells once, got {dict(twice)}")
    for folder in folders:
        tracked_run = cells.get(folder.name)
        own: dict[str, dict[int, float]] = {}
        for line in folder.history():
            for name, value in Headline().of(line.metrics).items():
                own.setdefault(name, {})[line.step] = value
        for name, points in own.items():
            theirs = [] if tracked_run is None else client.get_metric_history(tracked_run.info.run_id, name)
            if sorted((p.step, str(p.value)) for p in theirs) != sorted((s, str(v)) for s, v in points.items()):
                wrong.append(f"{folder.name}: {name} is {[(p.step, p.value) for p in theirs]}, expected {points}")
    return wrong


if __name__ == "__main__":
    sys.exit(main())
