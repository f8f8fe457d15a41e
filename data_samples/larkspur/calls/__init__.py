"""A beta of calls: transcripts on rented GPUs in one week, summaries by an API all the time.

It has accounts of its own, and in it stand the episodes of truth/episodes.csv.
"""
