"""Whether a fit describes its labels: added terms, calibration, single clusters."""
