"""Judges beside people: calibrated on few labels, combined, measured, mended."""
