package flysim

import (
	"context"
	"slices"
	"sort"
	"sync"
	"time"
)

// A Clock is simulated time, starting at Epoch. It may be used concurrently,
// also by the code under test, as an interface with Now and Sleep.
//
// One from NewClock moves when Advance is called. One from NewAutoClock moves
// by itself too: it jumps to the next event, the end of a Sleep or something
// that happens to a Machine, as soon as
//
//   - somebody waits for it: in Sleep, or with a request of the wait route;
//   - every request in flight waits for it: none is worked on, hangs (but see
//     Fault.Hold), is delayed in real time or, of those that are sent through
//     Transport, on its way;
//   - the rest of the program is at rest: in several looks no goroutine runs or
//     could run. When the program never rests, a thousand looks without a
//     request or sleeper that comes or goes do instead.
//
// A jump ends with the first event that lets somebody go on; what is due at the
// same time comes with the next. So the sleepers of one program go on one by
// one, in the order in which their time comes, then in that in which they went
// to sleep: a program whose goroutines wait for nothing but this clock and the
// server, and send through Transport, gives the same sequence of requests each
// time. It must run in this process, and should not have much else beside it.
type Clock struct {
	follow func() time.Time // what the time is; nil: the clock's own
	auto   bool

	step sync.Mutex // held while timers run, so that they do one after another

	mu      sync.Mutex
	now     time.Time
	timers  []*timer      // by time, then in the order in which they were set
	busy    int           // requests that do not wait for the clock
	waiting int           // sleepers, and requests that do
	parked  int           // the requests among them
	sent    int           // requests that Transport has sent and whose answers are not read
	moves   int           // counts the changes of these
	counts  bool          // requests are sent through Transport
	driven  bool          // a goroutine moves the clock
	kick    chan struct{} // tells it to look
}

// A timer is something that is to happen. run is called without any lock of
// the clock but step.
type timer struct {
	at     time.Time
	atOnce bool // its time had come when it was set
	run    func(at time.Time)
}

// NewClock returns a clock that moves only when Advance is called.
func NewClock() *Clock { return &Clock{now: Epoch} }

// NewAutoClock returns a clock that jumps when everybody waits for it.
func NewAutoClock() *Clock { return &Clock{now: Epoch, auto: true, kick: make(chan struct{}, 1)} }

// Now returns the time.
func (c *Clock) Now() time.Time {
	if c.follow != nil {
		return c.follow()
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.now
}

// Advance moves the clock by d, and lets all that is due meanwhile happen at
// its time. It must not be called from what happens.
func (c *Clock) Advance(d time.Duration) {
	c.step.Lock()
	defer c.step.Unlock()
	target := c.Now().Add(d)
	for t := c.pop(target, false); t != nil; t = c.pop(target, false) {
		t.run(t.at)
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	if target.After(c.now) {
		c.now = target
	}
}

// catchUp lets what takes no time happen; all that is due, when the clock
// follows another, whose moves nobody tells. What is due otherwise is left to
// Advance or a jump: with it others would go on, beside the one who asks.
func (c *Clock) catchUp() {
	c.step.Lock()
	defer c.step.Unlock()
	now := c.Now()
	for t := c.pop(now, c.follow == nil); t != nil; t = c.pop(now, c.follow == nil) {
		t.run(t.at)
	}
}

// pop takes out the first timer that is due by limit, of those that were when
// they were set if atOnce is true, and moves the clock there.
func (c *Clock) pop(limit time.Time, atOnce bool) *timer {
	c.mu.Lock()
	defer c.mu.Unlock()
	for i, t := range c.timers {
		if t.at.After(limit) {
			break
		}
		if atOnce && !t.atOnce {
			continue
		}
		c.timers = slices.Delete(c.timers, i, i+1)
		if t.at.After(c.now) {
			c.now = t.at
		}
		return t
	}
	return nil
}

// at lets run be called when it is time.
func (c *Clock) at(at time.Time, run func(at time.Time)) *timer {
	now := c.Now()
	t := &timer{at, !at.After(now), run}
	c.mu.Lock()
	defer c.mu.Unlock()
	i := sort.Search(len(c.timers), func(i int) bool { return c.timers[i].at.After(at) })
	c.timers = slices.Insert(c.timers, i, t)
	return t
}

func (c *Clock) cancel(t *timer) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.timers = slices.DeleteFunc(c.timers, func(other *timer) bool { return other == t })
}

// Sleep waits until the clock has moved by d, or until ctx ends, whose error it
// returns.
func (c *Clock) Sleep(ctx context.Context, d time.Duration) error {
	if d <= 0 || ctx.Err() != nil {
		return ctx.Err()
	}
	p := c.park(0)
	t := c.at(c.Now().Add(d), func(time.Time) { c.wake(p) })
	select {
	case <-p.done:
		return nil
	case <-ctx.Done():
		c.cancel(t)
		c.wake(p)
		return ctx.Err()
	}
}

// A parked is somebody who waits for the clock: a sleeper, or a request.
type parked struct {
	done chan struct{} // closed by wake
	work int           // what the waking adds to busy
}

// park begins a wait. work is 1 for a request, which is not worked on
// meanwhile, and 0 for others.
func (c *Clock) park(work int) *parked {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.busy -= work
	c.parked += work
	c.waiting++
	c.moved()
	if c.auto && !c.driven {
		c.driven = true
		go c.drive()
	}
	return &parked{done: make(chan struct{}), work: work}
}

// wake ends a wait, once. The one who wakes accounts for it, so that the clock
// does not jump before the other goroutine goes on.
func (c *Clock) wake(p *parked) {
	c.mu.Lock()
	defer c.mu.Unlock()
	select {
	case <-p.done:
		return
	default:
	}
	close(p.done)
	c.busy += p.work
	c.parked -= p.work
	c.waiting--
	c.moved()
}

// work counts requests that begin and end to be worked on.
func (c *Clock) work(n int) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.busy += n
	c.moved()
}

// Waiting returns how many wait for the clock: sleepers, and requests of the
// wait route that are not answered yet.
func (c *Clock) Waiting() int {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.waiting
}

// moved notes a change. The lock is held.
func (c *Clock) moved() {
	c.moves++
	select {
	case c.kick <- struct{}{}:
	default: // it is about to look, or nobody is to be told
	}
}
