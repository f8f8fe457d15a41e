"""What maps in YAML have in common, whether of invoices or of usage."""
