package flysim

import (
	"io"
	"net/http"
	"runtime"
	"runtime/metrics"
	"sync"
	"time"
)

const (
	// lookEvery is how often the clock looks when nothing tells it to. Go's
	// timers take a millisecond when the program is at rest.
	lookEvery = 50 * time.Microsecond
	// looks is how many times in a row the program must be seen at rest, one
	// tick after the other; where Transport tells what is under way, quick
	// times at once, of at most tries.
	looks, quick, tries = 3, 5, 20
	// restless is after how many ticks without anything the clock jumps when
	// the program is never at rest. Ticks are counted, and not time, because a
	// loaded machine lets the program stand still, too.
	restless = 1000
)

// drive moves the clock until nobody waits for it.
func (c *Clock) drive() {
	ticker := time.NewTicker(lookEvery)
	defer ticker.Stop()
	look := newLookout()
	last, calm, idle := -1, 0, 0
	for {
		select {
		case <-ticker.C:
		case <-c.kick:
		}
		moves, now := c.sight()
		switch {
		case now == nobody:
			return
		case now == busy:
			last, calm, idle = -1, 0, 0
			continue
		case moves != last:
			last, calm, idle = moves, 0, 0
		default:
			idle++
		}
		switch {
		case now == counted && look.settled(c, moves):
			calm = looks
		case now == counted || !look.atRest():
			calm = 0
		default:
			calm++
		}
		if calm >= looks || idle >= restless {
			c.jump(moves)
			last = -1
		}
	}
}

// What the clock sees of those who use it.
type sight int

const (
	nobody    sight = iota // waits; the clock is not driven any more
	busy                   // is a request
	uncounted              // may be what is on its way
	counted                // is all that is on its way: nothing
)

// sight returns what there is to see, and how many moves there were so far.
func (c *Clock) sight() (moves int, seen sight) {
	c.mu.Lock()
	defer c.mu.Unlock()
	switch {
	case c.waiting == 0:
		c.driven = false
		return c.moves, nobody
	case c.busy > 0 || c.sent > c.parked:
		return c.moves, busy
	case c.counts:
		return c.moves, counted
	default:
		return c.moves, uncounted
	}
}

// settled looks until the program is at rest, a few times in a row, without a
// move. Goroutines that could run do so between looks.
func (l *lookout) settled(c *Clock, moves int) bool {
	calm := 0
	for range tries {
		runtime.Gosched()
		if !l.atRest() {
			calm = 0
			continue
		}
		if calm++; calm == quick {
			c.mu.Lock()
			defer c.mu.Unlock()
			return c.moves == moves
		}
	}
	return false
}

// Transport sends requests through next, nil = a new connection for each, and
// tells the clock, which then knows of those that are on their way: on a loaded
// machine one may be for longer than all looks take. When one client sends
// through it, all of them have to.
func (c *Clock) Transport(next http.RoundTripper) http.RoundTripper {
	if next == nil {
		next = &http.Transport{DisableKeepAlives: true}
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	c.counts = true
	return &counter{clock: c, next: next}
}

// counter is a transport that counts what it has under way.
type counter struct {
	clock *Clock
	next  http.RoundTripper
}

// RoundTrip sends a request, which is under way until its answer's body is
// closed.
func (t *counter) RoundTrip(req *http.Request) (*http.Response, error) {
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
	c.moved()
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
