"""Training and evaluation of re-ID models (offline)."""
