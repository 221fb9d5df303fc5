"""Tables, migrations, ingestion and queries: the only SQL."""
