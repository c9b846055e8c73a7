"""What matters in some preference labels: findings in order, verdicts on judges, pairs behind."""
