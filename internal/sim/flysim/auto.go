package flysim

import (
	"io"
	"net/http"
	"runtime/metrics"
	"sync"
	"time"
)

const (
	lookEvery = 100 * time.Microsecond
	// looks is how many times in a row the program must be seen at rest, and
	// restless how many times nothing must have happened when it never is.
	// Looks are counted, and not time, because a loaded machine lets the
	// program stand still, too.
	looks, restless = 3, 400
)

// drive moves the clock until nobody waits for it.
func (c *Clock) drive() {
	ticker := time.NewTicker(lookEvery)
	defer ticker.Stop()
	look := newLookout()
	last, calm, idle := -1, 0, 0
	for range ticker.C {
		c.mu.Lock()
		if c.waiting == 0 {
			c.driven = false
			c.mu.Unlock()
			return
		}
		moves, busy := c.moves, c.busy > 0 || c.sent > c.parked
		c.mu.Unlock()
		switch {
		case busy || moves != last:
			last, calm, idle = moves, 0, 0
		case !look.atRest():
			calm = 0
			idle++
		default:
			calm++
			idle++
		}
		if calm >= looks || idle >= restless {
			c.jump(moves)
			last = -1
		}
	}
}

// Transport sends requests through next, nil = a new connection for each, and
// tells the clock, which then knows of those that are on their way: on a loaded
// machine one may be for longer than all looks take.
func (c *Clock) Transport(next http.RoundTripper) http.RoundTripper {
	if next == nil {
		next = &http.Transport{DisableKeepAlives: true}
	}
	return &counted{clock: c, next: next}
}

// counted is a transport that counts what it has under way.
type counted struct {
	clock *Clock
	next  http.RoundTripper
}

// RoundTrip sends a request, which is under way until its answer's body is
// closed.
func (t *counted) RoundTrip(req *http.Request) (*http.Response, error) {
	t.clock.count(1)
	resp, err := t.next.RoundTrip(req)
	if err != nil {
		t.clock.count(-1)
		return nil, err
	}
	resp.Body = &countedBody{ReadCloser: resp.Body, done: sync.OnceFunc(func() { t.clock.count(-1) })}
	return resp, nil
}

func (c *Clock) count(n int) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.sent += n
	c.moves++
}

type countedBody struct {
	io.ReadCloser
	done func()
}

// Close closes the body.
func (b *countedBody) Close() error {
	defer b.done()
	return b.ReadCloser.Close()
}

// jump lets timers run until one lets somebody go on, or somebody came.
func (c *Clock) jump(moves int) {
	c.step.Lock()
	defer c.step.Unlock()
	for {
		c.mu.Lock()
		if c.moves != moves || len(c.timers) == 0 {
			c.mu.Unlock()
			return
		}
		limit := c.timers[0].at
		c.mu.Unlock()
		if t := c.pop(limit, false); t != nil {
			t.run(t.at)
		}
	}
}

// A lookout sees whether the program does anything.
type lookout struct {
	samples []metrics.Sample
	least   uint64 // goroutines in system calls at the best of times: those that are stuck there
}

func newLookout() *lookout {
	l := &lookout{samples: []metrics.Sample{
		{Name: "/sched/goroutines/running:goroutines"},
		{Name: "/sched/goroutines/runnable:goroutines"},
		{Name: "/sched/goroutines/not-in-go:goroutines"},
	}}
	metrics.Read(l.samples)
	l.least = l.samples[2].Value.Uint64()
	return l
}

// atRest tells whether no goroutine but the caller's runs or could run.
func (l *lookout) atRest() bool {
	metrics.Read(l.samples)
	running, runnable, calls := l.samples[0].Value.Uint64(), l.samples[1].Value.Uint64(), l.samples[2].Value.Uint64()
	l.least = min(l.least, calls)
	return running <= 1 && runnable == 0 && calls <= l.least
}
