"""What the official validators say of our exports, and of files that were spoilt on purpose."""
