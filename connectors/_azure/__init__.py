"""What Microsoft's cost files have in common, however they are fetched: headers, dates, meaning."""
