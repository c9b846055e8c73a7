"""Does each person weigh factors otherwise: taste, reliability or carelessness, held out."""
