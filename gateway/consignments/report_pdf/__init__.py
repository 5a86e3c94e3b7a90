"""The report as a PDF: made of the stored report alone, the same bytes each time."""
