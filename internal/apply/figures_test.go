package apply_test

import (
	"net/http"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/fly-placer/fly-placer/internal/apply"
	"github.com/fly-placer/fly-placer/internal/flyapi"
	"github.com/fly-placer/fly-placer/internal/secret"
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

// crowd is a transport that knows how many requests were under way at most.
type crowd struct {
	next       http.RoundTripper
	mu         sync.Mutex
	there, max int
}

func (c *crowd) add(n int) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.there += n
	c.max = max(c.max, c.there)
}

func (c *crowd) RoundTrip(r *http.Request) (*http.Response, error) {
	if strings.HasSuffix(r.URL.Path, "/wait") {
		return c.next.RoundTrip(r)
	}
	c.add(1)
	defer c.add(-1)
	return c.next.RoundTrip(r)
}

// A large group does not open a connection for each of its Machines at once.
func TestFewRequestsAreUnderWayAtOnce(t *testing.T) {
	sc := scenario{before: web(counts{"iad": 80, "fra": 60}), after: web(counts{"iad": 70, "fra": 60, "nrt": 10})}
	w := newWorld(t, sc)
	w.far = 50 * time.Millisecond
	c := &crowd{next: away{w.clock, w.clock.Transport(w.wire), w.far}}
	client, err := flyapi.New(t.Context(), flyapi.Options{APIURL: w.url, Token: secret.New(token), HTTP: c, Sleep: w.clock.Sleep})
	if err != nil {
		t.Fatal(err)
	}
	w.client = client
	got := w.apply(sc)
	for _, bad := range append(w.done(sc), w.watch.found...) {
		t.Error(bad)
	}
	if got.Outcome != apply.Applied || c.max > 100 || c.max < 50 { // 50, and renewals
		t.Errorf("%s (%v): %d at once", got.Outcome, got.Err, c.max)
	}
	t.Logf("%d requests, up to %d at once, %s", got.Requests, c.max, w.clock.Now().Sub(epoch))
}
