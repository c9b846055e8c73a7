"""Fits with a penalty whose strength is chosen on labels that were held out."""
