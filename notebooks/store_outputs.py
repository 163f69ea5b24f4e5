"""`make notebooks`: run every notebook of this folder anew and keep what it shows, but neither dates nor versions.

As `jupyter execute --inplace`, which would write when each cell ran, and by which Python. A notebook that fails is left
as it was, and stops the command.
"""

from pathlib import Path

import nbformat
from nbclient import NotebookClient

from thinline.system.atomic_files import write_bytes

HERE = Path(__file__).parent


def stored(path: Path) -> bytes:
    """The notebook at `path` with the outputs of a fresh run, as it is written."""
    notebook = nbformat.read(path, as_version=4)
    where = {"metadata": {"path": str(HERE)}}
    NotebookClient(notebook, timeout=300, record_timing=False, coalesce_streams=True, resources=where).execute()
    notebook.metadata.language_info = {"name": "python"}
    return (nbformat.writes(notebook) + "\n").encode()


if __name__ == "__main__":
    for path in sorted(HERE.glob("*.ipynb")):
        write_bytes(path, stored(path))
        print(path.name)
