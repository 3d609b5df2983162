package flysim

import (
	"runtime/metrics"
	"time"
)

const (
	lookEvery = 100 * time.Microsecond
	// looks is how many times in a row the program must be seen at rest. A
	// request on its way through the loopback interface, with nobody running,
	// is there for a fraction of one.
	looks = 3
	// restlessTime is how long nothing has to happen when it never is.
	restlessTime = 50 * time.Millisecond
)

// drive moves the clock until nobody waits for it.
func (c *Clock) drive() {
	ticker := time.NewTicker(lookEvery)
	defer ticker.Stop()
	look := newLookout()
	last, calm := -1, 0
	var since time.Time
	for now := range ticker.C {
		c.mu.Lock()
		waiting, moves, busy := c.waiting, c.moves, c.busy
		if waiting == 0 {
			c.driven = false
			c.mu.Unlock()
			return
		}
		c.mu.Unlock()
		switch {
		case busy > 0 || moves != last:
			last, calm, since = moves, 0, now
		case !look.atRest():
			calm = 0
		default:
			calm++
		}
		if calm >= looks || busy == 0 && now.Sub(since) >= restlessTime {
			c.jump(moves)
			last = -1
		}
	}
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
		if t := c.pop(limit); t != nil {
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
