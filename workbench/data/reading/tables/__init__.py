"""Tables of cells: CSV, TSV and spreadsheets, and what their writers do."""
