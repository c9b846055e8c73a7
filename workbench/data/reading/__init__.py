"""Files as tables of records: containers, compression, the hub."""
