"""The formats of batch APIs: how a request is written, and how a line of replies is read."""
