"""One run: from a configuration to sheets, network, scores and run folder; and opening a finished run."""
