"""Train a spectrally normalized GAN (Miyato et al. 2018, 1802.05957).

The defaults learn 4,000 of MNIST's handwritten digits on two CPU cores. The paper's CIFAR-10 run, 50,000 generator updates:

    python applications/sngan/train.py --dataset tfds:cifar10 --architecture resnet --width 1 --setting resnet \
        --image-size 32 --epochs 320 --output runs/cifar10
"""

from typing import Annotated, Any

import typer

import kgan
from kgan import runs


def setting_of(text: str) -> str | tuple[float, ...]:
    """The name of a setting, or the four numbers of one of your own: rate, beta_1, beta_2, discriminator moves."""
    if "," not in text:
        return text
    try:
        rate, beta_1, beta_2, steps = text.split(",")
        return float(rate), float(beta_1), float(beta_2), int(steps)
    except ValueError:
        raise ValueError(f"--setting takes a name, or four numbers such as 5e-4,0,0.9,1. Received: {text!r}.") from None


@runs.options(output="runs/sngan", dataset="mnist", epochs=37, average=0.99, picture_every=5)
def main(
    settings: runs.RunSettings,
    about: dict[str, Any],
    image_size: Annotated[int | None, typer.Option(min=8, help="resize images to this many pixels, a multiple of 4")] = 32,
    architecture: Annotated[str, typer.Option(help="cnn (Table 3), cnn-code (the authors' published code) or resnet")] = "cnn",
    width: Annotated[float, typer.Option(min=0.01, help="factor of all channel counts; 1 is the paper's")] = 0.25,
    setting: Annotated[
        str, typer.Option(help="A to F of Table 1, resnet, or rate, beta_1, beta_2 and discriminator moves")
    ] = "5e-4,0,0.9,1",
    objective: Annotated[str, typer.Option(help="hinge (Eq. 16-17) or non_saturating (Eq. 15)")] = "hinge",
    normalize: Annotated[
        bool, typer.Option(help="--no-normalize trains the same networks without spectral normalization")
    ] = True,
):
    """Train a spectrally normalized GAN and write samples, figures, checkpoints and the model to a folder."""

    def build(shape):
        networks = {}
        if not normalize:
            # The same layers without the normalizer: what the normalization is worth.
            module = kgan.networks.sn_resnet if architecture == "resnet" else kgan.networks.sn_cnn
            variant = {"variant": "code"} if architecture == "cnn-code" else {}
            networks = {"discriminator": module.discriminator(shape, width, **variant), "joint_batch": True}
        model = kgan.SNGAN(
            shape,
            architecture=architecture,
            width=width,
            setting=setting_of(setting),
            objective=objective,
            seed=settings.seed,
            **networks,
        )
        model.compile()
        return model

    runs.guarded(lambda: runs.train(build, settings, about))


if __name__ == "__main__":
    typer.run(main)
