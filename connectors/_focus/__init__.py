"""What the readers of FOCUS share: columns, rows, charges, and how saved files lie in folders."""
