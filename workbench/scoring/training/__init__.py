"""A training seen while it runs: the callback, the model it borrows, the folder that it keeps."""
