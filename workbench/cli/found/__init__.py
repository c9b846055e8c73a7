"""Commands that find what nobody named: in labels, in reasons, in conversations."""
