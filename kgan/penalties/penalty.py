"""The form of a term that families take in `penalties=`."""


class Penalty:
    """A weighted term of a discriminator's loss. Subclasses say at which points, and what.

    Args:
        weight: float >= 0, the factor of the term.

    Attributes:
        name: str, the key of the term in the logs.
    """

    name = "penalty"

    def __init__(self, weight):
        if not weight >= 0:
            raise ValueError(f"`weight` must be a number >= 0. Received: weight={weight!r}.")
        self.weight = float(weight)

    def __call__(self, model, real, fake):
        """The weighted scalar, for a two-player model and a minibatch of real and generated examples."""
        raise NotImplementedError(f"{type(self).__name__} must define __call__(model, real, fake).")

    def get_config(self):
        return {"weight": self.weight}

    @classmethod
    def from_config(cls, config):
        return cls(**config)
