"""A judge that is mended by labels of people, and kept only where that helps held out."""
