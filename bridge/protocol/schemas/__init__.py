"""What travels between Linnworks and the bridge, in Linnworks' own words."""
