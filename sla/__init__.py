"""The clock that gives every finding its due date."""
