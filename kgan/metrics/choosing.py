"""Extractors by name, and the one for a data set: what commands take."""

from collections.abc import Callable, Sequence

from kgan.metrics.extractors import Extractor
from kgan.metrics.inception import InceptionFeatures
from kgan.metrics.judges import DigitClassifier, FashionClassifier, Judge, MNISTClassifier
from kgan.metrics.keras_inception import KerasInceptionFeatures
from kgan.metrics.random_convolutions import RandomConvolutions

_JUDGES: dict[str, type[Judge]] = {judge.name: judge for judge in (DigitClassifier, FashionClassifier, MNISTClassifier)}
_OF_DATA = {
    "digits": DigitClassifier.name,
    "fashion_mnist": FashionClassifier.name,
    "mnist": MNISTClassifier.name,
    "mnist:full": MNISTClassifier.name,
}
_WITH_ARGUMENT: dict[str, Callable[[str], Extractor]] = {
    "inception": InceptionFeatures,
    "keras-inception": lambda path: KerasInceptionFeatures(path or None),
    "random-conv": lambda seed: RandomConvolutions(int(seed or 0)),
}
KNOWN = (*_JUDGES, "random-conv", "random-conv:SEED", "inception:FILE", "keras-inception")


def extractor(name: str) -> Extractor:
    """An extractor by its name.

    Args:
        name: "digits-mlp64", "mnist-cnn", "fashion-cnn" (see `DigitClassifier`, `MNISTClassifier`, `FashionClassifier`); "random-conv" or
            "random-conv:SEED" (see `RandomConvolutions`); "inception:FILE" with the original Inception graph (see `InceptionFeatures`);
            "keras-inception", or "keras-inception:FILE", with Keras' weights (see `KerasInceptionFeatures`).

    Raises:
        ValueError: another name; a seed that is no number. FileNotFoundError: no such file.

    Example:
    >>> extractor("random-conv:7").name
    'random-conv-s7'
    """
    if name in _JUDGES:
        return _JUDGES[name]()
    kind, _, argument = name.partition(":")
    if kind not in _WITH_ARGUMENT or (kind == "random-conv" and argument and not argument.isdecimal()):
        raise ValueError(f"An extractor is one of {', '.join(KNOWN)}. Received: {name!r}.")
    return _WITH_ARGUMENT[kind](argument)


def extractor_name_of(dataset: str | None, shape: Sequence[int]) -> str | None:
    """The name of the extractor for images of a data set: its judge where it has one, else "random-conv"; None of what are no images.

    Args:
        dataset: as in `kgan.datasets.arrays`, or None. shape: of one example.

    Example:
    >>> extractor_name_of("mnist", (32, 32, 1)), extractor_name_of("folder:photos", (64, 64, 3)), extractor_name_of("ring", (2,))
    ('mnist-cnn', 'random-conv', None)
    """
    if len(shape) != 3 or shape[2] not in (1, 3):
        return None
    judge = _OF_DATA.get(dataset or "")
    # The digits' judge knows 8x8 pixels and what averages to them.
    fits = shape[2] == 1 and shape[0] == shape[1] and (judge != DigitClassifier.name or shape[0] % 8 == 0)
    return judge if judge and fits else "random-conv"
