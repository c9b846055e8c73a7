"""Ratings of models by scenario, each scenario borrowing strength from the others."""
