"""Upstream's plugins under upstream's names, one file each. `DEFAULT` is the order and weight they run in.

To add one: a file with a class (see `framework` for its methods), and an entry in `DEFAULT`.
"""

from collections.abc import Callable

from pynetes.scheduler.framework import Plugin, Profile
from pynetes.scheduler.plugins.imagelocality import ImageLocality
from pynetes.scheduler.plugins.interpodaffinity import InterPodAffinity
from pynetes.scheduler.plugins.nodeaffinity import NodeAffinity
from pynetes.scheduler.plugins.nodedeclaredfeatures import NodeDeclaredFeatures
from pynetes.scheduler.plugins.nodename import NodeName
from pynetes.scheduler.plugins.nodeports import NodePorts
from pynetes.scheduler.plugins.noderesources import NodeResourcesBalancedAllocation, NodeResourcesFit
from pynetes.scheduler.plugins.nodeunschedulable import NodeUnschedulable
from pynetes.scheduler.plugins.podtopologyspread import PodTopologySpread
from pynetes.scheduler.plugins.schedulinggates import SchedulingGates
from pynetes.scheduler.plugins.tainttoleration import TaintToleration

#: Constructor and weight of its score (0: it does not score).
DEFAULT: tuple[tuple[Callable[[], Plugin], int], ...] = (
    (SchedulingGates, 0),
    (NodeUnschedulable, 0),
    (NodeName, 0),
    (TaintToleration, 3),
    (NodeAffinity, 2),
    (NodePorts, 0),
    (NodeResourcesFit, 1),
    (PodTopologySpread, 2),
    (InterPodAffinity, 2),
    (NodeResourcesBalancedAllocation, 1),
    (ImageLocality, 1),
    (NodeDeclaredFeatures, 0),
)


def default_profile(scheduler_name: str = "default-scheduler") -> Profile:
    """A profile with the default plugins."""
    made = [(plugin(), weight) for plugin, weight in DEFAULT]
    return Profile(scheduler_name, [plugin for plugin, _ in made], {p.name: w for p, w in made if w})
