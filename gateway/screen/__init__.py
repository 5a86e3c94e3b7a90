"""What is printed on a terminal: a file for each subject."""
