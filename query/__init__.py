"""Questions about identities: trajectories, search by image, exports, reports."""
