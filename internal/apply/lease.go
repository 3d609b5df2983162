package apply

import (
	"context"
	"fmt"
	"maps"
	"slices"
	"sync"
	"time"
)

const (
	// A lease of a dead run keeps others away for leaseTTL at most. One that is
	// renewed every renewEvery survives two renewals that get no answer.
	leaseTTL   = 30 * time.Second
	renewEvery = 10 * time.Second
	// A job that is cancelled gets 7.5 s. When ctx ends, graceTime is left for
	// the writes that have begun, reopenTime for taking half a burst of them
	// back, then releaseTime for giving leases back, and countTime for reading
	// what runs.
	graceTime   = 2500 * time.Millisecond
	reopenTime  = time.Second
	releaseTime = 1500 * time.Millisecond
	countTime   = 1500 * time.Millisecond
)

// bound makes the context of writes, and returns what frees it.
func (r *runner) bound(ctx context.Context) (end func()) {
	hard, cancel := context.WithCancel(context.WithoutCancel(ctx))
	stop := context.AfterFunc(ctx, func() {
		_ = r.Clock.Sleep(hard, graceTime)
		cancel()
	})
	r.hard = hard
	return func() { stop(); cancel() }
}

// A lease is ours until it expires, or until somebody said that it is not.
type lease struct {
	nonce   string
	expires time.Time
	lost    error
	leaving bool // its Machine is being destroyed: that it ends says nothing
}

// hold notes a lease. Fly.io's own time is not asked for: its clock may differ.
func (r *runner) hold(id, nonce string, asked time.Time) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if nonce != "" {
		r.leases[id] = &lease{nonce: nonce, expires: asked.Add(leaseTTL)}
	}
}

// nonce returns what a call is to be sent with, or that the lease is lost.
// What is undone is tried all the same: with the nonce, then without.
func (r *runner) nonce(c Call, attempt int) (string, error) {
	if c.Action == Create || c.Action == Lease || c.Action == Await {
		return "", nil
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	l := r.leases[c.Machine]
	if l == nil {
		return "", nil
	}
	if c.Action == Destroy {
		l.leaving = true
	}
	err := l.gone(r.Clock.Now())
	switch {
	case err == nil, r.undoing && attempt == 1:
		return l.nonce, nil
	case r.undoing:
		return "", nil
	default:
		return "", &Failure{Kind: Leased, Call: c, Err: err}
	}
}

func (r *runner) isUndoing() bool {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.undoing
}

func (l *lease) gone(now time.Time) error {
	if l.lost == nil && !now.Before(l.expires) {
		return fmt.Errorf("our lease ran out")
	}
	return l.lost
}

// held tells which lease is lost, if one is: somebody else may change the
// Machine.
func (r *runner) held() error {
	r.mu.Lock()
	defer r.mu.Unlock()
	for _, id := range sortedKeys(r.leases) {
		if l := r.leases[id]; !l.leaving {
			if err := l.gone(r.Clock.Now()); err != nil {
				return fmt.Errorf("keep the lease on Machine %s: %w", id, err)
			}
		}
	}
	return nil
}

// drop forgets a lease and returns its nonce.
func (r *runner) drop(id string) string {
	r.mu.Lock()
	defer r.mu.Unlock()
	l := r.leases[id]
	delete(r.leases, id)
	if l == nil || l.lost != nil || l.leaving {
		return ""
	}
	return l.nonce
}

// keepLeases renews all leases in the background, until stop is called. A
// renewal that hangs keeps no other waiting, nor another try.
func (r *runner) keepLeases(ctx context.Context) (stop func()) {
	ctx, cancel := context.WithCancel(context.WithoutCancel(ctx))
	var group sync.WaitGroup
	group.Go(func() {
		for r.Clock.Sleep(ctx, renewEvery) == nil {
			for _, id := range r.due() {
				group.Go(func() { r.renew(ctx, id) })
			}
		}
	})
	return func() { cancel(); group.Wait() }
}

// due lists the Machines whose leases are to be renewed.
func (r *runner) due() []string {
	now := r.Clock.Now()
	r.mu.Lock()
	defer r.mu.Unlock()
	var due []string
	for _, id := range sortedKeys(r.leases) {
		if l := r.leases[id]; !l.leaving && l.gone(now) == nil && l.expires.Sub(now) <= leaseTTL-renewEvery/2 {
			due = append(due, id)
		}
	}
	return due
}

// renew asks once; the next round asks again.
func (r *runner) renew(ctx context.Context, id string) {
	ctx, cancel := context.WithTimeout(ctx, renewEvery)
	defer cancel()
	asked := r.Clock.Now()
	answer, err := r.do(ctx, Call{Action: Renew, Machine: id, TTL: leaseTTL})
	r.mu.Lock()
	defer r.mu.Unlock()
	l := r.leases[id]
	if l == nil {
		return
	}
	switch kindOf(err) {
	case "":
		if end := asked.Add(leaseTTL); err == nil && end.After(l.expires) {
			l.nonce, l.expires = answer.Nonce, end
		}
	case Leased, Gone, Changed:
		l.lost = err
	default: // it holds until it expires
	}
}

// leaseAll leases Machines, all or none. The first is leased before the
// others, so that of two runs at the same time one gets all. It returns when to
// try again, if somebody else holds one.
func (j *job) leaseAll(ctx context.Context, ms []Machine) (until time.Time, err error) {
	first, rest := ms, ms
	if len(ms) > 0 {
		first, rest = ms[:1], ms[1:]
	}
	for _, some := range [][]Machine{first, rest} {
		errs := j.each(some, Lease, OK, func(m Machine) error { return j.lease(ctx, m.ID) })
		for i, err := range errs {
			if err == nil {
				continue
			}
			j.releaseSome(ctx, ids(ms))
			return j.freeAt(err), fmt.Errorf("lease Machine %s: %w", some[i].ID, err)
		}
	}
	return time.Time{}, nil
}

func (r *runner) lease(ctx context.Context, id string) error {
	asked := r.Clock.Now()
	answer, err := r.do(ctx, Call{Action: Lease, Machine: id, TTL: leaseTTL})
	if err == nil {
		r.hold(id, answer.Nonce, asked)
	}
	return err
}

// freeAt is when a Machine that could not be leased may be free; zero when that
// is not what stands in the way. One whose lease we may have got without
// learning its nonce is free when that runs out.
func (r *runner) freeAt(err error) time.Time {
	now := r.Clock.Now()
	switch kindOf(err) {
	case Leased:
		return now.Add(5 * time.Second)
	case Unclear:
		return now.Add(leaseTTL + time.Second)
	case Gone, Changed, Limited, Unsent:
		return now.Add(time.Second)
	default:
		return time.Time{}
	}
}

// leaseLate leases a Machine that an earlier request of ours may have leased.
func (r *runner) leaseLate(ctx context.Context, id string) error {
	for n := 0; ; n++ {
		err := r.lease(ctx, id)
		if err == nil || n > 8 || kindOf(err) != Leased && kindOf(err) != Unclear {
			return err
		}
		if err := r.Clock.Sleep(ctx, 5*time.Second); err != nil {
			return err
		}
	}
}

// releaseSome gives leases back. That it may fail is no harm: they run out.
func (r *runner) releaseSome(ctx context.Context, machines []string) {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), releaseTime)
	defer cancel()
	var group sync.WaitGroup
	for _, id := range machines {
		if nonce := r.drop(id); nonce != "" {
			group.Go(func() {
				if r.pace(ctx, Release, id) != nil {
					return
				}
				if free, err := r.slot(ctx, Release); err == nil {
					defer free()
					_, _ = r.m.Do(ctx, Call{Action: Release, App: r.Decision.App, Machine: id, Nonce: nonce})
				}
			})
		}
	}
	group.Wait()
}

func (r *runner) releaseAll(ctx context.Context) {
	r.mu.Lock()
	all := sortedKeys(r.leases)
	r.mu.Unlock()
	r.releaseSome(ctx, all)
}

func sortedKeys[V any](m map[string]V) []string {
	return slices.Sorted(maps.Keys(m))
}
