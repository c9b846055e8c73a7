"""Soft verdicts of judges, calibrated out of fold on the labels of people."""
