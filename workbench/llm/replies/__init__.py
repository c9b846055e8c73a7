"""What a reply is made of: content and thinking, JSON inside text, the marks of tokens."""
