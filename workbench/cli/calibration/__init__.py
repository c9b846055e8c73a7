"""The commands of judges beside people."""
