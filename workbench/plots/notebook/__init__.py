"""What a notebook shows of a result: a table, a static picture, and how to read them."""
