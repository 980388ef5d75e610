"""The database behind the services: SQLite by default, PostgreSQL by DATABASE_URL."""
