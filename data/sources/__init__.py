"""Importers: each reads one format into a `Source`, which `import_source` turns into a cache."""
