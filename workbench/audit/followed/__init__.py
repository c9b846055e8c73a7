"""Whether replies follow what a person has said to prefer."""
