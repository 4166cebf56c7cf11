"""What games on several domains share: batches of a dict; and those whose generator makes pictures of one domain from another's."""

from collections.abc import Mapping
from typing import Any

from keras import ops

from kgan.engine import AdversarialModel
from kgan.families.bases.generative import GenerativeModel
from kgan.types import SeedLike, Sizes, Tensor


def check_domains(model: Any, batch: Any, shapes: Mapping[str, Sizes], labeled: str = "") -> None:
    """Refuse a batch that is no dict of examples of these domains and shapes; `labeled`: of which there are "labels" in it, in words."""
    expected = {*shapes, "labels"} if labeled else {*shapes}
    if not isinstance(batch, dict) or set(batch) != expected or (labeled and batch["labels"] is None):
        labels = f", and the labels of {labeled} beside it, fit(data, labels)" if labeled else ""
        raise ValueError(
            f"Train with a dict of examples of the domains {list(shapes)}{labels}; kgan.datasets.unpaired makes minibatches of domains of "
            f"different sizes. Received: {list(batch) if isinstance(batch, dict) else type(batch).__name__}."
        )
    for domain, shape in shapes.items():
        try:
            GenerativeModel.check_data(model, batch[domain], shape)
        except ValueError as error:
            raise ValueError(f"Domain {domain!r}: {error}") from error


class ImageToImage(AdversarialModel):
    """A generator of pictures from pictures. Subclasses write the game."""

    in_inference = GenerativeModel.in_inference
    check_examples = GenerativeModel.check_examples

    @property
    def domains(self) -> dict[str, Sizes]:
        """The two domains and the shapes of their pictures; those of the first are given to the generator."""
        raise NotImplementedError(f"{type(self).__name__} must define domains.")

    def check_data(self, batch: Any) -> None:
        check_domains(self, batch, self.domains)

    def generator_inputs(self, count: int, condition: Any = None, seed: SeedLike = None) -> Tensor:
        """The first `count` pictures of the first domain of `condition`, an array of them or a batch as `fit` takes it."""
        given, _ = self.domains
        images = condition[given] if isinstance(condition, Mapping) else condition
        if images is None or len(images) < count:
            raise ValueError(
                f"Pictures are made of pictures of the domain {given!r}: give `condition`, {count} of them or more. "
                f"Received: {None if images is None else len(images)}."
            )
        images = ops.convert_to_numpy(images[:count])
        shape = tuple(images.shape[1:])
        self.check_examples(images, shape if shape in self.domains.values() else self.domains[given])
        return ops.convert_to_tensor(images)
