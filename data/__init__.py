"""Making caches: importers, video extraction, the consensus-trained head, synthetic data."""
