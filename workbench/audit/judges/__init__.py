"""Audits of judges: bias and manipulation, in both orders, with a placebo beside it."""
