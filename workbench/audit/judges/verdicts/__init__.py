"""What verdicts that are there tell of a judge: no call is made."""
