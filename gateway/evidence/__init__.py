"""Evidence: what verdicts on consignments rest on, kept as it came, exported and verified."""
