"""Who labels wrongly, where a truth exists: Dawid and Skene's model of workers."""
