"""The console: read-only pages for the operator that show which of Linnworks, the bridge and a shop is ill."""
