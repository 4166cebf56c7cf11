# fmt: off
    "LSGAN": Spec(
        kgan.LSGAN, lambda: kgan.LSGAN(IMAGE, filters=3, latent_size=4, seed=0), IMAGE, ONE_TO_ONE,
    ),
