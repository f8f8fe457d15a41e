"""What AWS's cost exports have in common: CUR 2.0 and the legacy Cost and Usage Report."""
