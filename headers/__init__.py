"""The header verifier: what sites answer, and whether that protects their users."""
