"""Parts of `digitise` and `sheets`: layout of a scan, its job file, scales of curves, drawn against real pages."""
