"""Random coefficients by simulated maximum likelihood: how far people's weights lie apart."""
