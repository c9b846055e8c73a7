"""One public or several: latent classes of factor weights, and prototypes that people mix."""
