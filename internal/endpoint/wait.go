package endpoint

import (
	"context"
	"errors"
	"net/http"
	"strconv"
	"time"
)

// longest bounds what RetryAfter gives, twelve days: nobody waits for that, and
// sums of it do not overflow.
const longest = (1 << 20) * time.Second

// RetryAfter reads how long a server wants to be left alone, from the header
// Retry-After: seconds, or a date, which counts from now. What has passed is 0.
// It returns false when the header is missing or nonsense, and for a date when
// now is zero.
func RetryAfter(h http.Header, now time.Time) (time.Duration, bool) {
	value := h.Get("Retry-After")
	// Out of range gives the nearest number that there is.
	if n, err := strconv.ParseInt(value, 10, 64); err == nil || errors.Is(err, strconv.ErrRange) {
		return time.Duration(min(max(n, 0), int64(longest/time.Second))) * time.Second, true
	}
	at, err := http.ParseTime(value)
	if err != nil || now.IsZero() {
		return 0, false
	}
	return min(max(at.Sub(now), 0), longest), true
}

// Sleep waits for d, or until ctx ends and returns its error.
func Sleep(ctx context.Context, d time.Duration) error {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-ctx.Done():
		return ctx.Err()
	case <-timer.C:
		return nil
	}
}
