"""Services of the operating system: atomic writes, locks, worker processes, signals, compiled loops, kept memory."""
