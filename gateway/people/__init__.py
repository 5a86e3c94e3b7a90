"""Who may use the page and the API, and what they did."""
