package apply

import (
	"context"
	"errors"
	"sync"
	"time"
)

const (
	// attempts is how often a write is sent at most.
	attempts = 4
	// firstWait doubles with every further attempt.
	firstWait = time.Second
	burst     = 3
	// together is how many requests are under way at most, how many that renew
	// leases besides, and as many as it likes that wait for a Machine.
	together = 50
)

// A pacer keeps Fly.io's limits: for each key rate requests a second, in bursts
// (a generic cell rate algorithm: next is when a full bucket is empty again).
type pacer struct {
	mu   sync.Mutex
	next map[string]time.Time
}

// delay returns how long to wait before another request of a key.
func (p *pacer) delay(key string, now time.Time, rate float64, burst int) time.Duration {
	if rate <= 0 {
		return 0
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	interval := time.Duration(float64(time.Second) / rate)
	at := p.next[key]
	if at.Before(now) {
		at = now
	}
	p.next[key] = at.Add(interval)
	return max(0, at.Add(-time.Duration(burst-1)*interval).Sub(now))
}

// pace waits until a request of an action may go out. A Lease and a Renew are
// one action to Fly.io.
func (r *runner) pace(ctx context.Context, action Action, id string) error {
	rate, most := r.Rate, burst
	switch action {
	case get:
		rate, most = 5*rate, 10
	case Renew:
		action = Lease
	default:
	}
	d := r.pacer.delay(string(action)+" "+id, r.Clock.Now(), rate, most)
	r.requests.Add(1)
	return r.Clock.Sleep(ctx, d)
}

// get and list are the actions of Get and List, for pacing.
const (
	get  Action = "get"
	list Action = "list"
)

// slot waits until another request may be under way.
func (r *runner) slot(ctx context.Context, a Action) (free func(), err error) {
	slots := r.slots
	switch a {
	case Await:
		return func() {}, nil
	case Renew: // not behind what may hang
		slots = r.renewals
	default:
	}
	select {
	case slots <- struct{}{}:
		return func() { <-slots }, nil
	case <-ctx.Done():
		return nil, ctx.Err()
	}
}

func (r *runner) get(ctx context.Context, id string) (Machine, error) {
	if err := r.pace(ctx, get, id); err != nil {
		return Machine{}, err
	}
	free, err := r.slot(ctx, get)
	if err != nil {
		return Machine{}, err
	}
	defer free()
	return r.m.Get(ctx, r.Decision.App, id)
}

// alive reads a Machine; false when it is gone. One that is not found is looked
// for twice: too much hangs on it.
func (r *runner) alive(ctx context.Context, id string) (Machine, bool, error) {
	m, err := r.get(ctx, id)
	if kindOf(err) == Gone {
		m, err = r.get(ctx, id)
	}
	if kindOf(err) == Gone {
		return Machine{}, false, nil
	}
	return m, err == nil && !m.gone(), err
}

// list reads the app's Machines that are not gone.
func (r *runner) list(ctx context.Context) ([]Machine, error) {
	if err := r.pace(ctx, list, ""); err != nil {
		return nil, err
	}
	all, err := r.m.List(ctx, r.Decision.App)
	var ms []Machine
	for _, m := range all {
		if !m.gone() {
			ms = append(ms, m)
		}
	}
	return ms, err
}

func kindOf(err error) Kind {
	var f *Failure
	if errors.As(err, &f) {
		return f.Kind
	}
	return ""
}

// do makes a call. What surely had no effect is sent again, where another time
// may help; what may have had one only when reading tells that it had none, or
// when sending it twice is the same as once. A write that has begun is not
// given up when ctx ends, but a while later: it would be unclear what it did.
// Those that come in bursts do not even begin to wait for less: half a burst
// would leave a region with too few Machines.
func (r *runner) do(ctx context.Context, c Call) (Answer, error) {
	c.App = r.Decision.App
	send := r.hard
	switch c.Action {
	case Await, Renew: // neither leaves anything unclear that matters
		send = ctx
	case Cordon, Uncordon:
		ctx = r.hard
	default:
	}
	key := c.Machine // of creates, the app
	for n := 1; ; n++ {
		if err := r.pace(ctx, c.Action, key); err != nil {
			return Answer{}, err
		}
		free, err := r.slot(ctx, c.Action)
		if err != nil {
			return Answer{}, err
		}
		var answer Answer
		if c.Nonce, err = r.nonce(c, n); err == nil {
			answer, err = r.m.Do(send, c)
		}
		free()
		var f *Failure
		if err == nil || !errors.As(err, &f) {
			return answer, err
		}
		again, done := false, false
		if f.Effect {
			answer, done, again = r.resolve(send, c, answer)
		} else {
			again = r.mayHelp(c, f, n)
		}
		if done {
			return answer, nil
		}
		if !again || n >= attempts || c.Action == Renew || c.Action == Await {
			return answer, err
		}
		if r.Clock.Sleep(ctx, max(f.After, firstWait<<(n-1))) != nil {
			return answer, err // ctx tells that it was stopped
		}
	}
}

// mayHelp tells whether to send again what had no effect the n-th time.
func (r *runner) mayHelp(c Call, f *Failure, n int) bool {
	switch f.Kind {
	case Limited, Unsent:
		return true
	case HostFull:
		return n == 1 && c.Action == Create
	case Changed, Gone:
		return n == 1 && c.Action != Lease
	case Leased:
		return n == 1 && r.isUndoing()
	default:
		return false
	}
}

// resolve finds out whether a call that was not answered had its effect: done;
// or whether it may be sent again. Without either nobody knows.
func (r *runner) resolve(ctx context.Context, c Call, sent Answer) (a Answer, done, again bool) {
	switch c.Action {
	case Create:
		return r.resolveCreate(ctx, c, sent)
	case Mark, Unmark, Cordon, Uncordon, Stop, Destroy:
	default:
		return sent, false, false // a lease runs out by itself
	}
	m, alive, err := r.alive(ctx, c.Machine)
	if err != nil {
		return sent, false, false
	}
	switch c.Action {
	case Mark:
		done = alive && m.mark(c.Key) == c.Value
	case Unmark:
		done = !alive || m.mark(c.Key) == ""
	case Cordon:
		done = alive && m.Cordoned
	case Uncordon:
		// Not cordoned may also mean that the API does not tell; to send it
		// twice is the same as once.
	case Stop:
		done = !alive || m.rests() || m.State == "stopping"
	default:
		done = !alive
	}
	return sent, done, alive && !done
}

// resolveCreate looks for the Machine by its name. While it is not listed the
// same may be sent again: a name is unique, so that it is made once, and
// NameTaken tells where it is.
func (r *runner) resolveCreate(ctx context.Context, c Call, sent Answer) (Answer, bool, bool) {
	if sent.Machine.ID != "" { // it is where nobody wants it
		return sent, false, false
	}
	ms, err := r.list(ctx)
	for _, m := range ms {
		if m.Name == c.Name {
			return Answer{Machine: m}, true, false
		}
	}
	return sent, false, err == nil
}
