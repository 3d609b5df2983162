package region

import (
	"cmp"
	"fmt"
	"math"
	"slices"
)

// Status says what a region is for.
type Status int

// What a region can be. The zero value is Deployable.
const (
	Deployable Status = iota // runs Machines
	Retired                  // ran Machines once; may still label traffic
	EdgeOnly                 // accepts connections, never ran Machines
)

// String returns "deployable", "retired" or "edge-only".
func (s Status) String() string {
	switch s {
	case Deployable:
		return "deployable"
	case Retired:
		return "retired"
	case EdgeOnly:
		return "edge-only"
	}
	return fmt.Sprintf("Status(%d)", int(s))
}

// A Region is one row of a Catalog.
type Region struct {
	Code Code
	// Name is the place, "Ashburn, Virginia".
	Name string
	Area Area
	// Lat and Lon are degrees north and east; both 0 means not known.
	Lat, Lon float64
	Status   Status
	// Replacement is the region that stands in for one that is not deployable;
	// "" leaves it to distance.
	Replacement Code
}

// placed tells whether the coordinates are known. No region lies at 0, 0.
func (r Region) placed() bool { return r.Lat != 0 || r.Lon != 0 }

// A Catalog is a set of regions, one for each code. It does not change; the
// zero value has no region.
type Catalog struct {
	rows []Region // by code
}

// BuiltIn returns the regions known to the program, as of August 2026.
func BuiltIn() Catalog { return Catalog{}.With(builtIn...) }

// With returns a Catalog in which rows replace those of the same code and new
// ones are added. Fields that say nothing ("" or, for the coordinates, both 0)
// keep what the Catalog has; Status always counts. Rows without a code are
// left out.
func (c Catalog) With(rows ...Region) Catalog {
	out := slices.Clone(c.rows)
	for _, r := range rows {
		if r.Code == "" {
			continue
		}
		i, found := find(out, r.Code)
		if !found {
			out = slices.Insert(out, i, r)
			continue
		}
		old := out[i]
		r.Name = cmp.Or(r.Name, old.Name)
		r.Area = cmp.Or(r.Area, old.Area)
		r.Replacement = cmp.Or(r.Replacement, old.Replacement)
		if !r.placed() {
			r.Lat, r.Lon = old.Lat, old.Lon
		}
		out[i] = r
	}
	return Catalog{rows: out}
}

func find(rows []Region, code Code) (int, bool) {
	return slices.BinarySearchFunc(rows, code, func(r Region, code Code) int { return cmp.Compare(r.Code, code) })
}

// Lookup returns the region with this code.
func (c Catalog) Lookup(code Code) (Region, bool) {
	i, found := find(c.rows, code)
	if !found {
		return Region{}, false
	}
	return c.rows[i], true
}

// All returns every region, by code. The slice is the caller's.
func (c Catalog) All() []Region { return slices.Clone(c.rows) }

// Deployable returns the regions that run Machines, by code. The slice is the
// caller's.
func (c Catalog) Deployable() []Region {
	return slices.DeleteFunc(c.All(), func(r Region) bool { return r.Status != Deployable })
}

// StandIn returns the deployable region that serves for code: code itself when
// it is deployable, else its Replacement (or that one's, when it is not
// deployable either), else the nearest deployable region, ties to the lower
// code. It is false when the code is not known, and when a region has neither
// a replacement nor coordinates.
func (c Catalog) StandIn(code Code) (Code, bool) {
	from, known := c.Lookup(code)
	if !known {
		return "", false
	}
	r := from
	for range c.rows { // a chain longer than the catalog is a circle
		if r.Status == Deployable {
			return r.Code, true
		}
		next, ok := c.Lookup(r.Replacement)
		if !ok {
			break
		}
		r = next
	}
	return c.nearest(from)
}

func (c Catalog) nearest(from Region) (Code, bool) {
	if !from.placed() {
		return "", false
	}
	best, bestKM := Code(""), math.Inf(1)
	for _, r := range c.rows {
		if r.Status != Deployable || !r.placed() {
			continue
		}
		if km := DistanceKM(from, r); km < bestKM {
			best, bestKM = r.Code, km
		}
	}
	return best, best != ""
}

// DistanceKM returns the great-circle distance between two regions, in km, on
// a sphere of the Earth's mean radius (haversine formula).
func DistanceKM(a, b Region) float64 {
	const (
		radiusKM = 6371.0088
		rad      = math.Pi / 180
	)
	sinLat, sinLon := math.Sin((b.Lat-a.Lat)*rad/2), math.Sin((b.Lon-a.Lon)*rad/2)
	h := sinLat*sinLat + math.Cos(a.Lat*rad)*math.Cos(b.Lat*rad)*sinLon*sinLon
	return 2 * radiusKM * math.Asin(math.Sqrt(min(1, h)))
}
