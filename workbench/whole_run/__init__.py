"""The whole of the work in one run: from the file to the report, taken up where it stopped."""
