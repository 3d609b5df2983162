package region

import (
	"fmt"
	"strings"
)

// An Area is a part of the world, as options name it: "eu".
type Area string

// The areas of Fly.io's regions.
const (
	Europe       Area = "eu"
	NorthAmerica Area = "na"
	SouthAmerica Area = "sa"
	APAC         Area = "apac"
	Africa       Area = "africa"
)

// areas lists every Area with the value that the Machines API has for it
// (geo_region of GET /v1/platform/regions, OpenAPI of May 2026).
var areas = []struct {
	area Area
	fly  string
}{
	{Europe, "europe"},
	{NorthAmerica, "north_america"},
	{SouthAmerica, "south_america"},
	{APAC, "asia_pacific"},
	{Africa, "africa"},
}

// ParseArea reads the name of an area; case and surrounding space are ignored.
func ParseArea(s string) (Area, error) {
	a := Area(strings.ToLower(strings.TrimSpace(s)))
	names := make([]string, len(areas))
	for i, row := range areas {
		if row.area == a {
			return a, nil
		}
		names[i] = string(row.area)
	}
	return "", fmt.Errorf("unknown area %q: use one of %s", s, strings.Join(names, ", "))
}

// AreaFromFly translates the geo_region of a region row of the Machines API;
// false for a value that is not known.
func AreaFromFly(geoRegion string) (Area, bool) {
	for _, row := range areas {
		if row.fly == geoRegion {
			return row.area, true
		}
	}
	return "", false
}
