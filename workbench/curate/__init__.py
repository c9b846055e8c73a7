"""From labels back to training data: how strong each label is, which pairs go, what that did."""
