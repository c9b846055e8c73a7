"""The command line: the verbs of the library, thin."""
