"""Signatures: every public function is annotated, one word means one thing in the whole package, a misspelled word is answered."""

import importlib
import inspect
import pkgutil

import pytest

import kgan
from kgan.arguments import Checked, _signature, parameters

MODULES = [importlib.import_module(m.name) for m in pkgutil.walk_packages(kgan.__path__, "kgan.") if not m.name.endswith("cli")]


def defined(module, kind):
    """What a module defines itself."""
    return [v for v in vars(module).values() if kind(v) and getattr(v, "__module__", None) == module.__name__]


CLASSES = list(dict.fromkeys(cls for module in MODULES for cls in defined(module, inspect.isclass)))
FUNCTIONS = list(dict.fromkeys(f for module in MODULES for f in defined(module, inspect.isfunction)))


def bare(function):
    """Parameters and results without annotation."""
    signature = inspect.signature(function)
    found = [p.name for p in signature.parameters.values() if p.annotation is p.empty and p.name not in ("self", "cls")]
    return found + (["return"] if signature.return_annotation is signature.empty else [])


def methods(cls):
    for value in vars(cls).values():
        function = getattr(value, "fget", getattr(value, "__func__", value))
        if (
            inspect.isfunction(function)
            and function.__module__ == cls.__module__
            and function.__qualname__.startswith(cls.__name__)
        ):
            yield function


def made(cls):
    """Whether a class has methods that somebody else wrote, from its fields."""
    return hasattr(cls, "_fields") or hasattr(cls, "__dataclass_fields__")


def test_everything_is_annotated():
    names = [f"{f.__module__}.{f.__qualname__}: {bare(f)}" for f in FUNCTIONS if bare(f) and f.__name__ != "<lambda>"]
    for cls in CLASSES:
        if not made(cls):
            names += [
                f"{f.__module__}.{f.__qualname__}: {bare(f)}" for f in methods(cls) if bare(f) and "<lambda>" not in f.__name__
            ]
    assert not names
    assert len(FUNCTIONS) > 400
    assert len(CLASSES) > 150


def test_no_class_refuses_what_its_own_constructor_takes():
    """`fixed_arguments` are those of a base that a class decides itself."""
    refused = []
    for cls in CLASSES:
        if (
            "__init__" in vars(cls)
            and getattr(cls, "fixed_arguments", ())
            and not cls.__module__.startswith("kgan.families.bases")
        ):
            own = {p.name for p in inspect.signature(cls.__init__).parameters.values() if p.kind is not p.VAR_POSITIONAL}
            # `own_...` are for classes derived from it, not for users.
            refused += [f"{cls.__name__}: {n}" for n in sorted(own & set(cls.fixed_arguments)) if not n.startswith("own_")]
    assert not refused


# Words with a second meaning, and why.
TWICE = {
    "alpha": "of an f-divergence any number; in AREL a weight",
    "classes": "a number; of a conditional family their names, too",
    "discriminator": "one network; CoGAN's need not be functional, the Bayesian GAN may have several",
    "generator": "as discriminator",
    "kernel_size": "of minibatch discrimination a number; of a masked convolution rows and columns",
    "margin": "of the consistency term a number; of EBGAN also a schedule over rounds",
    "regularization": "of the dual form > 0; within a trust region 0 as well",
    "weight": "of a rule a number; of a penalty also a schedule over rounds",
    "network": "samples of weights replace those of any built network",
}


def test_one_word_one_meaning():
    kinds = {}
    for cls in CLASSES:
        if issubclass(cls, Checked):
            for name, (_, kind) in _signature(cls).items():
                if kind is not None and name not in ("name", "dtype"):
                    kinds.setdefault(name, {}).setdefault(kind.words.replace(" or None", ""), cls.__name__)
    several = {name: found for name, found in kinds.items() if len(found) > 1}
    assert len(kinds) > 80
    assert set(several) == set(TWICE), several


@pytest.mark.parametrize(
    ("make", "nearest"),
    [
        (lambda: kgan.SNGAN(widht=0.1), "width"),
        (lambda: kgan.DRAGAN(fliters=3), "filters"),
        (lambda: kgan.penalties.GradientPenalty(one_side=True), "one_sided"),
        (lambda: kgan.layers.Maxout(3, peices=2), "pieces"),
        (lambda: kgan.layers.Maxout(3, naem="maxout"), "name"),
        (lambda: kgan.codes.Continuous(2, hihg=1.0), "high"),
        (lambda: kgan.priors.Normal(stdev=1.0), "stddev"),
        (lambda: kgan.Consensus(weigth=1.0), "weight"),
        (lambda: kgan.objectives.FDivergence("kl", lnik="logistic"), "link"),
        (lambda: kgan.objectives.GaussianKernel(sigma=1.0), "sigmas"),
        (lambda: kgan.optimizers.SGHMC(fricton=0.1), "friction"),
        (lambda: kgan.callbacks.DivergenceGuard(check_evry=2), "check_every"),
        (lambda: kgan.callbacks.SampleGrid(every_=3), "every"),
    ],
)
def test_a_misspelled_word_is_answered_with_the_nearest(make, nearest):
    with pytest.raises(TypeError, match=f"Did you mean `{nearest}`"):
        make()


def test_a_word_like_none_is_refused_with_all_there_are():
    with pytest.raises(TypeError, match=r"GAN has no argument `xyzzy`\. Its arguments: data_shape, "):
        kgan.GAN((2,), xyzzy=1)


def test_what_a_family_sets_itself_is_refused():
    with pytest.raises(TypeError, match="FGAN sets `objective` itself"):
        kgan.FGAN((2,), objective="hinge")


def test_a_base_without_a_constructor_hides_none():
    class Mixed:
        pass

    class Family(Mixed, kgan.GAN):
        pass

    assert {*parameters(kgan.GAN)} == {*parameters(Family)}
