"""What commands do with data in parts."""
