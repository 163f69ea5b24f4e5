"""`make notebooks`: run every notebook of this folder and store its outputs, without dates and versions.

`jupyter execute --inplace` would also store the time of each cell and the version of Python. A notebook that fails
stays unchanged and stops the command.
"""

import os
from pathlib import Path

import nbformat
from nbclient import NotebookClient

from thinline.system.atomic_files import write_bytes

HERE = Path(__file__).parent


def stored(path: Path) -> bytes:
    """The bytes of the notebook at `path` with the outputs of a new run."""
    os.environ["PYTHONWARNINGS"] = "ignore:IProgress not found"  # tqdm of a kernel without widgets
    notebook = nbformat.read(path, as_version=4)
    where = {"metadata": {"path": str(HERE)}}
    NotebookClient(notebook, timeout=300, record_timing=False, coalesce_streams=True, resources=where).execute()
    notebook.metadata.language_info = {"name": "python"}
    return (nbformat.writes(notebook) + "\n").encode()


if __name__ == "__main__":
    for path in sorted(HERE.glob("*.ipynb")):
        write_bytes(path, stored(path))
        print(path.name)
