"""Rubrics of single domains, one TOML file each: sentences of our own, and the work behind them."""
