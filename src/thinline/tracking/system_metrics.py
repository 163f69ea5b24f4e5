"""Load of the machine during a run (processor, memory, disk, network, GPU) as MLflow metrics `system/...`.

Conventions

- An option (`tracking.system_metrics=true`), since it writes 8 numbers every 10 s, and more for each GPU. MLflow's own
  variables MLFLOW_SYSTEM_METRICS_SAMPLING_INTERVAL and MLFLOW_SYSTEM_METRICS_SAMPLES_BEFORE_LOGGING change the
  interval.
- MLflow alone has these numbers: `thinline replay` cannot send them again.
- It needs psutil, and nvidia-ml-py for NVIDIA GPUs. Without psutil a run says so once and goes on.
"""

from __future__ import annotations

import logging
from importlib.util import find_spec
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from mlflow.system_metrics.system_metrics_monitor import SystemMetricsMonitor

logger = logging.getLogger(__name__)


class SystemMetrics:
    """The monitor of one run at a time, in a thread of this process."""

    def __init__(self, uri: str) -> None:
        self.uri = uri
        self._monitor: SystemMetricsMonitor | None = None
        self._missing = find_spec("psutil") is None
        if self._missing:
            logger.warning(
                "tracking.system_metrics=true: expected the package psutil, got none, so MLflow gets no system "
                "metrics. Install it: pip install psutil (and nvidia-ml-py for NVIDIA GPUs)"
            )

    def start(self, run_id: str) -> None:
        """Monitor the machine until `stop`; steps go on where those of the run ended."""
        if self._missing or self._monitor is not None:
            return
        from mlflow.system_metrics import system_metrics_monitor  # needs psutil

        # it logs a line when it starts and when it ends
        logging.getLogger(system_metrics_monitor.__name__).setLevel(logging.WARNING)
        self._monitor = system_metrics_monitor.SystemMetricsMonitor(  # type: ignore[no-untyped-call]
            run_id, resume_logging=True, tracking_uri=self.uri
        )
        self._monitor.start()  # type: ignore[no-untyped-call]

    def stop(self) -> None:
        """End the monitor, after it has sent what it measured."""
        monitor, self._monitor = self._monitor, None
        if monitor is not None:
            monitor.finish()  # type: ignore[no-untyped-call]
