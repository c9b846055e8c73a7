"""How one call of an endpoint goes: what is sent, how the server puts it off, when to stop."""
