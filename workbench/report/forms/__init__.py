"""The forms of a report: page, Markdown, PDF, and the schema of its JSON."""
