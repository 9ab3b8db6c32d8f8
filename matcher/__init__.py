"""Identities: tracklets of all cameras in, who-is-who out, kept in a Redis-protocol store."""
