"""stub"""
from connectors._base import *
class GcpOptions(Options): pass
def is_table(location): return location.startswith("bigquery://")
def discover(source, window, landed): raise NotImplementedError
def fetch(source, delivery, folder): raise NotImplementedError
