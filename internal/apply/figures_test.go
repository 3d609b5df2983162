package apply_test

import (
	"net/http"
	"testing"
	"time"

	"github.com/fly-placer/fly-placer/internal/apply"
	"github.com/fly-placer/fly-placer/internal/sim/flysim"
)

// away is a transport to a server that is some time away, by the clock.
type away struct {
	clock *flysim.Clock
	next  http.RoundTripper
	far   time.Duration // there and back
}

func (a away) RoundTrip(r *http.Request) (*http.Response, error) {
	if err := a.clock.Sleep(r.Context(), a.far); err != nil {
		return nil, err
	}
	return a.next.RoundTrip(r)
}

// A move takes little longer than Fly.io's limits and the waits that were asked
// for make it take: docs/apply.md has the figures.
func TestMovesAreAboutAsFastAsTheLimitsAllow(t *testing.T) {
	const (
		n      = 10
		far    = 100 * time.Millisecond
		boot   = 5 * time.Second
		checks = 5 * time.Second
		stop   = 7 * time.Second // stop_config of the Machines
		gone   = time.Second
	)
	sc := scenario{
		before: web(counts{"iad": n}), after: web(counts{"fra": n}), kinds: plainly(kind{checks: true}),
		config: flysim.Config{Limits: true, BootTime: boot, CheckTime: checks, DestroyTime: gone},
	}
	w := newWorld(t, sc)
	w.far = far
	w.client = w.newClient()
	got := w.apply(sc)
	for _, bad := range append(w.done(sc), w.watch.found...) {
		t.Error(bad)
	}
	if got.Outcome != apply.Applied {
		t.Fatalf("%s %v", got.Outcome, got.Err)
	}
	limited := 0
	for _, r := range w.Requests() {
		if r.Status == http.StatusTooManyRequests {
			limited++
		}
	}
	// What no apply can do without that keeps the order of docs/design.md §8.2:
	// n creates on one app, one a second after the first three, of which the last
	// Machine has to boot and pass its checks; a soak after the new ones get
	// requests and after the old ones get none; the old ones' time to stop, and
	// to be destroyed; and one answer for each step that waits for the one
	// before: list, lease, mark, create, look whether it is healthy, uncordon,
	// cordon, stop, look whether it has stopped, destroy, look whether it is
	// gone, and give the new ones back without their marks.
	const steps = 12
	o := apply.Defaults(w.clock)
	bound := (n-3)*time.Second + boot + checks + 2*o.Soak + stop + gone + steps*far
	took := w.clock.Now().Sub(epoch)
	ratio := took.Seconds() / bound.Seconds()
	t.Logf("%d Machines moved in %s, %.2f times the bound of %s; %d requests, %d refused by limits",
		n, took.Round(far/10), ratio, bound, len(w.Requests()), limited)
	if ratio > 1.2 || limited > 0 {
		t.Error("that is too much")
	}
}
