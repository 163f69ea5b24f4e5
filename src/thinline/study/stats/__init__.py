"""Estimates of a study: contrasts with intervals, effects, ranks, components of variance."""
