"""Requests on their way: found kept or asked, counted, and given back in their order."""
