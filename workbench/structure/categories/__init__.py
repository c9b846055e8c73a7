"""Which categories a judge gives where another is right, and how well it gives the right one."""
