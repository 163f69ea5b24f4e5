"""Trace several curves of a track together: which ink belongs to which curve is decided here, not by the network.

tracer      TrackTracer takes strips of the maps; trace_track traces whole maps
runs        rows of the maps as runs of ink and centre lines
fragments   chains of runs without a choice
links       which fragment may follow which, and its cost
paths       N paths of least total cost (flow of least cost)
positions   the run of each path in every row; where paths meet
stretches   the pen of each path between meetings
naming      which path is which curve: continuity, pens, hints, order
courses     column, confidence, lap, and bridged rows of each curve
"""

from thinline.curves.many.courses import TracedCurve
from thinline.curves.many.tracer import TracedTrack, Track, TrackTracer, trace_track

__all__ = ["TracedCurve", "TracedTrack", "Track", "TrackTracer", "trace_track"]
