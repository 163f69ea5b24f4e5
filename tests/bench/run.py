"""`make bench`: ratios against peers, each measured side by side with ours in one process. Above 1 we are faster.

Give names to run a part, as `python tests/bench/run.py losses loop`. Times of one
machine mean little; ratios carry over.
"""

from __future__ import annotations

import importlib
import subprocess
import sys
from pathlib import Path

HERE = Path(__file__).parent
NAMES = sorted(path.stem.removeprefix("bench_") for path in HERE.glob("bench_*.py"))


def main(names: list[str]) -> int:
    """Run each bench in a process of its own, so that one's threads and caches do not favour the next."""
    unknown = sorted(set(names) - set(NAMES))
    if unknown:
        print(f"no bench is called {', '.join(unknown)}; there are {', '.join(NAMES)}")
        return 2
    codes = [subprocess.call([sys.executable, __file__, "--one", name]) for name in names or NAMES]
    return max(codes)


def one(name: str) -> int:
    """Print the rows of one bench."""
    sys.path.insert(0, str(HERE))
    rows = importlib.import_module(f"bench_{name}").main()
    print(f"\n{name}\n{'-' * len(name)}")
    for what, ratio, comment in rows:
        print(f"{ratio:8.2f}  {what:<52}  {comment}")
    return 0


if __name__ == "__main__":
    arguments = sys.argv[1:]
    sys.exit(one(arguments[1]) if arguments[:1] == ["--one"] else main(arguments))
