"""Sources that break one rule of the architecture each, and sources that break none."""

PLANTED = {
    "upwards": ("sheets/planted.py", "from thinline.data import mix", "sheets imports data, which is above it"),
    "upwards to Hydra": ("metrics/planted.py", "import thinline.config.schema", "metrics imports config"),
    "upwards, a package": ("metrics/planted.py", "from thinline import runs", "metrics imports runs, which is above"),
    "upwards, relative": ("losses/planted.py", "from ..training import task", "losses imports training, which is"),
    "upwards in a study": (
        "study/stats/planted.py",
        "from thinline.study.report import page",
        "study.stats imports study.report, which is above it",
    ),
    "sideways": ("losses/planted.py", "from thinline.heads import Head", "heads, a package of its own layer"),
    "sideways, hidden": (
        "training/planted.py",
        "def f() -> None:\n    import thinline.runs",
        "training imports runs, a package of its own layer",
    ),
    "vocabulary": ("vocabulary.py", "from thinline.sheets import sample", "vocabulary imports sheets"),
    "package root": ("__init__.py", "from thinline.sheets import sample", "imports thinline.sheets at once"),
    "package root, an export": ("__init__.py", "from thinline.curves.trace import trace", "export it lazily"),
    "package root, in a function": (
        "__init__.py",
        "def f() -> None:\n    import thinline.sheets",
        "imports thinline.sheets at once",
    ),
    "package root, for types": (
        "__init__.py",
        "if TYPE_CHECKING:\n    from thinline.sheets import sample",
        "thinline.sheets.sample is not in the list of exports",
    ),
    "smp": ("training/planted.py", "from segmentation_models_pytorch import Unet", "only network may"),
    "Lightning": ("sweep/planted.py", "import pytorch_lightning as pl", "sweep imports pytorch_lightning"),
    "MLflow": ("training/planted.py", "import mlflow.tracking", "only tracking may"),
    "jinja2": ("study/publish/planted.py", "import jinja2", "only study.report may"),
    "statsmodels": ("study/claims/planted.py", "import statsmodels.api", "only study.stats may"),
    "filelock": ("runs/planted.py", "import filelock", "only system may"),
    "Hydra": ("runs/planted.py", "from hydra.utils import instantiate", "runs imports hydra"),
    "OmegaConf": ("data/planted.py", "from omegaconf import DictConfig", "data imports omegaconf"),
    "torch in sheets": ("sheets/planted.py", "import torch", "sheets imports torch; it may import cv2, numpy"),
    "torch in curves": ("curves/planted.py", "from torch import Tensor", "curves imports torch"),
    "lasio in sheets": ("sheets/planted.py", "import lasio", "sheets imports lasio"),
    "torch in a study": ("study/stats/planted.py", "import torch", "study.stats imports torch, which it must not"),
    "torch in runs": ("runs/planted.py", "import torch", "runs imports torch, which it must not"),
    "an empty name": ("metrics/utils.py", "X = 1", "a name that says nothing"),
    "a folder of an empty name": ("losses/common/dice.py", "X = 1", "a name that says nothing"),
    "a long file": ("curves/planted.py", "X = 1\n" * 350, "351 lines"),
    "a loose module": ("planted.py", "X = 1", "a loose module"),
    "a package of no layer": ("attic/planted.py", "X = 1", "a package of no layer"),
}
"""(file of the package, source, words of the violation) by what it breaks."""

ALLOWED = {
    "data/planted.py": "import torch\nfrom thinline.sheets import render\nfrom thinline.vocabulary import IGNORE",
    "network/planted.py": "def late() -> None:\n    import segmentation_models_pytorch",
    "tracking/planted.py": "import mlflow",
    "study/stats/planted.py": "from thinline.runs import table",
    "pipeline/planted.py": "import hydra\nfrom thinline.training import fit",
    "curves/planted.py": "import json\nimport lasio\nimport numpy as np",
}
"""Sources by file that break no rule."""
