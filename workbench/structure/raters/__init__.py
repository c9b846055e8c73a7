"""How far many raters agree: coefficients of agreement beyond chance, for incomplete tables too."""
