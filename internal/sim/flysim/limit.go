package flysim

import (
	"math"
	"strings"
	"time"
)

// A bucket is a token bucket of one action on one app or Machine.
type bucket struct {
	tokens float64
	at     time.Time
}

// limit returns the rate, per second, and the burst of a route.
func limit(route string) (rate, burst float64) {
	if route == routeMachine {
		return 5, 10
	}
	return 1, 3
}

// allow takes one request from the bucket of a route and an identifier. When
// it is empty it says how long until it is not. The lock is held.
func (s *Server) allow(route, id string) (wait time.Duration, ok bool) {
	if !s.config.Limits || strings.HasPrefix(route, "POST /graphql") {
		return 0, true
	}
	rate, burst := limit(route)
	now := s.clock.Now()
	b := s.buckets[route+" "+id]
	if b == nil {
		b = &bucket{tokens: burst, at: now}
		s.buckets[route+" "+id] = b
	}
	if passed := now.Sub(b.at).Seconds(); passed > 0 {
		b.tokens = min(burst, b.tokens+passed*rate)
		b.at = now
	}
	// A request that comes exactly when a token is due must not fail by a
	// rounding error.
	if b.tokens < 1-1e-9 {
		return time.Duration(math.Ceil((1 - b.tokens) / rate * float64(time.Second))), false
	}
	b.tokens--
	return 0, true
}

// identifier returns what a rate limit counts by: the Machine's ID, else the
// app's name.
func identifier(path string) string {
	parts := strings.Split(strings.Trim(path, "/"), "/")
	switch {
	case len(parts) >= 5 && parts[3] == "machines":
		return parts[4]
	case len(parts) >= 3 && parts[1] == "apps":
		return parts[2]
	default:
		return ""
	}
}
