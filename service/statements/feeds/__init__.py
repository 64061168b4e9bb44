"""Statement feeds: new and changed statements from RSS, Atom and sitemaps of official bodies.

``sources`` reads feeds.toml, ``documents`` what a feed says, ``hosts`` asks politely, ``state``
remembers, and ``sync`` puts them together.
"""

from service.statements.feeds.hosts import Hosts
from service.statements.feeds.sources import Feed, load_feeds
from service.statements.feeds.sync import FeedReport, SyncReport, due, sync

__all__ = ["Feed", "FeedReport", "Hosts", "SyncReport", "due", "load_feeds", "sync"]
