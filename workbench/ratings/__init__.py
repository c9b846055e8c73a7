"""Ratings of models: battles, Bradley-Terry, win rates with length held constant."""
