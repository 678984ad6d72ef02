"""The database: tables, one owner module per table, readers that hand out frames. Nothing else imports SQLAlchemy."""
