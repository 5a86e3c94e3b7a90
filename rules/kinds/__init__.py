"""The kinds of rules, one in each file. `rules.KINDS` names them all."""
