"""Train 3D-GAN, or 3D-VAE-GAN with --views (Wu et al. 2016, 1610.07584).

The defaults learn procedural furniture at 32^3 on two CPU cores. The paper's networks on ModelNet's chairs, for a GPU:

    python applications/threed_gan/train.py --dataset modelnet:ModelNet10/chair --size 64 --filters 64 --latent-size 200 \
        --prior uniform --batch-size 100 --discriminator-rate 1e-5 --epochs 1000 --output runs/chairs
"""

from typing import Annotated, Any

import kgan  # isort: skip - ahead of Keras: kgan holds TensorFlow's notices of its start back
import keras
import typer

from kgan import runs


@runs.options(
    without=("average", "resize", "strategy"),
    renamed={"size": "image_size"},
    output="runs/threed_gan",
    batch_size=32,
    epochs=40,
    picture_every=5,
)
def main(
    settings: runs.RunSettings,
    about: dict[str, Any],
    dataset: Annotated[
        str, typer.Option(help="furniture, solids, one class of them (furniture:chair), or modelnet:<folder>")
    ] = "furniture",
    size: Annotated[int, typer.Option(min=8, help="cells along a side: 16, 32 or 64 (the paper's)")] = 32,
    filters: Annotated[int, typer.Option(min=1, help="maps next to the voxels; 64 is the paper's")] = 16,
    latent_size: Annotated[int, typer.Option(min=1, help="length of a latent; 200 is the paper's")] = 50,
    prior: Annotated[
        str, typer.Option(help="of the latents: normal, or uniform on [0, 1] (3D-GAN's; --views needs normal)")
    ] = "normal",
    accuracy_gate: Annotated[
        float, typer.Option(min=0, max=1, help="the discriminator moves while its accuracy is not above")
    ] = 0.8,
    generator_rate: Annotated[float, typer.Option(help="learning rate of the generator; 0.0025 is the paper's")] = 0.0025,
    discriminator_rate: Annotated[float, typer.Option(help="of the discriminator; 1e-5 is the paper's, for its size")] = 2.5e-4,
    views: Annotated[bool, typer.Option("--views", help="3D-VAE-GAN: learn to make shapes from rendered views too")] = False,
    view_size: Annotated[int, typer.Option("--image-size", min=8, help="pixels of the views; 256 is the paper's")] = 64,
    reconstruction_weight: Annotated[
        float, typer.Option(help="of a shape's distance from its reconstruction, with --views")
    ] = 0.3,
    kl_weight: Annotated[float, typer.Option(help="of the divergence from the prior, with --views; 5 is the paper's")] = 0.01,
    encoder_rate: Annotated[float, typer.Option(help="learning rate of the encoder, with --views")] = 1e-3,
):
    """Train a generator of shapes and write samples, figures, checkpoints and the model to a folder."""
    if prior not in ("normal", "uniform"):
        raise typer.BadParameter(f"--prior must be normal or uniform; received {prior!r}")
    rates = {"discriminator": discriminator_rate, "generator": generator_rate}
    own = {"filters": filters, "latent_size": latent_size, "accuracy_gate": accuracy_gate}
    if views:
        rates["encoder"] = encoder_rate
        own |= {"reconstruction_weight": reconstruction_weight, "kl_weight": kl_weight}

    def data():
        shapes, shape = runs.training_data(settings)
        return {"shapes": shapes, "views": kgan.shapes.views(shapes, view_size)} if views else shapes, shape

    def build(shape):
        family = kgan.ThreeDVAEGAN if views else kgan.ThreeDGAN
        pictures = {"image_shape": (view_size, view_size, 1)} if views else {}
        drawn = kgan.priors.Normal() if views or prior == "normal" else kgan.priors.Uniform(0.0, 1.0)
        model = family(shape, seed=settings.seed, prior=drawn, **pictures, **own)
        model.compile({move: keras.optimizers.Adam(rate, beta_1=0.5) for move, rate in rates.items()})
        return model

    runs.guarded(lambda: runs.train(build, settings, about, data))


if __name__ == "__main__":
    typer.run(main)
