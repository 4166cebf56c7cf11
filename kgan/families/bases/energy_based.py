"""What games whose discriminator is an energy share: the energy of any example."""

import numpy as np
from keras import ops

from kgan.engine import Observation, Terms
from kgan.families.gan import GAN
from kgan.penalties import Scored
from kgan.types import Array


class EnergyBased(GAN):
    """The score of an example is its energy with the other sign: low energy, more real."""

    def energy(self, examples: Array, batch_size: int = 256) -> Array:
        """Energies, in inference mode and with averaged weights if the model keeps averages: low where data are.

        Args:
            examples: array `(count, *data_shape)`. batch_size: examples computed at once.

        Returns:
            NumPy array `(count,)`.
        """
        examples = np.asarray(examples)
        self.check_examples(examples, self.data_shape)
        return self.in_inference(lambda x: ops.reshape(-self.score(x), (-1,)), examples, batch_size=batch_size)

    def discriminator_terms(self, scored: Scored) -> Terms:
        terms = super().discriminator_terms(scored)
        for kind in ("real", "fake"):
            terms[f"{kind}_energy"] = Observation(-terms.pop(f"{kind}_logit").value)
        return terms
