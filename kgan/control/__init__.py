"""Systems that act: environments, rollouts, demonstrations, the trust-region step, pictures of poses."""

from kgan.control.cloning import clone_behavior
from kgan.control.demonstrations import Demonstrations, load_demonstrations
from kgan.control.drawing import Drawn, draw_frames, draw_pose, draw_strip
from kgan.control.environments import Box, Environment, GymnasiumEnvironments, describe, from_unit, same_world, to_unit
from kgan.control.point_mass import PointMass
from kgan.control.reacher import TwoTargetReacher
from kgan.control.rollouts import Act, Rollouts, actor, rollout
from kgan.control.trust_region import TrustRegionStep, conjugate_gradients, fisher_vector_product, trust_region_step

__all__ = [
    "Act",
    "Box",
    "Demonstrations",
    "Drawn",
    "Environment",
    "GymnasiumEnvironments",
    "PointMass",
    "Rollouts",
    "TrustRegionStep",
    "TwoTargetReacher",
    "actor",
    "clone_behavior",
    "conjugate_gradients",
    "describe",
    "draw_frames",
    "draw_pose",
    "draw_strip",
    "fisher_vector_product",
    "from_unit",
    "load_demonstrations",
    "rollout",
    "same_world",
    "to_unit",
    "trust_region_step",
]
