"""Data sets in parts: more pairs than memory holds, one part of it at a time."""
