# %% [markdown]
# # Least squares GAN
#
# Mao et al. 2017, [1611.04076](https://arxiv.org/abs/1611.04076): a loss that still pulls where the other is sure of itself.

# %%
import os

import matplotlib.pyplot as plt
import numpy as np

import kgan

SMOKE = bool(os.environ.get("KGAN_SMOKE"))  # the test suite runs every line with few steps

# %% [markdown]
# Two losses of the generator, as functions of the discriminator's output.

# %%
outputs = np.linspace(-4, 4, 200)
figure, axis = plt.subplots(figsize=(5, 3))
axis.plot(outputs, np.logaddexp(0, -outputs), label="non-saturating")
axis.plot(outputs, 0.5 * (outputs - 1) ** 2, label="least squares")
axis.set(title="What the generator minimizes", xlabel="output of the discriminator", ylabel="loss")
axis.legend()
plt.show()

# %% [markdown]
# The default on handwritten digits.

# %%
model = kgan.LSGAN((8, 8, 1), filters=32, seed=0)
model.compile(averages={"generator": 0.99})
history = model.fit(kgan.datasets.load("digits", batch_size=64), epochs=1 if SMOKE else 100, verbose=0)
images = model.generate(64, seed=0)

# %%
figure, axis = plt.subplots(figsize=(5, 3))
for name in ("discriminator/adversarial", "generator/adversarial"):
    axis.plot(history.history[name], label=name)
axis.set(title="Losses", xlabel="epoch", ylabel="loss")
axis.legend()
plt.show()

# %%
plt.imshow(kgan.pictures.image_grid(images), cmap="gray")
plt.title("Digits of the generator")
plt.axis("off")
plt.show()
