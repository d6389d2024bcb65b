"""Making caches: importers, the consensus-trained head, the digits videos, inspection."""
