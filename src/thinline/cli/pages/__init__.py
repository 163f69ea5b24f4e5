"""Commands that look at whole pages: the layout of a scan, its job file, and statistics of drawn and real pages."""
