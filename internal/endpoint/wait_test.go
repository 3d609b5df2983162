package endpoint_test

import (
	"context"
	"errors"
	"net/http"
	"testing"
	"time"

	"github.com/fly-placer/fly-placer/internal/endpoint"
)

func TestRetryAfterIsSecondsOrADate(t *testing.T) {
	now := time.Date(2026, 11, 23, 15, 0, 0, 0, time.UTC)
	const longest = (1 << 20) * time.Second
	for _, c := range []struct {
		name, value string
		want        time.Duration
		ok          bool
	}{
		{"missing", "", 0, false},
		{"seconds", "30", 30 * time.Second, true},
		{"at once", "0", 0, true},
		{"less than nothing", "-5", 0, true},
		{"much", "999999999999", longest, true},
		{"more than a number holds", "99999999999999999999", longest, true},
		{"less than a number holds", "-99999999999999999999", 0, true},
		{"a date", "Mon, 23 Nov 2026 15:00:40 GMT", 40 * time.Second, true},
		{"a date that has passed", "Mon, 23 Nov 2026 14:00:00 GMT", 0, true},
		{"a date far away", "Fri, 31 Dec 9999 23:59:59 GMT", longest, true},
		{"half a second", "0.5", 0, false},
		{"words", "soon", 0, false},
	} {
		t.Run(c.name, func(t *testing.T) {
			h := http.Header{"Retry-After": {c.value}}
			if got, ok := endpoint.RetryAfter(h, now); got != c.want || ok != c.ok {
				t.Errorf("RetryAfter(%q) = %v, %t; want %v, %t", c.value, got, ok, c.want, c.ok)
			}
		})
	}
	if got, ok := endpoint.RetryAfter(http.Header{}, now); ok {
		t.Errorf("no header gives %v", got)
	}
	if got, ok := endpoint.RetryAfter(http.Header{"Retry-After": {"Mon, 23 Nov 2026 15:00:40 GMT"}}, time.Time{}); ok {
		t.Errorf("a date without a clock gives %v", got)
	}
}

func TestSleepEndsWithTheContext(t *testing.T) {
	if err := endpoint.Sleep(t.Context(), time.Millisecond); err != nil {
		t.Error(err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if err := endpoint.Sleep(ctx, time.Hour); !errors.Is(err, context.Canceled) {
		t.Error(err)
	}
}
