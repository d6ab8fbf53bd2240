"""Implementations for the tests of the judge: right, wrong in some way, deadly; all can travel to other processes."""

import os
import signal

import numpy as np

from vosref.backend import use_cpu
from vosref.conformance.capabilities import Capabilities
from vosref.distance import embedding_distance
from vosref.matching import global_matching, local_matching


class Right:
    """The definitions, of the distance and of local matching."""

    def embedding_distance(self, query, reference):
        with use_cpu("numpy"):
            return embedding_distance(query, reference)

    def local_matching(self, query, previous, labels, *, grid, window_radius):
        with use_cpu("numpy"):
            return local_matching(query, previous, labels, grid=grid, window_radius=window_radius)


class Wrong(Right):
    """A window that is too small, a column that is off, and an error where the window is a pixel."""

    name = "wrong"
    capabilities = Capabilities(("float32", "float64"), operations=("local_matching", "global_matching"))

    def global_matching(self, query, reference, labels, *, n_neighbours):
        with use_cpu("numpy"):
            found = np.array(global_matching(query, reference, labels, n_neighbours=n_neighbours))
        found[:, -1] *= 1.01
        return found

    def local_matching(self, query, previous, labels, *, grid, window_radius):
        if window_radius == 0:
            raise ValueError('no window in """<&>"""\\')
        return super().local_matching(query, previous, labels, grid=grid, window_radius=window_radius - 1)


class Deadly(Right):
    """Its process dies of it."""

    def embedding_distance(self, query, reference):
        os.kill(os.getpid(), signal.SIGKILL)
