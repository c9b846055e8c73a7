"""What a reader sees of single pairs: texts, verdicts, dates, and what the reader wrote down."""
