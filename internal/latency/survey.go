package latency

import (
	"slices"

	"github.com/fly-placer/fly-placer/internal/region"
)

// surveyCity returns the index of the survey's city that stands for a region,
// -1 when the survey has no server there.
func surveyCity(c region.Code) int {
	for i, city := range surveyCities {
		if slices.Contains(city.codes, c) {
			return i
		}
	}
	return -1
}

// surveyRTT returns the survey's round-trip time between the cities of two
// regions, in ms.
func surveyRTT(a, b region.Code) (ms float64, ok bool) {
	i, j := surveyCity(a), surveyCity(b)
	if i < 0 || j < 0 || i == j {
		return 0, false
	}
	ms = float64(surveyMS[max(i, j)][min(i, j)])
	return ms, ms > 0
}
