"""Where work over parts runs: in this process, or on a cluster.

Whatever is too large for one table is a sequence of parts: a file each, or a small description.
A verb says what is done with one of them, as a function that can be pickled and knows nothing
else, and an engine does it with all: results come in the order of the parts, a few at a time. A
part may be worked on again, where its worker died or its connection broke, so that what a
function writes it must write whole or not at all, under a name that the part gives.
"""

from workbench.engine.choice import NAMES, engine_from, engine_of
from workbench.engine.engine import Engine
from workbench.engine.local import Local
from workbench.engine.ray_cluster import Ray

__all__ = ["NAMES", "Engine", "Local", "Ray", "engine_from", "engine_of"]
