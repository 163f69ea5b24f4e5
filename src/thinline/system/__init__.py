"""Services of the operating system: atomic writes, file locks, worker processes, signals, compiled loops, kept memory."""
