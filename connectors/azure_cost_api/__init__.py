"""Azure Cost Management's API: the cost details report, and where a scope has none, the query.

- location: https://management.azure.com/<scope>, such as …/subscriptions/<id>; or a folder of saved
  answers, `<billing period>/<fetched at>/`
- slot: a billing period of the scope; every fetch has all of it and replaces the one before
- version: the time of the fetch; the same answers twice are one delivery
"""

from connectors._azure._charges import CHARGES_SQL
from connectors._azure._columns import COLUMNS
from connectors._azure._costs import AMOUNTS
from connectors._base import About, Connector
from connectors.azure_cost_api._fetch import discover, fetch
from connectors.azure_cost_api._options import ApiOptions
from connectors.azure_cost_api._read import read
from models.tables import CHARGES

CONNECTOR = Connector(
    name="azure_cost_api",
    title="Azure Cost Management API",
    produces=(CHARGES,),
    inputs={"raw": COLUMNS},
    discover=discover,
    fetch=fetch,
    read=read,
    normalize=lambda source: {"charges": CHARGES_SQL},
    amounts=AMOUNTS,
    about=About(
        vendor="Microsoft Azure",
        kind="cloud",
        interface="cost details reports (actual and amortized), else usage queries, over HTTPS",
        granularity="day, resource and meter",
        restated="the whole month, until it closes: the open and the previous one are read again",
        cannot_tell="hours, requests, deployments, taxes; by query also prices, units and charge "
        "types",
        tested_with="the sample company's saved reports; the API played on loopback with "
        "azure-mgmt-costmanagement",
    ),
    options=ApiOptions,
)
