// Package demand turns what the metrics recorded about an app into the demand
// that a placement is computed for.
package demand

import (
	"time"

	"github.com/fly-placer/fly-placer/internal/region"
)

// A History is what the metrics recorded about one app, hour by hour. Every
// hourly slice has length Hours; index i covers the hour that starts at
// Start + i hours.
type History struct {
	// Start is the beginning of the first hour. It is a whole hour, in UTC.
	Start time.Time
	// Hours is the number of hours covered.
	Hours int

	// Responses counts the HTTP responses that left Fly's edge in each region,
	// per hour. A region without a series is absent from the map; an hour
	// without a sample is 0.
	Responses map[region.Code][]float64
	// Filtered is true when Responses counts only some response statuses.
	// Served always counts all of them.
	Filtered bool
	// Served counts the HTTP responses that the app's Machines gave, per hour,
	// all regions together; NaN where there was no sample. Empty: no series.
	Served []float64
	// ConcurrencyMean and ConcurrencyMax are the mean and the largest number of
	// requests in flight in each hour, summed over the app's Machines before
	// the mean and the maximum are taken; NaN where there was no sample.
	// Empty: no series.
	ConcurrencyMean, ConcurrencyMax []float64
	// ResponseTime is the mean time that the app took for a response over the
	// whole period, in seconds, in all regions of AppTime; NaN when it is not
	// known.
	ResponseTime float64
	// ServedBy counts the responses of the whole period by Machine ID.
	ServedBy map[string]float64

	// EdgeBytes counts the bytes that left Fly's edge in each region over the
	// whole period. A region without a series is absent.
	EdgeBytes map[region.Code]float64
	// EdgeTime is how long responses took as seen from each edge region, and
	// AppTime as seen by the Machines of each region, over the whole period and
	// of every status, up to the first headers of the response. The edge's time
	// has all of the app's in it, and the way there and back. A region without
	// responses is absent.
	EdgeTime, AppTime map[region.Code]Mean
	// Running is the part of the period, 0 to 1, that each Machine was up, by
	// its ID; to the minute, and up to one more for every stop. A Machine that
	// was stopped all the time is absent; empty: no series of the app. What the
	// metrics missed counts as not up, as it counts as no requests in Responses:
	// the Machines of an organization that all stop at night leave the same
	// hole, and cannot be told from it.
	//
	// By Machine, since the metrics do not name process groups: a group's are
	// those of the Machines that it has. Machines that are gone are there too:
	// the sum is the mean number of Machines that the app ran, whatever was
	// replaced; blue-green deploys replace all.
	Running map[string]float64

	// OrgUp tells for each hour whether anything at all was recorded in the
	// whole organization: false is a gap in the metrics, not a quiet app.
	OrgUp []bool
	// Newest is the time of the organization's newest sample; zero when none.
	Newest time.Time
	// Known tells whether the metrics have any series of the app in the period.
	Known bool
	// Partial tells that some storage node did not answer, so that figures may
	// be too low.
	Partial bool
	// Warnings are the server's own warnings, sorted, without duplicates.
	Warnings []string
}

// A Mean is a sum of durations and of how many responses it is the sum. Means
// can be joined, by adding both; percentiles could not.
type Mean struct{ Seconds, Count float64 }
