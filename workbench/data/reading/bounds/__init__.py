"""What a file may cost that is opened: unpacked bytes, rows, columns, cells and time."""
