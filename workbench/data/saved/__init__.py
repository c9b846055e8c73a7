"""Tables of a saved data set: Arrow files that are mapped, and the Parquet files of before."""
