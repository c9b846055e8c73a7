"""Audits: how far a judge or a trained model can be trusted."""
