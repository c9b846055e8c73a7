"""Commands about who disagrees with whom, one verb of the library each."""
