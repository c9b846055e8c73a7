"""The judge as an instrument: its severity and discrimination, and what its scores vary by."""
